import { unreachable } from '@zabra/model';
import type { OperationMnemonic } from '../zookeeper/serve-statistics.ts';
import type { Unanswered } from './unanswered-requests.ts';

/** As ZooKeeper's monitors spell what a request was; `NA` for what ZooKeeper has not. */
export function mnemonicOf(request: Unanswered): OperationMnemonic {
  switch (request.kind) {
    case 'auth':
      return 'AUTH';
    case 'write':
      return request.request === undefined ? 'NA' : WRITES[request.request.operation.kind];
    case 'read':
      return READS[request.query.kind];
    default:
      return unreachable(request);
  }
}

const WRITES = {
  create: 'CREA',
  delete: 'DELE',
  set: 'SETD',
  setAcl: 'SETA',
  touch: 'NA',
  deleteTree: 'NA',
  transaction: 'MULT',
} as const;

const READS = {
  get: 'GETD',
  exists: 'EXIS',
  children: 'GETC',
  sync: 'SYNC',
  getAcl: 'GETA',
  descendants: 'GETACN',
  ephemerals: 'GETE',
  whoAmI: 'HOMI',
  multiRead: 'MLTR',
  addWatch: 'ADDW',
  removeWatch: 'REMW',
  dropWatches: 'REMW',
  nothing: 'NA',
  illegal: 'NA',
} as const;
