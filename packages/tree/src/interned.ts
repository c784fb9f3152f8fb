import { assert } from '@zabra/model';

/**
 * Values that many nodes share, each kept once under a small number, as long as somebody refers to it. The number 0 is
 * the first value's, which nearly all nodes have and which is never given up.
 */
export class Interned<Value> {
  readonly #keyOf: (value: Value) => string | number;
  readonly #ids = new Map<string | number, number>();
  readonly #entries: (Entry<Value> | undefined)[];
  readonly #free: number[] = [];

  /** Values of equal keys are one value. */
  constructor(first: Value, keyOf: (value: Value) => string | number) {
    this.#keyOf = keyOf;
    const key = keyOf(first);
    this.#entries = [{ value: first, key, references: 1 }];
    this.#ids.set(key, 0);
  }

  /** How many different values are kept. */
  get size(): number {
    return this.#ids.size;
  }

  /** Its number, and one more reference to it. */
  take(value: Value): number {
    if (value === this.#entry(0).value) return 0;
    const key = this.#keyOf(value);
    const known = this.#ids.get(key);
    if (known !== undefined) {
      if (known !== 0) this.#entry(known).references++;
      return known;
    }
    const id = this.#free.pop() ?? this.#entries.length;
    this.#entries[id] = { value, key, references: 1 };
    this.#ids.set(key, id);
    return id;
  }

  release(id: number): void {
    if (id === 0) return;
    const entry = this.#entry(id);
    entry.references--;
    if (entry.references > 0) return;
    this.#ids.delete(entry.key);
    this.#entries[id] = undefined;
    this.#free.push(id);
  }

  value(id: number): Value {
    return this.#entry(id).value;
  }

  #entry(id: number): Entry<Value> {
    const entry = this.#entries[id];
    assert(entry !== undefined, 'a value that is referred to is kept', { id });
    return entry;
  }
}

interface Entry<Value> {
  readonly value: Value;
  readonly key: string | number;
  references: number;
}
