import {
  DATA_FILE_VERSION,
  JuteError,
  type JuteReader,
  readDataFileHeader,
  readSnapshotAcl,
  readSnapshotDigest,
  readSnapshotNode,
  readSnapshotSession,
  SNAPSHOT_ACL_OPEN,
  SNAPSHOT_END,
  SNAPSHOT_MAGIC,
  type SnapshotDigest,
  type SnapshotNode,
} from '@zabra/jute';
import { ACL_OPEN, type Acl, EPOCH_MAX } from '@zabra/model';
import { type FoundFile, readFound } from './found-files.ts';
import { NodeTable } from './node-table.ts';
import { RecordStream } from './record-stream.ts';
import { SnappyFault } from './snappy.ts';

/** The file is not what ZooKeeper wrote, or not all of it; an older one may be. */
export class SnapshotDefect extends Error {
  override readonly name = 'SnapshotDefect';
}

export interface ReadSnapshot {
  readonly table: NodeTable;
  /** Undefined: it has none. */
  readonly digest: SnapshotDigest | undefined;
}

/**
 * Reads a snapshot whole and checks its seals. What it holds is fuzzy: see {@link replayTxn}. Throws
 * {@link SnapshotDefect}.
 *
 *     header · sessions: count, each · ACLs: count, each · nodes: path, node … path "/" · seal
 *     digest · seal          3.6 and later, unless switched off
 *     last zxid · seal       3.9 and later, unless switched off
 *
 * A seal is the Adler-32 of all before it, as a long, and the text "/".
 */
export async function readSnapshotFile(file: FoundFile): Promise<ReadSnapshot> {
  const stream = new RecordStream(readFound(file));
  try {
    return await readContent(stream);
  } catch (error) {
    throw asDefect(error);
  } finally {
    await stream.close();
  }
}

async function readContent(stream: RecordStream): Promise<ReadSnapshot> {
  const header = await due(stream, readDataFileHeader);
  if (header.magic !== SNAPSHOT_MAGIC || header.version !== DATA_FILE_VERSION)
    throw new SnapshotDefect('it does not begin as a snapshot of ZooKeeper');
  const table = new NodeTable();
  for (let left = await due(stream, readCount); left > 0; left--) {
    const session = await due(stream, readSnapshotSession);
    table.openSession(session.id, session.timeoutMs);
  }
  const acls = new Map<number, readonly Acl[]>([[SNAPSHOT_ACL_OPEN, ACL_OPEN]]);
  for (let left = await due(stream, readCount); left > 0; left--) {
    const { id, acl } = await due(stream, readSnapshotAcl);
    acls.set(id, table.shareAcl(acl));
  }
  for (;;) {
    const entry = stream.tryRead(readEntry) ?? (await due(stream, readEntry));
    if (entry.path === SNAPSHOT_END) break;
    const { node } = entry;
    if (node === undefined) throw new SnapshotDefect('a node has no path');
    table.addLoaded(entry.path === '' ? '/' : entry.path, node, acls.get(node.aclId));
  }
  await checkSeal(stream);
  return { table, digest: await readFurther(stream) };
}

/** What later releases write behind the nodes. */
async function readFurther(stream: RecordStream): Promise<SnapshotDigest | undefined> {
  const digest = (await stream.rest()) > LAST_ZXID_BYTES ? await due(stream, readSnapshotDigest) : undefined;
  if (digest !== undefined) await checkSeal(stream);
  if ((await stream.rest()) === 0) return digest;
  await due(stream, (reader) => reader.long('Snapshot.lastZxid'));
  await checkSeal(stream);
  return digest;
}

const SEAL_BYTES = 13;
const LAST_ZXID_BYTES = 8 + SEAL_BYTES;

async function checkSeal(stream: RecordStream): Promise<void> {
  const { checksum } = stream;
  const seal = await due(stream, (reader) => ({
    checksum: reader.long('Snapshot.seal.checksum'),
    path: reader.ustring('Snapshot.seal.path'),
  }));
  if (seal.checksum !== checksum || seal.path !== SNAPSHOT_END)
    throw new SnapshotDefect('its checksum does not fit its content');
}

async function due<T>(stream: RecordStream, parse: (reader: JuteReader) => T): Promise<T> {
  const record = await stream.read(parse);
  if (record === undefined) throw new SnapshotDefect(`it ends early, at ${stream.position}`);
  return record;
}

function readCount(reader: JuteReader): number {
  return reader.int('Snapshot.count');
}

function readEntry(reader: JuteReader): { readonly path: string; readonly node: SnapshotNode | undefined } {
  const path = reader.ustring('Snapshot.path') ?? SNAPSHOT_END;
  return { path, node: path === SNAPSHOT_END ? undefined : readSnapshotNode(reader) };
}

function asDefect(error: unknown): unknown {
  if (error instanceof JuteError) {
    const rule =
      error.code === 'OUT_OF_RANGE'
        ? `${error.message}; a zxid of an epoch beyond ${EPOCH_MAX} can't be kept`
        : error.message;
    return new SnapshotDefect(rule);
  }
  if (error instanceof SnappyFault) return new SnapshotDefect(error.message);
  const { code } = error as { readonly code?: unknown };
  if (String(code).startsWith('Z_')) return new SnapshotDefect(`it can't be decompressed (${code})`);
  return error;
}
