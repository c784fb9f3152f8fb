import { formatZxid } from '@zabra/model';
import type { ZooKeeperDirectories } from './found-files.ts';
import { ImportRefusal } from './import-refusal.ts';
import { type ImportedTree, makeTree } from './imported-tree.ts';
import { type RecoveredZooKeeper, recoverZooKeeper } from './recover-zookeeper.ts';
import { type NewDataDirectory, writeDataDirectories } from './write-data-directory.ts';

export interface ImportOptions extends ZooKeeperDirectories {
  /** A node with more data is refused: `limits.dataBytesMax` of the servers. */
  readonly dataBytesMax: number;
  /** Take over also a tree that differs from the digest that ZooKeeper noted of its own. */
  readonly ignoreDigest?: boolean;
}

/** What came of it. Paths are ZooKeeper's. */
export interface ImportReport {
  /** The file that was read, and how many txns of the logs behind it. */
  readonly snapshot: string;
  readonly txns: number;
  /** Snapshots that are not whole, newer than the one that was read. */
  readonly skippedSnapshots: readonly { readonly file: string; readonly reason: string }[];
  /** Where the last log breaks off within a record that nobody was told of; null: it does not. */
  readonly tornTail: { readonly file: string; readonly offset: number } | null;
  /** ZooKeeper's last. */
  readonly lastZxid: string;
  /** Where the new ensemble begins: above all of ZooKeeper's. */
  readonly startZxid: string;
  /** Those that are there afterwards, with the root and the reserved ones. */
  readonly nodes: number;
  readonly containers: number;
  readonly ttlNodes: number;
  readonly quotas: number;
  /** Different ACLs, the open one not counted, and the nodes that have one. */
  readonly acls: number;
  readonly nodesWithAcl: number;
  /** Schemes in ACLs by which nobody can prove himself here. */
  readonly strangeSchemes: readonly string[];
  readonly droppedSessions: number;
  readonly droppedEphemerals: number;
  /** The first of them, in path order. */
  readonly droppedEphemeralPaths: readonly string[];
  /** Nodes of changes that are in no log any more. */
  readonly droppedStrays: number;
  /** Did ZooKeeper note of its tree what was read of it? `absent`: it noted nothing. */
  readonly zookeeperDigest: RecoveredZooKeeper['digest'];
  /** Of the tree here: the same wherever the same files were read. */
  readonly digest: string;
}

export interface ImportedData {
  readonly report: ImportReport;
  /** See {@link writeDataDirectories}. Once. */
  write(servers: readonly NewDataDirectory[]): Promise<void>;
}

/**
 * Reads the data directory of a ZooKeeper that is stopped. Nothing is written before all of it was read and found fit.
 *
 * Throws {@link ImportRefusal}.
 */
export async function importZooKeeperData(options: ImportOptions): Promise<ImportedData> {
  const recovered = await recoverZooKeeper(options);
  if (recovered.digest === 'differs' && options.ignoreDigest !== true) {
    throw new ImportRefusal(
      `${recovered.snapshot.path} and the logs behind it do not make the tree of which ZooKeeper noted the digest: something is missing. Take the files of another server of that ensemble, or take over what is there with --ignore-digest`,
    );
  }
  const imported = makeTree(recovered, options.dataBytesMax);
  return {
    report: reportOf(recovered, imported),
    write: (servers) => writeDataDirectories(imported.tree, servers),
  };
}

const PATHS_SHOWN = 100;

function reportOf(recovered: RecoveredZooKeeper, imported: ImportedTree): ImportReport {
  const { tornTail } = recovered;
  const { tree } = imported;
  return {
    snapshot: recovered.snapshot.path,
    txns: recovered.txns,
    skippedSnapshots: recovered.defects.map(({ file, reason }) => ({ file: file.path, reason })),
    tornTail: tornTail === undefined ? null : { file: tornTail.file.path, offset: tornTail.offset },
    lastZxid: formatZxid(recovered.lastZxid),
    startZxid: formatZxid(tree.appliedZxid),
    nodes: imported.nodes,
    containers: imported.containers,
    ttlNodes: imported.ttlNodes,
    quotas: imported.quotas,
    acls: imported.acls,
    nodesWithAcl: imported.nodesWithAcl,
    strangeSchemes: imported.strangeSchemes,
    droppedSessions: recovered.table.sessionCount,
    droppedEphemerals: imported.droppedEphemerals.length,
    droppedEphemeralPaths: imported.droppedEphemerals.slice(0, PATHS_SHOWN),
    droppedStrays: recovered.strays.length,
    zookeeperDigest: recovered.digest,
    digest: tree.digest(),
  };
}
