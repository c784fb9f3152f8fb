import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyValue, CODECS, hex, seedOf, toOurs, toTheirs } from '../test/reflection.ts';

describe.each(CODECS)('$name', ({ name, type, encode, decode }) => {
  const check = { seed: seedOf(name), numRuns: 100 };

  test('is encoded to the bytes that protobufjs gives', () => {
    fc.assert(
      fc.property(anyValue(type), (value) => {
        const theirs = type.encode(toTheirs(type, value)).finish();
        expect(hex(encode(value))).toBe(hex(theirs));
      }),
      check,
    );
  });

  test('comes back from its own bytes', () => {
    fc.assert(
      fc.property(anyValue(type), (value) => {
        expect(decode(encode(value))).toStrictEqual(value);
      }),
      check,
    );
  });

  test('is read as protobufjs reads it', () => {
    fc.assert(
      fc.property(anyValue(type), (value) => {
        const bytes = type.encode(toTheirs(type, value)).finish();
        expect(decode(bytes)).toStrictEqual(toOurs(type, type.decode(bytes) as never));
      }),
      check,
    );
  });
});
