import type { Refusal } from '@zabra/model';
import type { Limits } from '../options.ts';
import type { ClientWord } from './client-codec.ts';
import { overLoad, type RequestLoad } from './unanswered-requests.ts';
import { bytesOfWord } from './word-size.ts';

/** `refused`: there was no room to keep it; the refusal takes its place among the answers. */
export type HeldWord =
  | { readonly kind: 'word'; readonly word: ClientWord }
  | {
      readonly kind: 'refused';
      readonly request: 'write' | 'read';
      readonly xid: number;
      readonly refusal: Refusal;
    };

/** What a client said behind something that has to be done first, in order. It counts among the unanswered requests. */
export class HeldWords {
  readonly #load: RequestLoad;
  readonly #limits: Limits;
  #held: { readonly entry: HeldWord; readonly bytes: number }[] = [];
  #next = 0;

  constructor(load: RequestLoad, limits: Limits) {
    this.#load = load;
    this.#limits = limits;
  }

  get count(): number {
    return this.#held.length - this.#next;
  }

  /** False when it is no request and there is no room for it: nobody could be told. */
  hold(word: ClientWord): boolean {
    const bytes = bytesOfWord(word);
    const full = overLoad(this.#load, this.#limits, bytes);
    if (full === undefined) {
      this.#add({ kind: 'word', word }, bytes);
      return true;
    }
    switch (word.kind) {
      case 'write':
      case 'read':
        this.#add({ kind: 'refused', request: word.kind, xid: word.xid, refusal: full }, 0);
        return true;
      case 'addAuth':
        this.#add({ kind: 'refused', request: 'read', xid: word.xid, refusal: full }, 0);
        return true;
      default:
        return false;
    }
  }

  /** Takes the oldest away. */
  take(): HeldWord | undefined {
    const held = this.#held[this.#next];
    if (held === undefined) return undefined;
    this.#next++;
    this.#load.outstanding--;
    this.#load.outstandingBytes -= held.bytes;
    if (this.#next === this.#held.length) {
      this.#held = [];
      this.#next = 0;
    }
    return held.entry;
  }

  drop(): void {
    while (this.take() !== undefined);
  }

  #add(entry: HeldWord, bytes: number): void {
    this.#held.push({ entry, bytes });
    this.#load.outstanding++;
    this.#load.outstandingBytes += bytes;
  }
}
