/** How far into the history of a cluster a client has seen; of another cluster it says nothing. */
export class Horizon {
  #clusterId = '';
  #seen = 0;
  #told = 0;

  /** Empty before the first connection. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** The highest zxid that any server said: none that is behind it serves this client. */
  get seen(): number {
    return this.#seen;
  }

  /** Every event up to it was told. Below `seen` while a new server still tells what was missed. */
  get told(): number {
    return this.#told;
  }

  sawZxid(zxid: number): void {
    if (zxid > this.#seen) this.#seen = zxid;
  }

  toldThrough(zxid: number): void {
    if (zxid > this.#told) this.#told = zxid;
  }

  /** Answers whether it left another cluster for this one. */
  enter(clusterId: string): boolean {
    if (clusterId === this.#clusterId) return false;
    const isMove = this.#clusterId !== '';
    this.#clusterId = clusterId;
    this.#seen = 0;
    this.#told = 0;
    return isMove;
  }
}
