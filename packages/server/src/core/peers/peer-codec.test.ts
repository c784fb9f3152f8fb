import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  anyAnswered,
  anyForwarded,
  anyHello,
  anyLeaderWord,
  anyLearnerWord,
  anyNotification,
} from '../../../test/any-words.ts';
import { decodeAnswered, decodeForwarded, encodeAnswered, encodeForwarded } from './forward-codec.ts';
import {
  decodeElect,
  decodeLeaderWords,
  decodeLearnerWords,
  type ElectMessage,
  encodeElect,
  encodeLeaderWords,
  encodeLearnerWords,
} from './peer-codec.ts';

const SEEDED = { seed: 0x2a };

const anyElect: fc.Arbitrary<ElectMessage> = fc.oneof(
  anyHello.map((hello) => ({ kind: 'hello' as const, hello })),
  anyNotification.map((notification) => ({ kind: 'notification' as const, notification })),
);

/** What `value` is said as, is read as `value`. */
function comesBack<Value>(
  any: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => Value,
): void {
  fc.assert(
    fc.property(any, (value) => {
      expect(decode(encode(value))).toEqual(value);
    }),
    SEEDED,
  );
}

/** Bytes that are no frame are a DecodeError, which ends one stream; anything else would end the server. */
function refusesByName<Value>(
  any: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (bytes: Uint8Array) => Value,
): void {
  const changed = fc
    .tuple(any, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat())
    .map(([value, at, flip, cut]) => {
      const bytes = encode(value).slice();
      const index = at % Math.max(1, bytes.length);
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      return bytes.subarray(0, bytes.length - (cut % 3));
    });
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 30 })), (bytes) => {
      const outcome = nameOfFailure(() => decode(bytes));
      expect(['read', 'DecodeError']).toContain(outcome);
    }),
    { ...SEEDED, numRuns: 1000 },
  );
}

function nameOfFailure(work: () => unknown): string {
  try {
    work();
    return 'read';
  } catch (error) {
    return (error as Error).name;
  }
}

const CODECS = [
  { what: 'an election note', check: (how: typeof comesBack) => how(anyElect, encodeElect, decodeElect) },
  {
    what: "a learner's frame",
    check: (how: typeof comesBack) =>
      how(fc.array(anyLearnerWord, { maxLength: 4 }), encodeLearnerWords, (bytes) => [
        ...decodeLearnerWords(bytes),
      ]),
  },
  {
    what: "a leader's frame",
    check: (how: typeof comesBack) =>
      how(fc.array(anyLeaderWord, { maxLength: 4 }), encodeLeaderWords, (bytes) => [
        ...decodeLeaderWords(bytes),
      ]),
  },
  {
    what: 'a forwarded request',
    check: (how: typeof comesBack) => how(anyForwarded, encodeForwarded, decodeForwarded),
  },
  {
    what: "the leader's word on it",
    check: (how: typeof comesBack) => how(anyAnswered, encodeAnswered, decodeAnswered),
  },
];

test.each(CODECS)('$what comes back from its bytes', ({ check }) => check(comesBack));

test.each(CODECS)('$what that was damaged on its way is read, or refused as such', ({ check }) =>
  check(refusesByName),
);
