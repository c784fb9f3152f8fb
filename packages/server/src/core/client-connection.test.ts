import { makeZxid, refusal } from '@zabra/model';
import { decodeServerFrame, type ServerEntry } from '@zabra/proto';
import { Tree } from '@zabra/tree';
import { expect, test } from 'vitest';
import { ClientConnection, type ConnectionHost } from './client-connection.ts';
import type { FrameStream } from './env.ts';
import { DEFAULT_LIMITS, type Limits } from './options.ts';
import { Watches } from './watches.ts';

/** A network that takes nothing, or all, and keeps what was sent. */
class FakeStream implements FrameStream {
  readonly remote = 'a test';
  queuedBytes = 0;
  closed = false;
  paused = false;
  readonly said: ServerEntry[] = [];

  send(frame: Uint8Array): void {
    this.queuedBytes += frame.length;
    this.said.push(...decodeServerFrame(frame).entries);
  }
  take(): void {
    this.queuedBytes = 0;
  }
  close(): void {
    this.closed = true;
  }
  receive(): void {}
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

class FakeHost implements ConnectionHost {
  readonly limits: Limits;
  readonly tree: Tree = Tree.empty({
    dataBytesMax: DEFAULT_LIMITS.dataBytesMax,
    transactionOperationsMax: DEFAULT_LIMITS.transactionOperationsMax,
    outstandingRequestsMax: DEFAULT_LIMITS.requestsPerSessionMax,
    ephemeralsPerSessionMax: DEFAULT_LIMITS.ephemeralsPerSessionMax,
  });
  readonly watches: Watches = new Watches();
  readonly serving = true;
  outstanding = 0;
  outstandingBytes = 0;
  readonly submitted: number[] = [];
  endings = 0;

  constructor(limits: Partial<Limits>) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }
  submit({ requestNo }: { readonly requestNo: number }): void {
    this.submitted.push(requestNo);
  }
  submitClose(): void {
    this.submitted.push(-1);
  }
  readIndex(): void {}
  heartbeat(): void {}
  markDirty(): void {}
  markWaiting(): void {}
  ended(): void {
    this.endings++;
  }
  nowMs(): number {
    return 0;
  }
}

function connected(limits: Partial<Limits>): {
  readonly stream: FakeStream;
  readonly host: FakeHost;
  readonly connection: ClientConnection;
} {
  const stream = new FakeStream();
  const host = new FakeHost(limits);
  return { stream, host, connection: new ClientConnection(stream, host, { id: 7, nonce: 'n', attempt: 1 }) };
}

const write = (number: number): Parameters<ClientConnection['hear']>[0] => ({
  kind: 'write',
  xid: number,
  requestNo: number,
  answeredThrough: 0,
  operation: { kind: 'delete', path: '/a', version: -1 },
});

const read = (xid: number): Parameters<ClientConnection['hear']>[0] => ({
  kind: 'read',
  xid,
  minZxid: makeZxid(0, 0),
  linearizable: false,
  query: { kind: 'exists', path: '/', watch: false },
});

const event = { type: 'changed', path: '/a', zxid: makeZxid(1, 1) } as const;

test('a client that takes nothing loses its stream beyond clientQueueBytesMax, with one goodbye that names it', () => {
  const { stream, host, connection } = connected({ clientQueueBytesMax: 2000 });
  connection.hear(write(1));
  while (!connection.ended) {
    connection.fire(event, 'data');
    connection.flush();
  }
  expect(stream.said.filter(({ kind }) => kind === 'goodbye')).toEqual([
    {
      kind: 'goodbye',
      goodbye: {
        code: 'LIMIT',
        message: 'clientQueueBytesMax: more than 2000 bytes wait for this client; read faster',
      },
    },
  ]);
  expect(stream.said.at(-1)).toMatchObject({ kind: 'goodbye' });
  expect(stream.closed).toBe(true);
  expect(host).toMatchObject({ outstanding: 0, endings: 1 });
});

test('an answer that ends the connection is counted once', () => {
  const { stream, host, connection } = connected({ clientQueueBytesMax: 2000 });
  stream.queuedBytes = 2000;
  connection.hear(write(1));
  connection.hear(write(2));
  expect(host.outstanding).toBe(2);
  // As much as a frame has: the next word sends it.
  for (let count = 1; count <= 2048; count++) connection.fire(event, 'data');
  expect(connection.ended).toBe(false);
  connection.refuse(1, refusal('NO_NODE'));
  expect(connection.ended).toBe(true);
  expect(host.outstanding).toBe(0);
});

test('reads wait while half of clientQueueBytesMax waits for the client', () => {
  const { stream, connection } = connected({ clientQueueBytesMax: 2000 });
  stream.queuedBytes = 1001;
  connection.hear(read(1));
  connection.flush();
  expect(stream.said).toEqual([]);
  stream.take();
  expect(connection.retry()).toBe(true);
  connection.flush();
  expect(stream.said).toMatchObject([{ kind: 'reply', reply: { xid: 1, kind: 'exists' } }]);
});

test('answers leave in the order of the requests, refused ones in their place', () => {
  const { stream, host, connection } = connected({ requestsPerSessionMax: 2 });
  connection.hear(write(1));
  connection.hear(write(2));
  connection.hear(write(3));
  connection.hear(read(4));
  expect(host.submitted).toEqual([1, 2]);
  connection.refuse(2, refusal('NO_NODE'));
  connection.flush();
  expect(stream.said).toEqual([]);
  connection.refuse(1, refusal('NO_NODE'));
  connection.flush();
  const limit = { code: 'LIMIT', message: expect.stringMatching(/^requestsPerSessionMax: /) };
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, refused: { code: 'NO_NODE' } } },
    { reply: { xid: 2, refused: { code: 'NO_NODE' } } },
    { reply: { xid: 3, refused: limit } },
    { reply: { xid: 4, refused: limit } },
  ]);
  expect(host.outstanding).toBe(0);
});

test('a client with twice requestsPerSessionMax unanswered loses its stream', () => {
  const { stream, host, connection } = connected({ requestsPerSessionMax: 2 });
  for (let number = 1; number <= 5; number++) connection.hear(write(number));
  expect(stream.said).toMatchObject([
    {
      kind: 'goodbye',
      goodbye: { code: 'LIMIT', message: expect.stringMatching(/^requestsPerSessionMax: /) },
    },
  ]);
  expect(host.outstanding).toBe(0);
});

test('one of many wishes to close is passed on', () => {
  const { host, connection } = connected({});
  for (let time = 1; time <= 3; time++) connection.hear({ kind: 'close' });
  expect(host.submitted).toEqual([-1]);
});

test('after a change of leader what is unanswered is passed on again, in order', () => {
  const { host, connection } = connected({});
  connection.hear(write(1));
  connection.suspend();
  connection.hear(write(2));
  connection.hear({ kind: 'close' });
  expect(host.submitted).toEqual([1]);
  connection.resume();
  expect(host.submitted).toEqual([1, 1, 2, -1]);
});

test('a write whose number is that of an unanswered one ends the stream', () => {
  const { stream, host, connection } = connected({});
  connection.hear(write(1));
  connection.hear(write(1));
  expect(host.submitted).toEqual([1]);
  expect(stream.said).toMatchObject([{ kind: 'goodbye', goodbye: { code: 'MARSHALLING' } }]);
});

test('a request after Close ends the stream; a second Close says nothing new', () => {
  const { stream, host, connection } = connected({});
  connection.hear({ kind: 'close' });
  connection.hear({ kind: 'close' });
  expect(host.submitted).toEqual([-1]);
  expect(stream.closed).toBe(false);
  connection.hear(write(1));
  expect(host.submitted).toEqual([-1]);
  expect(stream.said).toMatchObject([{ kind: 'goodbye', goodbye: { code: 'MARSHALLING' } }]);
});

test('requests beyond requestsBytesMax are refused by name, until there is room again', () => {
  const { stream, host, connection } = connected({ requestsBytesMax: 4000 });
  const large = (number: number): Parameters<ClientConnection['hear']>[0] => ({
    kind: 'write',
    xid: number,
    requestNo: number,
    answeredThrough: 0,
    operation: { kind: 'set', path: '/a', data: new Uint8Array(3000), version: -1 },
  });
  connection.hear(large(1));
  connection.hear(large(2));
  expect(host.submitted).toEqual([1]);
  connection.refuse(1, refusal('NO_NODE', '/a does not exist'));
  connection.hear(large(3));
  expect(host.submitted).toEqual([1, 3]);
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, refused: { code: 'NO_NODE' } } },
    { reply: { xid: 2, refused: { code: 'LIMIT', message: expect.stringMatching(/^requestsBytesMax: /) } } },
  ]);
  connection.lost();
  expect(host).toMatchObject({ outstanding: 0, outstandingBytes: 0 });
});
