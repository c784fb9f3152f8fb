import type { LinkId } from '@zabra/zab';
import type { SnapshotHandle } from '../storage/storage.ts';

/** The snapshots that learners are being sent: each is pinned on the disk until its stream, or the role, is over. */
export class SentSnapshots {
  readonly #handles = new Map<LinkId, SnapshotHandle>();

  /** A link is sent one at a time: a former one is let go. */
  begin(link: LinkId, handle: SnapshotHandle): void {
    this.close(link);
    this.#handles.set(link, handle);
  }

  /** Undefined when it was closed meanwhile. */
  get(link: LinkId): SnapshotHandle | undefined {
    return this.#handles.get(link);
  }

  /** Idempotent. */
  close(link: LinkId): void {
    this.#handles.get(link)?.close();
    this.#handles.delete(link);
  }

  closeAll(): void {
    for (const handle of this.#handles.values()) handle.close();
    this.#handles.clear();
  }
}
