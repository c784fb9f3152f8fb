import type { Acl } from '@zabra/model';
import { JuteError } from './jute-error.ts';
import { OPCODE } from './opcode.ts';
import { JuteReader } from './reader.ts';
import { readAcl, readText } from './records.ts';

/*
 * The records of the files that a ZooKeeper server keeps: transaction logs (`log.<zxid>`) and snapshots
 * (`snapshot.<zxid>`), as of ZooKeeper 3.4 to 3.9. Framing and checksums are their reader's.
 */

/** The first four bytes of a log, "ZKLG", and of a snapshot, "ZKSN", as an int. */
export const LOG_MAGIC = 0x5a4b4c47;
export const SNAPSHOT_MAGIC = 0x5a4b534e;
/** Of both, in their header. */
export const DATA_FILE_VERSION = 2;
export const DATA_FILE_HEADER_BYTES = 16;

export interface DataFileHeader {
  readonly magic: number;
  readonly version: number;
  readonly databaseId: bigint;
}

export function readDataFileHeader(reader: JuteReader): DataFileHeader {
  return {
    magic: reader.int('FileHeader.magic'),
    version: reader.int('FileHeader.version'),
    databaseId: reader.wideLong('FileHeader.dbid'),
  };
}

/** What stands before the body of each txn in a log. */
export interface LoggedTxnHeader {
  /** The session that asked. */
  readonly clientId: bigint;
  readonly cxid: number;
  readonly zxid: number;
  readonly timeMs: number;
  /** An opcode. */
  readonly type: number;
}

export function readLoggedTxnHeader(reader: JuteReader): LoggedTxnHeader {
  return {
    clientId: reader.wideLong('TxnHeader.clientId'),
    cxid: reader.int('TxnHeader.cxid'),
    zxid: reader.long('TxnHeader.zxid'),
    timeMs: reader.long('TxnHeader.time'),
    type: reader.int('TxnHeader.type'),
  };
}

/** A change as ZooKeeper's log has it. Null data is undefined; versions are signed, and those after the change. */
export type LoggedChange =
  | {
      readonly kind: 'create';
      readonly path: string;
      readonly data: Uint8Array | undefined;
      readonly acl: readonly Acl[];
      readonly lifetime: 'persistent' | 'ephemeral' | 'container' | 'ttl';
      /** Children ever created below the parent, with this one; -1 where an old server did not write it. */
      readonly parentCversion: number;
      /** 0: none. */
      readonly ttlMs: number;
    }
  | { readonly kind: 'delete'; readonly path: string }
  | {
      readonly kind: 'setData';
      readonly path: string;
      readonly data: Uint8Array | undefined;
      readonly version: number;
    }
  | {
      readonly kind: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      readonly version: number;
    }
  /** Within a multi; it changes nothing. */
  | { readonly kind: 'check' }
  /** A write that was refused: its place in the history is all it has. */
  | { readonly kind: 'error' };

export type LoggedTxn =
  | LoggedChange
  | { readonly kind: 'createSession'; readonly timeoutMs: number }
  /** `paths`: the ephemerals that go with it; undefined where the server did not list them. */
  | { readonly kind: 'closeSession'; readonly paths: readonly string[] | undefined }
  /** One that was refused has errors only. */
  | { readonly kind: 'multi'; readonly changes: readonly LoggedChange[] };

/** The digest of the whole tree after a txn, as servers from 3.6 on write it behind the body. */
export interface LoggedDigest {
  readonly version: number;
  readonly digest: bigint;
}

/** The body of a txn of this type, up to the digest. Throws JuteError, MALFORMED for a type that no release writes. */
export function readLoggedTxn(reader: JuteReader, type: number): LoggedTxn {
  switch (type) {
    case OPCODE.createSession:
      return { kind: 'createSession', timeoutMs: reader.int('CreateSessionTxn.timeOut') };
    case OPCODE.closeSession:
      return { kind: 'closeSession', paths: readClosedPaths(reader) };
    case OPCODE.multi:
      return { kind: 'multi', changes: reader.vector('MultiTxn.txns', readMultiPart) ?? [] };
    default:
      return readChange(reader, type);
  }
}

/** Undefined: the txn has none. */
export function readLoggedDigest(reader: JuteReader): LoggedDigest | undefined {
  if (reader.rest === 0) return undefined;
  return {
    version: reader.int('TxnDigest.version'),
    digest: reader.wideLong('TxnDigest.treeDigest'),
  };
}

/** A session of a snapshot. */
export interface SnapshotSession {
  readonly id: bigint;
  readonly timeoutMs: number;
}

export function readSnapshotSession(reader: JuteReader): SnapshotSession {
  return { id: reader.wideLong('Snapshot.session.id'), timeoutMs: reader.int('Snapshot.session.timeout') };
}

/** A list of a snapshot's ACL table, which nodes name by its number. */
export interface SnapshotAcl {
  readonly id: number;
  readonly acl: readonly Acl[];
}

export function readSnapshotAcl(reader: JuteReader): SnapshotAcl {
  return { id: reader.long('Snapshot.acl.id'), acl: reader.vector('Snapshot.acl.list', readAcl) ?? [] };
}

/** The number that stands for an open list, which the table does not hold. */
export const SNAPSHOT_ACL_OPEN = -1;

/** A node of a snapshot. The root has the empty path; {@link SNAPSHOT_END} is the path behind the last node. */
export interface SnapshotNode {
  readonly data: Uint8Array | undefined;
  readonly aclId: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  /** Children ever created: what a Stat shows is made of it and of the children there are. */
  readonly cversion: number;
  readonly aversion: number;
  /** 0, a session's id, or what it stands for: a container, a TTL. */
  readonly ephemeralOwner: bigint;
}

export const SNAPSHOT_END = '/';

/** Behind its path. */
export function readSnapshotNode(reader: JuteReader): SnapshotNode {
  const data = reader.buffer('DataNode.data');
  const aclId = reader.long('DataNode.acl');
  const czxid = reader.long('StatPersisted.czxid');
  const mzxid = reader.long('StatPersisted.mzxid');
  const ctimeMs = reader.long('StatPersisted.ctime');
  const mtimeMs = reader.long('StatPersisted.mtime');
  const version = reader.int('StatPersisted.version');
  const cversion = reader.int('StatPersisted.cversion');
  const aversion = reader.int('StatPersisted.aversion');
  const ephemeralOwner = reader.wideLong('StatPersisted.ephemeralOwner');
  const pzxid = reader.long('StatPersisted.pzxid');
  return {
    data,
    aclId,
    czxid,
    mzxid,
    pzxid,
    ctimeMs,
    mtimeMs,
    version,
    cversion,
    aversion,
    ephemeralOwner,
  };
}

/** The block behind a snapshot's nodes: the tree's digest at a zxid. Digests of version 1 are text. */
export interface SnapshotDigest {
  readonly zxid: number;
  readonly version: number;
  readonly digest: bigint | undefined;
}

export function readSnapshotDigest(reader: JuteReader): SnapshotDigest {
  const zxid = reader.long('ZxidDigest.zxid');
  const version = reader.int('ZxidDigest.digestVersion');
  if (version >= 2) return { zxid, version, digest: reader.wideLong('ZxidDigest.digest') };
  reader.ustring('ZxidDigest.digest');
  return { zxid, version, digest: undefined };
}

function readMultiPart(reader: JuteReader): LoggedChange {
  const type = reader.int('Txn.type');
  const body = reader.buffer('Txn.data') ?? NO_BYTES;
  return readChange(new JuteReader(body), type);
}

function readChange(reader: JuteReader, type: number): LoggedChange {
  switch (type) {
    case OPCODE.create:
    case OPCODE.create2:
      return readCreate(reader, (body) => {
        const lifetime = body.bool('CreateTxn.ephemeral') ? 'ephemeral' : 'persistent';
        // Releases before 3.4 end here.
        const parentCversion = body.rest === 0 ? -1 : body.int('CreateTxn.parentCVersion');
        return { lifetime, parentCversion, ttlMs: 0 };
      });
    case OPCODE.createContainer:
      return readCreate(reader, (body) => ({
        lifetime: 'container',
        parentCversion: body.int('CreateContainerTxn.parentCVersion'),
        ttlMs: 0,
      }));
    case OPCODE.createTtl:
      return readCreate(reader, (body) => ({
        lifetime: 'ttl',
        parentCversion: body.int('CreateTTLTxn.parentCVersion'),
        ttlMs: body.long('CreateTTLTxn.ttl'),
      }));
    case OPCODE.delete:
    case OPCODE.deleteContainer:
      return { kind: 'delete', path: readText(reader, 'DeleteTxn.path') };
    case OPCODE.setData:
    case OPCODE.reconfig:
      return {
        kind: 'setData',
        path: readText(reader, 'SetDataTxn.path'),
        data: reader.buffer('SetDataTxn.data'),
        version: reader.int('SetDataTxn.version'),
      };
    case OPCODE.setAcl:
      return {
        kind: 'setAcl',
        path: readText(reader, 'SetACLTxn.path'),
        acl: reader.vector('SetACLTxn.acl', readAcl) ?? [],
        version: reader.int('SetACLTxn.version'),
      };
    case OPCODE.check:
      reader.ustring('CheckVersionTxn.path');
      reader.int('CheckVersionTxn.version');
      return CHECK;
    case OPCODE.error:
      reader.int('ErrorTxn.err');
      return ERROR;
    default:
      throw new JuteError('MALFORMED', `TxnHeader.type: no txn has the type ${type}`);
  }
}

type Create = LoggedChange & { readonly kind: 'create' };

function readCreate(
  reader: JuteReader,
  readRest: (reader: JuteReader) => Pick<Create, 'lifetime' | 'parentCversion' | 'ttlMs'>,
): Create {
  const path = readText(reader, 'CreateTxn.path');
  const data = reader.buffer('CreateTxn.data');
  const acl = reader.vector('CreateTxn.acl', readAcl) ?? [];
  return { kind: 'create', path, data, acl, ...readRest(reader) };
}

/** Of a digest, and of a list with one path of four letters. */
const DIGEST_BYTES = 12;

/** A server that does not list paths may write a digest in their place: then the first number is its version, 2. */
function readClosedPaths(reader: JuteReader): readonly string[] | undefined {
  if (reader.rest === 0) return undefined;
  if (reader.rest !== DIGEST_BYTES) return reader.vector('CloseSessionTxn.paths2Delete', readText);
  if (reader.int('CloseSessionTxn.paths2Delete') === 1)
    return [readText(reader, 'CloseSessionTxn.paths2Delete')];
  reader.wideLong('TxnDigest.treeDigest');
  return undefined;
}

const NO_BYTES = new Uint8Array(0);
const CHECK: LoggedChange = { kind: 'check' };
const ERROR: LoggedChange = { kind: 'error' };
