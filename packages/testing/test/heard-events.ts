import type { WatchEvent, Watcher } from '@zabra/client';

/** What a watch told, as it came, until its block ends. */
export class HeardEvents implements AsyncDisposable {
  readonly events: WatchEvent[] = [];
  readonly #watcher: Watcher<WatchEvent>;
  readonly #listening: Promise<void>;

  constructor(watcher: Watcher<WatchEvent>) {
    this.#watcher = watcher;
    this.#listening = this.#listen();
  }

  /** `created /a`; `resync reconnected`. */
  get lines(): readonly string[] {
    return this.events.map((event) => `${event.type} ${event.type === 'resync' ? event.reason : event.path}`);
  }

  has(line: string): boolean {
    return this.lines.includes(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher[Symbol.asyncDispose]();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    for await (const event of this.#watcher) this.events.push(event);
  }
}
