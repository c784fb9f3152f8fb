import type { FrameStream } from '../env.ts';

/** How many streams come from each address. What has none (a test, a pipe) is not counted. */
export class StreamsPerAddress {
  readonly #counts = new Map<string, number>();

  static addressOf(stream: FrameStream): string | undefined {
    return stream.identities.find(({ scheme }) => scheme === 'ip')?.id;
  }

  count(stream: FrameStream): number {
    return this.#counts.get(StreamsPerAddress.addressOf(stream) ?? '') ?? 0;
  }

  enter(stream: FrameStream): void {
    const address = StreamsPerAddress.addressOf(stream);
    if (address !== undefined) this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  leave(stream: FrameStream): void {
    const address = StreamsPerAddress.addressOf(stream);
    if (address === undefined) return;
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
