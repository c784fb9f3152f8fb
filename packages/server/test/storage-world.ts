import { createHash } from 'node:crypto';
import { asZxid, makeZxid, type Txn, ZXID_NONE, type Zxid } from '@zabra/model';
import { Tree } from '@zabra/tree';
import type { LogRecord } from '@zabra/zab';
import {
  type CoreOptions,
  DEFAULT_ACCESS,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type StorageOptions,
} from '../src/core/options.ts';
import type { ReplayedEvents } from '../src/core/storage/replayed-events.ts';
import { type OpenOptions, Storage, type StorageEnv } from '../src/core/storage/storage.ts';
import { decodeTxn, encodeTxn } from '../src/core/txn-codec.ts';
import type { Chance, VolatileMachine } from './volatile-disk.ts';

/** Numbers in [0, 1) from a seed; the same ones again from the same seed. */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function coreOptions(
  storage: Partial<StorageOptions> = {},
  more: Partial<CoreOptions> = {},
): CoreOptions {
  return {
    id: 1,
    members: [1, 2, 3],
    clusterId: 'orchard',
    timing: DEFAULT_TIMING,
    limits: DEFAULT_LIMITS,
    storage: { ...DEFAULT_STORAGE, ...storage },
    access: DEFAULT_ACCESS,
    readOnlyMode: false,
    ...more,
  };
}

/** Small enough that a few records make segments roll and batches split. */
export const SMALL: Partial<StorageOptions> = {
  segmentBytes: 4096,
  preallocateBytes: 1024,
  batchBytesMax: 2048,
  snapshotSliceEntries: 4,
  snapshotSyncBytes: 512,
  snapshotChunkBytes: 300,
  snapshotsKept: 2,
};

/** One life of a server's storage. What it throws away by `fatal` is kept here. */
export class Life {
  readonly storage: Storage;
  readonly replayed: ReplayedEvents;
  tree: Tree;

  private constructor(storage: Storage, tree: Tree, replayed: ReplayedEvents) {
    this.storage = storage;
    this.tree = tree;
    this.replayed = replayed;
  }

  static async start(
    env: StorageEnv,
    options: CoreOptions = coreOptions(SMALL),
    open: OpenOptions = {},
  ): Promise<Life> {
    const { storage, tree, replayed } = await Storage.open(env, options, {}, open);
    return new Life(storage, tree, replayed);
  }

  /** Resolves once all of them are durable. */
  append(records: readonly LogRecord[], commit: Zxid = ZXID_NONE): Promise<Zxid> {
    return new Promise((resolve) => this.storage.append(records, commit, resolve));
  }

  async state(): Promise<Awaited<ReturnType<Storage['durableState']>>> {
    await this.storage.idle();
    return this.storage.durableState(this.tree);
  }

  /** Everything in the log, from where it begins. */
  async log(): Promise<readonly LogRecord[]> {
    const { baseZxid, lastZxid } = await this.state();
    return (await this.storage.readAfter(baseZxid, lastZxid, Number.POSITIVE_INFINITY)).records;
  }

  apply(records: readonly LogRecord[]): void {
    for (const record of records) applyRecord(this.tree, record);
  }
}

export interface FakeEnv extends StorageEnv {
  /** What `fatal` was called with. */
  readonly errors: readonly Error[];
  /** Resolves at the first of them. */
  readonly failed: Promise<Error>;
}

export function fakeEnv(machine: VolatileMachine, chance: Chance): FakeEnv {
  const errors: Error[] = [];
  let onFailure: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    onFailure = resolve;
  });
  return {
    disk: machine.disk(),
    random: {
      bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(chance() * 256)),
      sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    },
    clock: {
      monotonicMs: () => 0,
      wallMs: () => 0,
      after: (_, work) => {
        const immediate = setImmediate(work);
        return () => clearImmediate(immediate);
      },
      atTurnEnd: (work) => queueMicrotask(work),
    },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    errors,
    failed,
    fatal: (error) => {
      errors.push(error);
      onFailure(error);
      throw error;
    },
  };
}

export function applyRecord(tree: Tree, record: LogRecord): void {
  if (record.kind === 'txn') tree.apply(record.zxid, decodeTxn(record.payload));
  else tree.applyNothing(record.zxid);
}

export function digestOf(records: readonly LogRecord[]): string {
  const tree = Tree.empty();
  for (const record of records) applyRecord(tree, record);
  return tree.digest();
}

/** Makes records that follow each other: epoch starts, and creates of nodes that tell their zxid. */
export class Scribe {
  last: Zxid = ZXID_NONE;
  #epoch = 0;
  #counter = 0;

  startEpoch(epoch: number): LogRecord {
    this.#epoch = epoch;
    this.#counter = 0;
    return this.#next('epoch-start', new Uint8Array(0));
  }

  /** Goes on after this position. */
  continueAfter(zxid: Zxid): void {
    this.last = zxid;
    this.#epoch = Math.floor(zxid / 2 ** 32);
    this.#counter = (zxid % 2 ** 32) + 1;
  }

  txns(count: number, dataBytes = 10): LogRecord[] {
    return Array.from({ length: count }, () => this.#next('txn', encodeTxn(this.#create(dataBytes))));
  }

  #create(dataBytes: number): Txn {
    const path = `/n${this.#epoch}-${this.#counter}`;
    const data = new Uint8Array(dataBytes).fill(this.#counter);
    return {
      timeMs: this.#counter,
      sessionId: 0,
      requestNo: 0,
      answeredThrough: 0,
      requestHash: 0,
      body: {
        kind: 'change',
        change: { kind: 'create', path, data, mode: 'persistent', acl: [], ephemeralOwner: 0, ttlMs: 0 },
      },
    };
  }

  #next(kind: LogRecord['kind'], payload: Uint8Array): LogRecord {
    const zxid = makeZxid(this.#epoch, this.#counter);
    const record = { zxid, previous: this.last, kind, payload };
    this.last = zxid;
    this.#counter++;
    return record;
  }
}

export function zxid(epoch: number, counter: number): Zxid {
  return asZxid(makeZxid(epoch, counter));
}
