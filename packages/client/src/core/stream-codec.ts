import { type PersistentWatchKind, unreachable, type WatchKind } from '@zabra/model';
import {
  type Attach,
  type Attached,
  type ClientEntry,
  decodeServerFrame,
  type Event,
  encodeClientFrame,
  type ServerEntry,
  type WatchKind as WireWatchKind,
} from '@zabra/proto';
import type { Answer } from './ask.ts';
import type { ZkErrorCode } from './errors.ts';
import { answerOf, refusalCode } from './reply-codec.ts';
import { WIRE_WATCH_KINDS } from './request-codec.ts';
import type { ServerEvent } from './watches.ts';
import type { AttachTerms, Granted, Rearmed } from './wire.ts';

export type { ClientEntry } from '@zabra/proto';

/** Versions of the protocol that this client speaks. */
const PROTOCOL_MIN = 1;
const PROTOCOL_MAX = 1;
/** Watches of each sort in one entry, as many as a frame surely holds whatever their paths. */
const REARM_MAX = 200;
const REARMED_BYTES_MAX = 2 * (4096 + 64);
/** Of servers that don't say. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;

/** What a server says, in the order in which it says it. */
export type ServerWord =
  | { readonly kind: 'attached'; readonly granted: Granted }
  | { readonly kind: 'reply'; readonly xid: number; readonly answer: Answer }
  | { readonly kind: 'event'; readonly event: ServerEvent }
  | { readonly kind: 'heartbeatAck'; readonly number: number; readonly zxid: number }
  | { readonly kind: 'goodbye'; readonly code: ZkErrorCode | 'OK'; readonly message: string };

export function attachEntry(terms: AttachTerms): ClientEntry {
  const { sessionId, password, nonce, timeoutMs, lastZxid, clusterId, attempt, readOnly } = terms;
  const session = { sessionId: Number(sessionId), password, nonce, timeoutMs };
  const attach: Attach = {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    features: 0,
    ...session,
    lastZxid,
    clusterId,
    attempt,
    readOnly,
  };
  return { kind: 'attach', attach };
}

export function heartbeatEntry(number: number): ClientEntry {
  return { kind: 'heartbeat', heartbeat: { number } };
}

export function closeEntry(): ClientEntry {
  return { kind: 'close', close: {} };
}

/** Empty when there is nothing to arm; else each is for a frame of its own. */
export function rearmEntries(
  { oneShots, standing, fromZxid }: Rearmed,
  frameBytesMax: number,
): readonly ClientEntry[] {
  const most = Math.max(1, Math.min(REARM_MAX, Math.floor(frameBytesMax / REARMED_BYTES_MAX)));
  const watches = oneShots.map(({ kind, path, zxid }) => ({ kind: WIRE_WATCH_KINDS[kind], path, zxid }));
  const persistent = standing.map(({ id, kind, path }) => ({ id, kind: WIRE_WATCH_KINDS[kind], path }));
  const count = Math.ceil(Math.max(watches.length, persistent.length) / most);
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [index * most, (index + 1) * most];
    const part = { watches: watches.slice(from, to), persistent: persistent.slice(from, to) };
    return { kind: 'rearm', rearm: { ...part, fromZxid, more: index < count - 1 } };
  });
}

export function encodeEntries(entries: readonly ClientEntry[]): Uint8Array {
  return encodeClientFrame({ entries });
}

/** Throws for bytes that are no frame, and for an entry that makes no sense. */
export function wordsOf(frame: Uint8Array): readonly ServerWord[] {
  return decodeServerFrame(frame).entries.map(wordOf);
}

function wordOf(entry: ServerEntry): ServerWord {
  switch (entry.kind) {
    case 'attached':
      return { kind: 'attached', granted: grantedBy(entry.attached) };
    case 'reply':
      return { kind: 'reply', xid: entry.reply.xid, answer: answerOf(entry.reply) };
    case 'event':
      return { kind: 'event', event: serverEvent(entry.event) };
    case 'heartbeatAck':
      return { kind: 'heartbeatAck', number: entry.heartbeatAck.number, zxid: entry.heartbeatAck.zxid };
    case 'goodbye': {
      const { code, message } = entry.goodbye;
      return { kind: 'goodbye', code: code === 'OK' ? 'OK' : refusalCode(code), message };
    }
    default:
      return unreachable(entry);
  }
}

function grantedBy(attached: Attached): Granted {
  const { sessionId, frameBytesMax } = attached;
  return {
    ...attached,
    sessionId: BigInt(sessionId),
    frameBytesMax: frameBytesMax === 0 ? FRAME_BYTES_MAX : frameBytesMax,
  };
}

const KINDS: Readonly<Record<WireWatchKind, WatchKind | PersistentWatchKind>> = {
  DATA: 'data',
  EXIST: 'exist',
  CHILD: 'child',
  PERSISTENT: 'persistent',
  PERSISTENT_RECURSIVE: 'persistentRecursive',
};
const TYPES: Readonly<Record<Event['type'], ServerEvent['type']>> = {
  CREATED: 'created',
  CHANGED: 'changed',
  DELETED: 'deleted',
  CHILDREN: 'children',
  RESYNC: 'resync',
};

function serverEvent({ type, kind, path, zxid, watchId }: Event): ServerEvent {
  return { type: TYPES[type], kind: KINDS[kind], path, zxid, watchId };
}
