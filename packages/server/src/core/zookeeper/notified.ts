import type { ServerWord } from '../clients/client-codec.ts';

type EventWord = Extract<ServerWord, { kind: 'event' }>;

/**
 * Which events ZooKeeper's wire tells: it does not say whose watch heard one, so what several watches of a client hear of
 * one change is told once. All that hear a change are told in a row; who hears twice in it heard of another change, since
 * the operations of a transaction have one zxid.
 */
export class Notified {
  #last: EventWord | undefined;
  readonly #heard = new Set<string>();

  /** Whether this event is news. */
  isNews(word: EventWord): boolean {
    const watch = `${word.watch} ${word.watchId}`;
    const last = this.#last;
    const isSame =
      last !== undefined &&
      last.zxid === word.zxid &&
      last.path === word.path &&
      last.type === word.type &&
      !this.#heard.has(watch);
    if (!isSame) this.#heard.clear();
    this.#heard.add(watch);
    this.#last = word;
    return !isSame;
  }
}
