import { assert, type PeerId, type Zxid } from '@zabra/model';

/** Says which sets of servers are enough. Any two quorums of one system share a server. */
export interface QuorumSystem {
  readonly members: readonly PeerId[];
  isQuorum(has: (peer: PeerId) => boolean): boolean;
  /** The highest position that some quorum has reached. */
  reached(positionOf: (peer: PeerId) => number): number;
}

/** More than half of the members. */
export function majorityOf(members: readonly PeerId[]): QuorumSystem {
  assert(members.length > 0, 'an ensemble has members');
  assert(new Set(members).size === members.length, 'a member is listed once', { members });
  const needed = Math.floor(members.length / 2) + 1;
  const positions = new Float64Array(members.length);
  return {
    members,
    isQuorum(has) {
      let count = 0;
      for (const member of members) if (has(member)) count++;
      return count >= needed;
    },
    reached(positionOf) {
      for (const [index, member] of members.entries()) positions[index] = positionOf(member);
      positions.sort();
      return positions[members.length - needed] ?? 0;
    },
  };
}

/** A set counts when it is a quorum of each of these systems: one, or two while the members change. */
export function isQuorum(systems: readonly QuorumSystem[], has: (peer: PeerId) => boolean): boolean {
  return systems.every((system) => system.isQuorum(has));
}

/** The highest position that a quorum of each system has reached. */
export function reachedByQuorum(
  systems: readonly QuorumSystem[],
  positionOf: (peer: PeerId) => number,
): number {
  let reached = Number.POSITIVE_INFINITY;
  for (const system of systems) reached = Math.min(reached, system.reached(positionOf));
  return reached;
}

/** Who the members are, at each position of the history. */
export class Configuration {
  readonly #systems: readonly QuorumSystem[];
  readonly members: readonly PeerId[];

  constructor(members: readonly PeerId[]) {
    this.members = members;
    this.#systems = [majorityOf(members)];
  }

  has(peer: PeerId): boolean {
    return this.members.includes(peer);
  }

  /**
   * The systems in each of which a record at `zxid` needs a quorum. A fixed membership has the same one everywhere;
   * a change of members answers two between its proposal and its commit.
   */
  configsAt(_zxid: Zxid): readonly QuorumSystem[] {
    return this.#systems;
  }
}
