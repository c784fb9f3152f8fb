import { asZxid, unreachable } from '@zabra/model';
import { decodeSnapshotEntry as decodeShape, encodeSnapshotEntry as encodeShape } from '@zabra/proto';
import type { SnapshotEntry } from '@zabra/tree';
import { aclToModel, aclToShape, writeResultToModel, writeResultToShape } from './model-codec.ts';

/** One node or session of a snapshot, as kept in a snapshot file and sent to a learner. */
export function encodeSnapshotEntry(entry: SnapshotEntry): Uint8Array {
  switch (entry.kind) {
    case 'node': {
      const { kind: _, ...node } = entry;
      return encodeShape({ kind: 'node', node: { ...node, acl: aclToShape(entry.acl) } });
    }
    case 'session': {
      const { id, timeoutMs, passwordHash, nonce, answeredThrough } = entry;
      const results = entry.results.map(({ requestNo, requestHash, result }) => ({
        requestNo,
        requestHash,
        result: writeResultToShape(result),
      }));
      return encodeShape({
        kind: 'session',
        session: { sessionId: id, timeoutMs, passwordHash, nonce, answeredThrough, results },
      });
    }
    default:
      return unreachable(entry);
  }
}

/** Throws DecodeError when the bytes are not an entry. */
export function decodeSnapshotEntry(bytes: Uint8Array): SnapshotEntry {
  const shape = decodeShape(bytes);
  switch (shape.kind) {
    case 'node': {
      const { node } = shape;
      return {
        ...node,
        kind: 'node',
        acl: aclToModel(node.acl),
        czxid: asZxid(node.czxid),
        mzxid: asZxid(node.mzxid),
        pzxid: asZxid(node.pzxid),
      };
    }
    case 'session': {
      const { sessionId, timeoutMs, passwordHash, nonce, answeredThrough, results } = shape.session;
      return {
        kind: 'session',
        id: sessionId,
        timeoutMs,
        passwordHash,
        nonce,
        answeredThrough,
        results: results.map(({ requestNo, requestHash, result }) => ({
          requestNo,
          requestHash,
          result: writeResultToModel(result, 'zabra.v1.StoredResult.result'),
        })),
      };
    }
    default:
      return unreachable(shape);
  }
}
