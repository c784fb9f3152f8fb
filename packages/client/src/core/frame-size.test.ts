import { encodeClientFrame } from '@zabra/proto';
import { expect, test } from 'vitest';
import { absent, connected, type FakeStream, held, outcomeOf } from './fake-network.test-support.ts';

/* A frame that is larger than its server takes ends the stream: the server says what it takes, and gets no more. */

const KiB = 1024;

/** Of the frames that were sent on a stream, the largest. */
function largest({ frames }: FakeStream): number {
  return Math.max(...frames.map((entries) => encodeClientFrame({ entries }).length));
}

test('what is gathered stays within a frame of the server of now', async () => {
  const { world, zk, stream } = await connected();
  await stream.breakOff();
  await world.advance(60);
  const small = await world.attach({ frameBytesMax: 16 * KiB });
  for (let n = 0; n < 100; n++) held(zk.set(`/n${n}`, new Uint8Array(KiB)));
  await world.turn();
  expect(small.requests).toHaveLength(100);
  expect(largest(small)).toBeLessThanOrEqual(16 * KiB);
});

test('so do the watches that are armed again', async () => {
  const { world, zk, stream } = await connected();
  const paths = Array.from({ length: 50 }, (_, n) => `/${'é'.repeat(2000)}${n}`);
  const armed = paths.map((path) => held(zk.exists(path, { watch: true })));
  await world.turn();
  await stream.say(...paths.map((_, index) => absent(index + 1, 101)));
  await Promise.all(armed);
  await stream.breakOff();
  await world.advance(60);
  const small = await world.attach({ frameBytesMax: 16 * KiB });
  const rearmed = small.entries.flatMap((entry) => (entry.kind === 'rearm' ? entry.rearm.watches : []));
  expect(rearmed.map(({ path }) => path)).toEqual(paths);
  expect(largest(small)).toBeLessThanOrEqual(16 * KiB);
});

test('a request that no frame holds is refused before it is sent, by what it has in bytes', async () => {
  const { world, zk, stream } = await connected();
  const ascii = 'n'.repeat(1500);
  const wide = zk.transaction();
  for (let n = 0; n < 1000; n++) wide.create(`/${ascii}${n}`);
  held(wide.commit());
  await world.turn();
  expect(stream.requests).toHaveLength(1);
  const beyond = outcomeOf(zk.set('/a', new Uint8Array(4 * KiB * KiB)));
  await world.turn();
  expect(await beyond).toMatchObject({
    code: 'DATA_TOO_LARGE',
    message: expect.stringContaining('frameBytesMax: a request has at most 4194304 bytes, this one 41943'),
    outcome: 'not-applied',
  });
  expect(stream.requests).toHaveLength(1);
});

test('one that waited for a server is measured against what that one takes', async () => {
  const { world, zk, stream } = await connected();
  await stream.breakOff();
  const waiting = held(zk.set('/a', new Uint8Array(20 * KiB)));
  const next = held(zk.set('/b', ''));
  await world.advance(60);
  const small = await world.attach({ frameBytesMax: 16 * KiB });
  expect(await outcomeOf(waiting)).toMatchObject({ code: 'DATA_TOO_LARGE', outcome: 'not-applied' });
  expect(await outcomeOf(next)).toBe('pending');
  expect(small.requests).toMatchObject([{ kind: 'set', set: { path: '/b' } }]);
});
