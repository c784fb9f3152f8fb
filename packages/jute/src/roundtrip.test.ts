import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  anyAnswer,
  anyConnectRequest,
  anyConnectResponse,
  anyInt,
  anyLong,
  anyNotification,
  anyRequest,
} from '../test/any-records.ts';
import { bodyOf } from '../test/frames.ts';
import {
  decodeConnectRequest,
  decodeConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
} from './connect.ts';
import { XID } from './opcode.ts';
import { JuteReader } from './reader.ts';
import { readNotification, readReplyBody, readReplyHeader, writeNotification, writeReply } from './reply.ts';
import { opcodeOf, readRequest, readRequestHeader, writeRequest } from './request.ts';

/** Buffers that are views compare as what they hold. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

describe('what is written is read again', () => {
  test('requests, of every kind', () => {
    fc.assert(
      fc.property(anyInt, anyRequest, (xid, request) => {
        const reader = new JuteReader(bodyOf((writer) => writeRequest(writer, xid, request)));
        const header = readRequestHeader(reader);
        expect(header).toEqual({ xid, opcode: opcodeOf(request) });
        expect(plain(readRequest(reader, header.opcode))).toStrictEqual(plain(request));
        expect(reader.rest).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  test('answers, of every kind', () => {
    fc.assert(
      fc.property(anyInt, anyLong, anyAnswer, (xid, zxid, { opcode, body }) => {
        const header = { xid, zxid, error: 0 };
        const reader = new JuteReader(bodyOf((writer) => writeReply(writer, header, body)));
        expect(readReplyHeader(reader)).toEqual(header);
        expect(plain(readReplyBody(reader, opcode))).toStrictEqual(plain(body));
        expect(reader.rest).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  test('errors, which have no body', () => {
    fc.assert(
      fc.property(
        anyInt,
        anyLong,
        anyInt.filter((error) => error !== 0),
        anyAnswer,
        (xid, zxid, error, { body }) => {
          const bytes = bodyOf((writer) => writeReply(writer, { xid, zxid, error }, body));
          expect(bytes.length).toBe(16);
          expect(readReplyHeader(new JuteReader(bytes))).toEqual({ xid, zxid, error });
        },
      ),
    );
  });

  test('notifications', () => {
    fc.assert(
      fc.property(anyNotification, (notification) => {
        const reader = new JuteReader(bodyOf((writer) => writeNotification(writer, notification)));
        const header = readReplyHeader(reader);
        expect(header).toEqual({ xid: XID.notification, zxid: notification.zxid, error: 0 });
        expect(readNotification(reader, header)).toEqual(notification);
        expect(reader.rest).toBe(0);
      }),
    );
  });

  test('both sides of a connect', () => {
    fc.assert(
      fc.property(anyConnectRequest, anyConnectResponse, (request, response) => {
        const asked = bodyOf((writer) => writeConnectRequest(writer, request));
        expect(plain(decodeConnectRequest(asked))).toStrictEqual(plain(request));
        const answered = bodyOf((writer) => writeConnectResponse(writer, response));
        expect(plain(decodeConnectResponse(answered))).toStrictEqual(plain(response));
      }),
    );
  });
});

test('any byte but 0 is true', () => {
  const reader = new JuteReader(Uint8Array.of(0, 1, 2, 0xff));
  expect([reader.bool('a'), reader.bool('b'), reader.bool('c'), reader.bool('d')]).toEqual([
    false,
    true,
    true,
    true,
  ]);
});

test('a null element of a list of strings is empty, and so is a null of an identity', () => {
  const nulls = Buffer.alloc(16, 0xff);
  nulls.writeInt32BE(31, 0);
  const reader = new JuteReader(Buffer.concat([Buffer.from('00000001ffffffff00000001', 'hex'), nulls]));
  expect(readReplyBody(reader, 8)).toEqual({ kind: 'names', names: [''] });
});
