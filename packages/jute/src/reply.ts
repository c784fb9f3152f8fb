import { type Acl, type Identity, unreachable } from '@zabra/model';
import { JuteError } from './jute-error.ts';
import { EVENT_TYPE, OPCODE, STATE_CONNECTED, XID } from './opcode.ts';
import type { JuteReader } from './reader.ts';
import {
  type JuteStat,
  type ReadStat,
  readAcl,
  readIdentity,
  readStat,
  readText,
  writeAcl,
  writeIdentity,
  writeStat,
  writeText,
} from './records.ts';
import { MULTI_END, readMultiHeader, writeMultiHeader } from './request.ts';
import type { JuteWriter } from './writer.ts';

export interface ReplyHeader {
  readonly xid: number;
  /** The last one that the answering server has applied. */
  readonly zxid: number;
  /** 0, or why there is no body. */
  readonly error: number;
}

/** What follows the header, by its shape on the wire. `S`: JuteStat to write, ReadStat once read. */
export type ReplyBody<S extends JuteStat = JuteStat> =
  /** delete, checkWatches, removeWatches, setWatches, auth, ping, closeSession. */
  | { readonly kind: 'nothing' }
  /** create, sync. */
  | { readonly kind: 'path'; readonly path: string }
  /** create2, createContainer, createTtl. */
  | { readonly kind: 'pathAndStat'; readonly path: string; readonly stat: S }
  /** exists, setData, setAcl. */
  | { readonly kind: 'stat'; readonly stat: S }
  /** getData, reconfig. */
  | { readonly kind: 'data'; readonly data: Uint8Array | undefined; readonly stat: S }
  | { readonly kind: 'acl'; readonly acl: readonly Acl[]; readonly stat: S }
  /** getChildren, getEphemerals. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** getChildren2. */
  | { readonly kind: 'namesAndStat'; readonly names: readonly string[]; readonly stat: S }
  /** getAllChildrenNumber; addWatch, with 0. */
  | { readonly kind: 'number'; readonly number: number }
  /** whoAmI. */
  | { readonly kind: 'identities'; readonly identities: readonly Identity[] }
  /** sasl. */
  | { readonly kind: 'token'; readonly token: Uint8Array | undefined }
  | { readonly kind: 'multi'; readonly results: readonly MultiResult<S>[] };

/** Of one operation of a multi. */
export type MultiResult<S extends JuteStat = JuteStat> =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'create2'; readonly path: string; readonly stat: S }
  | { readonly kind: 'delete' | 'check' }
  | { readonly kind: 'setData'; readonly stat: S }
  | { readonly kind: 'getData'; readonly data: Uint8Array | undefined; readonly stat: S }
  | { readonly kind: 'getChildren'; readonly names: readonly string[] }
  /** 0 for those before the one that failed, -2 for those behind it. */
  | { readonly kind: 'error'; readonly error: number };

/** A whole frame: with the body, or with an error and without. */
export function writeReply(writer: JuteWriter, header: ReplyHeader, body: ReplyBody | undefined): void {
  writer.beginFrame();
  writer.int(header.xid);
  writer.long(header.zxid);
  writer.int(header.error);
  if (header.error === 0 && body !== undefined) writeBody(writer, body);
  writer.endFrame();
}

/** Throws JuteError. */
export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return {
    xid: reader.int('ReplyHeader.xid'),
    zxid: reader.long('ReplyHeader.zxid'),
    error: reader.int('ReplyHeader.err'),
  };
}

function writeBody(writer: JuteWriter, body: ReplyBody): void {
  switch (body.kind) {
    case 'nothing':
      return;
    case 'path':
      writer.ustring(body.path);
      return;
    case 'pathAndStat':
      writer.ustring(body.path);
      writeStat(writer, body.stat);
      return;
    case 'stat':
      writeStat(writer, body.stat);
      return;
    case 'data':
      writer.buffer(body.data);
      writeStat(writer, body.stat);
      return;
    case 'acl':
      writer.vector(body.acl, writeAcl);
      writeStat(writer, body.stat);
      return;
    case 'names':
      writer.vector(body.names, writeText);
      return;
    case 'namesAndStat':
      writer.vector(body.names, writeText);
      writeStat(writer, body.stat);
      return;
    case 'number':
      writer.int(body.number);
      return;
    case 'identities':
      writer.vector(body.identities, writeIdentity);
      return;
    case 'token':
      writer.buffer(body.token);
      return;
    case 'multi':
      for (const result of body.results) writeResult(writer, result);
      writeMultiHeader(writer, MULTI_END);
      return;
    default:
      unreachable(body);
  }
}

function writeResult(writer: JuteWriter, result: MultiResult): void {
  if (result.kind === 'error') {
    writeMultiHeader(writer, { type: OPCODE.error, done: false, error: result.error });
    writer.int(result.error);
    return;
  }
  writeMultiHeader(writer, { type: OPCODE[result.kind], done: false, error: 0 });
  switch (result.kind) {
    case 'create':
      writer.ustring(result.path);
      return;
    case 'create2':
      writer.ustring(result.path);
      writeStat(writer, result.stat);
      return;
    case 'setData':
      writeStat(writer, result.stat);
      return;
    case 'delete':
    case 'check':
      return;
    case 'getData':
      writer.buffer(result.data);
      writeStat(writer, result.stat);
      return;
    case 'getChildren':
      writer.vector(result.names, writeText);
      return;
    default:
      unreachable(result);
  }
}

/** The body of the answer to `opcode`, where the header has no error. Throws JuteError. */
export function readReplyBody(reader: JuteReader, opcode: number): ReplyBody<ReadStat> {
  switch (opcode) {
    case OPCODE.delete:
    case OPCODE.checkWatches:
    case OPCODE.removeWatches:
    case OPCODE.setWatches:
    case OPCODE.setWatches2:
    case OPCODE.auth:
    case OPCODE.ping:
    case OPCODE.closeSession:
      return { kind: 'nothing' };
    case OPCODE.create:
    case OPCODE.sync:
      return { kind: 'path', path: readPath(reader) };
    case OPCODE.create2:
    case OPCODE.createContainer:
    case OPCODE.createTtl:
      return { kind: 'pathAndStat', path: readPath(reader), stat: readStat(reader) };
    case OPCODE.exists:
    case OPCODE.setData:
    case OPCODE.setAcl:
      return { kind: 'stat', stat: readStat(reader) };
    case OPCODE.getData:
    case OPCODE.reconfig:
      return { kind: 'data', data: reader.buffer('GetDataResponse.data'), stat: readStat(reader) };
    case OPCODE.getAcl:
      return {
        kind: 'acl',
        acl: reader.vector('GetACLResponse.acl', readAcl) ?? [],
        stat: readStat(reader),
      };
    case OPCODE.getChildren:
      return { kind: 'names', names: reader.vector('GetChildrenResponse.children', readText) ?? [] };
    case OPCODE.getEphemerals:
      return { kind: 'names', names: reader.vector('GetEphemeralsResponse.ephemerals', readText) ?? [] };
    case OPCODE.getChildren2:
      return {
        kind: 'namesAndStat',
        names: reader.vector('GetChildren2Response.children', readText) ?? [],
        stat: readStat(reader),
      };
    case OPCODE.getAllChildrenNumber:
    case OPCODE.addWatch:
      return { kind: 'number', number: reader.int('a number') };
    case OPCODE.whoAmI:
      return {
        kind: 'identities',
        identities: reader.vector('WhoAmIResponse.clientInfo', readIdentity) ?? [],
      };
    case OPCODE.sasl:
      return { kind: 'token', token: reader.buffer('SetSASLResponse.token') };
    case OPCODE.multi:
    case OPCODE.multiRead:
      return { kind: 'multi', results: readResults(reader) };
    default:
      throw new JuteError('MALFORMED', `nothing is known of the answer to an operation ${opcode}`);
  }
}

function readPath(reader: JuteReader): string {
  return readText(reader, 'a path');
}

function readResults(reader: JuteReader): readonly MultiResult<ReadStat>[] {
  const results: MultiResult<ReadStat>[] = [];
  for (;;) {
    const { type, done } = readMultiHeader(reader);
    if (done) return results;
    results.push(readResult(reader, type));
  }
}

function readResult(reader: JuteReader, type: number): MultiResult<ReadStat> {
  switch (type) {
    case OPCODE.error:
      return { kind: 'error', error: reader.int('ErrorResponse.err') };
    case OPCODE.create:
      return { kind: 'create', path: readPath(reader) };
    case OPCODE.create2:
    case OPCODE.createContainer:
    case OPCODE.createTtl:
      return { kind: 'create2', path: readPath(reader), stat: readStat(reader) };
    case OPCODE.delete:
      return { kind: 'delete' };
    case OPCODE.check:
      return { kind: 'check' };
    case OPCODE.setData:
      return { kind: 'setData', stat: readStat(reader) };
    case OPCODE.getData:
      return { kind: 'getData', data: reader.buffer('GetDataResponse.data'), stat: readStat(reader) };
    case OPCODE.getChildren:
      return { kind: 'getChildren', names: reader.vector('GetChildrenResponse.children', readText) ?? [] };
    default:
      throw new JuteError('MALFORMED', `MultiHeader.type: a multi has no result of type ${type}`);
  }
}

export type EventType = keyof typeof EVENT_TYPE;

/** What a watch heard. */
export interface Notification {
  readonly type: EventType;
  readonly path: string;
  /** Of the change; -1 when it is not told: before 3.9, and where it was guessed after a reconnect. */
  readonly zxid: number;
}

/** A whole frame. */
export function writeNotification(writer: JuteWriter, { type, path, zxid }: Notification): void {
  writer.beginFrame();
  writer.int(XID.notification);
  writer.long(zxid);
  writer.int(0);
  writer.int(EVENT_TYPE[type]);
  writer.int(STATE_CONNECTED);
  writer.ustring(path);
  writer.endFrame();
}

/** What follows a header with the xid of notifications. Throws JuteError. */
export function readNotification(reader: JuteReader, { zxid }: Pick<ReplyHeader, 'zxid'>): Notification {
  const number = reader.int('WatcherEvent.type');
  reader.int('WatcherEvent.state');
  const path = readText(reader, 'WatcherEvent.path');
  const type = EVENT_TYPES.find((name) => EVENT_TYPE[name] === number);
  if (type === undefined) throw new JuteError('MALFORMED', `WatcherEvent.type: ${number} is none`);
  return { type, path, zxid };
}

const EVENT_TYPES: readonly EventType[] = ['created', 'deleted', 'changed', 'children'];
