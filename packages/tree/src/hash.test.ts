import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Hasher } from './hash.ts';

function hashed(what: (hasher: Hasher) => void): string {
  const hasher = new Hasher().begin(7);
  what(hasher);
  hasher.end();
  return `${hasher.a},${hasher.b}`;
}

describe('the hash', () => {
  test('is the same on every machine', () => {
    expect(
      hashed((hasher) =>
        hasher
          .integer(2 ** 40 + 3)
          .string('/a/ü')
          .bytes(Uint8Array.of(1, 2, 3, 4, 5)),
      ),
    ).toBe('-2115410728,-2032815973');
  });

  test('tells apart what runs together to the same characters', () => {
    expect(hashed((hasher) => hasher.string('ab').string('c'))).not.toBe(
      hashed((hasher) => hasher.string('a').string('bc')),
    );
    expect(hashed((hasher) => hasher.bytes(Uint8Array.of(0)))).not.toBe(
      hashed((hasher) => hasher.bytes(Uint8Array.of(0, 0))),
    );
    expect(hashed((hasher) => hasher.integer(1))).not.toBe(hashed((hasher) => hasher.integer(2 ** 32 + 1)));
  });

  test('does not collide in either lane beyond what chance allows', () => {
    const lanes = { a: new Set<number>(), b: new Set<number>() };
    const hasher = new Hasher();
    for (let index = 0; index < 20_000; index++) {
      hasher.begin(1).string(`/node-${index}`).end();
      lanes.a.add(hasher.a);
      lanes.b.add(hasher.b);
    }
    expect(lanes.a.size).toBeGreaterThan(19_990);
    expect(lanes.b.size).toBeGreaterThan(19_990);
  });

  test('of many bytes is that of their words, wherever they lie', () => {
    const bytes = Uint8Array.from({ length: 1027 }, (_, index) => (index * 7919) % 256);
    const shifted = new Uint8Array(1040);
    shifted.set(bytes, 3);
    const words = new DataView(bytes.buffer);
    const byWords = hashed((hasher) => {
      hasher.word(1027);
      for (let at = 0; at + 3 < 1027; at += 4) hasher.word(words.getInt32(at, true));
      for (let at = 1024; at < 1027; at++) hasher.word(bytes[at] ?? 0);
    });
    expect(hashed((hasher) => hasher.bytes(bytes))).toBe(byWords);
    expect(hashed((hasher) => hasher.bytes(shifted.subarray(3, 1030)))).toBe(byWords);
  });

  test('changes with each byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (data, at) => {
        const changed = data.slice();
        changed[at % data.length] = (data[at % data.length] ?? 0) ^ 1;
        expect(hashed((hasher) => hasher.bytes(changed))).not.toBe(hashed((hasher) => hasher.bytes(data)));
      }),
    );
  });
});
