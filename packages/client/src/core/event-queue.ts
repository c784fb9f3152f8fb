/** Items between one who tells and those who read: kept in order, each read once. Its owner bounds it. */
export class EventQueue<T> {
  #items: T[] = [];
  readonly #takers: { resolve(result: IteratorResult<T>): void; reject(reason: unknown): void }[] = [];
  #end: { readonly error: unknown } | { readonly error?: never } | undefined;

  /** Items that wait unread. */
  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#end !== undefined) return;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker.resolve({ done: false, value: item });
  }

  clear(): void {
    this.#items = [];
  }

  /** What waits is still read. With an error: the next one who reads behind that is told. */
  end(failure: { readonly error?: unknown } = {}): void {
    if (this.#end !== undefined) return;
    this.#end = failure;
    for (const taker of this.#takers.splice(0)) this.#tellEnd(taker);
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) {
      return Promise.resolve({ done: false, value: this.#items.shift() as T }); // There is one.
    }
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject };
      if (this.#end === undefined) this.#takers.push(taker);
      else this.#tellEnd(taker);
    });
  }

  #tellEnd(taker: { resolve(result: IteratorResult<T>): void; reject(reason: unknown): void }): void {
    const end = this.#end;
    // Once: whoever asks again after an error finds the end.
    this.#end = {};
    if (end !== undefined && 'error' in end) taker.reject(end.error);
    else taker.resolve({ done: true, value: undefined });
  }
}
