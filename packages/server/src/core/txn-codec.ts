import { type Change, NULL_DATA, type Txn, type TxnBody, unreachable } from '@zabra/model';
import {
  type Change as ChangeShape,
  decodeTxn as decodeShape,
  encodeTxn as encodeShape,
  type Txn as TxnShape,
} from '@zabra/proto';
import {
  aclToModel,
  aclToShape,
  createModeToModel,
  createModeToShape,
  failedToModel,
  failedToShape,
  refusalCode,
} from './model-codec.ts';

/** The payload of a `txn` record: encoded once by the leader, then the same bytes in every log and on every stream. */
export function encodeTxn(txn: Txn): Uint8Array {
  const { timeMs, sessionId, requestNo, answeredThrough, requestHash, body } = txn;
  return encodeShape({ timeMs, sessionId, requestNo, answeredThrough, requestHash, ...bodyToShape(body) });
}

/** Its data are views of `bytes`: the tree copies what it keeps. Throws DecodeError when the bytes are not a txn. */
export function decodeTxn(bytes: Uint8Array): Txn {
  const shape = decodeShape(bytes);
  const { timeMs, sessionId, requestNo, answeredThrough, requestHash } = shape;
  return { timeMs, sessionId, requestNo, answeredThrough, requestHash, body: bodyToModel(shape) };
}

type OmitEach<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type BodyShape = OmitEach<TxnShape, 'timeMs' | 'sessionId' | 'requestNo' | 'answeredThrough' | 'requestHash'>;

function bodyToShape(body: TxnBody): BodyShape {
  switch (body.kind) {
    case 'change':
      return { kind: 'change', change: changeToShape(body.change) };
    case 'transaction':
      return { kind: 'transaction', transaction: { changes: body.changes.map(changeToShape) } };
    case 'createSession': {
      const { sessionId, timeoutMs, passwordHash, nonce } = body;
      return { kind: 'createSession', createSession: { sessionId, timeoutMs, passwordHash, nonce } };
    }
    case 'attachSession':
      return { kind: 'attachSession', attachSession: { sessionId: body.sessionId, nonce: body.nonce } };
    case 'closeSession':
      return { kind: 'closeSession', closeSession: { sessionId: body.sessionId } };
    case 'error':
      return { kind: 'error', error: { code: body.code, message: body.message, ...failedToShape(body) } };
    default:
      return unreachable(body);
  }
}

function bodyToModel(shape: TxnShape): TxnBody {
  switch (shape.kind) {
    case 'change':
      return { kind: 'change', change: changeToModel(shape.change) };
    case 'transaction':
      return { kind: 'transaction', changes: shape.transaction.changes.map(changeToModel) };
    case 'createSession': {
      const { sessionId, timeoutMs, passwordHash, nonce } = shape.createSession;
      return { kind: 'createSession', sessionId, timeoutMs, passwordHash, nonce };
    }
    case 'attachSession':
      return {
        kind: 'attachSession',
        sessionId: shape.attachSession.sessionId,
        nonce: shape.attachSession.nonce,
      };
    case 'closeSession':
      return { kind: 'closeSession', sessionId: shape.closeSession.sessionId };
    case 'error': {
      const { code, message } = shape.error;
      return {
        kind: 'error',
        code: refusalCode(code, 'zabra.v1.ErrorTxn.code'),
        message,
        ...failedToModel(shape.error),
      };
    }
    default:
      return unreachable(shape);
  }
}

function changeToShape(change: Change): ChangeShape {
  switch (change.kind) {
    case 'create': {
      const { path, data, mode, acl, ephemeralOwner, ttlMs } = change;
      return {
        kind: 'create',
        create: {
          path,
          data,
          mode: createModeToShape(mode),
          acl: aclToShape(acl),
          ephemeralOwner,
          ttlMs,
          nullData: data === NULL_DATA,
        },
      };
    }
    case 'set':
      return {
        kind: 'set',
        set: {
          path: change.path,
          data: change.data,
          version: change.version,
          nullData: change.data === NULL_DATA,
        },
      };
    case 'delete':
      return { kind: 'delete', delete: { path: change.path } };
    case 'check':
      return { kind: 'check', check: { path: change.path } };
    case 'checkAbsent':
      return { kind: 'checkAbsent', checkAbsent: { path: change.path } };
    case 'checkOwner':
      return { kind: 'checkOwner', checkOwner: { path: change.path } };
    case 'setAcl': {
      const { path, acl, aversion } = change;
      return { kind: 'setAcl', setAcl: { path, acl: aclToShape(acl), aversion } };
    }
    case 'touch':
      return { kind: 'touch', touch: { path: change.path } };
    case 'deleteTree': {
      const { path, paths, done } = change;
      return { kind: 'deleteTree', deleteTree: { path, paths, done } };
    }
    default:
      return unreachable(change);
  }
}

function changeToModel(shape: ChangeShape): Change {
  switch (shape.kind) {
    case 'create': {
      const { path, data, mode, acl, ephemeralOwner, ttlMs, nullData } = shape.create;
      return {
        kind: 'create',
        path,
        data: nullData ? NULL_DATA : data,
        mode: createModeToModel(mode),
        acl: aclToModel(acl),
        ephemeralOwner,
        ttlMs,
      };
    }
    case 'set': {
      const { path, data, version, nullData } = shape.set;
      return { kind: 'set', path, data: nullData ? NULL_DATA : data, version };
    }
    case 'delete':
      return { kind: 'delete', path: shape.delete.path };
    case 'check':
      return { kind: 'check', path: shape.check.path };
    case 'checkAbsent':
      return { kind: 'checkAbsent', path: shape.checkAbsent.path };
    case 'checkOwner':
      return { kind: 'checkOwner', path: shape.checkOwner.path };
    case 'setAcl': {
      const { path, acl, aversion } = shape.setAcl;
      return { kind: 'setAcl', path, acl: aclToModel(acl), aversion };
    }
    case 'touch':
      return { kind: 'touch', path: shape.touch.path };
    case 'deleteTree':
      return { kind: 'deleteTree', ...shape.deleteTree };
    default:
      return unreachable(shape);
  }
}
