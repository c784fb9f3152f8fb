/**
 * The addresses from which an ACL entry of scheme `ip` may be used: one, or all that begin with the same bits. IPv4 and
 * IPv6; an IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`, as sockets that hear both report it) is the IPv4 address.
 */
export interface IpRange {
  /** 4 or 16. */
  readonly bytes: readonly number[];
  readonly bits: number;
}

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

/** `address` as a socket reports it, at times with a zone behind `%`. */
export function isInRange(address: string, range: IpRange): boolean {
  const zone = address.indexOf('%');
  const bytes = parseAddress(zone === -1 ? address : address.slice(0, zone));
  if (bytes === undefined) return false;
  const plain = unmapped(bytes);
  if (plain.length !== range.bytes.length) return false;
  return range.bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, range.bits - index * 8));
    const mask = 0xff & (0xff << (8 - bits));
    return (byte & mask) === ((plain[index] ?? 0) & mask);
  });
}

const MAPPED_BITS = 96;

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
