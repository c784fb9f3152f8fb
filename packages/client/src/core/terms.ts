import { ANY_VERSION } from '@zabra/model';
import type { ReadTerms } from './ask.ts';
import type { CallOptions, ReadOptions } from './call-options.ts';
import type { Client } from './client.ts';
import { ZkError } from './errors.ts';
import type { RequestTerms } from './request.ts';
import type { Zxid } from './stat.ts';

/** Options of a call as the client takes them. Throws BAD_ARGUMENTS, SESSION_EXPIRED. */
export function termsOf(client: Client, root: string, op: string, options: CallOptions): RequestTerms {
  const { signal, timeoutMs = client.settings.requestTimeoutMs, retry = client.settings.retry } = options;
  if (!(timeoutMs >= 0)) {
    throw new ZkError('BAD_ARGUMENTS', {
      op,
      message: `timeoutMs is milliseconds from 0 up, not ${timeoutMs}`,
    });
  }
  return {
    op,
    root,
    signal,
    timeoutMs,
    retry,
    boundTo: client.binding(op, options),
    guaranteed: false,
    ofStream: false,
  };
}

export function readTermsOf(options: ReadOptions): ReadTerms {
  return {
    linearizable: options.linearizable === true,
    minZxid: options.minZxid === undefined ? 0 : zxidOf('minZxid', options.minZxid),
  };
}

/** Absent: any version. Throws BAD_ARGUMENTS. */
export function versionOf(version: number | undefined): number {
  if (version === undefined || version === ANY_VERSION) return ANY_VERSION;
  if (!Number.isInteger(version) || version < 0 || version >= 2 ** 32) {
    throw new ZkError('BAD_ARGUMENTS', { message: `a version is a whole number from 0 up, not ${version}` });
  }
  return version;
}

/** As it is on the wire. Throws BAD_ARGUMENTS. */
export function zxidOf(name: string, zxid: Zxid): number {
  if (typeof zxid !== 'bigint' || zxid < 0n || zxid > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ZkError('BAD_ARGUMENTS', { message: `${name} is a zxid as a Stat has it, not ${zxid}` });
  }
  return Number(zxid);
}

/** Throws BAD_ARGUMENTS. */
export function countOf(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value >= 2 ** 32) {
    throw new ZkError('BAD_ARGUMENTS', { message: `${name} is a whole number from 1 up, not ${value}` });
  }
  return value;
}

/** The options of the steps of one call: together they have the budget of the call. */
export class Budget {
  readonly #client: Client;
  readonly #options: CallOptions;
  readonly #endsMs: number;

  constructor(client: Client, options: CallOptions) {
    const { signal, retry, session } = options;
    this.#client = client;
    // Only what every call takes: what else was asked of the whole is not asked of its steps.
    this.#options = {
      ...(signal === undefined ? {} : { signal }),
      ...(retry === undefined ? {} : { retry }),
      ...(session === undefined ? {} : { session }),
    };
    this.#endsMs = client.monotonicMs() + (options.timeoutMs ?? client.settings.requestTimeoutMs);
  }

  /** For the next step: with what is left. */
  get rest(): CallOptions {
    return { ...this.#options, timeoutMs: Math.max(0, this.#endsMs - this.#client.monotonicMs()) };
  }
}
