import { assert } from '@zabra/model';
import { ZkError } from './errors.ts';
import type { Wire } from './wire.ts';

/** What a scheme says: what servers speak, whether within TLS, and the port that they listen on unless told otherwise. */
const SCHEMES: ReadonlyMap<string, Omit<ServerList, 'addresses' | 'chroot'> & { readonly port: number }> =
  new Map([
    ['zabra', { wire: 'zabra', tls: false, port: 5181 }],
    ['zabra+tls', { wire: 'zabra', tls: true, port: 5181 }],
    ['zookeeper', { wire: 'zookeeper', tls: false, port: 2181 }],
    ['zookeeper+tls', { wire: 'zookeeper', tls: true, port: 2181 }],
  ]);

export interface ServerList {
  readonly wire: Wire['name'];
  /** `host:port` of each; IPv6 hosts in brackets. */
  readonly addresses: readonly string[];
  /** Empty for none. */
  readonly chroot: string;
  /** The scheme asks for TLS. */
  readonly tls: boolean;
}

/**
 * Reads `h1:5181,h2/chroot`, `zabra://h1,h2/chroot`, `zookeeper://h1,h2/chroot`, each with `+tls`, or a list of
 * `host:port`. Throws BAD_ARGUMENTS that names the part that is wrong.
 */
export function parseServers(servers: string | readonly string[]): ServerList {
  const text = typeof servers === 'string' ? servers : servers.join(',');
  const [, name = 'zabra', rest = text] = /^([^/,]*):\/\/(.*)$/s.exec(text) ?? [];
  const scheme = SCHEMES.get(name);
  if (scheme === undefined) {
    const known = [...SCHEMES.keys()].map((each) => `${each}://`).join(', ');
    throw new ZkError('BAD_ARGUMENTS', { message: `unknown scheme ${name}://: there are ${known}` });
  }
  if (rest.includes('://')) {
    const message = `servers ${JSON.stringify(text)} have several schemes: write one in front of all, ${name}://h1,h2`;
    throw new ZkError('BAD_ARGUMENTS', { message });
  }
  const slash = rest.indexOf('/');
  const hosts = slash === -1 ? rest : rest.slice(0, slash);
  const chroot = slash === -1 ? '' : rest.slice(slash).replace(/\/+$/, '');
  if (/,[^,/]+:\d+(\/|$)/.test(chroot)) {
    const message = `the chroot stands once, behind the last of servers ${JSON.stringify(text)}`;
    throw new ZkError('BAD_ARGUMENTS', { message });
  }
  const { wire, tls, port } = scheme;
  return { wire, addresses: addressesOf(hosts, text, port), chroot, tls };
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

function addressesOf(hosts: string, text: string, portDefault: number): readonly string[] {
  const addresses = hosts.split(',').map((entry) => addressOf(entry.trim(), text, portDefault));
  return [...new Set(addresses)];
}

function addressOf(entry: string, text: string, portDefault: number): string {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?$/.exec(entry);
  const port = match?.[2] === undefined ? portDefault : Number(match[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new ZkError('BAD_ARGUMENTS', {
      message: `${JSON.stringify(entry)} in servers ${JSON.stringify(text)} is no server: write host:port, ports are 1 to 65535`,
    });
  }
  return `${match[1]}:${port}`;
}
