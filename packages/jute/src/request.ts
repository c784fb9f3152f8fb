import { type Acl, unreachable } from '@zabra/model';
import { JuteError } from './jute-error.ts';
import { OPCODE } from './opcode.ts';
import type { JuteReader } from './reader.ts';
import { readAcl, readText, writeAcl, writeText } from './records.ts';
import type { JuteWriter } from './writer.ts';

export interface RequestHeader {
  readonly xid: number;
  readonly opcode: number;
}

export type CreateOpcode =
  | typeof OPCODE.create
  | typeof OPCODE.create2
  | typeof OPCODE.createContainer
  | typeof OPCODE.createTtl;

/** What undefined is here is null on the wire: a server refuses most of it, in its place. */
export interface CreateRequest {
  readonly kind: 'create';
  readonly opcode: CreateOpcode;
  readonly path: string | undefined;
  readonly data: Uint8Array | undefined;
  readonly acl: readonly Acl[] | undefined;
  /** See CREATE_FLAGS. */
  readonly flags: number;
  /** Of `createTtl`, ms; -1 otherwise. */
  readonly ttlMs: number;
}
export interface DeleteRequest {
  readonly kind: 'delete';
  readonly path: string | undefined;
  /** -1: any. */
  readonly version: number;
}
/** Only within a multi. */
export interface CheckRequest {
  readonly kind: 'check';
  readonly path: string | undefined;
  /** -1: any. */
  readonly version: number;
}
export interface SetDataRequest {
  readonly kind: 'setData';
  readonly path: string | undefined;
  readonly data: Uint8Array | undefined;
  readonly version: number;
}
export interface ReadRequest {
  readonly kind: 'exists' | 'getData' | 'getChildren' | 'getChildren2';
  readonly path: string | undefined;
  readonly watch: boolean;
}
/** What a multi, or a multi-read, may hold as far as its bytes go. */
export type MultiOperation = CreateRequest | DeleteRequest | CheckRequest | SetDataRequest | ReadRequest;

export type JuteRequest =
  | MultiOperation
  | { readonly kind: 'getAcl' | 'sync' | 'getAllChildrenNumber'; readonly path: string | undefined }
  | {
      readonly kind: 'setAcl';
      readonly path: string | undefined;
      readonly acl: readonly Acl[] | undefined;
      /** Of the ACL; -1: any. */
      readonly version: number;
    }
  | { readonly kind: 'ping' }
  | { readonly kind: 'whoAmI' }
  | { readonly kind: 'closeSession' }
  | { readonly kind: 'multi' | 'multiRead'; readonly operations: readonly MultiOperation[] }
  | {
      readonly kind: 'reconfig';
      readonly joining: string | undefined;
      readonly leaving: string | undefined;
      readonly newMembers: string | undefined;
      /** -1: any. */
      readonly fromVersion: number;
    }
  | {
      readonly kind: 'checkWatches' | 'removeWatches';
      readonly path: string | undefined;
      /** See WATCHER_TYPE. */
      readonly type: number;
    }
  | {
      readonly kind: 'auth';
      readonly scheme: string | undefined;
      readonly credentials: Uint8Array | undefined;
    }
  | SetWatchesRequest
  | { readonly kind: 'sasl'; readonly token: Uint8Array | undefined }
  | { readonly kind: 'getEphemerals'; readonly prefix: string | undefined }
  | {
      readonly kind: 'addWatch';
      readonly path: string | undefined;
      /** See ADD_WATCH_MODE. */
      readonly mode: number;
    };

export interface SetWatchesRequest {
  readonly kind: 'setWatches' | 'setWatches2';
  readonly relativeZxid: number;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly child: readonly string[];
  /** Both empty in `setWatches`. */
  readonly persistent: readonly string[];
  readonly persistentRecursive: readonly string[];
}

/** Throws JuteError. */
export function readRequestHeader(reader: JuteReader): RequestHeader {
  return { xid: reader.int('RequestHeader.xid'), opcode: reader.int('RequestHeader.type') };
}

/** What follows the header; undefined: a client sends no such operation. Bytes behind it are left alone. Throws JuteError. */
export function readRequest(reader: JuteReader, opcode: number): JuteRequest | undefined {
  switch (opcode) {
    case OPCODE.create:
    case OPCODE.create2:
    case OPCODE.createContainer:
    case OPCODE.createTtl:
      return readCreate(reader, opcode);
    case OPCODE.delete:
      return readPathVersion(reader, 'delete');
    case OPCODE.check:
      return readPathVersion(reader, 'check');
    case OPCODE.setData:
      return readSetData(reader);
    case OPCODE.exists:
      return readRead(reader, 'exists');
    case OPCODE.getData:
      return readRead(reader, 'getData');
    case OPCODE.getChildren:
      return readRead(reader, 'getChildren');
    case OPCODE.getChildren2:
      return readRead(reader, 'getChildren2');
    case OPCODE.getAcl:
      return { kind: 'getAcl', path: reader.ustring('GetACLRequest.path') };
    case OPCODE.sync:
      return { kind: 'sync', path: reader.ustring('SyncRequest.path') };
    case OPCODE.getAllChildrenNumber:
      return {
        kind: 'getAllChildrenNumber',
        path: reader.ustring('GetAllChildrenNumberRequest.path'),
      };
    case OPCODE.setAcl:
      return {
        kind: 'setAcl',
        path: reader.ustring('SetACLRequest.path'),
        acl: reader.vector('SetACLRequest.acl', readAcl),
        version: reader.int('SetACLRequest.version'),
      };
    case OPCODE.ping:
      return { kind: 'ping' };
    case OPCODE.whoAmI:
      return { kind: 'whoAmI' };
    case OPCODE.closeSession:
      return { kind: 'closeSession' };
    case OPCODE.multi:
      return { kind: 'multi', operations: readOperations(reader) };
    case OPCODE.multiRead:
      return { kind: 'multiRead', operations: readOperations(reader) };
    case OPCODE.reconfig:
      return {
        kind: 'reconfig',
        joining: reader.ustring('ReconfigRequest.joiningServers'),
        leaving: reader.ustring('ReconfigRequest.leavingServers'),
        newMembers: reader.ustring('ReconfigRequest.newMembers'),
        fromVersion: reader.long('ReconfigRequest.curConfigId'),
      };
    case OPCODE.checkWatches:
      return readWatcherType(reader, 'checkWatches');
    case OPCODE.removeWatches:
      return readWatcherType(reader, 'removeWatches');
    case OPCODE.auth:
      reader.int('AuthPacket.type');
      return {
        kind: 'auth',
        scheme: reader.ustring('AuthPacket.scheme'),
        credentials: reader.buffer('AuthPacket.auth'),
      };
    case OPCODE.setWatches:
      return { ...readSetWatches(reader, 'setWatches'), persistent: [], persistentRecursive: [] };
    case OPCODE.setWatches2:
      return {
        ...readSetWatches(reader, 'setWatches2'),
        persistent: readTexts(reader, 'SetWatches2.persistentWatches'),
        persistentRecursive: readTexts(reader, 'SetWatches2.persistentRecursiveWatches'),
      };
    case OPCODE.sasl:
      return { kind: 'sasl', token: reader.buffer('GetSASLRequest.token') };
    case OPCODE.getEphemerals:
      return { kind: 'getEphemerals', prefix: reader.ustring('GetEphemeralsRequest.prefixPath') };
    case OPCODE.addWatch:
      return {
        kind: 'addWatch',
        path: reader.ustring('AddWatchRequest.path'),
        mode: reader.int('AddWatchRequest.mode'),
      };
    default:
      return undefined;
  }
}

export function opcodeOf(request: JuteRequest): number {
  return request.kind === 'create' ? request.opcode : OPCODE[request.kind];
}

/** A whole frame. */
export function writeRequest(writer: JuteWriter, xid: number, request: JuteRequest): void {
  writer.beginFrame();
  writer.int(xid);
  writer.int(opcodeOf(request));
  writeBody(writer, request);
  writer.endFrame();
}

function writeBody(writer: JuteWriter, request: JuteRequest): void {
  switch (request.kind) {
    case 'create':
    case 'delete':
    case 'check':
    case 'setData':
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      writeOperation(writer, request);
      return;
    case 'getAcl':
    case 'sync':
    case 'getAllChildrenNumber':
      writer.ustring(request.path);
      return;
    case 'setAcl':
      writer.ustring(request.path);
      writer.vector(request.acl, writeAcl);
      writer.int(request.version);
      return;
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
      return;
    case 'multi':
    case 'multiRead':
      for (const operation of request.operations) {
        writeMultiHeader(writer, { type: opcodeOf(operation), done: false, error: -1 });
        writeOperation(writer, operation);
      }
      writeMultiHeader(writer, MULTI_END);
      return;
    case 'reconfig':
      writer.ustring(request.joining);
      writer.ustring(request.leaving);
      writer.ustring(request.newMembers);
      writer.long(request.fromVersion);
      return;
    case 'checkWatches':
    case 'removeWatches':
      writer.ustring(request.path);
      writer.int(request.type);
      return;
    case 'auth':
      writer.int(0);
      writer.ustring(request.scheme);
      writer.buffer(request.credentials);
      return;
    case 'setWatches':
    case 'setWatches2':
      writer.long(request.relativeZxid);
      writer.vector(request.data, writeText);
      writer.vector(request.exist, writeText);
      writer.vector(request.child, writeText);
      if (request.kind === 'setWatches') return;
      writer.vector(request.persistent, writeText);
      writer.vector(request.persistentRecursive, writeText);
      return;
    case 'sasl':
      writer.buffer(request.token);
      return;
    case 'getEphemerals':
      writer.ustring(request.prefix);
      return;
    case 'addWatch':
      writer.ustring(request.path);
      writer.int(request.mode);
      return;
    default:
      unreachable(request);
  }
}

function writeOperation(writer: JuteWriter, operation: MultiOperation): void {
  writer.ustring(operation.path);
  switch (operation.kind) {
    case 'create':
      writer.buffer(operation.data);
      writer.vector(operation.acl, writeAcl);
      writer.int(operation.flags);
      if (operation.opcode === OPCODE.createTtl) writer.long(operation.ttlMs);
      return;
    case 'delete':
    case 'check':
      writer.int(operation.version);
      return;
    case 'setData':
      writer.buffer(operation.data);
      writer.int(operation.version);
      return;
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      writer.bool(operation.watch);
      return;
    default:
      unreachable(operation);
  }
}

/** In front of each operation and each result of a multi, and alone at its end. */
export interface MultiHeader {
  readonly type: number;
  readonly done: boolean;
  readonly error: number;
}

export const MULTI_END: MultiHeader = { type: -1, done: true, error: -1 };

export function readMultiHeader(reader: JuteReader): MultiHeader {
  return {
    type: reader.int('MultiHeader.type'),
    done: reader.bool('MultiHeader.done'),
    error: reader.int('MultiHeader.err'),
  };
}

export function writeMultiHeader(writer: JuteWriter, { type, done, error }: MultiHeader): void {
  writer.int(type);
  writer.bool(done);
  writer.int(error);
}

function readOperations(reader: JuteReader): readonly MultiOperation[] {
  const operations: MultiOperation[] = [];
  for (;;) {
    const { type, done } = readMultiHeader(reader);
    if (done) return operations;
    operations.push(readOperation(reader, type));
  }
}

function readOperation(reader: JuteReader, type: number): MultiOperation {
  switch (type) {
    case OPCODE.create:
    case OPCODE.create2:
    case OPCODE.createContainer:
    case OPCODE.createTtl:
      return readCreate(reader, type);
    case OPCODE.delete:
      return readPathVersion(reader, 'delete');
    case OPCODE.check:
      return readPathVersion(reader, 'check');
    case OPCODE.setData:
      return readSetData(reader);
    case OPCODE.getData:
      return readRead(reader, 'getData');
    case OPCODE.getChildren:
      return readRead(reader, 'getChildren');
    default:
      throw new JuteError('MALFORMED', `MultiHeader.type: a multi has no operation of type ${type}`);
  }
}

function readCreate(reader: JuteReader, opcode: CreateOpcode): CreateRequest {
  return {
    kind: 'create',
    opcode,
    path: reader.ustring('CreateRequest.path'),
    data: reader.buffer('CreateRequest.data'),
    acl: reader.vector('CreateRequest.acl', readAcl),
    flags: reader.int('CreateRequest.flags'),
    ttlMs: opcode === OPCODE.createTtl ? reader.long('CreateTTLRequest.ttl') : -1,
  };
}

function readPathVersion<K extends 'delete' | 'check'>(
  reader: JuteReader,
  kind: K,
): { readonly kind: K; readonly path: string | undefined; readonly version: number } {
  return {
    kind,
    path: reader.ustring(`${kind}.path`),
    version: reader.int(`${kind}.version`),
  };
}

function readSetData(reader: JuteReader): SetDataRequest {
  return {
    kind: 'setData',
    path: reader.ustring('SetDataRequest.path'),
    data: reader.buffer('SetDataRequest.data'),
    version: reader.int('SetDataRequest.version'),
  };
}

function readRead(reader: JuteReader, kind: ReadRequest['kind']): ReadRequest {
  return { kind, path: reader.ustring('a read, path'), watch: reader.bool('a read, watch') };
}

function readWatcherType(
  reader: JuteReader,
  kind: 'checkWatches' | 'removeWatches',
): Extract<JuteRequest, { kind: 'checkWatches' | 'removeWatches' }> {
  return { kind, path: reader.ustring(`${kind}.path`), type: reader.int(`${kind}.type`) };
}

function readSetWatches(
  reader: JuteReader,
  kind: SetWatchesRequest['kind'],
): Omit<SetWatchesRequest, 'persistent' | 'persistentRecursive'> {
  return {
    kind,
    relativeZxid: reader.long('SetWatches.relativeZxid'),
    data: readTexts(reader, 'SetWatches.dataWatches'),
    exist: readTexts(reader, 'SetWatches.existWatches'),
    child: readTexts(reader, 'SetWatches.childWatches'),
  };
}

function readTexts(reader: JuteReader, where: string): readonly string[] {
  return reader.vector(where, readText) ?? [];
}
