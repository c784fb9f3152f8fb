import type { Zxid } from '@zabra/model';
import type { Env } from './env.ts';
import type { CoreOptions } from './options.ts';
import { Replica, type ReplicaObserver } from './replica.ts';
import { Storage } from './storage/storage.ts';

/** What can be seen of a running server. */
export interface Inspection {
  readonly role: 'looking' | 'following' | 'leading';
  readonly phase: string;
  readonly serving: boolean;
  readonly epoch: number;
  readonly leader: number | undefined;
  readonly clusterId: string | undefined;
  /** The last record in memory, in the log for certain, known to be committed, and applied. */
  readonly lastZxid: Zxid;
  readonly durableZxid: Zxid;
  readonly commitZxid: Zxid;
  readonly appliedZxid: Zxid;
  /** 16 hexadecimal digits, of the tree at `appliedZxid`. */
  readonly digest: string;
  readonly sessions: number;
  readonly connections: number;
  readonly znodes: number;
  /** Of this server's clients. */
  readonly watches: number;
  /** Containers and nodes with a TTL that this server removed since it leads. */
  readonly reaped: number;
}

/** A running server, above whatever world it was given. */
export interface ServerCore {
  inspect(): Inspection;
  /** For the checkers of tests and the simulator. */
  readonly replica: Replica;
  stop(): Promise<void>;
}

/**
 * Recovers what the disk holds and starts to look for an ensemble. Throws DataDirectoryError when the directory must not be
 * used; what goes wrong later halts the server and ends in `env.fatal`.
 */
export async function startCore(
  env: Env,
  options: CoreOptions,
  extra: { readonly observer?: ReplicaObserver; readonly refill?: boolean } = {},
): Promise<ServerCore> {
  const { limits } = options;
  let replica: Replica | undefined;
  const halting: Env = {
    ...env,
    fatal: (error) => {
      replica?.halt();
      env.fatal(error);
    },
  };
  const { storage, tree, replayed } = await Storage.open(
    halting,
    options,
    {
      dataBytesMax: limits.dataBytesMax,
      transactionOperationsMax: limits.transactionOperationsMax,
      outstandingRequestsMax: limits.requestsPerSessionMax,
      resultBytesMax: limits.resultBytesMax,
      ephemeralsPerSessionMax: limits.ephemeralsPerSessionMax,
      // So that nobody can choose names that all fall into one bucket of the index.
      hashSeed: env.random.bytes(4).reduce((seed, byte) => seed * 256 + byte, 0),
    },
    { refill: extra.refill ?? false },
  );
  const { clusterId } = await storage.durableState(tree);
  const started = new Replica(halting, options, { storage, tree, replayed, clusterId }, extra.observer ?? {});
  replica = started;
  started.start();
  return {
    replica: started,
    inspect: () => inspect(started),
    stop: () => started.stop(),
  };
}

function inspect(replica: Replica): Inspection {
  const { zab, tree, transition } = replica;
  return {
    role: transition.role,
    phase: transition.phase,
    serving: replica.serving,
    epoch: transition.epoch,
    leader: transition.leader,
    clusterId: replica.clusterId,
    lastZxid: zab.lastZxid,
    durableZxid: zab.durableZxid,
    commitZxid: zab.commitZxid,
    appliedZxid: tree.appliedZxid,
    digest: tree.digest(),
    sessions: tree.sessionCount,
    connections: replica.clients.connectionCount,
    znodes: tree.nodeCount,
    watches: replica.clients.watches.size,
    reaped: replica.reaped,
  };
}
