import { assert } from '@zabra/model';
import { ZkError } from './errors.ts';

/** The port that servers listen on for clients unless told otherwise. */
const PORT_DEFAULT = 5181;

export interface ServerList {
  /** `host:port` of each; IPv6 hosts in brackets. */
  readonly addresses: readonly string[];
  /** Empty for none. */
  readonly chroot: string;
  /** The scheme asks for TLS. */
  readonly tls: boolean;
}

/**
 * Reads `h1:5181,h2/chroot`, `zabra://h1,h2/chroot`, `zabra+tls://…`, or a list of `host:port`. Throws
 * BAD_ARGUMENTS that names the part that is wrong; UNIMPLEMENTED for `zookeeper://`.
 */
export function parseServers(servers: string | readonly string[]): ServerList {
  const text = typeof servers === 'string' ? servers : servers.join(',');
  const scheme = /^([a-z][a-z+]*):\/\//.exec(text);
  const rest = text.slice(scheme?.[0].length ?? 0);
  const slash = rest.indexOf('/');
  const hosts = slash === -1 ? rest : rest.slice(0, slash);
  const chroot = slash === -1 ? '' : rest.slice(slash).replace(/\/+$/, '');
  return { addresses: addressesOf(hosts, text), chroot, tls: isTls(scheme?.[1]) };
}

/** Servers in an order of the client's own, so that many clients spread; one after the other, for ever. */
export class Rotation {
  readonly #order: readonly string[];
  #next = 0;

  /** `random`: bytes, as many as there are servers. */
  constructor(addresses: readonly string[], random: Uint8Array) {
    assert(addresses.length > 0, 'a client has servers');
    const order = [...addresses];
    for (let last = order.length - 1; last > 0; last--) {
      const other = (random[last] ?? 0) % (last + 1);
      const [a, b] = [order[last], order[other]];
      if (a !== undefined && b !== undefined) [order[last], order[other]] = [b, a];
    }
    this.#order = order;
  }

  get length(): number {
    return this.#order.length;
  }

  next(): string {
    const address = this.#order[this.#next];
    assert(address !== undefined, 'the rotation stays within its list');
    this.#next = (this.#next + 1) % this.#order.length;
    return address;
  }
}

function isTls(scheme: string | undefined): boolean {
  switch (scheme) {
    case undefined:
    case 'zabra':
      return false;
    case 'zabra+tls':
      return true;
    case 'zookeeper':
    case 'zookeeper+tls':
    case 'zk':
    case 'zk+tls':
      throw new ZkError('UNIMPLEMENTED', {
        message: `${scheme}:// speaks ZooKeeper's own wire format, which this client does not yet: use zabra://`,
      });
    default:
      throw new ZkError('BAD_ARGUMENTS', {
        message: `unknown scheme ${scheme}://: use zabra:// or zabra+tls://`,
      });
  }
}

function addressesOf(hosts: string, text: string): readonly string[] {
  const addresses = hosts.split(',').map((entry) => addressOf(entry.trim(), text));
  return [...new Set(addresses)];
}

function addressOf(entry: string, text: string): string {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?$/.exec(entry);
  const port = match?.[2] === undefined ? PORT_DEFAULT : Number(match[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new ZkError('BAD_ARGUMENTS', {
      message: `${JSON.stringify(entry)} in servers ${JSON.stringify(text)} is no server: write host:port, ports are 1 to 65535`,
    });
  }
  return `${match[1]}:${port}`;
}
