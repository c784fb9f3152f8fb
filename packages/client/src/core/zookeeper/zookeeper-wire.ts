import { type JuteRequest, JuteWriter, writeRequest } from '@zabra/jute';
import type { Ask } from '../ask.ts';
import type { Wire } from '../wire.ts';
import { faultOfAsk, juteRequest } from './ask-codec.ts';
import { ZooKeeperConnection } from './zookeeper-connection.ts';

/** ZooKeeper's own, from 3.5 on. What it lacks is listed in docs/zookeeper-servers.md. */
export const zooKeeperWire: Wire = {
  name: 'zookeeper',
  connection: (env, owner, attach) => new ZooKeeperConnection(env, owner, attach),
  faultOf: faultOfAsk,
  frameBytesOf,
  doesWritesOnce: false,
  checksOwners: false,
  deletesTrees: false,
  pagesChildren: false,
};

/** Without the length in front, as servers count. */
function frameBytesOf(ask: Ask): number {
  const writer = new JuteWriter();
  writeRequest(writer, 1, requestOf(ask));
  return writer.size - 4;
}

function requestOf(ask: Ask): JuteRequest {
  switch (ask.kind) {
    case 'addAuth':
      return { kind: 'auth', scheme: ask.scheme, credentials: ask.credentials };
    case 'addWatch':
      return { kind: 'addWatch', path: ask.watch.path, mode: 0 };
    case 'removeWatch':
      return { kind: 'removeWatches', path: ask.path, type: 0 };
    case 'touch':
    case 'deleteTree':
      throw new Error(`faultOfAsk lets no ${ask.kind} through`);
    default:
      return juteRequest(ask, false);
  }
}
