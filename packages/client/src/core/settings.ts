import type { Acl } from './acl.ts';
import type { ConnectOptions, Credentials, TlsOptions } from './connect-options.ts';
import { ZkError } from './errors.ts';
import type { Instrumentation } from './instrumentation.ts';
import type { Logger } from './logger.ts';
import { checkPath } from './paths.ts';
import { type RetryPolicy, retry } from './retry.ts';
import { parseServers } from './servers.ts';
import type { Wire } from './wire.ts';

/** The options of a client, read once, with every default filled in. */
export interface Settings {
  /** `host:port`, at least one. */
  readonly addresses: readonly string[];
  /** What its servers speak. */
  readonly wire: Wire['name'];
  /** Empty for none. */
  readonly chroot: string;
  /** Undefined: plain text. */
  readonly tls: TlsOptions | undefined;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retry: RetryPolicy;
  readonly reconnect: RetryPolicy;
  readonly auth: readonly Credentials[];
  readonly readOnly: boolean;
  readonly defaultAcl: readonly Acl[] | undefined;
  readonly onSessionExpired: 'renew' | 'close';
  readonly requestsOutstandingMax: number;
  readonly requestsWaitingMax: number;
  /** What servers take in one frame that do not say it. */
  readonly frameBytesMax: number;
  readonly logger: Logger | undefined;
  readonly instrumentation: Instrumentation;
}

/** Throws BAD_ARGUMENTS or INVALID_PATH. */
export function settingsOf(options: ConnectOptions | string): Settings {
  const given = typeof options === 'string' ? { servers: options } : options;
  const servers = parseServers(given.servers);
  const tls = given.tls ?? servers.tls;
  if (tls === false && servers.tls) {
    throw new ZkError('BAD_ARGUMENTS', {
      message: 'servers ask for TLS and tls is false: change one of them',
    });
  }
  return {
    addresses: servers.addresses,
    wire: servers.wire,
    chroot: chrootOf(servers.chroot) + chrootOf(given.chroot ?? ''),
    tls: tls === true ? {} : tls === false ? undefined : tls,
    sessionTimeoutMs: milliseconds('sessionTimeoutMs', given.sessionTimeoutMs ?? 30_000),
    connectTimeoutMs: milliseconds('connectTimeoutMs', given.connectTimeoutMs ?? 10_000),
    requestTimeoutMs: milliseconds('requestTimeoutMs', given.requestTimeoutMs ?? 15_000),
    retry: given.retry ?? retry.exponential({ baseMs: 100, maxMs: 5_000 }),
    reconnect: given.reconnect ?? retry.exponential({ baseMs: 50, maxMs: 10_000 }),
    auth: (given.auth ?? []).map(credentialsOf),
    readOnly: given.readOnly ?? false,
    defaultAcl: given.defaultAcl,
    onSessionExpired: given.onSessionExpired ?? 'renew',
    requestsOutstandingMax: count('requestsOutstandingMax', given.requestsOutstandingMax ?? 1_000),
    requestsWaitingMax: count('requestsWaitingMax', given.requestsWaitingMax ?? 10_000),
    frameBytesMax: count('frameBytesMax', given.frameBytesMax ?? JUTE_MAXBUFFER),
    logger: given.logger,
    instrumentation: given.instrumentation ?? {},
  };
}

/** ZooKeeper's default. */
const JUTE_MAXBUFFER = 0xf_ffff;

function chrootOf(path: string): string {
  const root = path === '/' ? '' : path;
  if (root !== '') checkPath(root, false, 'chroot');
  return root;
}

function credentialsOf(given: Credentials): Credentials {
  if (typeof given.scheme !== 'string' || given.scheme === '') {
    throw new ZkError('BAD_ARGUMENTS', {
      message: 'auth has an entry without a scheme: name one, as digest',
    });
  }
  const { credentials } = given;
  if (
    typeof credentials !== 'string' &&
    typeof credentials !== 'function' &&
    !(credentials instanceof Uint8Array)
  ) {
    const message = `the credentials for ${given.scheme} are a string, bytes, or a function that gives them`;
    throw new ZkError('BAD_ARGUMENTS', { message });
  }
  return given;
}

function milliseconds(name: string, value: number): number {
  if (!(value > 0 && value < 2 ** 31)) {
    throw new ZkError('BAD_ARGUMENTS', {
      message: `${name} is milliseconds above 0 and below 2^31, not ${value}`,
    });
  }
  return value;
}

function count(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new ZkError('BAD_ARGUMENTS', { message: `${name} is a whole number from 1 up, not ${value}` });
  }
  return value;
}
