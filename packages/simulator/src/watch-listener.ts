import type { WatchEvent } from '@zabra/client/core';
import type { HistoryChecker } from './history-checker.ts';
import { isAbout, type WatchedPath } from './standing-watches.ts';
import { demand } from './violation.ts';

/**
 * What a program hears through the SDK, however often its connection and its session changed meanwhile: from the first
 * event on, each that the history has, in order, once; but for what a `resync` excuses.
 */
export class WatchListener {
  readonly #history: HistoryChecker;
  readonly #watched: WatchedPath;
  /** Where among the events of the history the next one is looked for; undefined: wherever it is. */
  #next: number | undefined;
  #heardZxid = 0n;

  constructor(history: HistoryChecker, watched: WatchedPath) {
    this.#history = history;
    this.#watched = watched;
  }

  hear(event: WatchEvent): void {
    if (event.type === 'resync') {
      this.#next = undefined;
      return;
    }
    const { events } = this.#history;
    let index = this.#next ?? this.#history.eventsAfter(Number(event.zxid) - 1);
    while (index < events.length && !isAbout(this.#watched, events[index])) index++;
    const due = events[index];
    const facts = {
      watched: this.#watched.path,
      heard: `${event.type} ${event.path} 0x${event.zxid.toString(16)}`,
    };
    demand(
      due !== undefined &&
        due.path === event.path &&
        due.type === event.type.toUpperCase() &&
        BigInt(due.zxid) === event.zxid,
      'a program hears every event of its watch once, in order',
      { ...facts, due: due === undefined ? 'nothing' : `${due.type} ${due.path} 0x${due.zxid.toString(16)}` },
    );
    demand(event.zxid >= this.#heardZxid, 'the events of a watch never go back', facts);
    this.#heardZxid = event.zxid;
    this.#next = index + 1;
  }
}
