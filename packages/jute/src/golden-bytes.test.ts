import { describe, expect, test } from 'vitest';
import { bodyOf, bytesOf } from '../test/frames.ts';
import { decodeConnectRequest, writeConnectRequest, writeConnectResponse } from './connect.ts';
import { OPCODE } from './opcode.ts';
import { JuteReader } from './reader.ts';
import { readReplyBody, writeNotification, writeReply } from './reply.ts';
import { type JuteRequest, readRequest, writeRequest } from './request.ts';
import { JuteWriter } from './writer.ts';

/* What real clients and a real server of ZooKeeper 3.8 put on the wire, byte for byte. */

describe('a connect, as clients write it', () => {
  const head = '00000000 0000000000000000 00002710 0000000000000000';
  const terms = { protocolVersion: 0, lastZxidSeen: 0, timeoutMs: 10_000, sessionId: 0 };
  test.each([
    {
      name: 'with a password and the flag: Java, C, kazoo',
      hex: `${head} 00000010 ${'00'.repeat(16)} 00`,
      bytes: 45,
      passwordBytes: 16,
      readOnly: false,
    },
    {
      name: 'with a password: Go, node',
      hex: `${head} 00000010 ${'00'.repeat(16)}`,
      bytes: 44,
      passwordBytes: 16,
      readOnly: undefined,
    },
    {
      name: 'with an empty password and the flag',
      hex: `${head} 00000000 01`,
      bytes: 29,
      passwordBytes: 0,
      readOnly: true,
    },
    {
      name: 'with an empty password',
      hex: `${head} 00000000`,
      bytes: 28,
      passwordBytes: 0,
      readOnly: undefined,
    },
  ])('$name', ({ hex, bytes, passwordBytes, readOnly }) => {
    const frame = bytesOf(hex);
    expect(frame.length).toBe(bytes);
    const password = new Uint8Array(passwordBytes);
    const read = decodeConnectRequest(frame);
    expect({ ...read, password: Uint8Array.from(read.password) }).toEqual({
      ...terms,
      sessionId: 0n,
      password,
      readOnly,
    });
    expect(bodyOf((writer) => writeConnectRequest(writer, { ...terms, password, readOnly }))).toEqual(frame);
  });

  test('a null password is an empty one', () => {
    expect(decodeConnectRequest(bytesOf(`${head} ffffffff`)).password.length).toBe(0);
  });

  test.each([
    { readOnly: undefined, bytes: 36 },
    { readOnly: false, bytes: 37 },
  ])('is answered in $bytes bytes where the flag is $readOnly', ({ readOnly, bytes }) => {
    const body = bodyOf((writer) =>
      writeConnectResponse(writer, {
        protocolVersion: 0,
        timeoutMs: 4000,
        sessionId: 0x1000_0000_0000_0001n,
        password: new Uint8Array(16).fill(7),
        readOnly,
      }),
    );
    expect(body.length).toBe(bytes);
    expect(body.subarray(0, 36)).toEqual(
      bytesOf(`00000000 00000fa0 1000000000000001 00000010 ${'07'.repeat(16)}`),
    );
  });
});

describe('requests', () => {
  test.each<{ readonly name: string; readonly request: JuteRequest; readonly hex: string }>([
    { name: 'a ping', request: { kind: 'ping' }, hex: '0000000b' },
    { name: 'a close', request: { kind: 'closeSession' }, hex: 'fffffff5' },
    {
      name: 'a getData with a watch',
      request: { kind: 'getData', path: '/a', watch: true },
      hex: '00000004 00000002 2f61 01',
    },
    {
      name: 'a create with null data, open to all',
      request: {
        kind: 'create',
        opcode: OPCODE.create,
        path: '/a',
        data: undefined,
        acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
        flags: 1,
        ttlMs: -1,
      },
      hex: '00000001 00000002 2f61 ffffffff 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000001',
    },
    {
      name: 'a create with a TTL and empty data',
      request: {
        kind: 'create',
        opcode: OPCODE.createTtl,
        path: '/a',
        data: new Uint8Array(0),
        acl: [],
        flags: 5,
        ttlMs: 1000,
      },
      hex: '00000015 00000002 2f61 00000000 00000000 00000005 00000000000003e8',
    },
    {
      name: 'a multi of a delete',
      request: { kind: 'multi', operations: [{ kind: 'delete', path: '/a', version: -1 }] },
      hex: '0000000e 00000002 00 ffffffff 00000002 2f61 ffffffff ffffffff 01 ffffffff',
    },
    {
      name: 'an addWatch',
      request: { kind: 'addWatch', path: '/a', mode: 1 },
      hex: '0000006a 00000002 2f61 00000001',
    },
    {
      name: 'credentials',
      request: { kind: 'auth', scheme: 'digest', credentials: new TextEncoder().encode('a:b') },
      hex: '00000064 00000000 00000006 646967657374 00000003 613a62',
    },
  ])('$name', ({ request, hex }) => {
    const frame = bodyOf((writer) => writeRequest(writer, 5, request));
    expect(frame).toEqual(bytesOf(`00000005 ${hex}`));
    expect(readRequest(new JuteReader(frame, 8), frame.readInt32BE(4))).toEqual(request);
  });
});

describe('what a server says', () => {
  const header = { xid: 3, zxid: 2 ** 32 + 9, error: 0 };
  const headerHex = '00000003 0000000100000009 00000000';

  test('the failure of a multi: a create, a check that fails, a delete', () => {
    const results = [
      { kind: 'error', error: 0 },
      { kind: 'error', error: -103 },
      { kind: 'error', error: -2 },
    ] as const;
    const hex =
      'ffffffff 00 00000000 00000000 | ffffffff 00 ffffff99 ffffff99 | ffffffff 00 fffffffe fffffffe | ffffffff 01 ffffffff';
    expect(bodyOf((writer) => writeReply(writer, header, { kind: 'multi', results }))).toEqual(
      bytesOf(`${headerHex} ${hex}`),
    );
    expect(readReplyBody(new JuteReader(bytesOf(hex)), OPCODE.multi)).toEqual({ kind: 'multi', results });
  });

  test('an empty multi is its closing header', () => {
    expect(bodyOf((writer) => writeReply(writer, header, { kind: 'multi', results: [] }))).toEqual(
      bytesOf(`${headerHex} ffffffff 01 ffffffff`),
    );
  });

  test('an addWatch is answered with four zero bytes', () => {
    expect(bodyOf((writer) => writeReply(writer, header, { kind: 'number', number: 0 }))).toEqual(
      bytesOf(`${headerHex} 00000000`),
    );
  });

  test('an error is sixteen bytes', () => {
    expect(
      bodyOf((writer) => writeReply(writer, { ...header, error: -101 }, { kind: 'path', path: '/a' })),
    ).toEqual(bytesOf('00000003 0000000100000009 ffffff9b'));
  });

  test('a notification that a node was made', () => {
    expect(bodyOf((writer) => writeNotification(writer, { type: 'created', path: '/a', zxid: -1 }))).toEqual(
      bytesOf('ffffffff ffffffffffffffff 00000000 00000001 00000003 00000002 2f61'),
    );
  });

  test('null data is told from empty data', () => {
    const stat = {
      czxid: 1,
      mzxid: 2,
      ctimeMs: 3,
      mtimeMs: 4,
      version: 5,
      cversion: 6,
      aversion: 7,
      ephemeralOwner: 8,
      dataLength: 9,
      numChildren: 10,
      pzxid: 11,
    };
    const hex =
      '0000000000000001 0000000000000002 0000000000000003 0000000000000004 00000005 00000006 00000007 0000000000000008 00000009 0000000a 000000000000000b';
    for (const [data, length] of [
      [undefined, 'ffffffff'],
      [new Uint8Array(0), '00000000'],
    ] as const)
      expect(bodyOf((writer) => writeReply(writer, header, { kind: 'data', data, stat }))).toEqual(
        bytesOf(`${headerHex} ${length} ${hex}`),
      );
  });
});

describe('payloads are not copied', () => {
  test('what is read is a view into the frame', () => {
    const frame = bodyOf((writer) =>
      writeRequest(writer, 1, { kind: 'setData', path: '/a', data: Buffer.from('payload'), version: -1 }),
    );
    const request = readRequest(new JuteReader(frame, 8), OPCODE.setData);
    const data = request?.kind === 'setData' ? request.data : undefined;
    expect(data?.buffer).toBe(frame.buffer);
    expect(Buffer.from(data ?? []).toString()).toBe('payload');
  });

  test.each([
    { bytes: 8191, pieces: 1 },
    { bytes: 8192, pieces: 3 },
    { bytes: 1_000_000, pieces: 3 },
  ])('one of $bytes bytes is written in $pieces pieces, the large one as it is', ({ bytes, pieces }) => {
    const data = new Uint8Array(bytes).fill(3);
    const writer = new JuteWriter();
    writeRequest(writer, 1, { kind: 'setData', path: '/a', data, version: -1 });
    expect(writer.size).toBe(4 + 8 + 6 + 4 + bytes + 4);
    const taken = writer.take();
    expect(taken).toHaveLength(pieces);
    expect(taken.includes(data)).toBe(pieces === 3);
    expect(Buffer.concat(taken).readInt32BE(0)).toBe(8 + 6 + 4 + bytes + 4);
    expect(writer.size).toBe(0);
  });

  test('frames that follow each other are one piece, and what was taken is not written into again', () => {
    const writer = new JuteWriter();
    writeRequest(writer, 1, { kind: 'ping' });
    writeRequest(writer, 2, { kind: 'ping' });
    const first = Buffer.concat(writer.take());
    expect(first).toEqual(bytesOf('00000008 00000001 0000000b 00000008 00000002 0000000b'));
    writeRequest(writer, 3, { kind: 'ping' });
    const [second] = writer.take();
    expect(second).toEqual(bytesOf('00000008 00000003 0000000b'));
    expect(first).toEqual(bytesOf('00000008 00000001 0000000b 00000008 00000002 0000000b'));
  });
});
