import { afterAll, beforeAll, describe } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { type RealZooKeeper, startRealZooKeeper } from './real-zookeeper.ts';
import { sdkSuite } from './sdk-suite.test-support.ts';
import { startZabra, type Zabra } from './zabra.ts';

/* One program, three servers: it does the same with each. */
describeWithPrograms('our client at a real ZooKeeper', () => {
  let zookeeper: RealZooKeeper;
  beforeAll(async () => {
    zookeeper = await startRealZooKeeper({ servers: 3, tickTimeMs: 2000 });
  });
  afterAll(() => zookeeper.close());

  sdkSuite({ servers: () => `zookeeper://${zookeeper.servers}` });
});

describe('our client at Zabra', () => {
  let zabra: Zabra;
  beforeAll(async () => {
    zabra = await startZabra();
  });
  afterAll(() => zabra.close());

  describe("on ZooKeeper's wire", () => sdkSuite({ servers: () => `zookeeper://${zabra.servers}` }));
  describe('on its own', () => sdkSuite({ servers: () => `zabra://${zabra.ownServers}` }));
});
