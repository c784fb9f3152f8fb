import { assert, formatZxid, ZXID_NONE, type Zxid } from '@zabra/model';
import type { Tree, TreeOptions } from '@zabra/tree';
import type { DurableState, LogRecord } from '@zabra/zab';
import type { DiskFile, Env } from '../env.ts';
import type { CoreOptions, StorageOptions } from '../options.ts';
import { Durations } from '../zookeeper/serve-statistics.ts';
import type { FileSizes, StorageDurations } from '../zookeeper/words-source.ts';
import { recordBytes } from './batch.ts';
import { DataDirectoryError } from './data-directory-error.ts';
import { MANIFEST_NEW, segmentName, snapshotName } from './file-names.ts';
import { Log, type LogRead } from './log.ts';
import { type Manifest, readManifest, type SnapshotOfManifest, writeManifest } from './manifest.ts';
import { checkIdentity, drawSalt, firstManifest, type Recovered, recover, removeVoid } from './recovery.ts';
import type { ReplayedEvents } from './replayed-events.ts';
import { type Segment, segmentOfManifest } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import { SharedFile } from './shared-file.ts';
import { readSnapshot, SnapshotFault, writeSnapshot } from './snapshot-file.ts';
import { WorkQueue } from './work-queue.ts';

export type StorageEnv = Pick<Env, 'disk' | 'random' | 'clock' | 'log' | 'fatal'>;

export interface OpenOptions {
  /**
   * Forgets all data, and says so durably: the server counts in no quorum until it has adopted the epoch of a leader
   * established without it, holding all that it can have acknowledged before. What it promised (acceptedEpoch) is kept
   * when it can still be read.
   */
  readonly refill?: boolean;
}

export interface ManifestUpdate {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly clusterId: string;
  readonly standing: 'voter' | 'refill';
}

/** A finished snapshot that a learner is being sent; it stays until closed, whatever is purged meanwhile. */
export interface SnapshotHandle {
  readonly zxid: Zxid;
  readonly bytes: number;
  /** At most one chunk (`snapshotChunkBytes`) from `offset`. */
  read(offset: number): Promise<{ readonly data: Uint8Array; readonly last: boolean }>;
  /** Idempotent. */
  close(): void;
}

/**
 * The disk of a server: log, snapshots, and the manifest that says which of them count (docs/data-directory.md).
 *
 * Everything that changes the directory runs in one queue, in the order in which it was asked for. Appends that wait there
 * side by side become one batch: one write, one fsync. Beside the queue go reads of what is durable, and the writing of a
 * snapshot's file up to the moment when the manifest names it.
 *
 * Whatever fails on the disk goes to `env.fatal`; a promise given before then never settles.
 */
export class Storage {
  readonly #env: StorageEnv;
  readonly #options: StorageOptions;
  readonly #treeOptions: Partial<TreeOptions>;
  readonly #queue: WorkQueue;
  readonly #removeFile: (file: DiskFile) => void;
  readonly #log: Log;
  readonly #snapshots: Map<string, SharedFile>;
  #manifest: Manifest;
  #writer: SegmentWriter;
  /** Known to be committed and durable here. */
  #commit: Zxid;
  /** The last zxid of the log once the queue has done what it was asked so far. */
  #queuedZxid: Zxid;
  /** Waits at the end of the queue and takes more. */
  #gathering: Append[] | undefined;
  #isQuiet = false;
  #recordsSinceSnapshot: number;
  #bytesSinceSnapshot: number;
  #making: SnapshotInTheMaking | undefined;
  #receiving: ReceivedSnapshot | undefined;
  #closed: Promise<void> | undefined;
  readonly #reading = new Set<Promise<unknown>>();
  readonly #appending = new Durations();
  readonly #snapshotting = new Durations();

  private constructor(
    env: StorageEnv,
    options: CoreOptions,
    treeOptions: Partial<TreeOptions>,
    io: { readonly queue: WorkQueue; readonly removeFile: (file: DiskFile) => void },
    recovered: Recovered,
  ) {
    this.#env = env;
    this.#options = options.storage;
    this.#treeOptions = treeOptions;
    this.#queue = io.queue;
    this.#removeFile = io.removeFile;
    this.#log = new Log(recovered.segments, recovered.history);
    this.#snapshots = new Map(recovered.snapshots);
    this.#manifest = recovered.manifest;
    this.#writer = recovered.writer;
    this.#commit = recovered.manifest.commit;
    this.#queuedZxid = this.#log.lastZxid;
    this.#recordsSinceSnapshot = recovered.recordsSinceBase;
    this.#bytesSinceSnapshot = recovered.bytesSinceBase;
  }

  /**
   * Recovers what is durable (see recovery.ts). The tree holds the base snapshot and every record known to be committed.
   * Throws DataDirectoryError when the server must not go on with this directory, DiskError when the disk fails.
   */
  static async open(
    env: StorageEnv,
    options: CoreOptions,
    treeOptions: Partial<TreeOptions> = {},
    { refill = false }: OpenOptions = {},
  ): Promise<{ readonly storage: Storage; readonly tree: Tree; readonly replayed: ReplayedEvents }> {
    if (refill) await markForRefill(env, options);
    const queue = new WorkQueue((error) => endServer(env, error));
    const removeFile = (file: DiskFile): void => {
      void queue.run(async () => {
        await file.close();
        await env.disk.remove(file.name);
      });
    };
    const recovered = await recover(env, options, treeOptions, removeFile);
    const storage = new Storage(env, options, treeOptions, { queue, removeFile }, recovered);
    const { tree, replayed } = recovered;
    env.log.info('data directory is open', {
      standing: recovered.manifest.standing,
      baseZxid: formatZxid(storage.#log.baseZxid),
      appliedZxid: formatZxid(tree.appliedZxid),
      lastZxid: formatZxid(storage.#log.lastZxid),
    });
    return { storage, tree, replayed };
  }

  /**
   * What the disk holds for certain; to be asked for when {@link idle}. The tail is read back from the log.
   *
   * `baseZxid` is where reading record by record begins: the log reaches back at least to the oldest snapshot kept, so it
   * lies at or below what any snapshot holds, and a learner at or above it can be served from the log.
   */
  async durableState(tree: Tree): Promise<DurableState> {
    const { clusterId, standing, acceptedEpoch, currentEpoch } = this.#manifest;
    const { lastZxid, baseZxid } = this.#log;
    const { appliedZxid } = tree;
    const history = this.#log.history.ends;
    assert(this.#queuedZxid === lastZxid, 'durable state is read when the disk is idle', {
      queued: this.#queuedZxid,
      lastZxid,
    });
    assert(appliedZxid <= lastZxid, 'the tree holds only what is in its own log', { appliedZxid, lastZxid });
    const commitZxid = laterOf(appliedZxid, this.#commit);
    const { records: tail } = await this.readAfter(appliedZxid, lastZxid, Number.POSITIVE_INFINITY);
    return {
      clusterId,
      standing,
      acceptedEpoch,
      currentEpoch,
      lastZxid,
      history,
      baseZxid,
      commitZxid,
      appliedZxid,
      tail,
    };
  }

  /** Of the files that the manifest names, without the zeros ahead. */
  get fileSizes(): FileSizes {
    const { segments } = this.#log;
    return {
      snapshotBytes: this.#manifest.snapshots.reduce((sum, { bytes }) => sum + bytes, 0),
      logBytes: segments.reduce((sum, { end }) => sum + (end?.offset ?? 0), 0) + this.#writer.offset,
    };
  }

  /** `fsync`: of batches, from the beginning of the write until they are durable. */
  get durations(): StorageDurations {
    return { fsync: this.#appending, snapshot: this.#snapshotting };
  }

  /** Resolves when all that was asked for so far, and since, is done. The making of a snapshot goes on beside it. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /**
   * Calls `onDurable` with the last of these records once they are durable; calls come in the order of the appends.
   * `commit` is what is known to be committed; the batch carries it, as far as this log reaches.
   */
  append(records: readonly LogRecord[], commit: Zxid, onDurable: (zxid: Zxid) => void): void {
    const first = records[0];
    const last = records.at(-1);
    assert(first !== undefined && last !== undefined, 'an append has records');
    assert(first.previous === this.#queuedZxid, 'the log has no holes', {
      last: this.#queuedZxid,
      previous: first.previous,
      zxid: first.zxid,
    });
    this.#queuedZxid = last.zxid;
    this.#isQuiet = false;
    const append = { records, commit, last: last.zxid, onDurable };
    if (this.#gathering !== undefined) {
      this.#gathering.push(append);
      return;
    }
    const gathering = [append];
    void this.#run(() => this.#appendAll(gathering));
    this.#gathering = gathering;
  }

  /** Cuts everything after `after`, a record in the log (or its base), for ever. Never below what is committed. */
  truncate(after: Zxid): Promise<void> {
    this.#queuedZxid = after;
    return this.#run(async () => {
      const { lastZxid } = this.#log;
      if (after === lastZxid) return;
      assert(after < lastZxid, 'a log is cut within what it holds', { after, lastZxid });
      assert(after >= this.#commit, 'what is committed is never cut', { after, commit: this.#commit });
      const kept = await this.#log.segmentsThrough(after);
      await this.#continueIn(kept, after, {});
      this.#log.history.truncateAfter(after);
      this.#env.log.info('log is cut', { after: formatZxid(after), lastZxid: formatZxid(lastZxid) });
    });
  }

  saveManifest(update: ManifestUpdate): Promise<void> {
    return this.#run(async () => {
      const { acceptedEpoch, currentEpoch, clusterId, standing } = this.#manifest;
      assert(update.acceptedEpoch >= acceptedEpoch, 'a promise is never taken back', {
        acceptedEpoch,
        update,
      });
      assert(update.currentEpoch >= currentEpoch, 'epochs only grow', { currentEpoch, update });
      if (clusterId !== undefined && standing !== 'blank') {
        assert(update.clusterId === clusterId, 'a server stays in its cluster', { clusterId, update });
      }
      if (standing === 'refill' && update.standing !== 'refill') {
        assert(update.currentEpoch > currentEpoch, 'only with an epoch adopted a refill mark is cleared', {
          update,
        });
      }
      await this.#writeManifest({
        acceptedEpoch: update.acceptedEpoch,
        currentEpoch: update.currentEpoch,
        clusterId: update.clusterId,
        standing: update.standing,
      });
    });
  }

  /**
   * Durable records in (`after`, `through`], oldest first, until their payloads have `bytesMax` bytes, but at least one if
   * there is one; `purged` when the log no longer reaches back to `after`. Beside the queue: what is in flight is not seen.
   */
  readAfter(after: Zxid, through: Zxid, bytesMax: number): Promise<LogRead> {
    return this.#read(() => this.#log.read(after, through, bytesMax));
  }

  /** To be called at each tick: after a whole one without an append, an empty batch proves the last one durable. */
  sealIfIdle(commit: Zxid): void {
    const wasQuiet = this.#isQuiet;
    this.#isQuiet = true;
    if (!wasQuiet || !this.#queue.isIdle || this.#closed !== undefined) return;
    if (this.#writer.isSealed && earlierOf(commit, this.#log.lastZxid) <= this.#commit) return;
    void this.#run(() => this.#writeBatch([], commit));
  }

  /** Begins a snapshot when the log has grown enough since the last one. */
  maybeSnapshot(tree: Tree): void {
    const { snapshotRecords, snapshotBytes } = this.#options;
    if (this.#making !== undefined || this.#closed !== undefined) return;
    if (this.#recordsSinceSnapshot < snapshotRecords && this.#bytesSinceSnapshot < snapshotBytes) return;
    void this.startSnapshot(tree);
  }

  /**
   * Makes the tree, exact as it is now, the base of recovery: written in slices beside everything else, then named by the
   * manifest, which forgets older snapshots and log. Resolves to its zxid; undefined when it was abandoned, because too much
   * changed under it, a snapshot from a leader took its place, or the server closes. Joins one that is being made.
   */
  startSnapshot(tree: Tree): Promise<Zxid | undefined> {
    if (this.#making !== undefined) return this.#making.done;
    const newest = this.#manifest.snapshots.at(-1);
    if (newest?.zxid === tree.appliedZxid) return Promise.resolve(newest.zxid);
    const making: SnapshotInTheMaking = {
      zxid: tree.appliedZxid,
      isCancelled: false,
      done: Promise.resolve(undefined),
    };
    this.#making = making;
    this.#recordsSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
    making.done = this.#orFatal(this.#makeSnapshot(tree, making));
    return making.done;
  }

  /**
   * Pins the newest finished snapshot when it holds `atLeast`; else makes one of `tree`, which does. Undefined when that one
   * is abandoned (see {@link startSnapshot}): the learner's stream is to be ended, and it comes again.
   */
  async openSnapshot(atLeast: Zxid, tree: Tree): Promise<SnapshotHandle | undefined> {
    const { appliedZxid } = tree;
    assert(appliedZxid >= atLeast, 'a snapshot is asked for of what is applied', { atLeast, appliedZxid });
    while (this.#newestSnapshot(atLeast) === undefined) {
      // The one that is made already may be too old: then another one.
      if ((await this.startSnapshot(tree)) === undefined) return undefined;
    }
    const entry = this.#newestSnapshot(atLeast);
    const shared = entry === undefined ? undefined : this.#snapshots.get(entry.file);
    assert(entry !== undefined && shared !== undefined, 'a finished snapshot is open', { atLeast });
    return this.#handleOf(entry, shared);
  }

  /** A snapshot of `bytes` bytes comes from the leader. What came of an earlier one is void. */
  beginReceived(zxid: Zxid, bytes: number): Promise<void> {
    return this.#run(async () => {
      await this.#discardReceived();
      const file = await this.#createSnapshotFile(zxid);
      this.#receiving = { zxid, bytes, file, written: 0, synced: 0 };
    });
  }

  /** Pieces come in order, without a gap. */
  writeReceived(offset: number, data: Uint8Array): Promise<void> {
    return this.#run(async () => {
      const receiving = this.#receiving;
      assert(receiving !== undefined, 'a piece belongs to a snapshot that was begun', { offset });
      assert(offset === receiving.written, 'pieces of a snapshot come in order', {
        offset,
        written: receiving.written,
      });
      await receiving.file.write(offset, [data]);
      receiving.written += data.length;
      if (receiving.written - receiving.synced < this.#options.snapshotSyncBytes) return;
      await receiving.file.sync();
      receiving.synced = receiving.written;
    });
  }

  /**
   * Makes what was received the base: one manifest write names it and drops the whole log. Epochs and standing stay; they
   * move by a later write. Resolves to the tree it holds. Rejects with DataDirectoryError BAD_SNAPSHOT, and
   * changes nothing, when it is not what the leader wrote.
   */
  async installReceived(zxid: Zxid): Promise<Tree> {
    const previousEnd = this.#queuedZxid;
    this.#queuedZxid = zxid;
    const installed = await this.#run(async () => {
      const receiving = this.#receiving;
      assert(receiving?.zxid === zxid, 'the snapshot that was begun is installed', { zxid });
      const { file, written, bytes } = receiving;
      const tree =
        written === bytes
          ? await this.#readReceived(receiving)
          : new SnapshotFault(`it has ${written} bytes of ${bytes}`);
      if (tree instanceof SnapshotFault) {
        await this.#discardReceived();
        return tree;
      }
      this.#receiving = undefined;
      await this.#installBase(file, { zxid, file: file.name, bytes });
      return tree;
    });
    if (!(installed instanceof SnapshotFault)) return installed;
    this.#queuedZxid = previousEnd;
    const name = `snapshot ${formatZxid(zxid)}`;
    throw new DataDirectoryError(
      'BAD_SNAPSHOT',
      name,
      `as received, ${installed.message}`,
      'It will be asked for again',
    );
  }

  /**
   * Seals the log, so that the next start has nothing to prove, and closes all files. Idempotent; what is asked for
   * afterwards never settles. Once the disk has failed there is nothing to wait for: it resolves and leaves all as it is.
   */
  close(): Promise<void> {
    this.#closed ??= Promise.race([this.#close(), this.#queue.failed]);
    return this.#closed;
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    // What comes now comes after the appends that wait, so they take no more.
    this.#gathering = undefined;
    return this.#queue.run(work);
  }

  /** For work beside the queue: its failure ends the server too. */
  #orFatal<T>(work: Promise<T>): Promise<T> {
    return work.catch((error) => {
      this.#queue.fail(error);
      return new Promise<never>(() => {});
    });
  }

  /** Beside the queue, of files that are not closed before it is done. */
  #read<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return new Promise(() => {});
    const reading = work();
    this.#reading.add(reading);
    const done = (): boolean => this.#reading.delete(reading);
    reading.then(done, done);
    return this.#orFatal(reading);
  }

  async #appendAll(gathering: Append[]): Promise<void> {
    if (this.#gathering === gathering) this.#gathering = undefined;
    for (const { records, commit, finished } of batchesOf(gathering, this.#options.batchBytesMax)) {
      if (globalThis.__ZABRA_MUTANT__ === 'ack-before-fsync') {
        for (const { last, onDurable } of finished) onDurable(last);
        await this.#writeBatch(records, commit);
        continue;
      }
      await this.#writeBatch(records, commit);
      for (const { last, onDurable } of finished) onDurable(last);
    }
    await this.#writer.zeroAhead();
  }

  async #writeBatch(records: readonly LogRecord[], commit: Zxid): Promise<void> {
    if (this.#writer.isFull) await this.#roll();
    const previous = this.#log.lastZxid;
    const last = records.at(-1)?.zxid ?? previous;
    // A mark never says more than what this log holds.
    const mark = laterOf(this.#commit, earlierOf(commit, last));
    const beganMs = this.#env.clock.monotonicMs();
    await this.#writer.write(records, previous, mark);
    this.#appending.add(this.#env.clock.monotonicMs() - beganMs);
    this.#commit = mark;
    this.#log.history.extendOver(records);
    this.#recordsSinceSnapshot += records.length;
    for (const { payload } of records) this.#bytesSinceSnapshot += payload.length;
  }

  /** Ends the segment that is being written, whole and durable as it is, and begins the next. */
  async #roll(): Promise<void> {
    const { segments, lastZxid, last } = this.#log;
    const ended = { ...last, end: { offset: this.#writer.offset, zxid: lastZxid } };
    await this.#continueIn([...segments.slice(0, -1), ended], lastZxid, {});
  }

  /** One manifest write: the log is these segments, and a new one that goes on after `previous`. */
  async #continueIn(kept: readonly Segment[], previous: Zxid, change: Partial<Manifest>): Promise<void> {
    const { disk } = this.#env;
    const id = this.#log.last.id + 1;
    const file = new SharedFile(await disk.open(segmentName(id), 'create'), this.#removeFile);
    await disk.syncDirectory();
    const fresh: Segment = { id, salt: drawSalt(this.#env), previous, end: undefined, file, batches: [] };
    await this.#writeManifest(change, [...kept, fresh]);
    this.#writer = new SegmentWriter(fresh, this.#options);
  }

  async #writeManifest(
    change: Partial<Manifest>,
    segments: readonly Segment[] = this.#log.segments,
  ): Promise<void> {
    const next = {
      ...this.#manifest,
      commit: this.#commit,
      ...change,
      segments: segments.map(segmentOfManifest),
    };
    await writeManifest(this.#env.disk, next);
    this.#manifest = next;
    this.#log.replaceSegments(segments);
  }

  async #makeSnapshot(tree: Tree, making: SnapshotInTheMaking): Promise<Zxid | undefined> {
    const { clock, log } = this.#env;
    const { zxid } = making;
    const beganMs = clock.monotonicMs();
    const cursor = tree.beginSnapshot();
    const file = await this.#run(() => this.#createSnapshotFile(zxid));
    const bytes = await writeSnapshot(file, cursor, {
      sliceEntries: this.#options.snapshotSliceEntries,
      syncBytes: this.#options.snapshotSyncBytes,
      preImageBytesMax: this.#options.preImageBytesMax,
      pause: () => new Promise((resolve) => clock.after(0, resolve)),
      isCancelled: () => making.isCancelled,
    });
    return this.#run(async () => {
      this.#making = undefined;
      if (bytes === undefined || making.isCancelled) {
        log.warn('snapshot is abandoned', { zxid: formatZxid(zxid), cancelled: making.isCancelled });
        this.#removeFile(file);
        return undefined;
      }
      await this.#nameBase(file, { zxid, file: file.name, bytes });
      this.#snapshotting.add(clock.monotonicMs() - beganMs);
      log.info('snapshot is made', { zxid: formatZxid(zxid), bytes });
      return zxid;
    });
  }

  /** Only in the queue, so that no two files get one name. */
  async #createSnapshotFile(zxid: Zxid): Promise<DiskFile> {
    const { disk } = this.#env;
    const taken = new Set(await disk.list());
    let serial = 1;
    while (taken.has(snapshotName(zxid, serial))) serial++;
    return disk.open(snapshotName(zxid, serial), 'create');
  }

  async #nameBase(file: DiskFile, entry: SnapshotOfManifest): Promise<void> {
    const { lastZxid, segments } = this.#log;
    assert(entry.zxid <= lastZxid, 'a snapshot holds only what is in the log', {
      zxid: entry.zxid,
      lastZxid,
    });
    await this.#env.disk.syncDirectory();
    const all = [...this.#manifest.snapshots, entry];
    const snapshots = all.slice(-this.#options.snapshotsKept);
    const oldest = snapshots[0];
    const isComplete = all.length >= this.#options.snapshotsKept && oldest !== undefined;
    // Until there are as many snapshots as are kept, nothing of the log goes.
    const kept = isComplete ? this.#log.segmentsFrom(oldest.zxid) : segments;
    // What a snapshot holds is committed.
    this.#commit = laterOf(this.#commit, entry.zxid);
    this.#snapshots.set(file.name, new SharedFile(file, this.#removeFile));
    await this.#writeManifest({ snapshots }, kept);
    this.#log.history.startAt(this.#log.baseZxid);
    this.#dropSnapshotsBut(snapshots);
  }

  async #readReceived(receiving: ReceivedSnapshot): Promise<Tree | SnapshotFault> {
    const { file, bytes, zxid } = receiving;
    await file.sync();
    try {
      return await readSnapshot(file, bytes, zxid, this.#treeOptions);
    } catch (error) {
      if (error instanceof SnapshotFault) return error;
      throw error;
    }
  }

  async #installBase(file: DiskFile, entry: SnapshotOfManifest): Promise<void> {
    if (this.#making !== undefined) this.#making.isCancelled = true;
    const { standing, clusterId } = this.#manifest;
    assert(clusterId !== undefined, 'a snapshot comes from a leader, whose cluster is known', { standing });
    this.#commit = entry.zxid;
    this.#snapshots.set(file.name, new SharedFile(file, this.#removeFile));
    // The directory is fsynced with the new segment's name.
    await this.#continueIn([], entry.zxid, { snapshots: [entry] });
    this.#log.history.restartAt(entry.zxid);
    this.#dropSnapshotsBut([entry]);
    this.#recordsSinceSnapshot = 0;
    this.#bytesSinceSnapshot = 0;
    this.#env.log.info('snapshot of the leader is installed', {
      zxid: formatZxid(entry.zxid),
      bytes: entry.bytes,
    });
  }

  async #discardReceived(): Promise<void> {
    const receiving = this.#receiving;
    if (receiving === undefined) return;
    this.#receiving = undefined;
    await receiving.file.close();
    await this.#env.disk.remove(receiving.file.name);
  }

  #dropSnapshotsBut(kept: readonly SnapshotOfManifest[]): void {
    const names = new Set(kept.map(({ file }) => file));
    for (const [name, shared] of this.#snapshots) {
      if (names.has(name)) continue;
      this.#snapshots.delete(name);
      shared.drop();
    }
  }

  #newestSnapshot(atLeast: Zxid): SnapshotOfManifest | undefined {
    const newest = this.#manifest.snapshots.at(-1);
    return newest !== undefined && newest.zxid >= atLeast ? newest : undefined;
  }

  #handleOf({ zxid, bytes }: SnapshotOfManifest, shared: SharedFile): SnapshotHandle {
    const release = shared.pin();
    const chunkBytes = this.#options.snapshotChunkBytes;
    return {
      zxid,
      bytes,
      read: async (offset) => {
        const length = Math.min(chunkBytes, bytes - offset);
        const data = await this.#read(() => shared.file.read(offset, length));
        return { data, last: offset + length === bytes };
      },
      close: release,
    };
  }

  async #close(): Promise<void> {
    const making = this.#making;
    if (making !== undefined) {
      making.isCancelled = true;
      await making.done;
    }
    await this.#run(async () => {
      if (!this.#writer.isSealed) await this.#writeBatch([], this.#commit);
      await this.#discardReceived();
      await Promise.allSettled(this.#reading);
      for (const { file } of this.#log.segments) await file.file.close();
      for (const { file } of this.#snapshots.values()) await file.close();
    });
    // Files whose last reader went meanwhile.
    await this.#queue.idle();
  }
}

interface Append {
  readonly records: readonly LogRecord[];
  readonly commit: Zxid;
  readonly last: Zxid;
  readonly onDurable: (zxid: Zxid) => void;
}

interface SnapshotInTheMaking {
  readonly zxid: Zxid;
  isCancelled: boolean;
  done: Promise<Zxid | undefined>;
}

interface ReceivedSnapshot {
  readonly zxid: Zxid;
  readonly bytes: number;
  readonly file: DiskFile;
  written: number;
  synced: number;
}

interface Batch {
  readonly records: readonly LogRecord[];
  readonly commit: Zxid;
  /** Appends whose last record is in this batch. */
  readonly finished: readonly Append[];
}

function* batchesOf(appends: readonly Append[], bytesMax: number): Generator<Batch> {
  let records: LogRecord[] = [];
  let finished: Append[] = [];
  let bytes = 0;
  let commit = ZXID_NONE;
  for (const append of appends) {
    commit = laterOf(commit, append.commit);
    for (const record of append.records) {
      const more = recordBytes(record);
      if (records.length > 0 && bytes + more > bytesMax) {
        yield { records, commit, finished };
        records = [];
        finished = [];
        bytes = 0;
      }
      records.push(record);
      bytes += more;
    }
    finished.push(append);
  }
  yield { records, commit, finished };
}

async function markForRefill(env: StorageEnv, options: CoreOptions): Promise<void> {
  const { disk } = env;
  const former = await readManifest(disk).catch((error) => {
    if (error instanceof DataDirectoryError && error.code === 'DAMAGED') return undefined;
    throw error;
  });
  if (former !== undefined) checkIdentity(former, options);
  if ((await disk.list()).includes(MANIFEST_NEW)) await disk.remove(MANIFEST_NEW);
  const manifest: Manifest = {
    ...firstManifest(options),
    clusterId: options.clusterId ?? former?.clusterId,
    standing: 'refill',
    acceptedEpoch: former?.acceptedEpoch ?? 0,
  };
  await writeManifest(disk, manifest);
  await removeVoid(disk, manifest);
  env.log.warn('data are forgotten: this server waits to be refilled', {
    acceptedEpoch: manifest.acceptedEpoch,
  });
}

function laterOf(a: Zxid, b: Zxid): Zxid {
  return a > b ? a : b;
}

function earlierOf(a: Zxid, b: Zxid): Zxid {
  return a < b ? a : b;
}

function endServer(env: StorageEnv, error: unknown): void {
  try {
    env.fatal(error instanceof Error ? error : new Error(String(error), { cause: error }));
  } catch {
    // An environment may end the server by throwing. There is nothing above this that it could unwind.
  }
}
