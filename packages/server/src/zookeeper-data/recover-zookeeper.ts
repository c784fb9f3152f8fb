import type { LoggedDigest, LoggedTxn } from '@zabra/jute';
import { formatZxid } from '@zabra/model';
import { type FoundFile, type FoundFiles, findFiles, type ZooKeeperDirectories } from './found-files.ts';
import { ImportRefusal } from './import-refusal.ts';
import type { NodeTable } from './node-table.ts';
import { type LoggedRecord, readLogFile } from './read-log.ts';
import { type ReadSnapshot, readSnapshotFile, SnapshotDefect } from './read-snapshot.ts';
import { replayTxn } from './replay.ts';

/** What ZooKeeper's files make, as its own server would have it after a start. */
export interface RecoveredZooKeeper {
  readonly table: NodeTable;
  /** Of the last txn. */
  readonly lastZxid: number;
  /** When that was, or any before it. */
  readonly lastTimeMs: number;
  /** Paths of nodes that hung below none, of changes that are in no log: they are not in the table any more. */
  readonly strays: readonly string[];
  /** The highest epoch that the server has promised. */
  readonly epoch: number;
  /** The snapshot that was read. */
  readonly snapshot: FoundFile;
  /** Newer ones that could not be. */
  readonly defects: readonly { readonly file: FoundFile; readonly reason: string }[];
  /** Txns behind the snapshot. */
  readonly txns: number;
  /** Where the last log breaks off within a record; undefined: it does not. */
  readonly tornTail: { readonly file: FoundFile; readonly offset: number } | undefined;
  /**
   * ZooKeeper notes a digest of its tree with each txn. `verified`: what was read has the last one. `absent`: there is
   * none to compare with.
   */
  readonly digest: 'verified' | 'differs' | 'absent';
}

/**
 * Reads the newest snapshot that is whole, and all txns behind it. Throws {@link ImportRefusal} when no snapshot is whole,
 * when a txn between it and the last one is missing, or when anything else was changed since it was written.
 */
export async function recoverZooKeeper(directories: ZooKeeperDirectories): Promise<RecoveredZooKeeper> {
  const files = await findFiles(directories);
  const { file, read, defects } = await newestWhole(files);
  const { table } = read;
  const replay = new Replay(table, file.zxid, read.digest);
  let end: { readonly file: FoundFile; readonly offset: number; readonly isTorn: boolean } | undefined;
  for (const log of logsFrom(files.logs, file.zxid)) {
    end = {
      file: log,
      ...(await readLogFile(log, (header, readRest) => replay.visit(log, header.zxid, readRest))),
    };
  }
  const strays = table.removeStrays();
  return {
    table,
    strays,
    ...latest(table, replay),
    epoch: files.epoch,
    snapshot: file,
    defects,
    txns: replay.txns,
    tornTail: end?.isTorn === true ? { file: end.file, offset: end.offset } : undefined,
    digest:
      replay.digest === undefined ? 'absent' : table.digest() === replay.digest ? 'verified' : 'differs',
  };
}

async function newestWhole(files: FoundFiles): Promise<{
  readonly file: FoundFile;
  readonly read: ReadSnapshot;
  readonly defects: RecoveredZooKeeper['defects'];
}> {
  const defects: { readonly file: FoundFile; readonly reason: string }[] = [];
  for (const file of files.snapshots) {
    try {
      return { file, read: await readSnapshotFile(file), defects };
    } catch (error) {
      if (!(error instanceof SnapshotDefect)) throw error;
      defects.push({ file, reason: error.message });
    }
  }
  const lines = defects.map(({ file, reason }) => `${file.path}: ${reason}`);
  throw new ImportRefusal(
    `no snapshot is whole: ${lines.join('; ')}. Take the files of another server of that ensemble`,
  );
}

/** The last one that may begin before the snapshot does, and all later ones. */
function logsFrom(logs: readonly FoundFile[], zxid: number): readonly FoundFile[] {
  const first = logs.findLastIndex((log) => log.zxid <= zxid);
  return logs.slice(Math.max(first, 0));
}

/** Snapshots can show what no log has any more; times and zxids must go on from whatever is the latest. */
function latest(
  table: NodeTable,
  replay: Replay,
): { readonly lastZxid: number; readonly lastTimeMs: number } {
  let { lastZxid, lastTimeMs } = replay;
  for (const [, { czxid, mzxid, pzxid, ctimeMs, mtimeMs }] of table.entries()) {
    lastZxid = Math.max(lastZxid, czxid, mzxid, pzxid);
    lastTimeMs = Math.max(lastTimeMs, ctimeMs, mtimeMs);
  }
  return { lastZxid, lastTimeMs };
}

/** Replays the txns behind a snapshot, and sees that none is missing. */
class Replay {
  readonly #table: NodeTable;
  readonly #base: number;
  lastZxid: number;
  lastTimeMs = 0;
  txns = 0;
  /** Of the tree as it is at `lastZxid`; undefined where nobody noted it. */
  digest: bigint | undefined;

  constructor(
    table: NodeTable,
    base: number,
    noted: { readonly zxid: number; readonly digest: bigint | undefined } | undefined,
  ) {
    this.#table = table;
    this.#base = base;
    this.lastZxid = base;
    this.digest = noted?.zxid === base ? noted.digest : undefined;
  }

  visit(log: FoundFile, zxid: number, readRest: () => LoggedRecord): void {
    // Learners may have written a txn twice, when they came back to a leader.
    if (zxid <= this.lastZxid) return;
    if (!follows(this.lastZxid, zxid)) {
      throw new ImportRefusal(
        `${log.path}: ${formatZxid(zxid)} comes after ${formatZxid(this.lastZxid)}: the txns between them are in no file, and no whole snapshot holds them (the one read ends at ${formatZxid(this.#base)}). Take the files of another server of that ensemble`,
      );
    }
    const { header, txn, digest } = readRest();
    replayTxn(this.#table, header, txn);
    this.lastZxid = zxid;
    this.lastTimeMs = Math.max(this.lastTimeMs, header.timeMs);
    this.txns++;
    this.#note(txn, digest);
  }

  #note(txn: LoggedTxn, noted: LoggedDigest | undefined): void {
    if (noted?.version === DIGEST_VERSION) this.digest = noted.digest;
    else if (txn.kind !== 'error' && txn.kind !== 'createSession') this.digest = undefined;
  }
}

const DIGEST_VERSION = 2;
const TWO_POW_32 = 2 ** 32;

/** Within an epoch zxids have no gaps, and the first txn of an epoch has the counter 1. */
function follows(last: number, next: number): boolean {
  const isSameEpoch = Math.floor(last / TWO_POW_32) === Math.floor(next / TWO_POW_32);
  return isSameEpoch ? next === last + 1 : next > last && next % TWO_POW_32 === 1;
}
