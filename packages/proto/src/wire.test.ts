import { InvariantError } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import {
  type ClientFrame,
  decodeClientFrame,
  decodeRecord,
  decodeSet,
  encodeClientFrame,
  encodeRecord,
  encodeSet,
  encodeStat,
} from './index.ts';
import { Writer } from './wire.ts';

const STAT = {
  czxid: 0,
  mzxid: 0,
  pzxid: 0,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 0,
  numChildren: 0,
};

describe('what was encoded', () => {
  test('stays as it is while others are encoded', () => {
    const messages = Array.from({ length: 2_000 }, (_, index) => `/${'a'.repeat(index % 90)}${index}`);
    const encoded = messages.map((path) =>
      encodeSet({ path, data: new Uint8Array(0), version: undefined, nullData: false }),
    );
    expect(encoded.map((bytes) => decodeSet(bytes).path)).toStrictEqual(messages);
  });

  test('may be larger than any buffer before it', () => {
    const payload = new Uint8Array(3_000_000).map((_, index) => index);
    const encoded = encodeRecord({ zxid: 2 ** 32 + 1, previous: 2 ** 32, kind: 'TXN', payload });
    expect(Buffer.compare(decodeRecord(encoded).payload, payload)).toBe(0);
  });

  test('may hold many messages that outgrow the buffer together', () => {
    const frame: ClientFrame = {
      entries: Array.from({ length: 5_000 }, (_, number) => ({ kind: 'heartbeat', heartbeat: { number } })),
    };
    expect(decodeClientFrame(encodeClientFrame(frame))).toStrictEqual(frame);
  });

  test('may be encoded while another message is', () => {
    const writer = Writer.start();
    writer.string(10, 'outer');
    const inner = encodeSet({ path: '/inner', data: new Uint8Array(0), version: undefined, nullData: false });
    expect(decodeSet(writer.finish()).path).toBe('outer');
    expect(decodeSet(inner).path).toBe('/inner');
  });
});

describe('what was decoded', () => {
  test('shares its byte fields with the input', () => {
    const bytes = encodeSet({
      path: '/a',
      data: Uint8Array.of(1, 2, 3),
      version: undefined,
      nullData: false,
    });
    const { data } = decodeSet(bytes);
    expect(data.buffer).toBe(bytes.buffer);
    expect(data).toStrictEqual(Uint8Array.of(1, 2, 3));
  });

  test('is the same from a Buffer as from a plain array', () => {
    const bytes = encodeSet({ path: '/ä', data: Uint8Array.of(1, 2, 3), version: 7, nullData: false });
    expect(decodeSet(Buffer.from(bytes))).toStrictEqual(decodeSet(bytes));
  });

  test('keeps a replacement character that was really sent', () => {
    const value = { path: '/\ufffd', data: new Uint8Array(0), version: undefined, nullData: false };
    expect(decodeSet(encodeSet(value))).toStrictEqual(value);
  });
});

describe('a number that its field cannot hold ends the encoding', () => {
  test.each([
    ['a fixed64 of 2^53', { ...STAT, czxid: 2 ** 53 }],
    ['a negative fixed64', { ...STAT, czxid: -1 }],
    ['a fraction', { ...STAT, czxid: 0.5 }],
    ['a uint32 of 2^32', { ...STAT, version: 2 ** 32 }],
    ['a negative uint32', { ...STAT, version: -1 }],
    ['not a number', { ...STAT, version: Number.NaN }],
  ])('%s', (_name, stat) => {
    expect(() => encodeStat(stat)).toThrow(InvariantError);
  });

  test('and leaves nothing behind for the next message', () => {
    expect(() => encodeStat({ ...STAT, czxid: -1, version: 7 })).toThrow(InvariantError);
    expect(encodeStat({ ...STAT, version: 1 })).toStrictEqual(Uint8Array.of(0x30, 1));
  });
});
