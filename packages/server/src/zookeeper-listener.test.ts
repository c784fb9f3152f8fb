import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { type JuteRequest, OPCODE } from '@zabra/jute';
import { ACL_OPEN } from '@zabra/model';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Certificate, CN, O, TestAuthority } from '../test/certificates.ts';
import { connectFrame, requestFrame } from '../test/fuzz/seed-frames.ts';
import { JuteSocket } from '../test/jute-socket.ts';
import { loneServer } from '../test/lone-server.ts';
import type { Logger } from './core/env.ts';
import type { RunningServer } from './server.ts';
import { ZooKeeperListener } from './zookeeper-listener.ts';

const PING = requestFrame(-2, { kind: 'ping' });

/** Keeps what a server says of connections that it ends. */
class KeptLog implements Logger {
  readonly lines: { readonly message: string; readonly facts: object }[] = [];
  readonly debug = (message: string, facts: object = {}): void => void this.lines.push({ message, facts });
  readonly info = this.debug;
  readonly warn = this.debug;
  readonly error = this.debug;

  ended(reason: string): readonly object[] {
    return this.lines.filter(({ facts }) => 'reason' in facts && facts.reason === reason);
  }
}

function addressOf(server: RunningServer): string {
  return server.zookeeperAddresses[0] ?? '';
}

function create(path: string, data = ''): JuteRequest {
  return {
    kind: 'create',
    opcode: OPCODE.create,
    path,
    data: Buffer.from(data),
    acl: ACL_OPEN,
    flags: 0,
    ttlMs: -1,
  };
}

function get(path: string): JuteRequest {
  return { kind: 'getData', path, watch: false };
}

/** A client that is there before and answered after whatever another one does. */
async function neighbour(server: RunningServer): Promise<JuteSocket> {
  const socket = await JuteSocket.open(addressOf(server));
  onTestFinished(() => socket[Symbol.dispose]());
  await socket.attach();
  return socket;
}

async function expectUndisturbed(neighbour: JuteSocket): Promise<void> {
  expect(await neighbour.ask(get('/'))).toMatchObject({ error: 0, body: { kind: 'data' } });
}

describe('frames', () => {
  test('are whole however they are split: at every byte', async () => {
    await using server = await loneServer();
    const said = Buffer.concat([
      connectFrame(),
      requestFrame(1, create('/split', 'whole')),
      requestFrame(2, get('/split')),
      requestFrame(3, { kind: 'closeSession' }),
    ]);
    using socket = await JuteSocket.open(addressOf(server));
    for (const byte of said) {
      await new Promise<void>((resolve) => socket.socket.write(Uint8Array.of(byte), () => resolve()));
    }
    expect(await socket.end()).toMatchObject([
      { length: 37 },
      { length: 26 },
      { length: 93 },
      { length: 16 },
    ]);
  });

  test('go on in order, many in one chunk, behind a connect that is not answered yet', async () => {
    await using server = await loneServer();
    using socket = await JuteSocket.open(addressOf(server));
    const asked = Array.from({ length: 300 }, (_, index) =>
      requestFrame(index + 1, index % 2 === 0 ? create(`/n${index}`) : get(`/n${index - 1}`)),
    );
    socket.send(Buffer.concat([connectFrame(), ...asked, requestFrame(301, { kind: 'closeSession' })]));
    const [greeting, ...answers] = await socket.end();
    expect(greeting?.length).toBe(37);
    expect(answers.map((answer) => answer.readInt32BE(0))).toEqual(
      Array.from({ length: 301 }, (_, index) => index + 1),
    );
    expect(answers.map((answer) => answer.readInt32BE(12))).toEqual(Array.from({ length: 301 }, () => 0));
  });

  test.each([
    { name: 'negative', length: -1, reason: 'negative length' },
    { name: 'as negative as can be', length: -(2 ** 31), reason: 'negative length' },
    { name: 'larger than frameBytesMax', length: 4 * 2 ** 20 + 1, reason: 'too large' },
    { name: 'as large as can be', length: 2 ** 31 - 1, reason: 'too large' },
  ])('whose length is $name end the connection with its reason, and no other', async ({ length, reason }) => {
    const log = new KeptLog();
    await using server = await loneServer({}, { log });
    const other = await neighbour(server);
    using socket = await JuteSocket.open(addressOf(server));
    await socket.attach();
    const frame = Buffer.alloc(24);
    frame.writeInt32BE(length);
    socket.send(frame);
    expect(await socket.end()).toEqual([]);
    expect(log.ended(reason)).toMatchObject([{ facts: { bytes: length } }]);
    await expectUndisturbed(other);
  });

  test('of no bytes are no request: the connection ends', async () => {
    const log = new KeptLog();
    await using server = await loneServer({}, { log });
    const other = await neighbour(server);
    using socket = await JuteSocket.open(addressOf(server));
    await socket.attach();
    socket.send(Buffer.alloc(4));
    expect(await socket.end()).toEqual([]);
    expect(JSON.stringify(log.lines)).toContain('RequestHeader.xid: 4 bytes are due and 0 are left');
    await expectUndisturbed(other);
  });

  test('that ask for a session are small, whatever others may be', async () => {
    const log = new KeptLog();
    await using server = await loneServer({}, { log });
    using socket = await JuteSocket.open(addressOf(server));
    const frame = Buffer.alloc(1029);
    frame.writeInt32BE(1025);
    socket.send(frame);
    expect(await socket.end()).toEqual([]);
    expect(log.ended('too large')).toMatchObject([{ facts: { bytes: 1025, bytesMax: 1024 } }]);
  });

  test('which are no connect end the connection unanswered', async () => {
    const log = new KeptLog();
    await using server = await loneServer({}, { log });
    using socket = await JuteSocket.open(addressOf(server));
    socket.send(requestFrame(1, get('/')));
    expect(await socket.end()).toEqual([]);
    expect(JSON.stringify(log.lines)).toMatch(/ConnectRequest\.\w+/);
  });
});

describe('memory for frames that are not whole', () => {
  test('is taken from those that hold the most: who sends whole frames is not disturbed', async () => {
    const log = new KeptLog();
    await using server = await loneServer({ limits: { requestsBytesMax: 8 * 2 ** 20 } }, { log });
    const other = await neighbour(server);
    const hoarders: JuteSocket[] = [];
    const beginning = Buffer.alloc(3 * 2 ** 20);
    beginning.writeInt32BE(4 * 2 ** 20);
    for (let count = 0; count < 4; count++) {
      const hoarder = await neighbour(server);
      hoarders.push(hoarder);
      hoarder.send(beginning);
    }
    await expect.poll(() => log.ended('no room').length).toBeGreaterThan(0);
    await expect.poll(() => hoarders.filter(({ isOver }) => isOver).length).toBeGreaterThan(0);
    await expectUndisturbed(other);
    expect(hoarders.filter(({ isOver }) => !isOver).length).toBeGreaterThanOrEqual(1);
  });
});

describe('clients that are slow, or say nothing', () => {
  test('a word of one byte at a time is answered, and so is one with which its client hangs up', async () => {
    const listener = new ZooKeeperListener({
      frameBytesMax: 1024,
      unfinishedBytesMax: 1024,
      connectionsMax: 10,
      answerWord: (word) => (word === 'ruok' ? 'imok' : undefined),
      log: new KeptLog(),
    });
    onTestFinished(() => listener.close());
    listener.accept(() => {});
    const address = await listener.listen('127.0.0.1:0');
    const slow = await plain(address);
    for (const byte of Buffer.from('ruok'))
      await new Promise<void>((resolve) => slow.write(Uint8Array.of(byte), () => resolve()));
    expect(await allOf(slow)).toBe('imok');
    const hasty = await plain(address);
    hasty.end('ruok');
    expect(await allOf(hasty)).toBe('imok');
    const other = await plain(address);
    other.end('what');
    expect(await allOf(other)).toBe('');
    expect(listener.refused).toEqual(new Map([['too large', 1]]));
  });

  test('a thousand may be silent at once; those who come later push out the first', async () => {
    const log = new KeptLog();
    await using server = await loneServer({}, { log });
    const other = await neighbour(server);
    const flood: Socket[] = [];
    onTestFinished(() => {
      for (const socket of flood) socket.destroy();
    });
    let over = 0;
    for (let batch = 0; batch < 20; batch++) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => plain(addressOf(server))));
      for (const socket of opened) {
        socket.on('end', () => over++);
        socket.resume();
      }
      flood.push(...opened);
      await expectUndisturbed(other);
    }
    const late = await neighbour(server);
    await expectUndisturbed(late);
    await expect.poll(() => over, { timeout: 10_000 }).toBeGreaterThanOrEqual(1000);
    expect(log.ended('silence').length).toBeGreaterThanOrEqual(1000);
  });

  test('who does not read is read no further and served on where it stopped; others are served meanwhile', async () => {
    const log = new KeptLog();
    await using server = await loneServer(
      { limits: { clientQueueBytesMax: 2 ** 20, frameBytesMax: 2 ** 19, dataBytesMax: 2 ** 18 } },
      { log },
    );
    const other = await neighbour(server);
    expect(await other.ask(create('/large', 'x'.repeat(2 ** 18)))).toMatchObject({ error: 0 });
    using reader = await JuteSocket.open(addressOf(server));
    await reader.attach();
    reader.socket.pause();
    for (let xid = 1; xid <= 400; xid++) reader.send(requestFrame(xid, get('/large')));
    for (let round = 0; round < 20; round++) await expectUndisturbed(other);
    // It goes on where it stopped: what it asked for was kept back, not thrown away.
    reader.socket.resume();
    for (let xid = 1; xid <= 400; xid++)
      expect(await reader.reply(OPCODE.getData)).toMatchObject({ xid, error: 0 });
  });
});

describe('a client that has said all it will say', () => {
  test('is gone, as for ZooKeeper: what it asked for is done', async () => {
    await using server = await loneServer();
    const other = await neighbour(server);
    const socket = await plain(addressOf(server));
    socket.end(Buffer.concat([connectFrame(), requestFrame(1, create('/last', 'words')), PING]));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    await expect.poll(async () => (await other.ask(get('/last'))).error).toBe(0);
    expect(server.status()).toMatchObject({ connections: 1, sessions: 2 });
  });

  test('in the middle of a frame has not said it', async () => {
    await using server = await loneServer();
    const other = await neighbour(server);
    const socket = await plain(addressOf(server));
    const part = requestFrame(1, create('/half', 'words')).subarray(0, 20);
    socket.end(Buffer.concat([connectFrame(), part]));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await other.ask(get('/half'))).toMatchObject({ error: -101 });
  });
});

describe('the port for TLS', () => {
  const authority = new TestAuthority('authority of a test');
  const stranger = new TestAuthority('authority of another');
  const ALICE = authority.issue([
    [O, 'Acme'],
    [CN, 'alice'],
  ]);

  async function tlsServer(
    log: Logger,
    requireClientCertificate: boolean,
  ): Promise<RunningServer & AsyncDisposable> {
    const directory = await mkdtemp(join(tmpdir(), 'zabra-tls-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const { pem, key } = authority.issue([[CN, 'a server']]);
    const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
    const ca = join(directory, 'ca.pem');
    await Promise.all([writeFile(files.cert, pem), writeFile(files.key, key), writeFile(ca, authority.pem)]);
    return await loneServer(
      {
        tls: { client: { ...files, ca, requireClientCertificate } },
        listen: { client: '127.0.0.1:0', peer: '127.0.0.1:0', zookeeperTls: ['127.0.0.1:0'] },
      },
      { log },
    );
  }

  function shown(own?: Certificate): ConnectionOptions {
    return { ca: authority.pem, ...(own && { cert: own.pem, key: own.key }) };
  }

  function open(server: RunningServer, own?: Certificate): Promise<JuteSocket> {
    return JuteSocket.open(server.zookeeperTlsAddresses[0] ?? '', shown(own));
  }

  test('knows a client by the certificate that it shows, and serves others without', async () => {
    await using server = await tlsServer(new KeptLog(), false);
    using alice = await open(server, ALICE);
    await alice.attach();
    expect(await alice.ask({ kind: 'whoAmI' })).toMatchObject({
      body: {
        identities: [
          { scheme: 'ip', id: '127.0.0.1' },
          { scheme: 'x509', id: 'CN=alice,O=Acme' },
        ],
      },
    });
    using anonymous = await open(server);
    await anonymous.attach();
    expect(await anonymous.ask({ kind: 'whoAmI' })).toMatchObject({
      body: { identities: [{ scheme: 'ip', id: '127.0.0.1' }] },
    });
  });

  test('serves nobody without a certificate, or with a stranger, where it is asked for', async () => {
    const log = new KeptLog();
    await using server = await tlsServer(log, true);
    for (const own of [undefined, stranger.issue([[CN, 'alice']])]) {
      using socket = await open(server, own);
      socket.send(connectFrame());
      expect(await socket.end()).toEqual([]);
    }
    expect(log.ended('TLS handshake')).toHaveLength(2);
    using alice = await open(server, ALICE);
    expect((await alice.attach()).sessionId).not.toBe(0n);
  });

  test('ends who speaks in plain text, or of whom nothing comes', async () => {
    const log = new KeptLog();
    await using server = await tlsServer(log, false);
    const address = server.zookeeperTlsAddresses[0] ?? '';
    using talker = await JuteSocket.open(address);
    using silent = await JuteSocket.open(address);
    talker.send(connectFrame());
    await talker.end();
    await silent.end();
    expect(log.ended('TLS handshake')).toMatchObject([
      { facts: { fault: expect.stringMatching(/wrong version number/i) } },
      { facts: { fault: expect.stringMatching(/handshake timeout/i) } },
    ]);
  });
});

/** A socket, and nothing said. */
function plain(address: string): Promise<Socket> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port: Number(port), allowHalfOpen: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

async function allOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
