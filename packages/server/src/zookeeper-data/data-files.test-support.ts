import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { JuteWriter, LOG_MAGIC, OPCODE, SNAPSHOT_MAGIC, writeAcl, writeText } from '@zabra/jute';
import { ACL_OPEN, type Acl } from '@zabra/model';
import { adler32 } from './adler32.ts';

/*
 * Writes files as a ZooKeeper server does. That it does is shown where a real one is at hand (packages/interop); here they
 * are made so that each fault can be planted.
 */

export type Write = (writer: JuteWriter) => void;

export function bytesOf(write: Write): Buffer {
  const writer = new JuteWriter();
  write(writer);
  return Buffer.concat(writer.take());
}

export interface WrittenNode {
  /** The root's is empty. */
  readonly path: string;
  readonly data?: Uint8Array | undefined;
  readonly aclId?: number;
  readonly czxid?: number;
  readonly mzxid?: number;
  readonly pzxid?: number;
  readonly ctimeMs?: number;
  readonly mtimeMs?: number;
  readonly version?: number;
  readonly cversion?: number;
  readonly aversion?: number;
  readonly owner?: bigint;
}

export interface WrittenSnapshot {
  readonly zxid: number;
  readonly nodes: Iterable<WrittenNode>;
  readonly sessions?: readonly bigint[];
  readonly acls?: ReadonlyMap<number, readonly Acl[]>;
  /** What stands behind the nodes. */
  readonly digest?: { readonly zxid: number; readonly digest: bigint };
  readonly lastZxid?: number;
}

export const RESERVED: readonly WrittenNode[] = [
  { path: '' },
  { path: '/zookeeper' },
  { path: '/zookeeper/config', version: -1 },
  { path: '/zookeeper/quota' },
];

export function snapshotBytes(snapshot: WrittenSnapshot): Buffer {
  const writer = new JuteWriter();
  const pieces: Uint8Array[] = [];
  let sum = 1;
  const add = (write: Write): void => {
    write(writer);
    for (const piece of writer.take()) {
      sum = adler32(piece, sum);
      pieces.push(piece);
    }
  };
  const seal = (): void => {
    const checksum = sum;
    add((to) => to.long(checksum));
    add((to) => to.ustring('/'));
  };
  add((to) => writeHeader(to, SNAPSHOT_MAGIC));
  const { sessions = [], acls = new Map() } = snapshot;
  add((to) => {
    to.int(sessions.length);
    for (const id of sessions) {
      to.long(id);
      to.int(30_000);
    }
    to.int(acls.size);
    for (const [id, acl] of acls) {
      to.long(id);
      to.vector(acl, writeAcl);
    }
  });
  for (const node of snapshot.nodes) add((to) => writeNode(to, node));
  add((to) => to.ustring('/'));
  seal();
  const { digest, lastZxid } = snapshot;
  if (digest !== undefined) {
    add((to) => {
      to.long(digest.zxid);
      to.int(2);
      to.long(digest.digest);
    });
    seal();
  }
  if (lastZxid !== undefined) {
    add((to) => to.long(lastZxid));
    seal();
  }
  return Buffer.concat(pieces);
}

function writeNode(writer: JuteWriter, node: WrittenNode): void {
  const { czxid = 0, ctimeMs = 0 } = node;
  writer.ustring(node.path);
  writer.buffer(node.data);
  writer.long(node.aclId ?? -1);
  writer.long(czxid);
  writer.long(node.mzxid ?? czxid);
  writer.long(ctimeMs);
  writer.long(node.mtimeMs ?? ctimeMs);
  writer.int(node.version ?? 0);
  writer.int(node.cversion ?? 0);
  writer.int(node.aversion ?? 0);
  writer.long(node.owner ?? 0);
  writer.long(node.pzxid ?? czxid);
}

export interface WrittenTxn {
  readonly zxid: number;
  readonly type: number;
  readonly body: Write;
  readonly clientId?: bigint;
  readonly timeMs?: number;
  readonly digest?: bigint;
}

/** Payloads are behind each other's frames; zeros written ahead come last. */
export function logBytes(txns: readonly WrittenTxn[], zeros = 4096): Buffer {
  return Buffer.concat([
    bytesOf((to) => writeHeader(to, LOG_MAGIC)),
    ...txns.map(recordBytes),
    Buffer.alloc(zeros),
  ]);
}

export function recordBytes(txn: WrittenTxn): Buffer {
  const payload = bytesOf((to) => {
    to.long(txn.clientId ?? 1n);
    to.int(1);
    to.long(txn.zxid);
    to.long(txn.timeMs ?? 1000 + txn.zxid);
    to.int(txn.type);
    txn.body(to);
    if (txn.digest === undefined) return;
    to.int(2);
    to.long(txn.digest);
  });
  return Buffer.concat([
    bytesOf((to) => {
      to.long(adler32(payload));
      to.buffer(payload);
    }),
    Buffer.of(0x42),
  ]);
}

function writeHeader(writer: JuteWriter, magic: number): void {
  writer.int(magic);
  writer.int(2);
  writer.long(0);
}

/** Bodies of txns, by their kind. */
export const body = {
  create:
    (
      path: string,
      further: {
        readonly data?: Uint8Array | undefined;
        readonly acl?: readonly Acl[];
        readonly isEphemeral?: boolean;
        readonly parentCversion?: number;
      } = {},
    ): Write =>
    (to) => {
      to.ustring(path);
      to.buffer(further.data);
      to.vector(further.acl ?? ACL_OPEN, writeAcl);
      to.bool(further.isEphemeral ?? false);
      to.int(further.parentCversion ?? 1);
    },
  delete:
    (path: string): Write =>
    (to) =>
      to.ustring(path),
  setData:
    (path: string, version: number, data?: Uint8Array): Write =>
    (to) => {
      to.ustring(path);
      to.buffer(data);
      to.int(version);
    },
  setAcl:
    (path: string, version: number, acl: readonly Acl[]): Write =>
    (to) => {
      to.ustring(path);
      to.vector(acl, writeAcl);
      to.int(version);
    },
  createSession: (): Write => (to) => to.int(30_000),
  closeSession:
    (paths?: readonly string[]): Write =>
    (to) => {
      if (paths !== undefined) to.vector(paths, writeText);
    },
  error: (): Write => (to) => to.int(-101),
  multi:
    (parts: readonly { readonly type: number; readonly body: Write }[]): Write =>
    (to) =>
      to.vector(parts, (each, part) => {
        each.int(part.type);
        each.buffer(bytesOf(part.body));
      }),
};

export function txn(zxid: number, kind: keyof typeof OPCODE, write: Write): WrittenTxn {
  return { zxid, type: OPCODE[kind], body: write };
}

export function hex(zxid: number): string {
  return zxid.toString(16);
}

export async function writeSnapshotFile(directory: string, snapshot: WrittenSnapshot): Promise<string> {
  const path = join(directory, `snapshot.${hex(snapshot.zxid)}`);
  await writeFile(path, snapshotBytes(snapshot));
  return path;
}

export async function writeGzSnapshotFile(directory: string, snapshot: WrittenSnapshot): Promise<string> {
  const path = join(directory, `snapshot.${hex(snapshot.zxid)}.gz`);
  await writeFile(path, gzipSync(snapshotBytes(snapshot)));
  return path;
}

export async function writeLogFile(
  directory: string,
  txns: readonly WrittenTxn[],
  bytes: Uint8Array = logBytes(txns),
): Promise<string> {
  const path = join(directory, `log.${hex(txns[0]?.zxid ?? 1)}`);
  await writeFile(path, bytes);
  return path;
}
