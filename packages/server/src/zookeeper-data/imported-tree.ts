import {
  ACL_OPEN,
  type Acl,
  asZxid,
  EPOCH_MAX,
  epochOf,
  makeZxid,
  NO_SESSION,
  NULL_DATA,
  PERMISSIONS,
  pathFault,
  ZXID_NONE,
  type Zxid,
} from '@zabra/model';
import { parseQuota, type SnapshotEntry, Tree } from '@zabra/tree';
import { ImportRefusal } from './import-refusal.ts';
import type { TableNode } from './node-table.ts';
import type { RecoveredZooKeeper } from './recover-zookeeper.ts';

export interface ImportedTree {
  readonly tree: Tree;
  readonly nodes: number;
  readonly containers: number;
  readonly ttlNodes: number;
  /** Their sessions can't go on here. In path order. */
  readonly droppedEphemerals: readonly string[];
  /** Different lists that are not open to everybody. */
  readonly acls: number;
  readonly nodesWithAcl: number;
  /** Entries of a scheme by which nobody can prove himself here: they are kept, and let nobody in. */
  readonly strangeSchemes: readonly string[];
  /** Subtrees with limits. */
  readonly quotas: number;
}

/**
 * The tree that ZooKeeper's nodes make here: every one with its Stat and ACL, but ephemerals, whose sessions end with their
 * ensemble, and `/zookeeper/config`, which names that ensemble's servers. All of it is of the past: the tree stands at the
 * beginning of an epoch of its own, above whatever ZooKeeper ever used. The table is empty afterwards.
 *
 * Throws {@link ImportRefusal} for what can't be kept.
 */
export function makeTree(recovered: RecoveredZooKeeper, dataBytesMax: number): ImportedTree {
  const { table } = recovered;
  const restorer = Tree.restore(startOf(recovered), recovered.lastTimeMs, {}, table.size);
  const droppedEphemerals: string[] = [];
  const strangeSchemes = new Set<string>();
  const acls = new Set<readonly Acl[]>();
  let nodes = 0;
  let nodesWithAcl = 0;
  let containers = 0;
  let ttlNodes = 0;
  let quotas = 0;
  const absent = RESERVED_PATHS.filter((path) => path === CONFIG_PATH || table.get(path) === undefined);
  for (const [path, node] of table.drain()) {
    if (path === CONFIG_PATH) continue;
    if (node.lifetime.kind === 'ephemeral') {
      droppedEphemerals.push(path);
      continue;
    }
    const entry = entryOf(path, node, dataBytesMax);
    restorer.add(entry);
    nodes++;
    if (entry.acl !== ACL_OPEN) {
      nodesWithAcl++;
      acls.add(entry.acl);
      for (const { scheme } of entry.acl) if (!KNOWN_SCHEMES.has(scheme)) strangeSchemes.add(scheme);
    }
    if (entry.container) containers++;
    if (entry.ttlMs > 0) ttlNodes++;
    if (isLimits(path)) {
      checkLimits(path, entry.data);
      quotas++;
    }
  }
  for (const path of absent) {
    restorer.add(reserved(path));
    nodes++;
  }
  return {
    tree: restorer.finish(),
    nodes,
    containers,
    ttlNodes,
    droppedEphemerals: droppedEphemerals.sort(),
    acls: acls.size,
    nodesWithAcl,
    strangeSchemes: [...strangeSchemes].sort(),
    quotas,
  };
}

/** The first zxid of the first epoch that ZooKeeper cannot have used. */
function startOf({ lastZxid, epoch }: RecoveredZooKeeper): Zxid {
  const next = Math.max(epochOf(asZxid(lastZxid)), epoch) + 1;
  // One more is for the first leader.
  if (next >= EPOCH_MAX) {
    throw new ImportRefusal(
      `ZooKeeper is at epoch ${next - 1}, and the last one that can be kept here is ${EPOCH_MAX}`,
    );
  }
  return makeZxid(next, 0);
}

type NodeEntry = SnapshotEntry & { readonly kind: 'node' };

function entryOf(path: string, node: TableNode, dataBytesMax: number): NodeEntry {
  const fault = pathFault(path);
  if (fault !== undefined) throw refusal(path, fault);
  const { acl, lifetime } = node;
  // Each of ZooKeeper's servers counts for itself, and here it is counted whenever it is read.
  const data = isUse(path) ? NO_DATA : (node.data ?? NULL_DATA);
  if (data.length > dataBytesMax) {
    throw refusal(
      path,
      `it has ${data.length} bytes of data, and limits.dataBytesMax is ${dataBytesMax}: raise it (--set limits.dataBytesMax=…), here and for the servers`,
    );
  }
  if (acl === undefined) {
    throw refusal(path, 'its ACL is in no file: take the files of another server of that ensemble');
  }
  if (node.ctimeMs < 0 || node.mtimeMs < 0) throw refusal(path, 'its times are before 1970');
  return {
    kind: 'node',
    path,
    data,
    acl,
    czxid: asZxid(node.czxid),
    mzxid: asZxid(node.mzxid),
    pzxid: asZxid(node.pzxid),
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version >>> 0,
    aversion: node.aversion >>> 0,
    ephemeralOwner: NO_SESSION,
    sequence: node.cversion >>> 0,
    ttlMs: lifetime.kind === 'ttl' ? lifetime.ttlMs : 0,
    container: lifetime.kind === 'container',
  };
}

/** The statistics of a quota. What is below `/zookeeper` is in none, so that such a node is one like any other. */
function isUse(path: string): boolean {
  return (
    path.startsWith(`${QUOTA_PATH}/`) &&
    path.endsWith(STATS_NAME) &&
    !path.startsWith(`${QUOTA_PATH}${OWN_PATH}/`)
  );
}

function isLimits(path: string): boolean {
  return path.startsWith(`${QUOTA_PATH}/`) && path.endsWith(LIMITS_NAME);
}

function checkLimits(path: string, data: Uint8Array): void {
  if (parseQuota(data) !== undefined) return;
  throw refusal(
    path,
    `${JSON.stringify(new TextDecoder().decode(data))} is no quota: delete or set it in ZooKeeper`,
  );
}

function refusal(path: string, fault: string): ImportRefusal {
  return new ImportRefusal(`the node ${JSON.stringify(path)} can't be kept: ${fault}`);
}

/** As it is before the first txn. */
function reserved(path: string): NodeEntry {
  return {
    kind: 'node',
    path,
    data: NO_DATA,
    acl: path === CONFIG_PATH ? ACL_READ_ONLY : ACL_OPEN,
    czxid: ZXID_NONE,
    mzxid: ZXID_NONE,
    pzxid: ZXID_NONE,
    ctimeMs: 0,
    mtimeMs: 0,
    version: 0,
    aversion: 0,
    ephemeralOwner: NO_SESSION,
    sequence: 0,
    ttlMs: 0,
    container: false,
  };
}

const NO_DATA = new Uint8Array(0);
const CONFIG_PATH = '/zookeeper/config';
const OWN_PATH = '/zookeeper';
const QUOTA_PATH = '/zookeeper/quota';
const LIMITS_NAME = '/zookeeper_limits';
const STATS_NAME = '/zookeeper_stats';
const RESERVED_PATHS: readonly string[] = ['/', OWN_PATH, CONFIG_PATH, QUOTA_PATH];
const ACL_READ_ONLY: readonly Acl[] = [{ perms: PERMISSIONS.read, scheme: 'world', id: 'anyone' }];
const KNOWN_SCHEMES: ReadonlySet<string> = new Set(['world', 'digest', 'scrypt', 'ip', 'x509']);
