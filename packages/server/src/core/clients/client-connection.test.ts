import { ACL_OPEN, type Identity, makeZxid, PERMISSIONS, refusal, type TreeEvent } from '@zabra/model';
import { Tree } from '@zabra/tree';
import { expect, test } from 'vitest';
import { FakeStream } from '../../../test/fake-stream.ts';
import type { Proved } from '../env.ts';
import { DEFAULT_LIMITS, type Limits } from '../options.ts';
import { ServeStatistics } from '../zookeeper/serve-statistics.ts';
import { ClientConnection, type ConnectionHost } from './client-connection.ts';
import { EventHistory } from './event-history.ts';
import { Identities } from './identities.ts';
import { Watches } from './watches.ts';

class FakeHost implements ConnectionHost {
  readonly limits: Limits;
  readonly tree: Tree = Tree.empty({
    dataBytesMax: DEFAULT_LIMITS.dataBytesMax,
    transactionOperationsMax: DEFAULT_LIMITS.transactionOperationsMax,
    outstandingRequestsMax: DEFAULT_LIMITS.requestsPerSessionMax,
    ephemeralsPerSessionMax: DEFAULT_LIMITS.ephemeralsPerSessionMax,
  });
  readonly watches: Watches = new Watches();
  readonly history: EventHistory = new EventHistory(10);
  readonly serving = true;
  outstanding = 0;
  outstandingBytes = 0;
  readonly submitted: number[] = [];
  /** Whom the leader takes the client for. */
  known: readonly Identity[] = [];
  readonly proofs: ((proved: Proved) => void)[] = [];
  resumptions = 0;
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
  identified(_: object, identities: readonly Identity[]): void {
    this.known = identities;
  }
  prove(_: string, __: Uint8Array, answer: (proved: Proved) => void): void {
    this.proofs.push(answer);
  }
  queueResumption(): void {
    this.resumptions++;
  }
  readIndex(): void {}
  heartbeat(): void {}
  markHeard(): void {}
  ending(): void {}
  readonly statistics: ServeStatistics = new ServeStatistics();
  wallMs(): number {
    return 0;
  }
  hasTimeFor(): boolean {
    return true;
  }
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
  const identities = new Identities(stream.identities, []);
  const session = { id: 7, nonce: 'n', attempt: 1 };
  return { stream, host, connection: new ClientConnection(stream, host, session, identities) };
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

const event = (counter: number, path = '/a'): TreeEvent => ({
  type: 'changed',
  path,
  zxid: makeZxid(1, counter),
  acl: ACL_OPEN,
});

const addWatch = (path: string, id: number): Parameters<ClientConnection['hear']>[0] => ({
  kind: 'read',
  xid: id,
  minZxid: makeZxid(0, 0),
  linearizable: false,
  query: { kind: 'addWatch', watch: { kind: 'persistentRecursive', path, id }, fromZxid: undefined },
});

const addAuth = (xid: number, credentials = Uint8Array.of(1)): Parameters<ClientConnection['hear']>[0] => ({
  kind: 'addAuth',
  xid,
  scheme: 'digest',
  credentials,
});

const ANN: Identity = { scheme: 'digest', id: 'ann:x' };

test('a client that takes nothing loses its stream beyond clientQueueBytesMax, with one goodbye that names it', () => {
  const { stream, host, connection } = connected({ clientQueueBytesMax: 2000 });
  connection.hear(addWatch('/', 1));
  connection.hear(write(1));
  for (let counter = 1; !connection.ended; counter++) {
    host.watches.fire(event(counter));
    connection.flush();
  }
  expect(stream.said.filter(({ kind }) => kind === 'goodbye')).toEqual([
    {
      kind: 'goodbye',
      goodbye: {
        code: 'LIMIT',
        message: expect.stringMatching(
          /^clientQueueBytesMax: 20\d\d bytes wait for this client, more than 2000; read faster$/,
        ),
      },
    },
  ]);
  expect(stream.said.at(-1)).toMatchObject({ kind: 'goodbye' });
  expect(stream.closed).toBe(true);
  expect(host).toMatchObject({ outstanding: 0, endings: 1 });
});

test('an answer that ends the connection is counted once', () => {
  const { stream, host, connection } = connected({ clientQueueBytesMax: 2000 });
  connection.hear(addWatch('/', 1));
  connection.hear(write(1));
  connection.hear(write(2));
  expect(host.outstanding).toBe(2);
  stream.queuedBytes = 2000;
  // More than a frame has, and all of one change: the next word sends it.
  for (let count = 1; count <= 100; count++) host.watches.fire(event(1, `/${'x'.repeat(3000)}`));
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

test('the events of one change go out in one frame, however many; those of the next in another', () => {
  const { stream, host, connection } = connected({});
  connection.hear(addWatch('/', 1));
  connection.flush();
  const long = `/${'x'.repeat(3000)}`;
  for (let count = 1; count <= 200; count++) host.watches.fire(event(1, long));
  host.watches.fire(event(2));
  connection.flush();
  expect(stream.frames.map((entries) => entries.length)).toEqual([1, 200, 1]);
});

test('what is behind a proof waits unseen until it is answered, and is judged by it; heartbeats pass', () => {
  const { stream, host, connection } = connected({});
  connection.hear(addAuth(1));
  connection.hear(write(1));
  connection.hear(read(3));
  connection.hear({ kind: 'heartbeat', number: 1 });
  expect(host).toMatchObject({ submitted: [], outstanding: 3 });
  expect(connection.bookmark).toBe(0);
  host.proofs[0]?.([ANN]);
  expect(host).toMatchObject({ submitted: [1], known: [{ scheme: 'ip' }, ANN], outstanding: 2 });
  connection.refuse(1, refusal('NO_NODE'));
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, kind: 'addAuth' } },
    { reply: { xid: 1, kind: 'refused' } },
    { reply: { xid: 3, kind: 'exists' } },
  ]);
  expect(host).toMatchObject({ outstanding: 0, outstandingBytes: 0 });
});

test('who proves nobody is told so, and goes on as before', () => {
  const { stream, host, connection } = connected({});
  connection.hear(addAuth(1));
  connection.hear(read(2));
  host.proofs[0]?.([]);
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, refused: { code: 'AUTH_FAILED' } } },
    { reply: { xid: 2, kind: 'exists' } },
  ]);
  expect(host.known).toEqual([]);
  expect(connection.ended).toBe(false);
});

test('a read that waits in front of a proof is answered to whom the client was then', () => {
  const { stream, host, connection } = connected({});
  const acl = [{ perms: PERMISSIONS.read, scheme: 'digest', id: 'ann:x' }];
  host.tree.apply(makeZxid(1, 1), {
    timeMs: 0,
    sessionId: 0,
    requestNo: 0,
    answeredThrough: 0,
    requestHash: 0,
    body: {
      kind: 'change',
      change: {
        kind: 'create',
        path: '/ann',
        data: Uint8Array.of(1),
        mode: 'persistent',
        acl,
        ephemeralOwner: 0,
        ttlMs: 0,
      },
    },
  });
  const get = (xid: number): Parameters<ClientConnection['hear']>[0] => ({
    kind: 'read',
    xid,
    minZxid: makeZxid(0, 0),
    linearizable: false,
    query: { kind: 'get', path: '/ann', watch: true },
  });
  connection.hear(write(1));
  connection.hear(get(2));
  connection.hear(addAuth(3));
  connection.hear(get(4));
  host.proofs[0]?.([ANN]);
  connection.refuse(1, refusal('NO_NODE'));
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1 } },
    { reply: { xid: 2, refused: { code: 'NO_AUTH' } } },
    { reply: { xid: 3, kind: 'addAuth' } },
    { reply: { xid: 4, get: { data: Uint8Array.of(1) } } },
  ]);
  expect(host.watches.size).toBe(1);
});

test('credentials that nobody could look at are refused as too much, not as wrong', () => {
  const { stream, host, connection } = connected({});
  connection.hear(addAuth(1));
  connection.hear(read(2));
  host.proofs[0]?.('busy');
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, refused: { code: 'LIMIT' } } },
    { reply: { xid: 2, kind: 'exists' } },
  ]);
  expect(host.known).toEqual([]);
});

test('proofs behind each other are taken one by one', () => {
  const { stream, host, connection } = connected({});
  for (const xid of [1, 2, 3]) connection.hear(addAuth(xid));
  expect(host.proofs).toHaveLength(1);
  host.proofs[0]?.([ANN]);
  expect(host.proofs).toHaveLength(2);
  host.proofs[1]?.([]);
  host.proofs[2]?.([ANN, { scheme: 'scrypt', id: 'ann:y' }]);
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, kind: 'addAuth' } },
    { reply: { xid: 2, kind: 'refused' } },
    { reply: { xid: 3, kind: 'addAuth' } },
  ]);
  expect(connection.identities.map(({ scheme }) => scheme)).toEqual(['ip', 'digest', 'scrypt']);
});

test('what is held behind a proof has the bounds of unanswered requests', () => {
  const { stream, host, connection } = connected({ requestsPerSessionMax: 2 });
  connection.hear(addAuth(1));
  connection.hear(read(2));
  connection.flush();
  expect(stream.paused).toBe(true);
  for (const xid of [3, 4]) connection.hear(read(xid));
  expect(connection.ended).toBe(false);
  connection.hear(read(5));
  expect(stream.said).toMatchObject([
    { goodbye: { code: 'LIMIT', message: expect.stringMatching(/^requestsPerSessionMax: .* 5 .* 2;/) } },
  ]);
  expect(host).toMatchObject({ outstanding: 0, outstandingBytes: 0 });
});

test('what is held and finds no room is refused in its place', () => {
  const { stream, host, connection } = connected({ requestsBytesMax: 1000 });
  connection.hear(addAuth(1));
  for (const xid of [2, 3, 4]) connection.hear(read(xid));
  host.proofs[0]?.([ANN]);
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, kind: 'addAuth' } },
    { reply: { xid: 2, kind: 'exists' } },
    { reply: { xid: 3, kind: 'exists' } },
    { reply: { xid: 4, refused: { code: 'LIMIT', message: expect.stringMatching(/^requestsBytesMax: /) } } },
  ]);
});

test.each([
  { what: 'no scheme', word: { ...addAuth(1), scheme: '' } },
  { what: 'a scheme of a thousand characters', word: { ...addAuth(1), scheme: 'x'.repeat(1000) } },
  { what: 'credentials of a megabyte', word: addAuth(1, new Uint8Array(2 ** 20)) },
])('a proof with $what is refused and holds nothing up', ({ word }) => {
  const { stream, connection } = connected({});
  connection.hear(word as Parameters<ClientConnection['hear']>[0]);
  connection.hear(read(2));
  connection.flush();
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, refused: { code: 'BAD_ARGUMENTS' } } },
    { reply: { xid: 2, kind: 'exists' } },
  ]);
});

const rearm = (
  more: boolean,
  ...persistent: readonly { readonly id: number; readonly path: string }[]
): Parameters<ClientConnection['hear']>[0] => ({
  kind: 'rearm',
  watches: [],
  persistent: persistent.map((watch) => ({ ...watch, kind: 'persistent' })),
  fromZxid: makeZxid(0, 0),
  more,
});

test('watches named in parts are resumed together, before any request behind them', () => {
  const { stream, host, connection } = connected({});
  connection.hear(rearm(true, { id: 1, path: '/a' }));
  expect(host.resumptions).toBe(0);
  expect(connection.bookmark).toBe(0);
  connection.hear(rearm(false, { id: 2, path: '/a' }));
  connection.hear(read(1));
  expect(host.resumptions).toBe(1);
  host.watches.fire(event(1));
  connection.resumeWatches();
  host.watches.fire(event(2));
  connection.flush();
  // What happened before they were resumed is a matter of the history, which is empty here.
  expect(stream.said).toMatchObject([
    { reply: { xid: 1, kind: 'exists' } },
    { event: { zxid: makeZxid(1, 2), watchId: 1 } },
    { event: { zxid: makeZxid(1, 2), watchId: 2 } },
  ]);
});

test.each([
  {
    what: 'is followed by a request',
    words: [rearm(true, { id: 1, path: '/a' }), read(1)],
    code: 'MARSHALLING',
  },
  {
    what: 'has another from_zxid in its second part',
    words: [rearm(true), { ...rearm(false), fromZxid: makeZxid(1, 1) }],
    code: 'MARSHALLING',
  },
  {
    what: 'has a watch without a number',
    words: [rearm(false, { id: 0, path: '/a' })],
    code: 'BAD_ARGUMENTS',
  },
  {
    what: 'has two watches of one number',
    words: [rearm(true, { id: 1, path: '/a' }), rearm(false, { id: 1, path: '/b' })],
    code: 'BAD_ARGUMENTS',
  },
  { what: 'has no path', words: [rearm(false, { id: 1, path: 'a' })], code: 'INVALID_PATH' },
  {
    what: 'has more watches than a session may',
    words: [rearm(true, { id: 1, path: '/a' }, { id: 2, path: '/a' }), rearm(false, { id: 3, path: '/a' })],
    code: 'LIMIT',
  },
])('a Rearm that $what ends the stream', ({ words, code }) => {
  const { stream, host, connection } = connected({ watchesPerSessionMax: 2 });
  for (const word of words) connection.hear(word as Parameters<ClientConnection['hear']>[0]);
  expect(stream.said).toMatchObject([{ kind: 'goodbye', goodbye: { code } }]);
  expect(host.watches.size).toBe(0);
});

test('a Rearm of nothing holds nothing up', () => {
  const { stream, host, connection } = connected({});
  connection.hear(rearm(false));
  connection.hear(read(1));
  connection.flush();
  expect(stream.said).toMatchObject([{ reply: { xid: 1 } }]);
  expect(host.resumptions).toBe(0);
});
