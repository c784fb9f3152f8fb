/**
 * A running hash over everything that happens in a run: inputs, effects, digests, each with its virtual time. Equal
 * hashes of two runs mean that the runs were the same, event by event. Two 32-bit lanes, since that is what JavaScript
 * multiplies fast; it guards against accidents, not against an adversary.
 */
export class Trace {
  #first = 0x811c9dc5;
  #second = 0x2c9277b5;
  #entries = 0;
  readonly #now: () => number;
  readonly #print: ((line: string) => void) | undefined;

  /** `now` is virtual microseconds; `print` gets each entry as a line. */
  constructor(now: () => number, print: ((line: string) => void) | undefined) {
    this.#now = now;
    this.#print = print;
  }

  /** `actor` names who it happened to (`server 1`), `detail` and `data` what. */
  record(actor: string, event: string, detail: string | number = '', data?: Uint8Array): void {
    const now = this.#now();
    this.#entries++;
    this.#word(now % 2 ** 32);
    this.#text(actor);
    this.#text(event);
    if (typeof detail === 'string') this.#text(detail);
    else {
      this.#word(detail % 2 ** 32);
      this.#word(Math.floor(detail / 2 ** 32));
    }
    if (data !== undefined) this.#bytes(data);
    if (this.#print !== undefined) {
      const size = data === undefined ? '' : ` ${data.length} B`;
      this.#print(`${(now / 1000).toFixed(3).padStart(11)} ms  ${actor.padEnd(9)} ${event} ${detail}${size}`);
    }
  }

  get entries(): number {
    return this.#entries;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(this.#first) + hex(this.#second);
  }

  #word(value: number): void {
    this.#first = Math.imul(this.#first ^ value, 0x01000193);
    this.#first ^= this.#first >>> 15;
    this.#second = Math.imul(this.#second ^ value, 0x5bd1e995);
    this.#second ^= this.#second >>> 13;
  }

  #text(text: string): void {
    for (let index = 0; index < text.length; index++) this.#word(text.charCodeAt(index));
    this.#word(text.length);
  }

  #bytes(data: Uint8Array): void {
    const words = data.length & ~3;
    for (let index = 0; index < words; index += 4) {
      this.#word(
        byte(data, index) |
          (byte(data, index + 1) << 8) |
          (byte(data, index + 2) << 16) |
          (byte(data, index + 3) << 24),
      );
    }
    for (let index = words; index < data.length; index++) this.#word(byte(data, index));
    this.#word(data.length);
  }
}

/** 52 bits of the bytes, as one number that can be compared and kept in a map. */
export function hashBytes(data: Uint8Array): number {
  let first = 0x811c9dc5 ^ data.length;
  let second = 0x9747b28c;
  for (let index = 0; index < data.length; index++) {
    const value = byte(data, index);
    first = Math.imul(first ^ value, 0x01000193);
    second = Math.imul(second ^ value, 0x5bd1e995);
    second ^= second >>> 13;
  }
  return (first >>> 0) * 2 ** 20 + ((second >>> 0) & 0xfffff);
}

function byte(data: Uint8Array, index: number): number {
  return data[index] as number;
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
