import { expect, test } from 'vitest';
import { ClientWorld } from '../../../test/client-world.ts';
import { JuteStream } from '../../../test/jute-stream.ts';

test('clients that do not read fill a server with their own requests, and nobody else waits for them', () => {
  const world = new ClientWorld({ limit: { requestsMax: 20, clientQueueBytesMax: 1000 } });
  world.create('/a');
  const streams = Array.from({ length: 2 }, () => {
    const stream = new JuteStream();
    world.clients.accept(stream, 'zookeeper');
    stream.connect();
    world.turn();
    stream.heard();
    return stream;
  });
  const [hoarder, other] = streams as [JuteStream, JuteStream];
  hoarder.queuedBytes = 900;
  for (let xid = 1; xid <= 12; xid++) hoarder.ask(xid, { kind: 'getData', path: '/a', watch: false });
  world.turn();
  expect(hoarder).toMatchObject({ paused: true, closed: false });
  for (let xid = 1; xid <= 3; xid++) {
    other.ask(xid, { kind: 'getData', path: '/a', watch: false });
    world.turn();
    expect(other.heard()).toMatchObject([{ xid, error: 0 }]);
  }
  hoarder.queuedBytes = 0;
  const words: unknown[] = [];
  for (let round = 0; round < 10; round++) {
    world.pass(50);
    hoarder.goOn();
    world.turn();
    words.push(...hoarder.heard());
  }
  expect(words).toMatchObject(Array.from({ length: 12 }, (_, index) => ({ xid: index + 1, error: 0 })));
});
