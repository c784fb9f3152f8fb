import { makeZxid } from '@zabra/model';
import { type ClientEntry, decodeServerFrame, encodeClientFrame } from '@zabra/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ClientWord, decodeClientWords, encodeServerWords, type ServerWord } from './client-codec.ts';

const request = { xid: 3, requestNo: 2, answeredThrough: 1, minZxid: 9, linearizable: true };
const stat = {
  czxid: makeZxid(1, 1),
  mzxid: makeZxid(1, 2),
  pzxid: makeZxid(1, 3),
  ctimeMs: 4,
  mtimeMs: 5,
  version: 6,
  cversion: 7,
  aversion: 8,
  ephemeralOwner: 9,
  dataLength: 10,
  numChildren: 11,
};

const HEARD: readonly { readonly what: string; readonly entry: ClientEntry; readonly word: ClientWord }[] = [
  {
    what: 'an Attach that has seen no cluster',
    entry: {
      kind: 'attach',
      attach: {
        protocolMin: 1,
        protocolMax: 2,
        features: 0,
        sessionId: 5,
        password: Uint8Array.of(1, 2),
        nonce: 'n',
        timeoutMs: 4000,
        lastZxid: 6,
        clusterId: '',
        attempt: 7,
      },
    },
    word: {
      kind: 'attach',
      protocolMin: 1,
      protocolMax: 2,
      sessionId: 5,
      password: Uint8Array.of(1, 2),
      nonce: 'n',
      timeoutMs: 4000,
      lastZxid: makeZxid(0, 6),
      clusterId: undefined,
      attempt: 7,
    },
  },
  {
    what: 'watches to arm again',
    entry: { kind: 'rearm', rearm: { watches: [{ kind: 'EXIST', path: '/a', zxid: 4 }] } },
    word: { kind: 'rearm', watches: [{ kind: 'exist', path: '/a', zxid: makeZxid(0, 4) }] },
  },
  {
    what: 'a heartbeat',
    entry: { kind: 'heartbeat', heartbeat: { number: 8 } },
    word: { kind: 'heartbeat', number: 8 },
  },
  { what: 'a close', entry: { kind: 'close', close: {} }, word: { kind: 'close' } },
  {
    what: 'a write',
    entry: {
      kind: 'request',
      request: { ...request, kind: 'set', set: { path: '/a', data: Uint8Array.of(1), version: 4 } },
    },
    word: {
      kind: 'write',
      xid: 3,
      requestNo: 2,
      answeredThrough: 1,
      operation: { kind: 'set', path: '/a', data: Uint8Array.of(1), version: 4 },
    },
  },
  {
    what: 'a read',
    entry: {
      kind: 'request',
      request: { ...request, kind: 'children', children: { path: '/a', watch: true } },
    },
    word: {
      kind: 'read',
      xid: 3,
      minZxid: makeZxid(0, 9),
      linearizable: true,
      query: { kind: 'children', path: '/a', watch: true },
    },
  },
];

test.each(HEARD)('$what is understood', ({ entry, word }) => {
  const [heard] = decodeClientWords(encodeClientFrame({ entries: [entry] }));
  expect(heard).toMatchObject(word);
});

test.each<{ readonly what: string; readonly word: ServerWord; readonly entry: object }>([
  {
    what: 'a node that is not there',
    word: { kind: 'read', xid: 1, zxid: makeZxid(0, 2), result: { kind: 'exists', stat: undefined } },
    entry: { kind: 'reply', reply: { xid: 1, zxid: 2, kind: 'exists', exists: { stat: undefined } } },
  },
  {
    what: 'data',
    word: {
      kind: 'read',
      xid: 1,
      zxid: makeZxid(0, 2),
      result: { kind: 'get', data: Uint8Array.of(7), stat },
    },
    entry: { kind: 'reply', reply: { kind: 'get', get: { stat } } },
  },
  {
    what: 'a refused transaction',
    word: {
      kind: 'written',
      xid: 1,
      zxid: makeZxid(0, 2),
      result: {
        kind: 'refused',
        zxid: makeZxid(0, 2),
        refusal: { code: 'TRANSACTION_FAILED', message: 'm' },
        failedIndex: 1,
        codes: ['OK', 'NO_NODE'],
      },
    },
    entry: {
      kind: 'reply',
      reply: { kind: 'refused', refused: { code: 'TRANSACTION_FAILED', codes: ['OK', 'NO_NODE'] } },
    },
  },
  {
    what: 'an event',
    word: { kind: 'event', type: 'resync', path: '/a', zxid: makeZxid(0, 2), watch: 'exist' },
    entry: { kind: 'event', event: { type: 'RESYNC', path: '/a', zxid: 2, kind: 'EXIST' } },
  },
  {
    what: 'a goodbye',
    word: { kind: 'goodbye', code: 'LIMIT', message: 'm' },
    entry: { kind: 'goodbye', goodbye: { code: 'LIMIT', message: 'm' } },
  },
])('$what is said', ({ word, entry }) => {
  expect(decodeServerFrame(encodeServerWords([word])).entries).toMatchObject([entry]);
});

test('words keep their order in a frame', () => {
  const entries: ClientEntry[] = HEARD.map(({ entry }) => entry);
  expect(decodeClientWords(encodeClientFrame({ entries })).map(({ kind }) => kind)).toEqual(
    HEARD.map(({ word }) => word.kind),
  );
});

test('whatever bytes a client sends, they are read or refused as no frame of ours', () => {
  const frame = encodeClientFrame({ entries: HEARD.map(({ entry }) => entry) });
  const flipped = fc.tuple(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
    const bytes = frame.slice();
    bytes[at] = (bytes[at] ?? 0) ^ flip;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 30 })), (bytes) => {
      expect(['read', 'DecodeError']).toContain(outcomeOf(bytes));
    }),
    { seed: 0x2a, numRuns: 2000 },
  );
});

function outcomeOf(bytes: Uint8Array): string {
  try {
    decodeClientWords(bytes);
    return 'read';
  } catch (error) {
    return (error as Error).name;
  }
}
