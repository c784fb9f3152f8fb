import { gunzipSync, gzipSync } from 'node:zlib';
import type { Codec } from './core/codecs.ts';
import { ZkError } from './core/errors.ts';

/** Below this nothing is gained. */
const MIN_BYTES = 1_024;
/** What one node's data may grow to: more is no data of a node but an attack. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;
const MAGIC = [0x1f, 0x8b] as const;

/**
 * Another codec's bytes, compressed when they are `minBytes` (1024) or more. Data that is not compressed is read as it
 * is, so that nodes written before can stay. Data that unpacks to more than 64 MiB is CODEC_FAILED.
 */
export function gzip<T>(inner: Codec<T>, options: { readonly minBytes?: number } = {}): Codec<T> {
  const { minBytes = MIN_BYTES } = options;
  return {
    contentType: `${inner.contentType}+gzip`,
    encode: (value) => {
      const plain = inner.encode(value);
      // What looks compressed is compressed once more, so that it comes back as it was.
      return plain.length >= minBytes || isPacked(plain) ? new Uint8Array(gzipSync(plain)) : plain;
    },
    decode: (data) => inner.decode(isPacked(data) ? unpacked(data) : data),
  };
}

function isPacked(data: Uint8Array): boolean {
  return data[0] === MAGIC[0] && data[1] === MAGIC[1];
}

function unpacked(data: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(gunzipSync(data, { maxOutputLength: UNPACKED_BYTES_MAX }));
  } catch (cause) {
    throw new ZkError('CODEC_FAILED', { message: 'the data is damaged, or too large when unpacked', cause });
  }
}
