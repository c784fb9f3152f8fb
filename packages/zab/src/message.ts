import type { Epoch, PeerId, Zxid } from '@zabra/model';
import type { EpochEnd, LogRecord } from './record.ts';

/**
 * Whether a server's word counts. `voter`: yes. `blank`: empty and told of no cluster; votes only when no member has
 * ever stored anything. `refill`: its data were damaged or lost; counts in no quorum until it has adopted the epoch
 * of a leader established without it, holding all that this leader had proposed when it came.
 */
export type Standing = 'voter' | 'blank' | 'refill';

/**
 * Whom a server would have lead, with a current epoch and a last durable zxid: those of the candidate in a note of a
 * server that is looking, the sender's own in one of a settled server.
 */
export interface Vote {
  readonly leader: PeerId;
  readonly epoch: Epoch;
  readonly zxid: Zxid;
}

/** An election note. Notes may be lost or doubled; the newest counts. */
export interface Notification {
  readonly state: 'looking' | 'following' | 'leading';
  readonly standing: Standing;
  readonly round: number;
  readonly vote: Vote;
}

/** What a learner says on its stream to the leader. */
export type LearnerMessage =
  | { readonly kind: 'followerInfo'; readonly acceptedEpoch: Epoch; readonly standing: Standing }
  | {
      readonly kind: 'ackEpoch';
      readonly epoch: Epoch;
      /** True when the promise was made durable for this very message, so that it counts towards this leader's quorum. */
      readonly promised: boolean;
      readonly currentEpoch: Epoch;
      readonly lastZxid: Zxid;
      readonly history: readonly EpochEnd[];
    }
  | { readonly kind: 'ackNewLeader'; readonly epoch: Epoch }
  | { readonly kind: 'ack'; readonly zxid: Zxid }
  | { readonly kind: 'snapshotProgress'; readonly offset: number }
  | { readonly kind: 'forward'; readonly payload: Uint8Array }
  | { readonly kind: 'pong'; readonly round: number }
  | { readonly kind: 'readIndex'; readonly id: number };

/** What a leader says to one learner. */
export type LeaderMessage =
  | { readonly kind: 'leaderInfo'; readonly epoch: Epoch; readonly clusterId: string }
  | { readonly kind: 'syncPlan'; readonly mode: 'diff' | 'trunc'; readonly zxid: Zxid }
  | { readonly kind: 'syncPlan'; readonly mode: 'snap'; readonly zxid: Zxid; readonly snapshotBytes: number }
  | {
      readonly kind: 'snapshotChunk';
      readonly offset: number;
      readonly data: Uint8Array;
      readonly last: boolean;
    }
  | { readonly kind: 'proposals'; readonly records: readonly LogRecord[]; readonly commit: Zxid }
  | { readonly kind: 'newLeader'; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly kind: 'commit'; readonly zxid: Zxid }
  | { readonly kind: 'ping'; readonly round: number }
  | { readonly kind: 'answer'; readonly payload: Uint8Array }
  | { readonly kind: 'readIndexed'; readonly id: number; readonly zxid: Zxid };
