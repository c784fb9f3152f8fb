import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8, equalsUtf8, readUtf8, utf8Length, writeUtf8 } from './name-bytes.ts';

/** Characters of one, two and three bytes, those at the borders often. */
const character = fc.oneof(
  fc.constantFrom('a', '~', '\u00a0', '\u00e9', '\u07ff', '\u0800', '\ud7ff', '\uf900', '\uffef', '中'),
  fc.integer({ min: 0x20, max: 0xd7ff }).map((code) => String.fromCharCode(code)),
);
const name = fc.array(character, { maxLength: 20 }).map((characters) => characters.join(''));

/** The name as it lies between other bytes. */
function written(text: string): { readonly bytes: Uint8Array; readonly length: number } {
  const length = utf8Length(text, 0, text.length);
  const bytes = new Uint8Array(length + 6).fill(0xff);
  writeUtf8(`..${text}..`, 2, 2 + text.length, bytes, 3);
  return { bytes, length };
}

test('names are written as UTF-8 and read back', () => {
  fc.assert(
    fc.property(name, (text) => {
      const { bytes, length } = written(text);
      const expected = [0xff, 0xff, 0xff, ...Buffer.from(text), 0xff, 0xff, 0xff];
      expect([...bytes]).toEqual(expected);
      expect(readUtf8(bytes, 3, length)).toBe(text);
    }),
  );
});

test('names are compared as their bytes are, and are equal when these are', () => {
  // Half of the pairs share a beginning, or are the same.
  const pair = fc.tuple(name, name, name, fc.boolean()).map(([start, one, other, alike]) => ({
    left: start + one,
    right: start + (alike ? one : other),
  }));
  fc.assert(
    fc.property(pair, ({ left, right }) => {
      const { bytes, length } = written(left);
      const order = Math.sign(compareUtf8(bytes, 3, length, `/${right}/`, 1, 1 + right.length));
      expect(order).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      expect(equalsUtf8(bytes, 3, length, `/${right}/`, 1, 1 + right.length)).toBe(left === right);
    }),
  );
});

test('bytes of one name that are the characters of another do not make them equal', () => {
  const { bytes, length } = written('é');
  expect(equalsUtf8(bytes, 3, length, 'Ã©', 0, 2)).toBe(false);
});

test('the longest names of all are read', () => {
  const long = 'é'.repeat(4_095);
  expect(readUtf8(Buffer.from(long), 0, 8_190)).toBe(long);
  const longer = 'a'.repeat(9_000);
  expect(readUtf8(Buffer.from(longer), 0, 9_000)).toBe(longer);
});
