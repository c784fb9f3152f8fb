import { isZkError, LeaseLostError, type ZooKeeper } from '@zabra/client';
import { inOrder, type OwnContender } from './contender.ts';
import { decodeContenderData } from './contender-data.ts';
import type { Patience } from './patience.ts';
import { boundTo, isInterruption } from './session-binding.ts';
import { isHeldHere } from './tenure.ts';
import { nextWakeUp, watchAll, watchNode } from './wake-up.ts';

export interface Turn {
  readonly parent: string;
  readonly kind: string;
  readonly patience: Patience;
  /** The children, asked for right behind the create. */
  readonly firstListing: Promise<readonly string[]>;
  /** Told who is first in line whenever that is known, for the message of a timeout. */
  readonly holderSeen: (holder: string) => void;
}

/**
 * Waits until `own` is the first in line (C3). Each waiter watches the one before it, so that a release wakes one;
 * and its own node, since a contender whose node is gone must not sleep on, nor be crowned when the one before
 * leaves (etcd-io/etcd#22387).
 *
 * Rejects with LeaseLostError (`node-deleted`) when somebody took our node out of the line, with SESSION_EXPIRED, or
 * with the patience's reason.
 */
export async function waitForTurn(zk: ZooKeeper, own: OwnContender, turn: Turn): Promise<void> {
  const options = boundTo(own.session);
  const pathOf = (name: string): string => own.path.slice(0, own.path.length - own.name.length) + name;
  const listed = await turn.firstListing;
  // A listing that overtook the create (its parent had to be made first) says nothing about our place.
  let names = listed.includes(own.name) ? listed : undefined;
  let isWarned = false;
  for (;;) {
    turn.patience.throwIfOver();
    try {
      names ??= await zk.children(turn.parent, options).catch(noneIfAbsent);
      const line = inOrder(names, turn.kind);
      const place = line.findIndex((contender) => contender.name === own.name);
      if (place === -1) throw new LeaseLostError('node-deleted', { path: own.path });
      if (place === 0) return;
      const ahead = line[place - 1]?.name ?? '';
      const first = line[0]?.name ?? '';
      turn.holderSeen(pathOf(first));
      if (!isWarned && isHeldHere(own.session, first)) {
        isWarned = true;
        zk.surroundings.logger.warn(WAITS_FOR_ITSELF, { path: turn.parent });
      }
      const [before, mine] = await watchAll(
        watchNode(zk, pathOf(ahead), options),
        watchNode(zk, own.path, options),
      );
      if (before && ahead === first) {
        const { id } = decodeContenderData(before.data);
        if (id !== '') turn.holderSeen(`${JSON.stringify(id)} (${before.path})`);
      }
      const watches = [before, mine].flatMap((node) => (node ? [node.watch] : []));
      // Whoever is gone already sends no event: read again at once.
      const signals = before && mine ? [turn.patience.signal] : [AbortSignal.abort()];
      await nextWakeUp({ session: own.session, watches, signals });
    } catch (error) {
      if (!isInterruption(error)) throw error;
      await own.session.whenConnected(options);
    }
    // Whatever woke us, only a new look tells where we stand.
    names = undefined;
  }
}

/** The line is a container: it goes some time after the last one who stood in it, us included. */
function noneIfAbsent(error: unknown): readonly string[] {
  if (isZkError(error, 'NO_NODE')) return [];
  throw error;
}

const WAITS_FOR_ITSELF =
  'this client waits for a lock that it holds itself: a holder enters again by lease.reenter()';
