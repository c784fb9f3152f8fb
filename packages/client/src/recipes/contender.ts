import { type Bytes, isZkError, paths, type Session, type ZooKeeper, type Zxid } from '@zabra/client';
import { inBackground } from './background.ts';
import type { Patience } from './patience.ts';
import { boundTo, isInterruption } from './session-binding.ts';

/**
 * The name of a contender, taken apart: `_c_<guid>-<kind>-<sequence>`, the shape that Curator writes. In kazoo's,
 * `<guid>__lock__<sequence>` and for a reader `<guid>__rlock__<sequence>`, the guid has no dashes; both are of kind `lock`.
 */
export interface ContenderName {
  readonly name: string;
  readonly guid: string;
  readonly kind: string;
  readonly sequence: bigint;
}

/** A contender node that this client made, in one session. */
export interface OwnContender {
  readonly path: string;
  readonly name: string;
  /** Global and growing, also when the parent is made anew: the fencing token. */
  readonly czxid: Zxid;
  readonly session: Session;
}

export interface ContenderRequest {
  readonly parent: string;
  readonly kind: string;
  readonly data: Bytes | string;
  readonly session: Session;
  readonly patience: Patience;
}

/** Undefined for a child of another shape: whatever it is, it does not stand in this line. */
export function parseContender(name: string): ContenderName | undefined {
  const groups = (CONTENDER.exec(name) ?? KAZOO_CONTENDER.exec(name))?.groups;
  if (groups === undefined) return undefined;
  return { name, guid: groups.guid ?? '', kind: groups.kind ?? '', sequence: BigInt(groups.sequence ?? '') };
}

/** Those of one kind in the order in which they came. Numerically: names grow beyond ten digits. */
export function inOrder(names: readonly string[], kind: string): readonly ContenderName[] {
  return names
    .map(parseContender)
    .filter((contender) => contender !== undefined)
    .filter((contender) => contender.kind === kind)
    .sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

/** Where a new contender is created; the ensemble appends the sequence. The guid is new for every attempt. */
export function contenderPrefix(zk: ZooKeeper, parent: string, kind: string): string {
  return paths.join(parent, `_c_${zk.surroundings.newGuid()}-${kind}-`);
}

/**
 * Creates a contender node so that it is never left behind unknown (C1, protected create): a missing parent is made,
 * and when the outcome is unknown the line is searched for our guid before anything is created again.
 *
 * The first request is sent before this returns, so that a read sent right after it sees the node. Rejects with the
 * patience's reason once nothing was made and the caller has gone, with SESSION_EXPIRED when the session was lost
 * (the ensemble then removes the node).
 */
export async function createContender(zk: ZooKeeper, request: ContenderRequest): Promise<OwnContender> {
  const { parent, kind, data, session, patience } = request;
  const prefix = contenderPrefix(zk, parent, kind);
  for (;;) {
    patience.throwIfOver();
    try {
      const { path, stat } = await zk.create(prefix, data, {
        ...boundTo(session),
        mode: 'ephemeral-sequential',
      });
      return { path, name: paths.name(path), czxid: stat.czxid, session };
    } catch (error) {
      if (isZkError(error, 'NO_NODE')) {
        await ensureParent(zk, parent, session);
      } else if (isZkError(error) && error.outcome === 'unknown') {
        const found = await findContender(zk, prefix, session);
        if (found) return found;
      } else {
        throw error;
      }
    }
  }
}

/** Of containers, which the ensemble takes away once nobody stands in line. Without a connection its answer may be lost; the next create tells whether it happened. */
async function ensureParent(zk: ZooKeeper, parent: string, session: Session): Promise<void> {
  try {
    await zk.ensure(parent, { ...boundTo(session), container: true });
  } catch (error) {
    if (!isInterruption(error)) throw error;
    await session.whenConnected(boundTo(session));
  }
}

/**
 * Our node if the request whose answer was lost did make it. `sync` first: a server that lags would not show the node
 * yet, and we would make a second one (apache/curator#784).
 */
export async function findContender(
  zk: ZooKeeper,
  prefix: string,
  session: Session,
): Promise<OwnContender | undefined> {
  const parent = paths.parent(prefix);
  const start = paths.name(prefix);
  for (;;) {
    try {
      await session.whenConnected(boundTo(session));
      await zk.sync(parent, boundTo(session));
      const name = (await zk.children(parent, boundTo(session))).find((child) => child.startsWith(start));
      if (name === undefined) return undefined;
      const path = paths.join(parent, name);
      const stat = await zk.exists(path, boundTo(session));
      if (stat === null || stat.ephemeralOwner !== session.id) return undefined;
      return { path, name, czxid: stat.czxid, session };
    } catch (error) {
      if (isZkError(error, 'NO_NODE')) return undefined;
      if (!isInterruption(error)) throw error;
    }
  }
}

/**
 * Takes our node away by its full name (C2), in the background until it is done or the session is gone. A caller's
 * abort or timeout never comes here.
 */
export function discardContender(zk: ZooKeeper, own: OwnContender): void {
  const deleting = zk.delete(own.path, { ...boundTo(own.session), guaranteed: true });
  inBackground(zk, `the removal of ${own.path}`, deleting);
}

const CONTENDER =
  /^_c_(?<guid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-(?<kind>.+)-(?<sequence>\d{10,})$/;
const KAZOO_CONTENDER = /^(?<guid>[0-9a-f]{32})__r?(?<kind>lock)__(?<sequence>\d{10,})$/;
