/**
 * The subject of an X.509 certificate (DER), as Java's `X500Principal.getName()` and so ZooKeeper's ACLs write it: RFC 2253,
 * the most particular part first: `CN=alice,OU=ops,O=Acme`. Undefined when it can't be read, or is empty.
 *
 * Read here, since the object that Node makes of a subject forgets the order of its parts.
 */
export function subjectOf(certificate: Uint8Array): string | undefined {
  try {
    const parts = childrenOf(subjectIn(certificate)).map((part) => childrenOf(part).map(attribute).join('+'));
    return parts.length === 0 ? undefined : parts.reverse().join(',');
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

class DerError extends Error {}

interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag and length included. */
  readonly whole: Uint8Array;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
/** The optional version of a certificate, the only part before the subject that need not be there. */
const VERSION = 0xa0;

/** Certificate { tbs { [version], serial, signature, issuer, validity, subject, … }, … } */
function subjectIn(certificate: Uint8Array): Der {
  const [tbs] = childrenOf(read(certificate, 0));
  if (tbs === undefined) throw new DerError('a certificate has contents');
  const fields = childrenOf(tbs);
  const subject = fields[fields[0]?.tag === VERSION ? 5 : 4];
  if (subject === undefined) throw new DerError('a certificate has a subject');
  return subject;
}

function read(bytes: Uint8Array, start: number): Der {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError('an element has a tag and a length');
  let length = first;
  let from = start + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw new DerError('a length has at most 24 bits');
    length = 0;
    for (const byte of bytes.subarray(from, from + count)) length = length * 256 + byte;
    from += count;
  }
  const end = from + length;
  if (end > bytes.length) throw new DerError('an element ends within what holds it');
  return { tag, content: bytes.subarray(from, end), whole: bytes.subarray(start, end) };
}

function childrenOf({ tag, content }: Der): Der[] {
  if (tag !== SEQUENCE && tag !== SET) throw new DerError('only a sequence or a set has children');
  const children: Der[] = [];
  for (let at = 0; at < content.length; ) {
    const child = read(content, at);
    children.push(child);
    at += child.whole.length;
  }
  return children;
}

function attribute(pair: Der): string {
  const [type, value] = childrenOf(pair);
  if (type?.tag !== OBJECT_IDENTIFIER || value === undefined) throw new DerError('an attribute has a type');
  const identifier = dotted(type.content);
  const keyword = KEYWORDS.get(identifier);
  const text = keyword === undefined ? undefined : textOf(value);
  if (keyword === undefined || text === undefined) return `${identifier}=#${hex(value.whole)}`;
  return `${keyword}=${escaped(text)}`;
}

/** Those of RFC 2253; other types are written as numbers, their values as bytes. */
const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

function dotted(content: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - 40 * root, ...rest].join('.');
}

/** Undefined for what is no text. */
function textOf({ tag, content }: Der): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
    case 0x13: // PrintableString
    case 0x16: // IA5String
      return decoded(content, 'utf-8');
    case 0x14: // TeletexString: read as Latin 1, as everybody does
      return Buffer.from(content).toString('latin1');
    case 0x1e: // BMPString
      return decoded(content, 'utf-16be');
    default:
      return undefined;
  }
}

/** No two values become one text: what is not well-formed is none. */
function decoded(content: Uint8Array, encoding: 'utf-8' | 'utf-16be'): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** What would otherwise end or split the value; so that no value can look like another subject. */
function escaped(text: string): string {
  return text
    .replace(/[,=+<>#;"\\]/g, (character) => `\\${character}`)
    .replace(/^[ \r]+|[ \r]+$/g, (spaces) => Array.from(spaces, (space) => `\\${space}`).join(''))
    .replaceAll('\0', '\\00');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
