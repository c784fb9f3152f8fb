import { COUNTER_MAX, type Identity, type PeerId } from '@zabra/model';

/** What a server is told once, at start. Times in ms, sizes in bytes, unless named otherwise. */
export interface CoreOptions {
  readonly id: PeerId;
  /** Every server of the ensemble, this one included. */
  readonly members: readonly PeerId[];
  /**
   * Given when the data directory may be made new for this cluster (`zabra init`, `zabra up`): an empty server with it votes.
   * Without it an empty server waits until every member says that it is empty, or is refilled.
   */
  readonly clusterId: string | undefined;
  readonly timing: Timing;
  readonly limits: Limits;
  readonly storage: StorageOptions;
  readonly access: AccessOptions;
  /** Clients that agree to it are served reads of what is here while there is no quorum. */
  readonly readOnlyMode: boolean;
}

export interface AccessOptions {
  /** A client that proves to be one of them passes every ACL. */
  readonly superUsers: readonly Identity[];
}

export interface Timing {
  /** A leader's pings, and how often a follower reports the sessions it heard. */
  readonly heartbeatMs: number;
  /** A stream or quorum silent this long is lost; above the worst pause of an event loop. */
  readonly silenceMs: number;
  /** Discovery and synchronization without progress. */
  readonly syncLimitMs: number;
  /** Sleep between two ticks of the core. */
  readonly tickMs: number;
  /** How long an election waits for a reachable voter that has not agreed. */
  readonly electionPatienceMs: number;
  /** First pause before a note is sent again. */
  readonly notifyIntervalMs: number;
  /** Bounds of what a client may ask for. */
  readonly sessionTimeoutMinMs: number;
  readonly sessionTimeoutMaxMs: number;
  /** A container that had children is removed when it has had none for so long. */
  readonly containerGraceMs: number;
  /** A container that never had a child is removed when it is so old; 0: it stays. */
  readonly containerNeverUsedMs: number;
}

/** Each bound has a name, and whoever meets it gets a typed error that says it. */
export interface Limits {
  /** Data of one znode. */
  readonly dataBytesMax: number;
  /** One frame from a client or a peer. */
  readonly frameBytesMax: number;
  /** Operations of one transaction. */
  readonly transactionOperationsMax: number;
  /** Unanswered requests of one session. */
  readonly requestsPerSessionMax: number;
  /** Unanswered requests of all sessions of a server. */
  readonly requestsMax: number;
  /** Their size in memory, about. */
  readonly requestsBytesMax: number;
  /** Streams of clients on one server. */
  readonly connectionsMax: number;
  /** Streams of clients from one address on one server. */
  readonly sessionsPerAddressMax: number;
  /** Sessions of the ensemble. */
  readonly sessionsMax: number;
  /** Watches of one session, of all kinds. */
  readonly watchesPerSessionMax: number;
  /** Results of one session's writes that its client has not said to know, about. */
  readonly resultBytesMax: number;
  readonly ephemeralsPerSessionMax: number;
  /** Names in one list of children; a longer list is read in pages. */
  readonly childrenPageMax: number;
  /** Changes of which a server remembers the events, for watches that resume. */
  readonly eventHistoryMax: number;
  /** Containers and nodes with a TTL that a leader removes in a second. */
  readonly reapedPerSecondMax: number;
  /** Answers and events that a client has not taken; beyond it the stream is ended. */
  readonly clientQueueBytesMax: number;
  /** Proposals that no quorum has acknowledged yet. */
  readonly outstandingProposalsMax: number;
  /** Records kept in memory for learners that lag. */
  readonly historyRecordsMax: number;
  readonly historyBytesMax: number;
  /** Sent to one learner and not yet acknowledged. */
  readonly learnerWindowBytesMax: number;
  readonly proposalsBytesMax: number;
  /** Counter at which a leader opens a new epoch. */
  readonly counterMax: number;
}

export interface StorageOptions {
  /** A segment of the log is closed when it has grown beyond this. */
  readonly segmentBytes: number;
  /** Zeros written ahead of the log's end, so that an fsync need not grow the file. */
  readonly preallocateBytes: number;
  /** Records between snapshots. */
  readonly snapshotRecords: number;
  /** Log bytes between snapshots. */
  readonly snapshotBytes: number;
  /** Entries written per slice, between two requests. */
  readonly snapshotSliceEntries: number;
  /** Bytes between two fsyncs of a growing snapshot. */
  readonly snapshotSyncBytes: number;
  /** What a snapshot may hold in memory of nodes that changed before it came to them; beyond it, it is abandoned. */
  readonly preImageBytesMax: number;
  /** Snapshots kept; with them the log from the oldest one on. */
  readonly snapshotsKept: number;
  /** One append to the log, at most. */
  readonly batchBytesMax: number;
  /** Bytes of a snapshot chunk to a learner. */
  readonly snapshotChunkBytes: number;
}

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 250,
  silenceMs: 1000,
  syncLimitMs: 5000,
  tickMs: 50,
  electionPatienceMs: 200,
  notifyIntervalMs: 100,
  sessionTimeoutMinMs: 4000,
  sessionTimeoutMaxMs: 60_000,
  // Whoever emptied it may be about to fill it again; a client that reconnects does so within seconds.
  containerGraceMs: 10_000,
  // As in ZooKeeper: who made a container and has not used it yet finds it.
  containerNeverUsedMs: 0,
};

const MiB = 2 ** 20;

export const DEFAULT_LIMITS: Limits = {
  dataBytesMax: MiB,
  frameBytesMax: 4 * MiB,
  transactionOperationsMax: 1000,
  requestsPerSessionMax: 1000,
  requestsMax: 20_000,
  requestsBytesMax: 256 * MiB,
  connectionsMax: 10_000,
  // A tenth of what one server takes: a client in a loop does not shut out the others.
  sessionsPerAddressMax: 1000,
  sessionsMax: 100_000,
  watchesPerSessionMax: 100_000,
  resultBytesMax: 16 * MiB,
  ephemeralsPerSessionMax: 100_000,
  // With names of 100 bytes, 1 MiB: well within a frame.
  childrenPageMax: 10_000,
  // Ten seconds at a thousand changes per second: longer than a client takes to find another server.
  eventHistoryMax: 10_000,
  // A hundredth of what an ensemble commits; a million nodes go in three hours and nobody feels it.
  reapedPerSecondMax: 100,
  clientQueueBytesMax: 32 * MiB,
  outstandingProposalsMax: 20_000,
  historyRecordsMax: 10_000,
  historyBytesMax: 64 * MiB,
  learnerWindowBytesMax: 16 * MiB,
  proposalsBytesMax: MiB,
  counterMax: COUNTER_MAX,
};

/** Nobody passes every ACL unless the configuration names them. */
export const DEFAULT_ACCESS: AccessOptions = { superUsers: [] };

export const DEFAULT_STORAGE: StorageOptions = {
  segmentBytes: 64 * MiB,
  preallocateBytes: 4 * MiB,
  snapshotRecords: 100_000,
  snapshotBytes: 256 * MiB,
  snapshotSliceEntries: 1000,
  snapshotSyncBytes: 4 * MiB,
  preImageBytesMax: 256 * MiB,
  snapshotsKept: 3,
  batchBytesMax: 8 * MiB,
  snapshotChunkBytes: 512 * 1024,
};
