import { toBytes } from './codecs.ts';
import type { Credentials } from './connect-options.ts';
import { ZkError } from './errors.ts';

/** Credentials as they go on the wire. */
export interface Proof {
  readonly scheme: string;
  readonly credentials: Uint8Array;
}

/** What a client proves of itself on every connection: what it was configured with, then what its calls added, in their order. */
export class Identities {
  readonly #configured: readonly Credentials[];
  readonly #added: Proof[] = [];

  constructor(configured: readonly Credentials[]) {
    this.#configured = configured;
  }

  /** The ensemble took it: the next connection begins with it. */
  add(proof: Proof): void {
    if (!this.#added.some((known) => isSame(known, proof))) this.#added.push(proof);
  }

  /** At once, unless functions are to be asked; rejects with AUTH_FAILED when one of them fails. */
  proofs(): readonly Proof[] | Promise<readonly Proof[]> {
    const ready = this.#configured.flatMap(({ scheme, credentials }) =>
      typeof credentials === 'function' ? [] : [{ scheme, credentials: toBytes(credentials) }],
    );
    if (ready.length === this.#configured.length) return [...ready, ...this.#added];
    return Promise.all(this.#configured.map(proofOf)).then((configured) => [...configured, ...this.#added]);
  }
}

async function proofOf({ scheme, credentials }: Credentials): Promise<Proof> {
  if (typeof credentials !== 'function') return { scheme, credentials: toBytes(credentials) };
  try {
    // In a microtask of its own: it is the user's code.
    await undefined;
    return { scheme, credentials: toBytes(await credentials()) };
  } catch (cause) {
    throw new ZkError('AUTH_FAILED', { message: `the credentials for ${scheme} could not be had`, cause });
  }
}

function isSame(a: Proof, b: Proof): boolean {
  return (
    a.scheme === b.scheme &&
    a.credentials.length === b.credentials.length &&
    a.credentials.every((byte, index) => byte === b.credentials[index])
  );
}
