import type { LoggedChange, LoggedTxn, LoggedTxnHeader } from '@zabra/jute';
import { parentOf, unreachable } from '@zabra/model';
import { CONTAINER_OWNER, type NodeTable, ttlOwner } from './node-table.ts';

type Create = LoggedChange & { readonly kind: 'create' };

/**
 * Does to the table what the txn says. The table may show effects of later txns already, since ZooKeeper goes on while it
 * writes a snapshot: so each txn leaves alone what a later one made, and what it finds done is done. When all txns up to
 * the last one that the snapshot can show were replayed, in order, the table is exact.
 */
export function replayTxn(table: NodeTable, header: LoggedTxnHeader, txn: LoggedTxn): void {
  switch (txn.kind) {
    case 'createSession':
      table.openSession(header.clientId, txn.timeoutMs);
      return;
    case 'closeSession':
      for (const path of new Set([...(txn.paths ?? []), ...table.closeSession(header.clientId)]))
        remove(table, header.zxid, path);
      return;
    case 'multi':
      // One that was refused changed nothing, whatever stands beside its errors.
      if (txn.changes.some(({ kind }) => kind === 'error')) return;
      for (const change of txn.changes) replayChange(table, header, change);
      return;
    default:
      replayChange(table, header, txn);
  }
}

function replayChange(table: NodeTable, header: LoggedTxnHeader, change: LoggedChange): void {
  const { zxid, timeMs } = header;
  switch (change.kind) {
    case 'create':
      create(table, header, change);
      return;
    case 'delete':
      remove(table, zxid, change.path);
      return;
    case 'setData': {
      const node = table.get(change.path);
      if (node === undefined || node.czxid > zxid || node.mzxid > zxid) return;
      table.setData(node, change.data);
      node.version = change.version;
      node.mzxid = zxid;
      node.mtimeMs = timeMs;
      return;
    }
    case 'setAcl': {
      const node = table.get(change.path);
      if (node === undefined || node.czxid > zxid) return;
      node.acl = table.shareAcl(change.acl);
      node.aversion = change.version;
      return;
    }
    case 'check':
    case 'error':
      return;
    default:
      unreachable(change);
  }
}

function create(table: NodeTable, { clientId, zxid, timeMs }: LoggedTxnHeader, change: Create): void {
  const { path, data, acl } = change;
  const parent = table.get(parentOf(path));
  if (parent === undefined || parent.czxid > zxid) return;
  const cversion = change.parentCversion === -1 ? parent.cversion + 1 : change.parentCversion;
  if (cversion > parent.cversion) {
    parent.cversion = cversion;
    parent.pzxid = Math.max(parent.pzxid, zxid);
  }
  const present = table.get(path);
  if (present !== undefined) {
    // Not one of the same path that was there before.
    if (present.czxid === zxid) present.acl ??= table.shareAcl(acl);
    return;
  }
  table.addCreated(path, { data, acl, owner: ownerOf(change, clientId), zxid, timeMs });
}

function ownerOf(change: Create, clientId: bigint): bigint {
  switch (change.lifetime) {
    case 'persistent':
      return 0n;
    case 'ephemeral':
      return clientId;
    case 'container':
      return CONTAINER_OWNER;
    case 'ttl':
      return ttlOwner(change.ttlMs);
    default:
      return unreachable(change.lifetime);
  }
}

function remove(table: NodeTable, zxid: number, path: string): void {
  const parent = table.get(parentOf(path));
  if (parent === undefined) return;
  parent.pzxid = Math.max(parent.pzxid, zxid);
  const node = table.get(path);
  if (node !== undefined && node.czxid <= zxid) table.remove(path);
}
