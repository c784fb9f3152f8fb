import { fractionOf } from './calls.ts';
import type { ClientEnv } from './env.ts';
import { ZkError, type ZkErrorCode } from './errors.ts';
import { Rotation } from './servers.ts';
import type { Settings } from './settings.ts';

/** Which server is tried next and when, and why each did not take the client since the last one that did. */
export class Search {
  readonly #env: ClientEnv;
  readonly #settings: Settings;
  readonly #rotation: Rotation;
  readonly #causes = new Map<string, Error>();
  #failures = 0;
  #failingSinceMs = 0;

  constructor(env: ClientEnv, settings: Settings) {
    const { addresses } = settings;
    this.#env = env;
    this.#settings = settings;
    this.#rotation = new Rotation(addresses, env.randomBytes(addresses.length));
  }

  get hasOthers(): boolean {
    return this.#rotation.length > 1;
  }

  get lastCause(): Error | undefined {
    return [...this.#causes.values()].at(-1);
  }

  next(): string {
    return this.#rotation.next();
  }

  /** A server that takes the stream and says nothing must not take the time of the others. */
  attemptMs(sessionTimeoutMs: number): number {
    const shareMs = this.#settings.connectTimeoutMs / this.#rotation.length;
    return Math.max(250, Math.min(sessionTimeoutMs / 3, shareMs));
  }

  failedAt(address: string, cause: Error): void {
    this.#causes.set(address, cause);
  }

  /** A server took the client. */
  found(): void {
    this.#causes.clear();
  }

  /** The ensemble is known to be well: the next failure is the first. */
  well(): void {
    this.#failures = 0;
  }

  /** How long to wait before the next one is tried; null: the policy gives up. */
  delayMs(error: ZkError): number | null {
    if (this.#failures === 0) this.#failingSinceMs = this.#env.monotonicMs();
    // Each server is tried once before the delay grows.
    const attempt = 1 + Math.floor(this.#failures / this.#rotation.length);
    this.#failures++;
    const elapsedMs = this.#env.monotonicMs() - this.#failingSinceMs;
    return this.#settings.reconnect({ attempt, elapsedMs, error, random: fractionOf(this.#env) });
  }

  /** What a caller is told for whom it took too long: each server and its last cause. */
  unreachable(timeoutMs: number): ZkError {
    const causes = [...this.#causes.values()];
    const isBehind =
      causes.length === this.#rotation.length && causes.every((error) => codeOf(error) === 'BEHIND');
    const listed = this.#settings.addresses.map((address) => {
      return `${address} (${this.#causes.get(address)?.message ?? 'not tried to the end'})`;
    });
    return new ZkError(isBehind ? 'BEHIND' : 'UNREACHABLE', {
      message: `no server took this client within ${timeoutMs} ms: ${listed.join(', ')}`,
      cause: causes.at(-1),
    });
  }
}

function codeOf(error: Error): ZkErrorCode | undefined {
  return error instanceof ZkError ? error.code : undefined;
}
