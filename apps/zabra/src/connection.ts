import { readFile } from 'node:fs/promises';
import type { ConnectOptions, ZooKeeper } from '@zabra/client';
import { EXIT, Failure } from './exit-code.ts';
import { targets } from './targets.ts';

/** Where the ensemble is, and whom it should take us for. */
export interface ServerFlags {
  readonly servers?: string;
  readonly data?: string;
  /** Each `scheme:credentials`; never printed. */
  readonly auth?: readonly string[];
  /** Files, for servers that ask clients for TLS. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** A server without a quorum will do. */
  readonly readOnly?: boolean;
}

/** Connects to the ensemble that the flags name. */
export async function open(
  flags: ServerFlags,
  further: Pick<ConnectOptions, 'instrumentation' | 'signal'> = {},
): Promise<ZooKeeper> {
  const auth = credentialsOf(flags);
  const tls = await tlsOf(flags);
  const servers = targets(flags).map((target) => target.client);
  const { connect } = await import('@zabra/client');
  return connect({
    servers,
    readOnly: flags.readOnly === true,
    ...further,
    ...(auth.length === 0 ? {} : { auth }),
    ...(tls === undefined ? {} : { tls }),
  });
}

/** Ends the session. One that is cut off from every server can't be: it expires by itself, and nothing is waited for. */
export function end(client: ZooKeeper): Promise<void> {
  return client.state === 'connected' ? client.close() : client.close({ graceMs: 0 });
}

/** What proves the servers to us, and us to them; undefined where no file was named. */
export async function tlsOf(
  flags: Pick<ServerFlags, 'ca' | 'cert' | 'key'>,
): Promise<{ readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined> {
  if ((flags.cert === undefined) !== (flags.key === undefined)) {
    throw new Failure('--cert and --key go together: a certificate and the key it was made for', EXIT.usage);
  }
  const named = (['ca', 'cert', 'key'] as const).flatMap((name) => {
    const file = flags[name];
    return file === undefined ? [] : [[name, file] as const];
  });
  if (named.length === 0) return undefined;
  return Object.fromEntries(
    await Promise.all(named.map(async ([name, file]) => [name, await contentOf(name, file)] as const)),
  );
}

function contentOf(name: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(
      `${file}: can't be read (${error.code}); give a readable file with --${name}`,
      EXIT.usage,
    );
  });
}

/** What `--auth` gave, else what ZABRA_AUTH holds, a pair per line. */
export function credentialsOf(flags: ServerFlags): NonNullable<ConnectOptions['auth']> {
  const fromFlags = flags.auth ?? [];
  if (fromFlags.length > 0) return fromFlags.map((written) => credentials(written, '--auth'));
  const lines = (process.env.ZABRA_AUTH ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.map((written) => credentials(written, 'ZABRA_AUTH'));
}

/** What a server may see of this process's environment: not who its user is to other servers. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { ZABRA_AUTH: _, ...environment } = process.env;
  return environment;
}

/** The message keeps what was written to itself. */
function credentials(written: string, origin: string): { scheme: string; credentials: string } {
  const colon = written.indexOf(':');
  if (colon <= 0) {
    throw new Failure(`${origin} needs the form scheme:credentials, as digest:user:password`, EXIT.usage);
  }
  return { scheme: written.slice(0, colon), credentials: written.slice(colon + 1) };
}
