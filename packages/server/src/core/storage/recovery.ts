import { assert, epochOf, formatZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import { Tree, type TreeOptions } from '@zabra/tree';
import type { LogRecord } from '@zabra/zab';
import type { Disk, DiskFile, Env } from '../env.ts';
import type { CoreOptions } from '../options.ts';
import { decodeTxn } from '../txn-codec.ts';
import { DataDirectoryError, damaged } from './data-directory-error.ts';
import { EpochHistory } from './epoch-history.ts';
import { isOurs, MANIFEST, MANIFEST_NEW, segmentIdOf, segmentName } from './file-names.ts';
import { type Manifest, readManifest, type SegmentOfManifest, writeManifest } from './manifest.ts';
import { ReplayedEvents } from './replayed-events.ts';
import { type ScannedBatch, type Segment, scanSegment, segmentOfManifest } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { SharedFile } from './shared-file.ts';
import { readSnapshot, SnapshotFault } from './snapshot-file.ts';

export type RecoveryEnv = Pick<Env, 'disk' | 'random' | 'log'>;

export interface Recovered {
  readonly manifest: Manifest;
  /** The last one is new, with what could not be proved durable written anew. */
  readonly segments: readonly Segment[];
  readonly writer: SegmentWriter;
  readonly history: EpochHistory;
  /** By name. */
  readonly snapshots: ReadonlyMap<string, SharedFile>;
  /** The base snapshot and the records known to be committed. */
  readonly tree: Tree;
  /** What those records did, as far back as watches may resume. */
  readonly replayed: ReplayedEvents;
  /** Records and bytes of the log that the base snapshot does not hold. */
  readonly recordsSinceBase: number;
  readonly bytesSinceBase: number;
}

/**
 * Brings a data directory back from whatever a crash left, at any point, also of an earlier recovery.
 *
 * 1. The manifest says what counts. Nothing is changed before all of it was read and found whole.
 * 2. The segment that was being written ends with its last intact batch. What lies behind is torn, and void from here on.
 * 3. Its last batch, if it has records, may be in the page cache only: it is written anew into a fresh segment. Every
 *    batch before it is proved by its successor, a finished segment by the manifest.
 * 4. All that was believed is fsynced (while it is being read), the directory too; then one manifest write makes the fresh
 *    segment part of the log and ends the former one.
 * 5. Files that nobody names are removed, torn bytes cut off.
 */
export async function recover(
  env: RecoveryEnv,
  options: CoreOptions,
  treeOptions: Partial<TreeOptions>,
  removeFile: (file: DiskFile) => void,
): Promise<Recovered> {
  const { disk } = env;
  const found = await findManifest(env, options);
  const files = await openFiles(disk, found);
  const synced = Promise.all([...files.values()].map((file) => file.sync()));
  // Heard where it is awaited; what is found damaged before that is told first.
  synced.catch(() => undefined);
  const base = found.snapshots.at(-1);
  const replay = new Replay(
    await restoreBase(files, base, treeOptions),
    found.commit,
    base?.zxid ?? ZXID_NONE,
    options.limits.eventHistoryMax,
  );
  const scanned = await scanLog(env, found, files, replay);
  replay.finish();

  const freshId =
    Math.max(
      0,
      ...(await disk.list()).map((name) => segmentIdOf(name) ?? 0),
      ...found.segments.map(({ id }) => id),
    ) + 1;
  const former = scanned.at(-1);
  const unproved = former?.unproved;
  const lastZxid = former === undefined ? ZXID_NONE : former.entry.end.zxid;
  const fresh: Segment = {
    id: freshId,
    salt: drawSalt(env),
    previous: lastZxid,
    end: undefined,
    file: new SharedFile(await disk.open(segmentName(freshId), 'create'), removeFile),
    batches: [],
  };
  const writer = new SegmentWriter(fresh, options.storage);
  if (unproved !== undefined) await writer.write(unproved.records(), lastZxid, replay.commit);
  await synced;
  await disk.syncDirectory();

  const kept = scanned.filter(({ entry }) => entry.end.zxid > entry.previous);
  const segments: Segment[] = kept.map(({ entry, file, batches }) => ({
    ...entry,
    file: new SharedFile(file, removeFile),
    batches,
  }));
  segments.push(fresh);
  const manifest: Manifest = { ...found, commit: replay.commit, segments: segments.map(segmentOfManifest) };
  await writeManifest(disk, manifest);

  for (const { entry, file } of kept) {
    if ((await file.length()) <= entry.end.offset) continue;
    await file.truncate(entry.end.offset);
    await file.sync();
  }
  for (const { entry, file } of scanned) {
    if (entry.end.zxid === entry.previous) await file.close();
  }
  await removeVoid(disk, manifest);
  return {
    manifest,
    segments,
    writer,
    history: replay.history,
    snapshots: new Map(
      manifest.snapshots.map(({ file }) => [file, new SharedFile(fileOf(files, file), removeFile)]),
    ),
    tree: replay.tree,
    replayed: replay.events,
    recordsSinceBase: replay.recordsSinceBase,
    bytesSinceBase: replay.bytesSinceBase,
  };
}

/** An empty directory becomes one with a manifest, durably; what else stands there is checked, not changed. */
async function findManifest(env: RecoveryEnv, options: CoreOptions): Promise<Manifest> {
  const { disk } = env;
  const names = await disk.list();
  const manifest = await readManifest(disk);
  if (names.includes(MANIFEST_NEW)) await disk.remove(MANIFEST_NEW);
  if (manifest === undefined) {
    const stray = names.find((name) => isOurs(name) && name !== MANIFEST_NEW);
    if (stray !== undefined) throw damaged(MANIFEST, `it is missing, though the directory has ${stray}`);
    const first = firstManifest(options);
    env.log.info('data directory is new', { clusterId: first.clusterId, standing: first.standing });
    await writeManifest(disk, first);
    return first;
  }
  checkIdentity(manifest, options);
  const isBlank = manifest.standing === 'blank' && manifest.clusterId === undefined;
  if (!isBlank || options.clusterId === undefined) return manifest;
  return { ...manifest, clusterId: options.clusterId, standing: 'voter' };
}

export function firstManifest(options: CoreOptions): Manifest {
  return {
    serverId: options.id,
    clusterId: options.clusterId,
    standing: options.clusterId === undefined ? 'blank' : 'voter',
    acceptedEpoch: 0,
    currentEpoch: 0,
    commit: ZXID_NONE,
    snapshots: [],
    segments: [],
  };
}

/** Throws DataDirectoryError: OTHER_CLUSTER, OTHER_SERVER. */
export function checkIdentity(manifest: Manifest, options: CoreOptions): void {
  if (manifest.serverId !== options.id) {
    throw new DataDirectoryError(
      'OTHER_SERVER',
      MANIFEST,
      `the directory belongs to server ${manifest.serverId}, this is server ${options.id}`,
      'Give each server its own dataDir, or correct the id',
    );
  }
  if (
    manifest.clusterId !== undefined &&
    options.clusterId !== undefined &&
    manifest.clusterId !== options.clusterId
  ) {
    throw new DataDirectoryError(
      'OTHER_CLUSTER',
      MANIFEST,
      `the directory belongs to cluster ${manifest.clusterId}, this server is of ${options.clusterId}`,
      'Correct dataDir or clusterId',
    );
  }
}

export function drawSalt(env: Pick<Env, 'random'>): number {
  const [a = 0, b = 0, c = 0, d = 0] = env.random.bytes(4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Removes what the manifest does not name; names that are not ours stay. */
export async function removeVoid(disk: Disk, manifest: Manifest): Promise<void> {
  const named = new Set([
    MANIFEST,
    ...manifest.snapshots.map(({ file }) => file),
    ...manifest.segments.map(({ id }) => segmentName(id)),
  ]);
  for (const name of await disk.list()) {
    if (isOurs(name) && !named.has(name)) await disk.remove(name);
  }
}

type OpenFiles = ReadonlyMap<string, DiskFile>;

async function openFiles(disk: Disk, manifest: Manifest): Promise<OpenFiles> {
  const present = new Set(await disk.list());
  const names = [
    ...manifest.snapshots.map(({ file }) => file),
    ...manifest.segments.map(({ id }) => segmentName(id)),
  ];
  const files = new Map<string, DiskFile>();
  for (const name of names) {
    if (!present.has(name)) throw damaged(name, 'it is missing, though the manifest names it');
    files.set(name, await disk.open(name, 'existing'));
  }
  return files;
}

function fileOf(files: OpenFiles, name: string): DiskFile {
  const file = files.get(name);
  assert(file !== undefined, 'what the manifest names is open', { name });
  return file;
}

async function restoreBase(
  files: OpenFiles,
  base: Manifest['snapshots'][number] | undefined,
  treeOptions: Partial<TreeOptions>,
): Promise<Tree> {
  if (base === undefined) return Tree.empty(treeOptions);
  try {
    return await readSnapshot(fileOf(files, base.file), base.bytes, base.zxid, treeOptions);
  } catch (error) {
    if (error instanceof SnapshotFault) throw damaged(base.file, error.message);
    throw error;
  }
}

interface ScannedSegment {
  /** Ended before the batch that is unproved. */
  readonly entry: SegmentOfManifest & { readonly end: NonNullable<SegmentOfManifest['end']> };
  readonly file: DiskFile;
  readonly batches: Segment['batches'];
  /** Only of the segment that was being written: its last batch, when no later one proves it. */
  readonly unproved: ScannedBatch | undefined;
}

async function scanLog(
  env: RecoveryEnv,
  manifest: Manifest,
  files: OpenFiles,
  replay: Replay,
): Promise<readonly ScannedSegment[]> {
  const scanned: ScannedSegment[] = [];
  for (const entry of manifest.segments) {
    const file = fileOf(files, segmentName(entry.id));
    replay.beginSegment(entry.previous);
    const batches: Segment['batches'] = [];
    let last: ScannedBatch | undefined;
    const scan = await scanSegment(entry, file, (batch) => {
      last = batch;
      if (!batch.isEmpty) batches.push(batch.position);
      replay.add(batch);
    });
    if (entry.end !== undefined) {
      scanned.push({ entry: { ...entry, end: entry.end }, file, batches, unproved: undefined });
      continue;
    }
    if (scan.isTorn) env.log.warn('last batch is torn and is cut', { file: file.name, offset: scan.end });
    const final = last as ScannedBatch | undefined;
    const unproved = final?.isEmpty === false ? final : undefined;
    if (unproved !== undefined) batches.pop();
    const end = {
      // An empty last batch proves the one before it, but not itself: it is left out.
      offset: final?.position.offset ?? 0,
      zxid: final?.position.previous ?? entry.previous,
    };
    scanned.push({ entry: { ...entry, end }, file, batches, unproved });
  }
  return scanned;
}

/** Applies records as they are read, as far as they are known to be committed. */
class Replay {
  readonly tree: Tree;
  readonly events: ReplayedEvents;
  readonly #base: Zxid;
  #history: EpochHistory | undefined;
  #commit: Zxid;
  #last: Zxid | undefined;
  #waiting: LogRecord[] = [];
  recordsSinceBase = 0;
  bytesSinceBase = 0;

  constructor(tree: Tree, commit: Zxid, base: Zxid, eventHistoryMax: number) {
    this.tree = tree;
    this.events = new ReplayedEvents(eventHistoryMax, base);
    this.#commit = commit > base ? commit : base;
    this.#base = base;
  }

  get commit(): Zxid {
    return this.#commit;
  }

  get history(): EpochHistory {
    return this.#history ?? new EpochHistory(ZXID_NONE);
  }

  beginSegment(previous: Zxid): void {
    this.#history ??= new EpochHistory(previous);
    assert(this.#last === undefined || this.#last === previous, 'segments follow each other without a hole', {
      last: this.#last,
      previous,
    });
    this.#last = previous;
  }

  add(batch: ScannedBatch): void {
    const { previous, last } = batch.position;
    // What the base snapshot holds is not made records of: only that it is whole matters, and where its epochs end.
    if (last <= this.#base && epochOf(previous) === epochOf(last)) this.#history?.extendWithin(last);
    else this.#take(batch.records());
    this.#last = last;
    if (batch.commit > this.#commit) this.#commit = batch.commit;
    this.#applyCommitted();
  }

  #take(records: readonly LogRecord[]): void {
    this.#history?.extendOver(records);
    for (const record of records) {
      if (record.zxid <= this.#base) continue;
      this.recordsSinceBase++;
      this.bytesSinceBase += record.payload.length;
      // A copy: the view would keep the whole window it was read in.
      this.#waiting.push({ ...record, payload: new Uint8Array(record.payload) });
    }
  }

  /** Throws DAMAGED when the log ends before what was certainly in it. */
  finish(): void {
    const last = this.#last ?? ZXID_NONE;
    if (last < this.#commit) {
      throw damaged(
        'log',
        `it ends at ${formatZxid(last)}, though ${formatZxid(this.#commit)} was durable in it`,
      );
    }
    this.#applyCommitted();
  }

  #applyCommitted(): void {
    const waiting = this.#waiting;
    let count = 0;
    for (const record of waiting) {
      if (record.zxid > this.#commit) break;
      if (record.kind === 'txn') {
        this.events.record(record.zxid, this.tree.apply(record.zxid, decodeTxn(record.payload)).events);
      } else this.tree.applyNothing(record.zxid);
      count++;
    }
    if (count > 0) this.#waiting = waiting.slice(count);
  }
}
