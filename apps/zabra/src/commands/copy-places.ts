import type { ConnectOptions, ZooKeeper } from '@zabra/client';
import { credentialsOf, tlsOf } from '../connection.ts';
import { EXIT, Failure } from '../exit-code.ts';

/** A subtree of an ensemble: `zookeeper://host:port,…/path` or `zabra://host:port,…/path`, each with `+tls`. */
export interface Place {
  readonly url: string;
  readonly servers: ReadonlySet<string>;
  /** `/` for all that the ensemble holds. */
  readonly path: string;
  readonly isTls: boolean;
}

export interface PlaceFlags {
  /** Each `scheme:credentials`, for this side. */
  readonly auth: readonly string[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Throws {@link Failure} for what is no such URL. */
export function parsePlace(url: string): Place {
  const [, tls, hosts = '', path = ''] = /^(?:zookeeper|zabra)(\+tls)?:\/\/([^/]+)(\/.*)?$/.exec(url) ?? [];
  if (hosts === '') {
    throw new Failure(
      `"${url}" names no ensemble: write zookeeper://HOST:PORT,…/PATH or zabra://HOST:PORT,…/PATH`,
      EXIT.usage,
    );
  }
  return {
    url,
    servers: new Set(hosts.split(',').map((host) => host.trim())),
    path: path.replace(/\/+$/, '') || '/',
    isTls: tls !== undefined,
  };
}

/** A subtree that is copied into itself would never end. */
export function refuseOverlap(from: Place, to: Place): void {
  const areApart = [...from.servers].every((server) => !to.servers.has(server));
  if (areApart || !(isWithin(from.path, to.path) || isWithin(to.path, from.path))) return;
  throw new Failure(
    `${from.url} and ${to.url} overlap; copy to a path that is neither above nor below the other`,
    EXIT.usage,
  );
}

/** Every path of the client is below that of the place. */
export async function openPlace(place: Place, flags: PlaceFlags): Promise<ZooKeeper> {
  const auth = credentialsOf(flags);
  const tls = place.isTls ? await tlsOf(flags) : undefined;
  const { connect } = await import('@zabra/client');
  const options: ConnectOptions = {
    servers: place.url,
    ...(auth.length === 0 ? {} : { auth }),
    ...(tls === undefined ? {} : { tls }),
  };
  return connect(options);
}

function isWithin(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`);
}
