import { appendFileSync, readFileSync } from 'node:fs';
import { readWords } from './words.ts';

const LINES_MAX = 1000;

/** The lines typed in one shell by their numbers and, with a file, what earlier shells left there. */
export class LineHistory {
  readonly #lines: string[] = [];
  readonly #file: string | undefined;

  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Of this shell, the first is number 0. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Those of earlier shells, the newest first, as an editor of lines wants them. */
  earlier(): readonly string[] {
    if (this.#file === undefined) return [];
    try {
      const lines = readFileSync(this.#file, 'utf8').split('\n');
      return lines
        .filter((line) => line !== '')
        .slice(-LINES_MAX)
        .reverse();
    } catch {
      // A shell is no worse for a history that is not there or not readable.
      return [];
    }
  }

  add(line: string): void {
    if (/^\s*(#|$)/.test(line) || hasCredentials(line)) return;
    this.#lines.push(line);
    if (this.#file === undefined) return;
    try {
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
    } catch {
      // As above.
    }
  }
}

/** A line that is never kept, anywhere. */
export function hasCredentials(line: string): boolean {
  const [first] = readWords(line).words;
  return /addauth/i.test(line) || first?.text.toLowerCase() === 'addauth';
}
