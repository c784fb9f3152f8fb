import type { WatchEvent } from '@zabra/client';
import type { Watching, WatchName } from '../commands/command.ts';

/** The watches that a shell keeps while other commands run; what they see is told as it comes. */
export class Watchings {
  readonly #kept = new Set<Watching>();
  readonly #tell: (event: WatchEvent) => void;
  readonly #failed: (error: unknown) => void;

  /** `failed` hears what ended a watch that should have stayed. */
  constructor(tell: (event: WatchEvent) => void, failed: (error: unknown) => void) {
    this.#tell = tell;
    this.#failed = failed;
  }

  /** Listens until its events end, it was enough, or it is removed. */
  keep(watching: Watching): void {
    this.#kept.add(watching);
    this.#listen(watching).catch((error) => this.#failed(error));
  }

  /** Stops those on this path with one of the names; how many there were. */
  async remove(path: string, names: ReadonlySet<WatchName>): Promise<number> {
    const found = [...this.#kept].filter((one) => one.path === path && names.has(one.name));
    await Promise.all(found.map((watching) => this.#stop(watching)));
    return found.length;
  }

  /** The session they are of ends: nothing of them is told any more. */
  forgetAll(): void {
    this.#kept.clear();
  }

  async #listen(watching: Watching): Promise<void> {
    let left = watching.eventsMax ?? Number.POSITIVE_INFINITY;
    try {
      for await (const event of watching.events) {
        // One that was removed settles its event too; nobody wants to hear that.
        if (!this.#kept.has(watching)) return;
        this.#tell(event);
        left--;
        if (left === 0) break;
      }
    } catch (error) {
      // That of one forgotten is the end of its session.
      if (this.#kept.has(watching)) throw error;
    } finally {
      if (this.#kept.has(watching)) await this.#stop(watching);
    }
  }

  async #stop(watching: Watching): Promise<void> {
    this.#kept.delete(watching);
    await watching.stop();
  }
}
