import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyValue, CODECS, hex, outcomeOf, seedOf } from '../test/reflection.ts';
import {
  DecodeError,
  decodeClientEntry,
  decodeClientFrame,
  decodeClientRequest,
  decodeCreate,
  decodeEvent,
  decodeForwardedTouches,
  decodeGoodbye,
  decodeRefusal,
  decodeReply,
  decodeSet,
  decodeStat,
} from './index.ts';

describe('bytes that are no message are refused by name', () => {
  test.each([
    ['a tag is cut', decodeStat, '89', 'zabra.v1.Stat: the bytes end too early'],
    ['a varint is cut', decodeStat, '30ff', 'zabra.v1.Stat.version: the bytes end too early'],
    [
      'a varint has no end',
      decodeStat,
      '30ffffffffffff',
      'zabra.v1.Stat.version: a varint is longer than 32 bits',
    ],
    [
      'a number is above 32 bits',
      decodeStat,
      '30ffffffff1f',
      'zabra.v1.Stat.version: a varint is longer than 32 bits',
    ],
    ['a fixed64 is cut', decodeStat, '0901000000', 'zabra.v1.Stat.czxid: the bytes end too early'],
    [
      'a fixed64 is 2^53',
      decodeStat,
      '090000000000002000',
      'zabra.v1.Stat.czxid: a 64-bit number is above 2^53 - 1',
    ],
    [
      'a string is longer than the bytes',
      decodeSet,
      '0a0561',
      'zabra.v1.Set.path: a length of 5 goes beyond the end, 1 bytes on',
    ],
    [
      'a length is far beyond the end',
      decodeSet,
      '12ffffffff0f',
      'zabra.v1.Set.data: a length of 4294967295 goes beyond the end, 0 bytes on',
    ],
    ['a string is not UTF-8', decodeSet, '0a02c328', 'zabra.v1.Set.path: a string is not UTF-8'],
    [
      'a nested message is longer than the bytes',
      decodeClientFrame,
      '0a020a',
      'zabra.v1.ClientFrame.entries: a length of 2 goes beyond the end, 1 bytes on',
    ],
    [
      'a nested field is longer than its message',
      decodeClientEntry,
      '1a0208',
      'zabra.v1.ClientEntry.heartbeat: a length of 2 goes beyond the end, 1 bytes on',
    ],
    [
      'a nested message goes beyond the one it is in',
      decodeClientFrame,
      '0a031a0508010a0000',
      'zabra.v1.ClientEntry.heartbeat: a length of 5 goes beyond the end, 1 bytes on',
    ],
    [
      'a nested field runs into its neighbour',
      decodeClientFrame,
      '0a031a010800',
      'zabra.v1.Heartbeat.number: the bytes end too early',
    ],
    [
      'a nested fixed64 runs into its neighbour',
      decodeClientFrame,
      '0a050a031901020a06000000000000',
      'zabra.v1.Attach.features: the bytes end too early',
    ],
    [
      'a packed field is cut within a number',
      decodeForwardedTouches,
      '120401000000',
      'zabra.v1.ForwardedTouches.sessionIds: the bytes end too early',
    ],
    [
      'a known field has another wire type',
      decodeStat,
      '0801',
      "zabra.v1.Stat.czxid: wire type 0 is not the field's own",
    ],
    ['a group begins', decodeStat, 'a306', 'zabra.v1.Stat (field 100): wire type 3 is not known'],
    ['a field has number 0', decodeStat, '0001', 'zabra.v1.Stat (field 0): 0 is no field number'],
    [
      'an unknown varint has no end',
      decodeStat,
      `a006${'ff'.repeat(10)}01`,
      'zabra.v1.Stat (field 100): a varint is longer than 64 bits',
    ],
  ])('%s', (_name, decode, hex, message) => {
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(new DecodeError(message));
  });
});

describe('a oneof has to be one that we know', () => {
  test.each([
    ['the message is empty', decodeClientEntry, '', 'zabra.v1.ClientEntry: kind is missing'],
    ['only common fields are there', decodeReply, '0801', 'zabra.v1.Reply: kind is missing'],
    [
      'the variant is from a newer version',
      decodeClientEntry,
      '3200',
      'zabra.v1.ClientEntry: unknown kind (field 6)',
    ],
    [
      'a nested one is from a newer version',
      decodeClientFrame,
      '0a051203fa0100',
      'zabra.v1.ClientRequest: unknown kind (field 31)',
    ],
    [
      'a newer operation is asked for',
      decodeClientRequest,
      '0801fa010131',
      'zabra.v1.ClientRequest: unknown kind (field 31)',
    ],
  ])('%s', (_name, decode, hex, message) => {
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(new DecodeError(message));
  });
});

describe('an enum has to be a value that we know', () => {
  test.each([
    ['a required one is absent', decodeCreate, '', 'zabra.v1.Create.mode is missing'],
    ['a required one is 0', decodeCreate, '1800', 'zabra.v1.Create.mode is missing'],
    ['a value is from a newer version', decodeCreate, '1863', 'zabra.v1.Create.mode: unknown value 99'],
    ['the second of two is absent', decodeEvent, '0801', 'zabra.v1.Event.kind is missing'],
    [
      'a packed one is from a newer version',
      decodeRefusal,
      '2202007f',
      'zabra.v1.Refusal.codes: unknown value 127',
    ],
  ])('%s', (_name, decode, hex, message) => {
    expect(() => decode(Buffer.from(hex, 'hex'))).toThrow(new DecodeError(message));
  });

  test('OK is a value although its number is 0', () => {
    expect(decodeGoodbye(new Uint8Array(0))).toStrictEqual({ code: 'OK', message: '' });
  });
});

describe('a newer peer may send more than we know', () => {
  test.each([
    ['a varint of 64 bits', `a006${'ff'.repeat(9)}01`],
    ['8 bytes', 'a1060102030405060708'],
    ['a length and its bytes', 'a20603616263'],
    ['4 bytes', 'a50601020304'],
  ])('an unknown field is passed over: %s', (_name, unknown) => {
    const decoded = decodeClientEntry(Buffer.from(`${unknown}1a020807${unknown}`, 'hex'));
    expect(decoded).toStrictEqual({ kind: 'heartbeat', heartbeat: { number: 7 } });
  });

  test('numbers that are packed elsewhere are read one by one too', () => {
    expect(decodeRefusal(Buffer.from('2001200222020300', 'hex')).codes).toStrictEqual([
      'NO_NODE',
      'NODE_EXISTS',
      'NOT_EMPTY',
      'OK',
    ]);
  });

  test('the last of two variants counts', () => {
    const decoded = decodeClientEntry(Buffer.from('1a0208071a0208082200', 'hex'));
    expect(decoded).toStrictEqual({ kind: 'close', close: {} });
  });
});

describe.each(CODECS)('$name', (codec) => {
  const { name, type, encode } = codec;
  const check = { seed: seedOf(name), numRuns: 30 };

  test('cut at any byte it is refused, or is the shorter message that the bytes say', () => {
    fc.assert(
      fc.property(anyValue(type), (value) => {
        const bytes = encode(value);
        const prefixes = Array.from(bytes, (_byte, length) => bytes.subarray(0, length));
        for (const prefix of prefixes) expect(outcomeOf(codec, prefix)).toSatisfy(isEither(prefix));
      }),
      { ...check, numRuns: 10 },
    );
  });

  test('with a byte changed it is read or refused, nothing else', () => {
    fc.assert(
      fc.property(anyValue(type), fc.nat(), fc.nat({ max: 255 }), (value, index, byte) => {
        const bytes = Uint8Array.from(encode(value));
        bytes[index % Math.max(1, bytes.length)] = byte;
        expect(outcomeOf(codec, bytes)).toBeTypeOf('string');
      }),
      check,
    );
  });

  test('random bytes are read or refused, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(outcomeOf(codec, bytes)).toBeTypeOf('string');
      }),
      check,
    );
  });
});

function isEither(prefix: Uint8Array): (outcome: string) => boolean {
  return (outcome) => outcome === hex(prefix) || outcome.startsWith('zabra.v1.');
}
