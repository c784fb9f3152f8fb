import { EXIT, Failure } from '../exit-code.ts';

export interface Word {
  readonly text: string;
  /** Where it begins in the line, its quote included. */
  readonly start: number;
  /** Some of it stood in quotes or behind a backslash, so that it is no option. */
  readonly isQuoted: boolean;
}

export interface Words {
  readonly words: readonly Word[];
  /** The quote that is not closed at the end of the line. */
  readonly openQuote: '"' | "'" | undefined;
  /** The line ends within or right behind its last word: nothing parts it from what comes. */
  readonly isLastOpen: boolean;
}

/**
 * Takes a line apart at its blanks. In "…" a backslash begins an escape (\n, \t, \r, \\, \", \u00e9, \u{1f600}), in '…'
 * everything is as it stands, and elsewhere a backslash takes the next character as it is.
 */
export function readWords(line: string): Words {
  const words: Word[] = [];
  let text: string | undefined;
  let start = 0;
  let isQuoted = false;
  let quote: '"' | "'" | undefined;
  const end = (): void => {
    if (text !== undefined) words.push({ text, start, isQuoted });
    text = undefined;
    isQuoted = false;
  };
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? '';
    if (quote === undefined && /\s/.test(character)) {
      end();
      continue;
    }
    if (text === undefined) start = index;
    text ??= '';
    if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      isQuoted = true;
    } else if (character === '\\' && quote !== "'" && index + 1 < line.length) {
      const { meant, length } = quote === '"' ? escapeAt(line, index) : { meant: line[index + 1], length: 2 };
      text += meant;
      index += length - 1;
      isQuoted = true;
    } else {
      text += character;
    }
  }
  const isLastOpen = text !== undefined;
  end();
  return { words, openQuote: quote, isLastOpen };
}

/** The words of a whole line. Throws a usage failure when a quote is not closed. */
export function wordsOf(line: string): readonly Word[] {
  const { words, openQuote } = readWords(line);
  if (openQuote === undefined) return words;
  throw new Failure(
    `the quote ${openQuote} is not closed: close it, or write \\${openQuote} for itself`,
    EXIT.usage,
  );
}

/** As it has to be typed to be read as one word: with backslashes where that is needed. */
export function quoted(text: string): string {
  return text.replace(/[\s"'\\]/g, '\\$&');
}

const PLAIN: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
const CODE = /\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))/y;
const CODE_MAX = 0x10ffff;

function escapeAt(line: string, index: number): { readonly meant: string; readonly length: number } {
  const letter = line[index + 1] ?? '';
  CODE.lastIndex = index;
  const found = CODE.exec(line);
  const code = Number.parseInt(found?.[1] ?? found?.[2] ?? '', 16);
  if (found !== null && code <= CODE_MAX)
    return { meant: String.fromCodePoint(code), length: found[0].length };
  return { meant: PLAIN[letter] ?? letter, length: 2 };
}
