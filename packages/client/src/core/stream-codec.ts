import { unreachable, type WatchKind } from '@zabra/model';
import {
  type Attach,
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
import type { Armed, ServerEvent } from './watches.ts';

export type { ClientEntry } from '@zabra/proto';

/** Versions of the protocol that this client speaks. */
const PROTOCOL_MIN = 1;
const PROTOCOL_MAX = 1;
/** Watches in one entry: keeps an entry below what a frame may hold whatever their paths. */
const REARM_MAX = 200;

export interface AttachTerms {
  /** 0 and empty: a new session. */
  readonly sessionId: number;
  readonly password: Uint8Array;
  readonly nonce: string;
  readonly timeoutMs: number;
  readonly lastZxid: number;
  readonly clusterId: string;
  readonly attempt: number;
}

export interface Granted {
  readonly sessionId: number;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
  readonly clusterId: string;
  readonly zxid: number;
}

/** What a server says, in the order in which it says it. */
export type ServerWord =
  | { readonly kind: 'attached'; readonly granted: Granted }
  | { readonly kind: 'reply'; readonly xid: number; readonly answer: Answer }
  | { readonly kind: 'event'; readonly event: ServerEvent }
  | { readonly kind: 'heartbeatAck'; readonly number: number; readonly zxid: number }
  | { readonly kind: 'goodbye'; readonly code: ZkErrorCode | 'OK'; readonly message: string };

export function attachEntry(terms: AttachTerms): ClientEntry {
  const attach: Attach = { protocolMin: PROTOCOL_MIN, protocolMax: PROTOCOL_MAX, features: 0, ...terms };
  return { kind: 'attach', attach };
}

export function heartbeatEntry(number: number): ClientEntry {
  return { kind: 'heartbeat', heartbeat: { number } };
}

export function closeEntry(): ClientEntry {
  return { kind: 'close', close: {} };
}

export function rearmEntries(watches: readonly Armed[]): readonly ClientEntry[] {
  const entries: ClientEntry[] = [];
  for (let from = 0; from < watches.length; from += REARM_MAX) {
    const part = watches.slice(from, from + REARM_MAX);
    const wire = part.map(({ kind, path, zxid }) => ({ kind: WIRE_KINDS[kind], path, zxid }));
    entries.push({ kind: 'rearm', rearm: { watches: wire } });
  }
  return entries;
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
      return { kind: 'attached', granted: entry.attached };
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

const WIRE_KINDS: Readonly<Record<WatchKind, WireWatchKind>> = {
  data: 'DATA',
  exist: 'EXIST',
  child: 'CHILD',
};
const KINDS: Readonly<Record<WireWatchKind, WatchKind>> = { DATA: 'data', EXIST: 'exist', CHILD: 'child' };
const TYPES: Readonly<Record<Event['type'], ServerEvent['type']>> = {
  CREATED: 'created',
  CHANGED: 'changed',
  DELETED: 'deleted',
  CHILDREN: 'children',
  RESYNC: 'resync',
};

function serverEvent({ type, kind, path, zxid }: Event): ServerEvent {
  return { type: TYPES[type], kind: KINDS[kind], path, zxid };
}
