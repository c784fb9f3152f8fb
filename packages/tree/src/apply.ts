import {
  type Change,
  type ChangeResult,
  parentOf,
  type SessionId,
  type TreeEvent,
  type Txn,
  type TxnBody,
  unreachable,
  type WriteResult,
  type Zxid,
} from '@zabra/model';
import type { ReapNews } from './reap.ts';
import type { Moved, State } from './state.ts';

export interface Applied {
  readonly zxid: Zxid;
  /** What watches may want to know, in the order in which it happened. */
  readonly events: readonly TreeEvent[];
  readonly result: WriteResult;
  /** The session that this txn closed. */
  readonly closedSession: SessionId | undefined;
  /** For the leader's reaper; undefined when the txn concerned neither a container nor a node with a TTL. */
  readonly reapNews: ReapNews | undefined;
}

/** Does what the txn says. The outcome depends on the state and the txn alone: it is the same on every server. */
export function applyTxn(state: State, zxid: Zxid, txn: Txn): Applied {
  const events: TreeEvent[] = [];
  const result = applyBody(state, zxid, txn.timeMs, txn.body, events);
  if (txn.requestNo > 0) {
    const { sessionId, requestNo, answeredThrough, requestHash } = txn;
    state.keepResult({ sessionId, requestNo, answeredThrough, requestHash, result });
  }
  state.lastTimeMs = Math.max(state.lastTimeMs, txn.timeMs);
  const closedSession = txn.body.kind === 'closeSession' ? txn.body.sessionId : undefined;
  return { zxid, events, result, closedSession, reapNews: state.takeReapNews() };
}

function applyBody(
  state: State,
  zxid: Zxid,
  timeMs: number,
  body: TxnBody,
  events: TreeEvent[],
): WriteResult {
  switch (body.kind) {
    case 'change':
      return { kind: 'done', zxid, results: [applyChange(state, zxid, timeMs, body.change, events)] };
    case 'transaction':
      return {
        kind: 'done',
        zxid,
        results: body.changes.map((change) => applyChange(state, zxid, timeMs, change, events)),
      };
    case 'createSession':
      state.createSession(body.sessionId, body.timeoutMs, body.passwordHash, body.nonce);
      return { kind: 'done', zxid, results: [] };
    case 'attachSession':
      state.attachSession(body.sessionId, body.nonce);
      return { kind: 'done', zxid, results: [] };
    case 'closeSession':
      for (const gone of state.closeSession(body.sessionId, zxid)) pushDeleted(events, gone.path, zxid, gone);
      return { kind: 'done', zxid, results: [] };
    case 'error': {
      const { code, message, failedIndex, codes } = body;
      return { kind: 'refused', zxid, refusal: { code, message }, failedIndex, codes };
    }
    default:
      return unreachable(body);
  }
}

function applyChange(
  state: State,
  zxid: Zxid,
  timeMs: number,
  change: Change,
  events: TreeEvent[],
): ChangeResult {
  const { path } = change;
  switch (change.kind) {
    case 'create': {
      const { data, ephemeralOwner, ttlMs } = change;
      const container = change.mode === 'container';
      const { stat, acl, parentAcl } = state.createNode({
        path,
        data,
        acl: change.acl,
        ephemeralOwner,
        ttlMs,
        container,
        zxid,
        timeMs,
      });
      events.push(
        { type: 'created', path, zxid, acl },
        { type: 'children', path: parentOf(path), zxid, acl: parentAcl },
      );
      return { kind: 'create', path, stat };
    }
    case 'set': {
      const { data, version } = change;
      const { stat, acl } = state.setNode({ path, data, version, zxid, timeMs });
      events.push({ type: 'changed', path, zxid, acl });
      return { kind: 'set', path, stat };
    }
    case 'delete':
      pushDeleted(events, path, zxid, state.deleteNode(path, zxid));
      return { kind: 'delete', path };
    case 'setAcl': {
      const stat = state.setAcl({ path, acl: change.acl, aversion: change.aversion, zxid });
      return { kind: 'setAcl', path, stat };
    }
    case 'touch':
      state.touchNode(path);
      return { kind: 'touch', path };
    case 'deleteTree':
      for (const gone of change.paths) pushDeleted(events, gone, zxid, state.deleteNode(gone, zxid));
      return { kind: 'deleteTree', path, deleted: change.paths.length, done: change.done };
    case 'check':
    case 'checkAbsent':
    case 'checkOwner':
      return { kind: change.kind, path };
    default:
      return unreachable(change);
  }
}

function pushDeleted(events: TreeEvent[], path: string, zxid: Zxid, { acl, parentAcl }: Moved): void {
  events.push(
    { type: 'deleted', path, zxid, acl },
    { type: 'children', path: parentOf(path), zxid, acl: parentAcl },
  );
}
