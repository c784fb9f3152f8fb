import type { Epoch, PeerId, Zxid } from '@zabra/model';
import type { LeaderMessage, LearnerMessage, Notification, Standing } from './message.ts';
import type { EpochEnd, LogRecord } from './record.ts';

/**
 * A stream between a learner and its leader; numbered by each server for itself, never reused within a process. Zab
 * numbers those it opens downwards from -1, the replica those that learners open upwards from 1.
 */
export type LinkId = number;

/** Which role of this server asked for something of the disk; results of a former role are void. */
export type Incarnation = number;

/** What this server's disk holds for certain: read back after a start and after every role, once the disk is quiet. */
export interface DurableState {
  readonly clusterId: string | undefined;
  /** `blank` as long as no cluster id is in the manifest and none was given by the operator. */
  readonly standing: Standing;
  readonly acceptedEpoch: Epoch;
  readonly currentEpoch: Epoch;
  /** The last record in the log, or what the base snapshot holds when the log is empty. */
  readonly lastZxid: Zxid;
  /** The end of each epoch from the base snapshot on (its own position included), oldest first. */
  readonly history: readonly EpochEnd[];
  /** What the base snapshot holds; records at and below it can no longer be read one by one. */
  readonly baseZxid: Zxid;
  /** The highest zxid this server knows to be committed (never above lastZxid). */
  readonly commitZxid: Zxid;
  /** What the tree holds; min(commit, durable) when it stopped. */
  readonly appliedZxid: Zxid;
  /** The records after `appliedZxid`: in the log, not applied. */
  readonly tail: readonly LogRecord[];
}

/**
 * All that can happen to Zab. Time comes as `tick` (at least twice per heartbeat, never running back), durability as the
 * completion of what an effect asked.
 */
export type Input =
  | { readonly kind: 'tick'; readonly nowMs: number }
  // Elections.
  | { readonly kind: 'electUp'; readonly peer: PeerId }
  | { readonly kind: 'electDown'; readonly peer: PeerId }
  | { readonly kind: 'notification'; readonly from: PeerId; readonly notification: Notification }
  // This server as learner: the stream it asked for with `connect`.
  | { readonly kind: 'connected'; readonly link: LinkId }
  | { readonly kind: 'fromLeader'; readonly link: LinkId; readonly message: LeaderMessage }
  // This server as leader: streams that learners opened.
  | { readonly kind: 'learnerUp'; readonly link: LinkId; readonly peer: PeerId }
  | { readonly kind: 'fromLearner'; readonly link: LinkId; readonly message: LearnerMessage }
  // Either side: the stream ended.
  | { readonly kind: 'linkDown'; readonly link: LinkId }
  // The disk.
  | { readonly kind: 'drained'; readonly incarnation: Incarnation; readonly state: DurableState }
  | { readonly kind: 'appended'; readonly incarnation: Incarnation; readonly zxid: Zxid }
  | { readonly kind: 'truncated'; readonly incarnation: Incarnation; readonly zxid: Zxid }
  | {
      readonly kind: 'manifestSaved';
      readonly incarnation: Incarnation;
      readonly acceptedEpoch: Epoch;
      readonly currentEpoch: Epoch;
    }
  /** Records after the zxid asked for, oldest first; `purged` when the log no longer reaches back that far. */
  | {
      readonly kind: 'logRead';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly after: Zxid;
      readonly records: readonly LogRecord[];
      readonly purged: boolean;
    }
  | {
      readonly kind: 'snapshotOpened';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly zxid: Zxid;
      readonly bytes: number;
    }
  | {
      readonly kind: 'snapshotRead';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly offset: number;
      readonly data: Uint8Array;
      readonly last: boolean;
    }
  | { readonly kind: 'snapshotWritten'; readonly incarnation: Incarnation; readonly offset: number }
  /** The snapshot received from the leader is the base now, in the manifest and in the tree; the log after it is empty. */
  | { readonly kind: 'snapshotInstalled'; readonly incarnation: Incarnation; readonly zxid: Zxid }
  // From the replica.
  /** Leader only, once `serving`: orders these payloads; the records made are in the `append` effect of the same step. */
  | { readonly kind: 'propose'; readonly payloads: readonly Uint8Array[] }
  /** Follower only, once `serving`. */
  | { readonly kind: 'forward'; readonly payload: Uint8Array }
  /** Leader only: to a learner whose forwarded request makes no txn. */
  | { readonly kind: 'answer'; readonly to: PeerId; readonly payload: Uint8Array }
  /** Asks for a zxid at or above all that was committed anywhere before now, confirmed by a quorum. */
  | { readonly kind: 'readIndex'; readonly id: number };

/** All that Zab can ask for. Effects on one resource keep their order; none depends on another of the same step. */
export type Effect =
  | { readonly kind: 'notify'; readonly to: PeerId; readonly notification: Notification }
  /** Open a stream to this leader; answered by `connected` or `linkDown` with this link. */
  | { readonly kind: 'connect'; readonly link: LinkId; readonly to: PeerId }
  | { readonly kind: 'disconnect'; readonly link: LinkId; readonly reason: string }
  | { readonly kind: 'toLeader'; readonly link: LinkId; readonly message: LearnerMessage }
  | { readonly kind: 'toLearner'; readonly link: LinkId; readonly message: LeaderMessage }
  /** Let the disk come to rest, then answer `drained` with what it holds. Comes with every change of role. */
  | { readonly kind: 'drain'; readonly incarnation: Incarnation }
  /** Append and fsync; `commit` is what is known to be committed, for the batch's mark. */
  | {
      readonly kind: 'append';
      readonly incarnation: Incarnation;
      readonly records: readonly LogRecord[];
      readonly commit: Zxid;
    }
  | { readonly kind: 'truncate'; readonly incarnation: Incarnation; readonly after: Zxid }
  /**
   * `standing` is the mark that goes with it: a blank server that is to be refilled must not come back as a voter, and
   * `refill` becomes `voter` only together with a higher current epoch.
   */
  | {
      readonly kind: 'saveManifest';
      readonly incarnation: Incarnation;
      readonly acceptedEpoch: Epoch;
      readonly currentEpoch: Epoch;
      readonly clusterId: string;
      readonly standing: 'voter' | 'refill';
    }
  | {
      readonly kind: 'readLog';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly after: Zxid;
      /** No record above this one. */
      readonly through: Zxid;
      readonly bytesMax: number;
    }
  /** Pin the newest finished snapshot for this link (make one if there is none at or above `atLeast`). */
  | {
      readonly kind: 'openSnapshot';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly atLeast: Zxid;
    }
  | {
      readonly kind: 'readSnapshot';
      readonly incarnation: Incarnation;
      readonly link: LinkId;
      readonly offset: number;
    }
  | { readonly kind: 'closeSnapshot'; readonly link: LinkId }
  | {
      readonly kind: 'beginSnapshot';
      readonly incarnation: Incarnation;
      readonly zxid: Zxid;
      readonly bytes: number;
    }
  | {
      readonly kind: 'writeSnapshot';
      readonly incarnation: Incarnation;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  /** Fsync what was received, make it the base by one manifest write (epochs and standing stay), load it into the tree. */
  | { readonly kind: 'installSnapshot'; readonly incarnation: Incarnation; readonly zxid: Zxid }
  /** These are committed and durable here: apply them, in order. */
  | { readonly kind: 'deliver'; readonly records: readonly LogRecord[] }
  /** Leader: a learner's request. */
  | { readonly kind: 'forwarded'; readonly from: PeerId; readonly payload: Uint8Array }
  /** Follower: the leader's word on a request of ours. */
  | { readonly kind: 'answered'; readonly payload: Uint8Array }
  /** `zxid` undefined: no leader could confirm; ask again later. */
  | { readonly kind: 'readIndexed'; readonly id: number; readonly zxid: Zxid | undefined }
  /** Role, phase or service changed: for the replica (which serves only when `serving`) and for the log. */
  | { readonly kind: 'transition'; readonly to: Transition };

export interface Transition {
  readonly role: 'looking' | 'following' | 'leading';
  readonly phase: 'recovery' | 'election' | 'discovery' | 'synchronization' | 'broadcast';
  readonly epoch: Epoch;
  readonly leader: PeerId | undefined;
  /**
   * Leader: its initial history is committed and applied, it may propose. Follower: synced and at the leader's NEWLEADER
   * position, it may forward.
   */
  readonly serving: boolean;
  /** For people: why. */
  readonly reason: string;
}

/** What does not change while a server runs. Times in ms, sizes in bytes. */
export interface ZabOptions {
  readonly id: PeerId;
  readonly members: readonly PeerId[];
  /** Drawn by the caller; becomes the cluster's id if this server is the first leader of a blank ensemble. */
  readonly newClusterId: string;
  /** A stream or a quorum that is silent this long is lost. Default 1000. */
  readonly silenceMs: number;
  /** Between pings of a leader. Default 250. */
  readonly heartbeatMs: number;
  /** How long discovery and synchronization may take without progress. Default 5000. */
  readonly syncLimitMs: number;
  /** Wait for voters that are reachable but have not agreed. Default 200. */
  readonly electionPatienceMs: number;
  /** First pause between repeated notes; doubles to ten times it. Default 100. */
  readonly notifyIntervalMs: number;
  /** Records kept in memory for learners that lag. */
  readonly historyRecordsMax: number;
  readonly historyBytesMax: number;
  /** Bytes sent to one learner and not yet acknowledged. */
  readonly learnerWindowBytesMax: number;
  /** Bytes of one proposals message. */
  readonly proposalsBytesMax: number;
  /** Proposals not yet committed; the replica stops preparing at it. */
  readonly outstandingProposalsMax: number;
  /** Counter at which a leader opens a new epoch; lower in tests. Default COUNTER_MAX. */
  readonly counterMax: number;
}
