import { makeZxid, refusal, ZXID_NONE } from '@zabra/model';
import { type ClientEntry, decodeServerFrame, encodeClientFrame } from '@zabra/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ClientWord,
  decodeClientWords,
  encodeServerWords,
  type QueryResult,
  type ServerWord,
  sizeOf,
} from './client-codec.ts';

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
        readOnly: true,
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
      readOnly: true,
    },
  },
  {
    what: 'watches to arm again',
    entry: {
      kind: 'rearm',
      rearm: {
        watches: [{ kind: 'EXIST', path: '/a', zxid: 4 }],
        persistent: [{ id: 5, kind: 'PERSISTENT_RECURSIVE', path: '/b' }],
        fromZxid: 6,
        more: true,
      },
    },
    word: {
      kind: 'rearm',
      watches: [{ kind: 'exist', path: '/a', zxid: makeZxid(0, 4) }],
      persistent: [{ id: 5, kind: 'persistentRecursive', path: '/b' }],
      fromZxid: makeZxid(0, 6),
      more: true,
    },
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
      request: {
        ...request,
        kind: 'set',
        set: { path: '/a', data: Uint8Array.of(1), version: 4, nullData: false },
      },
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
      request: {
        ...request,
        kind: 'children',
        children: { path: '/a', watch: true, after: 'b', limit: 10, withStats: true },
      },
    },
    word: {
      kind: 'read',
      xid: 3,
      minZxid: makeZxid(0, 9),
      linearizable: true,
      query: {
        kind: 'children',
        path: '/a',
        watch: true,
        page: { after: 'b', limit: 10, withStats: true },
      },
    },
  },
  {
    what: 'a multi-read',
    entry: {
      kind: 'request',
      request: {
        ...request,
        kind: 'multiRead',
        multiRead: { reads: [{ kind: 'get', get: { path: '/a', watch: true } }] },
      },
    },
    word: {
      kind: 'read',
      xid: 3,
      minZxid: makeZxid(0, 9),
      linearizable: true,
      // In a multi-read nothing is watched.
      query: { kind: 'multiRead', reads: [{ kind: 'get', path: '/a', watch: false }] },
    },
  },
  {
    what: 'a watch that stays',
    entry: {
      kind: 'request',
      request: {
        ...request,
        kind: 'addWatch',
        addWatch: { kind: 'PERSISTENT', path: '/a', id: 4, fromZxid: 8 },
      },
    },
    word: {
      kind: 'read',
      xid: 3,
      minZxid: makeZxid(0, 9),
      linearizable: true,
      query: {
        kind: 'addWatch',
        watch: { id: 4, kind: 'persistent', path: '/a' },
        fromZxid: makeZxid(0, 8),
      },
    },
  },
  {
    what: 'a watch of a kind that does not stay, asked for as one that does,',
    entry: {
      kind: 'request',
      request: {
        ...request,
        kind: 'addWatch',
        addWatch: { kind: 'CHILD', path: '/a', id: 4, fromZxid: undefined },
      },
    },
    word: {
      kind: 'read',
      xid: 3,
      minZxid: makeZxid(0, 9),
      linearizable: true,
      query: {
        kind: 'illegal',
        refusal: {
          code: 'BAD_ARGUMENTS',
          message: 'a watch that stays is PERSISTENT or PERSISTENT_RECURSIVE, not CHILD',
        },
      },
    },
  },
  {
    what: 'a proof of identity',
    entry: {
      kind: 'request',
      request: {
        ...request,
        kind: 'addAuth',
        addAuth: { scheme: 'digest', credentials: Uint8Array.of(5) },
      },
    },
    word: { kind: 'addAuth', xid: 3, scheme: 'digest', credentials: Uint8Array.of(5) },
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
    word: { kind: 'event', type: 'resync', path: '/a', zxid: makeZxid(0, 2), watch: 'exist', watchId: 0 },
    entry: { kind: 'event', event: { type: 'RESYNC', path: '/a', zxid: 2, kind: 'EXIST', watchId: 0 } },
  },
  {
    what: 'a page of children with the Stat of one that may be read',
    word: {
      kind: 'read',
      xid: 1,
      zxid: makeZxid(0, 2),
      result: { kind: 'children', names: ['b', 'c'], stat, more: true, stats: [undefined, stat] },
    },
    entry: {
      kind: 'reply',
      reply: {
        kind: 'children',
        children: { names: ['b', 'c'], stat, more: true, stats: [{ stat: undefined }, { stat }] },
      },
    },
  },
  {
    what: 'a multi-read with a refusal in its place',
    word: {
      kind: 'read',
      xid: 1,
      zxid: makeZxid(0, 2),
      result: {
        kind: 'multiRead',
        results: [
          { kind: 'refused', refusal: { code: 'NO_AUTH', message: 'm' } },
          { kind: 'exists', stat: undefined },
        ],
      },
    },
    entry: {
      kind: 'reply',
      reply: {
        kind: 'multiRead',
        multiRead: {
          results: [
            { kind: 'refused', refused: { code: 'NO_AUTH', message: 'm' } },
            { kind: 'exists', exists: { stat: undefined } },
          ],
        },
      },
    },
  },
  {
    what: 'a goodbye',
    word: { kind: 'goodbye', code: 'LIMIT', message: 'm' },
    entry: { kind: 'goodbye', goodbye: { code: 'LIMIT', message: 'm' } },
  },
])('$what is said', ({ word, entry }) => {
  expect(decodeServerFrame(encodeServerWords([word])).entries).toMatchObject([entry]);
});

test('what stays is no one-shot: such a watch among those to arm again makes the frame unreadable', () => {
  const rearm = { watches: [], persistent: [], fromZxid: 0, more: false };
  const armed = { kind: 'PERSISTENT', path: '/a', zxid: 1 } as const;
  const standing = { kind: 'DATA', path: '/a', id: 1 } as const;
  const decoded = (part: Partial<typeof rearm | object>): unknown =>
    decodeClientWords(encodeClientFrame({ entries: [{ kind: 'rearm', rearm: { ...rearm, ...part } }] }));
  expect(() => decoded({ watches: [armed] })).toThrow(/PERSISTENT, a watch that stays/);
  expect(() => decoded({ persistent: [standing] })).toThrow(/not DATA/);
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

test('a request of a kind that is not known here is refused in its place, and the others of its frame are heard', () => {
  const known = encodeClientFrame({ entries: [{ kind: 'heartbeat', heartbeat: { number: 7 } }] });
  // entries { request { xid: 9, field 30: {} } }
  const unknown = Uint8Array.of(0x0a, 0x07, 0x12, 0x05, 0x08, 0x09, 0xf2, 0x01, 0x00);
  const words = decodeClientWords(new Uint8Array([...known, ...unknown, ...known]));
  expect(words).toMatchObject([
    { kind: 'heartbeat', number: 7 },
    { kind: 'read', xid: 9, query: { kind: 'illegal', refusal: { code: 'UNIMPLEMENTED' } } },
    { kind: 'heartbeat', number: 7 },
  ]);
});

test('an entry that is wrong in another way still ends the frame', () => {
  // entries { request { xid: a length, field 30: {} } }
  const wrong = Uint8Array.of(0x0a, 0x08, 0x12, 0x06, 0x0a, 0x01, 0x09, 0xf2, 0x01, 0x00);
  expect(() => decodeClientWords(wrong)).toThrow("wire type 2 is not the field's own");
});

test.each<{ readonly what: string; readonly result: QueryResult }>([
  {
    what: 'an ACL',
    result: { kind: 'getAcl', acl: [{ perms: 1, scheme: 'ip', id: 'x'.repeat(5000) }], stat },
  },
  { what: 'identities', result: { kind: 'whoAmI', identities: [{ scheme: 'x509', id: 'x'.repeat(5000) }] } },
  { what: 'a refusal', result: { kind: 'refused', refusal: refusal('LIMIT', 'x'.repeat(5000)) } },
])('the size of an answer counts what $what takes', ({ result }) => {
  expect(sizeOf({ kind: 'read', xid: 1, zxid: ZXID_NONE, result })).toBeGreaterThan(5000);
});
