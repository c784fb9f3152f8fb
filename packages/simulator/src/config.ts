import { COUNTER_MAX } from '@zabra/model';
import {
  type AccessOptions,
  DEFAULT_ACCESS,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type Limits,
  type StorageOptions,
  type Timing,
} from '@zabra/server/core';
import type { DiskSpeed } from './disk.ts';
import type { NetworkSpeed } from './network.ts';
import type { RandomStream } from './random.ts';

export const FAULT_KINDS = [
  'process crash',
  'machine crash',
  'power cut',
  'pause',
  'partition',
  'one-way partition',
  'reset',
  'half-open',
  'client cut',
  'client pause',
  'client crash',
  'slow disk',
  'clock jump',
  'leader cut off',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What one run is like. Every knob is first on or off, then set: runs with everything on hide what needs a calm rest. */
export interface RunConfig {
  readonly servers: number;
  readonly clients: number;
  /** More clients, which do nothing but hold locks and wait for them. */
  readonly lockers: number;
  readonly faults: readonly FaultKind[];
  /** How long faults go on, and the mean time between two. */
  readonly faultsUs: number;
  readonly faultEveryUsMean: number;
  /** Acknowledged writes before the faults may end. */
  readonly writesMin: number;
  readonly sessionTimeoutMs: number;
  readonly network: NetworkSpeed;
  readonly disk: DiskSpeed;
  readonly timing: Timing;
  readonly limits: Limits;
  readonly storage: StorageOptions;
  readonly access: AccessOptions;
  readonly readOnlyMode: boolean;
}

const KiB = 1024;

/** Twice the least margin by which a client gives a session up before its time. */
const SESSION_TIMEOUT_MS_MIN = 500;

/** Small segments, history and snapshots, so that within seconds all kinds of sync, purge and recovery happen. */
export function drawConfig(random: RandomStream): RunConfig {
  const faults = FAULT_KINDS.filter(() => random.chance(0.5));
  const heartbeatMs = random.pick([60, 100, 250]);
  return {
    servers: random.chance(0.75) ? 3 : 5,
    clients: random.between(3, 6),
    lockers: random.pick([0, 2, 4]),
    faults: faults.length > 0 ? faults : ['process crash'],
    faultsUs: random.between(1_500_000, 6_000_000),
    faultEveryUsMean: random.logBetween(80_000, 800_000),
    writesMin: random.between(110, 250),
    sessionTimeoutMs: random.pick([SESSION_TIMEOUT_MS_MIN, 1000, 2500, 6000]),
    network: {
      delayUsMin: random.pick([20, 200, 1000]),
      delayUsMean: random.logBetween(50, 8000),
      slowChance: random.pick([0, 0, 0.001]),
    },
    disk: {
      operationUsMean: random.logBetween(5, 300),
      syncUsMean: random.logBetween(100, 8000),
      stallChance: random.pick([0, 0, 0.002]),
      stallFactor: 1,
    },
    timing: {
      ...DEFAULT_TIMING,
      heartbeatMs,
      silenceMs: 4 * heartbeatMs,
      syncLimitMs: random.between(1500, 5000),
      tickMs: random.pick([25, 50]),
      electionPatienceMs: random.between(20, 200),
      notifyIntervalMs: random.between(20, 100),
      sessionTimeoutMinMs: SESSION_TIMEOUT_MS_MIN,
      containerGraceMs: random.pick([50, 500, 10_000]),
    },
    limits: drawLimits(random),
    storage: drawStorage(random),
    access: DEFAULT_ACCESS,
    readOnlyMode: false,
  };
}

function drawLimits(random: RandomStream): Limits {
  return {
    ...DEFAULT_LIMITS,
    outstandingProposalsMax: random.pick([30, 1000]),
    historyRecordsMax: random.between(20, 100),
    historyBytesMax: random.pick([4 * KiB, 1024 * KiB]),
    learnerWindowBytesMax: random.pick([4 * KiB, 1024 * KiB]),
    eventHistoryMax: random.pick([5, 50, 10_000]),
    reapedPerSecondMax: random.pick([2, 100]),
    transactionOperationsMax: random.pick([5, 1000]),
    proposalsBytesMax: random.pick([KiB, 64 * KiB]),
    counterMax: random.chance(0.1) ? random.between(80, 300) : COUNTER_MAX,
  };
}

function drawStorage(random: RandomStream): StorageOptions {
  return {
    ...DEFAULT_STORAGE,
    segmentBytes: random.pick([2 * KiB, 4 * KiB, 8 * KiB]),
    preallocateBytes: random.pick([KiB, 4 * KiB]),
    snapshotRecords: random.between(30, 200),
    snapshotSliceEntries: random.pick([1, 10, 1000]),
    snapshotSyncBytes: random.pick([KiB, 16 * KiB]),
    snapshotsKept: random.between(1, 3),
    batchBytesMax: random.pick([2 * KiB, 64 * KiB]),
    snapshotChunkBytes: random.pick([256, 2 * KiB, 64 * KiB]),
  };
}
