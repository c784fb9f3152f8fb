import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyAnswer, anyConnectResponse, anyNotification, anyRequest } from '../test/any-records.ts';
import { bodyOf, bytesOf } from '../test/frames.ts';
import { decodeConnectRequest, decodeConnectResponse, writeConnectResponse } from './connect.ts';
import { JuteError } from './jute-error.ts';
import { OPCODE } from './opcode.ts';
import { JuteReader } from './reader.ts';
import { readNotification, readReplyBody, readReplyHeader, writeNotification, writeReply } from './reply.ts';
import { readRequest, readRequestHeader, writeRequest } from './request.ts';

const OPCODES = [...Object.values(OPCODE), 10, 23, 99, 2 ** 31 - 1, -(2 ** 31)];

/** What it throws; undefined when it reads. Anything but a JuteError is thrown on. */
function faultOf(read: () => unknown): JuteError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof JuteError) return error;
    throw error;
  }
}

/** Every way to read these bytes that there is. */
function readers(bytes: Uint8Array): readonly (() => unknown)[] {
  return [
    () => decodeConnectRequest(bytes),
    () => decodeConnectResponse(bytes),
    () => readRequestHeader(new JuteReader(bytes)),
    () => readReplyHeader(new JuteReader(bytes)),
    () => readNotification(new JuteReader(bytes), { zxid: 0 }),
    ...OPCODES.flatMap((opcode) => [
      () => readRequest(new JuteReader(bytes), opcode),
      () => readReplyBody(new JuteReader(bytes), opcode),
    ]),
  ];
}

/** A record or its field, and what is wrong. */
const NAMES_THE_FIELD = /^[\w.]+[ ,\w]*(:| is)? .+/;

describe('bytes that are no record are a JuteError which names the field', () => {
  test('whatever they are and whatever they are read as', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const read of readers(bytes)) {
          const fault = faultOf(read);
          if (fault !== undefined) expect(fault.message).toMatch(NAMES_THE_FIELD);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a request that ends anywhere before its end', () => {
    const anySmall = anyRequest.filter((request) => !hugeIn(request));
    fc.assert(
      fc.property(anySmall, (request) => {
        const bytes = bodyOf((writer) => writeRequest(writer, 1, request));
        for (let length = 8; length < bytes.length; length++) {
          const reader = new JuteReader(bytes.subarray(0, length));
          const { opcode } = readRequestHeader(reader);
          expect(faultOf(() => readRequest(reader, opcode))).toMatchObject({
            code: 'TRUNCATED',
            message: expect.stringMatching(/^[\w .,]+: \d+ bytes are due and \d+ are left$/),
          });
        }
      }),
    );
  });

  test('an answer that ends anywhere before its end', () => {
    const anySmall = anyAnswer.filter(({ body }) => !hugeIn(body));
    fc.assert(
      fc.property(anySmall, ({ opcode, body }) => {
        const bytes = bodyOf((writer) => writeReply(writer, { xid: 1, zxid: 2, error: 0 }, body));
        for (let length = 16; length < bytes.length; length++) {
          const reader = new JuteReader(bytes.subarray(16, length));
          expect(faultOf(() => readReplyBody(reader, opcode))).toMatchObject({ code: 'TRUNCATED' });
        }
        for (let length = 0; length < 16; length++)
          expect(faultOf(() => readReplyHeader(new JuteReader(bytes.subarray(0, length))))).toMatchObject({
            code: 'TRUNCATED',
          });
      }),
    );
  });

  test('a notification, and a connect but for its flag, that end anywhere before their end', () => {
    fc.assert(
      fc.property(anyNotification, anyConnectResponse, (notification, response) => {
        const told = bodyOf((writer) => writeNotification(writer, notification)).subarray(16);
        for (let length = 0; length < told.length; length++)
          expect(
            faultOf(() => readNotification(new JuteReader(told.subarray(0, length)), { zxid: 1 })),
          ).toMatchObject({ code: 'TRUNCATED' });
        const greeting = bodyOf((writer) => writeConnectResponse(writer, response));
        const end = greeting.length - Number(response.readOnly !== undefined);
        for (let length = 0; length < end; length++)
          expect(faultOf(() => decodeConnectResponse(greeting.subarray(0, length)))).toMatchObject({
            code: 'TRUNCATED',
          });
      }),
    );
  });

  test.each([
    { name: 'a string of -2 bytes', opcode: OPCODE.sync, hex: 'fffffffe', code: 'NEGATIVE_LENGTH' },
    {
      name: 'a list of -2^31 elements',
      opcode: OPCODE.setWatches,
      hex: '0000000000000001 80000000',
      code: 'NEGATIVE_LENGTH',
    },
    {
      name: 'a zxid beyond 2^53',
      opcode: OPCODE.setWatches,
      hex: '0020000000000000 00000000 00000000 00000000',
      code: 'OUT_OF_RANGE',
    },
    {
      name: 'a zxid below -2^53',
      opcode: OPCODE.setWatches,
      hex: 'ffe0000000000000 00000000 00000000 00000000',
      code: 'OUT_OF_RANGE',
    },
    {
      name: 'a multi within a multi',
      opcode: OPCODE.multi,
      hex: '0000000e 00 ffffffff',
      code: 'MALFORMED',
    },
    {
      name: 'an exists within a multi',
      opcode: OPCODE.multi,
      hex: '00000003 00 ffffffff 00000002 2f61 00',
      code: 'MALFORMED',
    },
  ])('$name', ({ opcode, hex, code }) => {
    expect(faultOf(() => readRequest(new JuteReader(bytesOf(hex)), opcode))).toMatchObject({ code });
  });

  test('an answer to nothing that anybody asks, and an event of no type', () => {
    expect(faultOf(() => readReplyBody(new JuteReader(new Uint8Array(80)), 99))).toMatchObject({
      code: 'MALFORMED',
      message: 'nothing is known of the answer to an operation 99',
    });
    const told = bytesOf('00000005 00000003 00000001 2f');
    expect(faultOf(() => readNotification(new JuteReader(told), { zxid: 0 }))).toMatchObject({
      code: 'MALFORMED',
      message: 'WatcherEvent.type: 5 is none',
    });
  });
});

describe('a count or a length that the frame does not have', () => {
  const HUGE = '7fffffff';
  test.each([
    { name: 'a path', opcode: OPCODE.getData, hex: HUGE },
    { name: 'data', opcode: OPCODE.setData, hex: `00000001 2f ${HUGE}` },
    { name: 'an ACL', opcode: OPCODE.setAcl, hex: `00000001 2f ${HUGE} 0000001f` },
    { name: 'watches', opcode: OPCODE.setWatches, hex: `0000000000000001 ${HUGE} 00000000` },
    { name: 'a token', opcode: OPCODE.sasl, hex: HUGE },
    { name: 'credentials', opcode: OPCODE.auth, hex: `00000000 00000000 ${HUGE}` },
  ])('takes no memory: $name', ({ opcode, hex }) => {
    const bytes = bytesOf(hex);
    const before = process.memoryUsage();
    // Were each to take what it claims, this would be two million GiB.
    for (let round = 0; round < 1000; round++)
      expect(faultOf(() => readRequest(new JuteReader(bytes), opcode))).toMatchObject({ code: 'TRUNCATED' });
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 24);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(2 ** 28);
  });

  test('nor does it in an answer', () => {
    for (const opcode of [
      OPCODE.getData,
      OPCODE.getChildren,
      OPCODE.getAcl,
      OPCODE.whoAmI,
      OPCODE.getEphemerals,
    ])
      expect(faultOf(() => readReplyBody(new JuteReader(bytesOf(`${HUGE} 00`)), opcode))).toMatchObject({
        code: 'TRUNCATED',
      });
  });
});

/** Large payloads make as many truncations as they have bytes. */
function hugeIn(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length > 4096;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hugeIn);
}
