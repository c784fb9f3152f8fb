import type { Acl, Identity } from '@zabra/model';

/**
 * The addresses from which an ACL entry of scheme `ip` may be used: one, or all that begin with the same bits. IPv4 and
 * IPv6; an IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`, as sockets that hear both report it) is the IPv4 address.
 */
export interface IpRange {
  readonly bytes: Address;
  readonly bits: number;
}

/** 4 or 16 bytes. */
export type Address = readonly number[];

/** `address` or `address/bits`; undefined when it is neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const plain = unmapped(bytes);
  if (slash === -1) return { bytes: plain, bits: plain.length * 8 };

  const bits = parseDecimal(text.slice(slash + 1), bytes.length * 8);
  if (bits === undefined) return undefined;
  if (plain === bytes) return { bytes, bits };
  // Fewer bits than the clothes have say something of IPv6 addresses.
  return bits < MAPPED_BITS ? { bytes, bits } : { bytes: plain, bits: bits - MAPPED_BITS };
}

/** An address as a socket reports it, at times with a zone behind `%`; undefined when it is none. */
export function parseSocketAddress(text: string): Address | undefined {
  const zone = text.indexOf('%');
  const bytes = parseAddress(zone === -1 ? text : text.slice(0, zone));
  return bytes && unmapped(bytes);
}

export function isInRange(address: Address, { bytes, bits }: IpRange): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== bytes[index]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = 0xff & (0xff << (8 - rest));
  return ((address[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask);
}

/**
 * What the entries of an ACL say, by their place; undefined where one is of another scheme, or says nothing. Remembered
 * by the list, which is never written into: one ACL may stand before each of thousands of children or watchers.
 */
export function rangesOf(acl: readonly Acl[]): readonly (IpRange | undefined)[] {
  const known = RANGES.get(acl);
  if (known !== undefined) return known;
  const ranges = acl.map(({ scheme, id }) => (scheme === 'ip' ? parseIpRange(id) : undefined));
  RANGES.set(acl, ranges);
  return ranges;
}

/** The addresses among somebody's identities. Remembered as {@link rangesOf}. */
export function addressesOf(identities: readonly Identity[]): readonly Address[] {
  const known = ADDRESSES.get(identities);
  if (known !== undefined) return known;
  const addresses: Address[] = [];
  for (const { scheme, id } of identities) {
    const address = scheme === 'ip' ? parseSocketAddress(id) : undefined;
    if (address !== undefined) addresses.push(address);
  }
  ADDRESSES.set(identities, addresses);
  return addresses;
}

const MAPPED_BITS = 96;
/** They remember what would be found again, and nothing else: no outcome depends on them. */
const RANGES = new WeakMap<readonly Acl[], readonly (IpRange | undefined)[]>();
const ADDRESSES = new WeakMap<readonly Identity[], readonly Address[]>();

function unmapped(bytes: readonly number[]): readonly number[] {
  const isMapped =
    bytes.length === 16 &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff &&
    bytes.slice(0, 10).every((byte) => byte === 0);
  return isMapped ? bytes.slice(12) : bytes;
}

function parseAddress(text: string): readonly number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): readonly number[] | undefined {
  const bytes: number[] = [];
  for (const part of text.split('.')) {
    const byte = parseDecimal(part, 255);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes.length === 4 ? bytes : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = '', tail] = halves;
  const before = parseGroups(head, tail === undefined);
  if (tail === undefined) return before?.length === 16 ? before : undefined;
  const after = parseGroups(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const zeros = 16 - before.length - after.length;
  return zeros < 2 ? undefined : [...before, ...new Array<number>(zeros).fill(0), ...after];
}

/** Groups of four hexadecimal digits; the last may be an IPv4 address where the address ends with them. */
function parseGroups(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (isEnd && index === groups.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const word = Number.parseInt(group, 16);
      bytes.push(word >> 8, word & 0xff);
    }
  }
  return bytes;
}

/** No sign, no leading zero: `010` is eight to some and ten to others. */
function parseDecimal(text: string, max: number): number | undefined {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
