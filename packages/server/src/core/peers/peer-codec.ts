import { asZxid } from '@zabra/model';
import {
  decodeElectFrame,
  decodeLeaderFrame,
  decodeLearnerFrame,
  encodeElectFrame,
  encodeLeaderFrame,
  encodeLearnerFrame,
  type Hello as HelloShape,
  type LeaderEntry,
  type LearnerEntry,
  type Notification as NotificationShape,
  type Record as RecordShape,
} from '@zabra/proto';
import type { LeaderMessage, LearnerMessage, LogRecord, Notification } from '@zabra/zab';

/** Versions of the peer protocol that this build speaks. */
export const PEER_PROTOCOL = { min: 1, max: 1 } as const;

/** The first word on every stream between servers, in both directions. */
export interface Hello {
  readonly clusterId: string | undefined;
  readonly serverId: number;
  readonly protocolMin: number;
  readonly protocolMax: number;
}

export type ElectMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'notification'; readonly notification: Notification };
export type LearnerWord = { readonly kind: 'hello'; readonly hello: Hello } | LearnerMessage;
export type LeaderWord = { readonly kind: 'hello'; readonly hello: Hello } | LeaderMessage;

export function encodeElect(message: ElectMessage): Uint8Array {
  return message.kind === 'hello'
    ? encodeElectFrame({ kind: 'hello', hello: helloShape(message.hello) })
    : encodeElectFrame({ kind: 'notification', notification: notificationShape(message.notification) });
}

export function decodeElect(frame: Uint8Array): ElectMessage {
  const decoded = decodeElectFrame(frame);
  return decoded.kind === 'hello'
    ? { kind: 'hello', hello: helloFrom(decoded.hello) }
    : { kind: 'notification', notification: notificationFrom(decoded.notification) };
}

export function encodeLearnerWords(words: readonly LearnerWord[]): Uint8Array {
  return encodeLearnerFrame({ entries: words.map(learnerEntry) });
}

export function decodeLearnerWords(frame: Uint8Array): readonly LearnerWord[] {
  return decodeLearnerFrame(frame).entries.map(learnerWord);
}

export function encodeLeaderWords(words: readonly LeaderWord[]): Uint8Array {
  return encodeLeaderFrame({ entries: words.map(leaderEntry) });
}

export function decodeLeaderWords(frame: Uint8Array): readonly LeaderWord[] {
  return decodeLeaderFrame(frame).entries.map(leaderWord);
}

/** About how many bytes a word takes, to keep frames bounded. */
export function sizeOf(word: LearnerWord | LeaderWord): number {
  switch (word.kind) {
    case 'forward':
    case 'answer':
      return WORD_BYTES + word.payload.length;
    case 'snapshotChunk':
      return WORD_BYTES + word.data.length;
    case 'proposals':
      return word.records.reduce((sum, { payload }) => sum + WORD_BYTES + payload.length, WORD_BYTES);
    default:
      return WORD_BYTES;
  }
}

const WORD_BYTES = 64;

function helloShape(hello: Hello): HelloShape {
  return {
    clusterId: hello.clusterId ?? '',
    serverId: hello.serverId,
    protocolMin: hello.protocolMin,
    protocolMax: hello.protocolMax,
    features: 0,
    configVersion: 0,
  };
}

function helloFrom(shape: HelloShape): Hello {
  return {
    clusterId: shape.clusterId === '' ? undefined : shape.clusterId,
    serverId: shape.serverId,
    protocolMin: shape.protocolMin,
    protocolMax: shape.protocolMax,
  };
}

const STANDING_SHAPE = { voter: 'VOTER', blank: 'BLANK', refill: 'REFILL' } as const;
const STANDING = { VOTER: 'voter', BLANK: 'blank', REFILL: 'refill' } as const;
const STATE_SHAPE = { looking: 'LOOKING', following: 'FOLLOWING', leading: 'LEADING' } as const;
const STATE = { LOOKING: 'looking', FOLLOWING: 'following', LEADING: 'leading' } as const;
const RECORD_SHAPE = { txn: 'TXN', config: 'CONFIG', 'epoch-start': 'EPOCH_START' } as const;
const RECORD = { TXN: 'txn', CONFIG: 'config', EPOCH_START: 'epoch-start' } as const;
const MODE_SHAPE = { diff: 'DIFF', trunc: 'TRUNC' } as const;
const MODE = { DIFF: 'diff', TRUNC: 'trunc' } as const;

function notificationShape(notification: Notification): NotificationShape {
  return {
    state: STATE_SHAPE[notification.state],
    standing: STANDING_SHAPE[notification.standing],
    round: notification.round,
    leader: notification.vote.leader,
    epoch: notification.vote.epoch,
    zxid: notification.vote.zxid,
  };
}

function notificationFrom(shape: NotificationShape): Notification {
  return {
    state: STATE[shape.state],
    standing: STANDING[shape.standing],
    round: shape.round,
    vote: { leader: shape.leader, epoch: shape.epoch, zxid: asZxid(shape.zxid) },
  };
}

function recordShape(record: LogRecord): RecordShape {
  return {
    zxid: record.zxid,
    previous: record.previous,
    kind: RECORD_SHAPE[record.kind],
    payload: record.payload,
  };
}

function recordFrom(shape: RecordShape): LogRecord {
  return {
    zxid: asZxid(shape.zxid),
    previous: asZxid(shape.previous),
    kind: RECORD[shape.kind],
    payload: shape.payload,
  };
}

function learnerEntry(word: LearnerWord): LearnerEntry {
  switch (word.kind) {
    case 'hello':
      return { kind: 'hello', hello: helloShape(word.hello) };
    case 'followerInfo':
      return {
        kind: 'followerInfo',
        followerInfo: { acceptedEpoch: word.acceptedEpoch, standing: STANDING_SHAPE[word.standing] },
      };
    case 'ackEpoch':
      return {
        kind: 'ackEpoch',
        ackEpoch: {
          epoch: word.epoch,
          promised: word.promised,
          currentEpoch: word.currentEpoch,
          lastZxid: word.lastZxid,
          history: word.history,
        },
      };
    case 'ackNewLeader':
      return { kind: 'ackNewLeader', ackNewLeader: { epoch: word.epoch } };
    case 'ack':
      return { kind: 'ack', ack: { zxid: word.zxid } };
    case 'snapshotProgress':
      return { kind: 'snapshotProgress', snapshotProgress: { offset: word.offset } };
    case 'forward':
      return { kind: 'forward', forward: { payload: word.payload } };
    case 'pong':
      return { kind: 'pong', pong: { round: word.round } };
    case 'readIndex':
      return { kind: 'readIndex', readIndex: { id: word.id } };
  }
}

function learnerWord(entry: LearnerEntry): LearnerWord {
  switch (entry.kind) {
    case 'hello':
      return { kind: 'hello', hello: helloFrom(entry.hello) };
    case 'followerInfo':
      return {
        kind: 'followerInfo',
        acceptedEpoch: entry.followerInfo.acceptedEpoch,
        standing: STANDING[entry.followerInfo.standing],
      };
    case 'ackEpoch':
      return {
        kind: 'ackEpoch',
        epoch: entry.ackEpoch.epoch,
        promised: entry.ackEpoch.promised,
        currentEpoch: entry.ackEpoch.currentEpoch,
        lastZxid: asZxid(entry.ackEpoch.lastZxid),
        history: entry.ackEpoch.history,
      };
    case 'ackNewLeader':
      return { kind: 'ackNewLeader', epoch: entry.ackNewLeader.epoch };
    case 'ack':
      return { kind: 'ack', zxid: asZxid(entry.ack.zxid) };
    case 'snapshotProgress':
      return { kind: 'snapshotProgress', offset: entry.snapshotProgress.offset };
    case 'forward':
      return { kind: 'forward', payload: entry.forward.payload };
    case 'pong':
      return { kind: 'pong', round: entry.pong.round };
    case 'readIndex':
      return { kind: 'readIndex', id: entry.readIndex.id };
  }
}

function leaderEntry(word: LeaderWord): LeaderEntry {
  switch (word.kind) {
    case 'hello':
      return { kind: 'hello', hello: helloShape(word.hello) };
    case 'leaderInfo':
      return { kind: 'leaderInfo', leaderInfo: { epoch: word.epoch, clusterId: word.clusterId } };
    case 'syncPlan':
      return {
        kind: 'syncPlan',
        syncPlan:
          word.mode === 'snap'
            ? { mode: 'SNAP', zxid: word.zxid, snapshotBytes: word.snapshotBytes }
            : { mode: MODE_SHAPE[word.mode], zxid: word.zxid, snapshotBytes: 0 },
      };
    case 'snapshotChunk':
      return {
        kind: 'snapshotChunk',
        snapshotChunk: { offset: word.offset, data: word.data, last: word.last },
      };
    case 'proposals':
      return {
        kind: 'proposals',
        proposals: { records: word.records.map(recordShape), commit: word.commit },
      };
    case 'newLeader':
      return { kind: 'newLeader', newLeader: { epoch: word.epoch, zxid: word.zxid } };
    case 'commit':
      return { kind: 'commit', commit: { zxid: word.zxid } };
    case 'ping':
      return { kind: 'ping', ping: { round: word.round } };
    case 'answer':
      return { kind: 'answer', answer: { payload: word.payload } };
    case 'readIndexed':
      return { kind: 'readIndexed', readIndexed: { id: word.id, zxid: word.zxid } };
  }
}

function leaderWord(entry: LeaderEntry): LeaderWord {
  switch (entry.kind) {
    case 'hello':
      return { kind: 'hello', hello: helloFrom(entry.hello) };
    case 'leaderInfo':
      return { kind: 'leaderInfo', epoch: entry.leaderInfo.epoch, clusterId: entry.leaderInfo.clusterId };
    case 'syncPlan': {
      const { mode, zxid, snapshotBytes } = entry.syncPlan;
      return mode === 'SNAP'
        ? { kind: 'syncPlan', mode: 'snap', zxid: asZxid(zxid), snapshotBytes }
        : { kind: 'syncPlan', mode: MODE[mode], zxid: asZxid(zxid) };
    }
    case 'snapshotChunk':
      return {
        kind: 'snapshotChunk',
        offset: entry.snapshotChunk.offset,
        data: entry.snapshotChunk.data,
        last: entry.snapshotChunk.last,
      };
    case 'proposals':
      return {
        kind: 'proposals',
        records: entry.proposals.records.map(recordFrom),
        commit: asZxid(entry.proposals.commit),
      };
    case 'newLeader':
      return { kind: 'newLeader', epoch: entry.newLeader.epoch, zxid: asZxid(entry.newLeader.zxid) };
    case 'commit':
      return { kind: 'commit', zxid: asZxid(entry.commit.zxid) };
    case 'ping':
      return { kind: 'ping', round: entry.ping.round };
    case 'answer':
      return { kind: 'answer', payload: entry.answer.payload };
    case 'readIndexed':
      return { kind: 'readIndexed', id: entry.readIndexed.id, zxid: asZxid(entry.readIndexed.zxid) };
  }
}
