import { ZkError } from './errors.ts';
import type { Bytes } from './stat.ts';

/** How values become a node's data and come back. */
export interface Codec<T> {
  readonly contentType: string;
  encode(value: T): Bytes;
  /** Throws CODEC_FAILED for bytes that hold no such value. */
  decode(bytes: Bytes): T;
}

/** The part of the Standard Schema interface that is used here; zod, valibot and arktype schemas fit. */
export interface StandardSchema<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) =>
      | { readonly value: O; readonly issues?: undefined }
      | { readonly issues: readonly unknown[] }
      | Promise<unknown>;
    readonly types?: { readonly input: I; readonly output: O } | undefined;
  };
}
export type InferOutput<S> = S extends StandardSchema<infer _I, infer O> ? O : never;

/** The data as it is. */
export const bytes: Codec<Bytes> = {
  contentType: 'application/octet-stream',
  encode: (value) => value,
  decode: (value) => value,
};

/** UTF-8; malformed bytes are CODEC_FAILED. */
export const text: Codec<string> = {
  contentType: 'text/plain; charset=utf-8',
  encode: (value) => encoder.encode(value),
  decode: (value) => {
    try {
      return decoder.decode(value);
    } catch (cause) {
      throw new ZkError('CODEC_FAILED', { message: 'the data is not UTF-8', cause });
    }
  },
};

/** JSON as UTF-8. With a schema: values are validated when decoded. */
export function json<T = unknown>(): Codec<T>;
export function json<S extends StandardSchema>(schema: S): Codec<InferOutput<S>>;
export function json(schema?: StandardSchema): Codec<unknown> {
  return {
    contentType: 'application/json',
    encode: (value) => {
      const written = JSON.stringify(value);
      if (written === undefined) throw new ZkError('CODEC_FAILED', { message: 'the value has no JSON form' });
      return encoder.encode(written);
    },
    decode: (value) => {
      const written = text.decode(value);
      let parsed: unknown;
      try {
        parsed = JSON.parse(written);
      } catch (cause) {
        throw new ZkError('CODEC_FAILED', { message: 'the data is not JSON', cause });
      }
      return schema === undefined ? parsed : validated(schema, parsed);
    },
  };
}

/** Strings as UTF-8; bytes as a copy, since a write may be sent again after the caller changed its own. */
export function toBytes(data: Bytes | string): Bytes {
  return typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data);
}

function validated(schema: StandardSchema, value: unknown): unknown {
  const verdict = schema['~standard'].validate(value);
  if (verdict instanceof Promise) {
    // The verdict comes too late to matter; unobserved, its rejection would end the process.
    verdict.catch(() => undefined);
    throw new ZkError('BAD_ARGUMENTS', {
      message: 'a codec is synchronous: this schema validates with a promise',
    });
  }
  if (verdict.issues !== undefined) {
    throw new ZkError('CODEC_FAILED', { message: 'the data does not fit the schema', cause: verdict.issues });
  }
  return verdict.value;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
