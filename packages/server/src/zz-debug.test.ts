import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';
import { attachEntry, RawStream } from '../test/raw-stream.ts';
test('x', async () => {
  await using server = await loneServer({ limits: { clientQueueBytesMax: 65536 } });
  using client = RawStream.toClients(server.clientAddress);
  client.say(attachEntry({}));
  const path = `/${'x'.repeat(200)}`;
  const operations = Array.from({ length: 1000 }, () => ({ kind: 'checkAbsent' as const, checkAbsent: { path } }));
  await expect.poll(() => server.status().connections, { timeout: 20_000 }).toBe(1);
  for (let xid = 1; xid <= 10; xid++) client.say({ kind: 'request', request: { xid, requestNo: xid, answeredThrough: xid - 1, minZxid: 0, linearizable: false, kind: 'transaction', transaction: { operations } } });
  await expect.poll(() => server.status().connections, { timeout: 20_000 }).toBe(0);
  const t = performance.now();
  client.read();
  client.status().then((s) => console.log('status', s, performance.now() - t));
  for (;;) { const e = await client.hear(); console.log(performance.now() - t, e.kind, (e as any).reply?.xid); }
}, 6000);
