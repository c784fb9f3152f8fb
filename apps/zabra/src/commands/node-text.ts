import type { Stat, WatchEvent } from '@zabra/client';

/** JSON has no 64-bit numbers: they are hexadecimal text, as zxids are written everywhere. */
export function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A Stat as JSON. */
export function statJson(stat: Stat): Readonly<Record<string, string | number>> {
  const entries = Object.entries(stat).map(([name, value]: [string, bigint | Date | number]) => {
    if (typeof value === 'bigint') return [name, hexadecimal(value)];
    return [name, value instanceof Date ? value.toISOString() : value];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, string | number>>;
}

const NAME_WIDTH = 16;

/** A Stat for people, a line for each of its parts. */
export function statLines(stat: Stat): string {
  return rows(statJson(stat));
}

/** `name value` lines, the values below each other. */
export function rows(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name.padEnd(NAME_WIDTH)}${value}\n`)
    .join('');
}

/** A line for each. */
export function lines(all: readonly string[]): string {
  return all.map((one) => `${one}\n`).join('');
}

/** Data as JSON: text where it is UTF-8, else base64. */
export function dataJson(data: Uint8Array): { readonly data: string; readonly encoding: 'utf8' | 'base64' } {
  try {
    return {
      data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data),
      encoding: 'utf8',
    };
  } catch {
    return { data: Buffer.from(data).toString('base64'), encoding: 'base64' };
  }
}

/** The same data, ending in a new line, for what comes behind it. */
export function withNewline(data: Uint8Array): Uint8Array {
  const isEnded = data.length === 0 || data[data.length - 1] === NEWLINE;
  return isEnded ? data : Buffer.concat([data, Buffer.from([NEWLINE])]);
}

const NEWLINE = 0x0a;

/** A watch's event as JSON, the answer that a program reads line by line. */
export function eventJson(event: WatchEvent): Readonly<Record<string, string>> {
  const zxid = hexadecimal(event.zxid);
  return event.type === 'resync'
    ? { type: event.type, reason: event.reason, zxid }
    : { type: event.type, path: event.path, zxid };
}

/** A watch's event for people, on one line. */
export function eventLine(event: WatchEvent): string {
  const zxid = hexadecimal(event.zxid);
  return event.type === 'resync'
    ? `${zxid} resync (${event.reason}): events may have been missed, read again\n`
    : `${zxid} ${event.type} ${event.path}\n`;
}
