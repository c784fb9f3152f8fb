import type { Zxid } from '@zabra/model';

/** Work that is due once a zxid is applied. */
export class AppliedWaits {
  #waits: { readonly zxid: Zxid; readonly work: () => void }[] = [];

  add(zxid: Zxid, work: () => void): void {
    this.#waits.push({ zxid, work });
  }

  /** Everything up to `zxid` is applied. */
  applied(zxid: Zxid): void {
    if (this.#waits.length === 0) return;
    const due = this.#waits.filter((wait) => wait.zxid <= zxid);
    if (due.length > 0) this.#waits = this.#waits.filter((wait) => wait.zxid > zxid);
    for (const { work } of due) work();
  }

  /** What was promised may never come. */
  drop(): void {
    this.#waits = [];
  }
}
