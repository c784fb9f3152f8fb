import type { Identity, Refusal, WriteOperation } from '@zabra/model';
import { type ClientWord, decodeClientWords, encodeServerWords, type ServerWord } from './client-codec.ts';

/**
 * How one stream is spoken. There are two: Zabra's own frames, and ZooKeeper's (../zookeeper/zookeeper-wire.ts). Both say
 * the same words; nothing behind this line knows which one a client speaks, but by what it says of itself here.
 */
export interface ClientWire {
  /** What a frame says. Throws DecodeError when it is no frame, or JuteError. */
  decode(frame: Uint8Array): readonly ClientWord[];
  /** What goes out for these words, in order; it may be nothing. */
  encode(words: readonly ServerWord[]): readonly Uint8Array[];
  /** What its clients mean by a write, given whom they have proved to be. */
  meant(operation: WriteOperation, identities: readonly Identity[]): WriteOperation;
  readonly rules: WireRules;
  /** Why the stream is to end, now that the last word was encoded; nothing is said after it. */
  readonly over: Refusal | undefined;
}

/** What clients of a wire take for granted. */
export interface WireRules {
  /** They go on behind Attach without waiting for its answer. */
  readonly pipelinesAttach: boolean;
  /** They live by whatever they say, and say heartbeats only when they have nothing else to say. */
  readonly livesByWords: boolean;
  /** Who sends faster than it is served is read more slowly; there is no answer that says so. */
  readonly waitsForRoom: boolean;
}

export const zabraWire: ClientWire = {
  decode: decodeClientWords,
  encode: (words) => [encodeServerWords(words)],
  meant: (operation) => operation,
  rules: { pipelinesAttach: false, livesByWords: false, waitsForRoom: false },
  over: undefined,
};
