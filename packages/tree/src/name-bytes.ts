/*
 * Names as they lie in memory: UTF-8, written and compared without a string or an array in between. A name holds no
 * surrogates (see pathFault), so each UTF-16 code unit is a character of one, two or three bytes, and the order of bytes
 * is the order of code units. A name in a text is given by where it starts and ends, so that a path need not be cut.
 */

export function utf8Length(text: string, start: number, end: number): number {
  let length = 0;
  for (let index = start; index < end; index++) length += bytesOf(text.charCodeAt(index));
  return length;
}

export function writeUtf8(text: string, start: number, end: number, bytes: Uint8Array, at: number): void {
  let to = at;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x80) {
      bytes[to++] = code;
    } else if (code < 0x800) {
      bytes[to++] = 0xc0 | (code >> 6);
      bytes[to++] = 0x80 | (code & 0x3f);
    } else {
      bytes[to++] = 0xe0 | (code >> 12);
      bytes[to++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[to++] = 0x80 | (code & 0x3f);
    }
  }
}

export function readUtf8(bytes: Uint8Array, at: number, length: number): string {
  const codes = new Array<number>(length);
  for (let index = 0; index < length; index++) {
    const byte = byteAt(bytes, at + index);
    if (byte >= 0x80) return readBeyondAscii(bytes, at, length);
    codes[index] = byte;
  }
  return fromCodes(codes);
}

export function equalsUtf8(
  bytes: Uint8Array,
  at: number,
  length: number,
  text: string,
  start: number,
  end: number,
): boolean {
  // A text of as many characters as there are bytes is ASCII or another name.
  if (length === end - start) {
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(start + index);
      if (code >= 0x80 || code !== byteAt(bytes, at + index)) return false;
    }
    return true;
  }
  return length > end - start && compareUtf8(bytes, at, length, text, start, end) === 0;
}

/** Below 0 when the bytes come before the text, above 0 when they come after it. */
export function compareUtf8(
  bytes: Uint8Array,
  at: number,
  length: number,
  text: string,
  start: number,
  end: number,
): number {
  const stop = at + length;
  let from = at;
  for (let index = start; index < end; index++) {
    if (from >= stop) return -1;
    const lead = byteAt(bytes, from);
    const code = lead < 0x80 ? lead : codeAt(bytes, from, lead);
    const difference = code - text.charCodeAt(index);
    if (difference !== 0) return difference;
    from += bytesOf(code);
  }
  return stop - from;
}

function readBeyondAscii(bytes: Uint8Array, at: number, length: number): string {
  const codes: number[] = [];
  for (let from = at; from < at + length; ) {
    const code = codeAt(bytes, from, byteAt(bytes, from));
    codes.push(code);
    from += bytesOf(code);
  }
  return fromCodes(codes);
}

/** In pieces: a call takes only so many arguments. */
function fromCodes(codes: number[]): string {
  if (codes.length <= CODES_MAX) return String.fromCharCode.apply(null, codes);
  let text = '';
  for (let from = 0; from < codes.length; from += CODES_MAX)
    text += String.fromCharCode.apply(null, codes.slice(from, from + CODES_MAX));
  return text;
}

const CODES_MAX = 4096;

function codeAt(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0x80) return lead;
  const second = byteAt(bytes, at + 1) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  return ((lead & 0x0f) << 12) | (second << 6) | (byteAt(bytes, at + 2) & 0x3f);
}

function bytesOf(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
