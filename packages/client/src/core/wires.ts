import { unreachable } from '@zabra/model';
import { zabraWire } from './connection.ts';
import type { Wire } from './wire.ts';
import { zooKeeperWire } from './zookeeper/zookeeper-wire.ts';

export function wireOf(name: Wire['name']): Wire {
  switch (name) {
    case 'zabra':
      return zabraWire;
    case 'zookeeper':
      return zooKeeperWire;
    default:
      return unreachable(name);
  }
}
