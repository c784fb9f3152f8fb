import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoted, readWords, wordsOf } from './words.ts';

describe('a line is taken apart as people quote it', () => {
  test.each<{ line: string; texts: readonly string[] }>([
    { line: '', texts: [] },
    { line: '  get   /a\t ', texts: ['get', '/a'] },
    { line: 'set /a "two words"', texts: ['set', '/a', 'two words'] },
    { line: 'set /a \'as \\n it "stands"\'', texts: ['set', '/a', 'as \\n it "stands"'] },
    { line: 'set /a "line\\nand\\ttab"', texts: ['set', '/a', 'line\nand\ttab'] },
    { line: 'set /a "\\u00e9 \\u{1f600}"', texts: ['set', '/a', 'é 😀'] },
    { line: 'set /a "\\u{110000}"', texts: ['set', '/a', 'u{110000}'] },
    { line: 'set /a "say \\"hi\\" \\\\"', texts: ['set', '/a', 'say "hi" \\'] },
    { line: 'get /a\\ b', texts: ['get', '/a b'] },
    { line: 'get /a"b c"d', texts: ['get', '/ab cd'] },
    { line: 'set /a ""', texts: ['set', '/a', ''] },
    { line: 'set /a x\\', texts: ['set', '/a', 'x\\'] },
  ])('$line', ({ line, texts }) => {
    expect(wordsOf(line).map(({ text }) => text)).toEqual(texts);
  });

  test('what was quoted is known, and where each word begins', () => {
    expect(wordsOf('set "-1" -s')).toEqual([
      { text: 'set', start: 0, isQuoted: false },
      { text: '-1', start: 4, isQuoted: true },
      { text: '-s', start: 9, isQuoted: false },
    ]);
  });

  test('a quote that is not closed is named', () => {
    expect(() => wordsOf('set /a "x')).toThrow('the quote " is not closed');
    expect(readWords('get "/a b')).toEqual({
      words: [
        { text: 'get', start: 0, isQuoted: false },
        { text: '/a b', start: 4, isQuoted: true },
      ],
      openQuote: '"',
      isLastOpen: true,
    });
  });

  test('any text survives being quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (texts) => {
        expect(wordsOf(texts.map(quoted).join(' ')).map(({ text }) => text)).toEqual(texts);
      }),
    );
  });
});
