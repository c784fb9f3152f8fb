import { expect, test } from 'vitest';
import { coreFuzz } from './core-fuzz.ts';
import { socketFuzz } from './socket-fuzz.ts';

/* Small runs of `npm run fuzz`; a long one has a million frames. */

const GROWTH_BYTES_MAX = 192 * 2 ** 20;
/** Each way in which a connection of a fuzzer may end at a server: by name, so that a new one is looked at. */
const REASONS = [
  'client ended: AUTH_FAILED',
  'client ended: LIMIT',
  'client ended: MARSHALLING',
  'client ended: OK',
  'client ended: SESSION_EXPIRED',
  'client refused: BAD_ARGUMENTS',
  'client refused: BEHIND',
  'client refused: MARSHALLING',
  'client refused: SESSION_EXPIRED',
  'client sent a frame that cannot be read: unreadable',
  "a connection to a port for ZooKeeper's clients is ended: negative length",
  "a connection to a port for ZooKeeper's clients is ended: no room",
  "a connection to a port for ZooKeeper's clients is ended: silence",
  "a connection to a port for ZooKeeper's clients is ended: too large",
];

test('mutated frames break no invariant of the core, and each request has its answer in its turn', {
  timeout: 120_000,
}, () => {
  const tally = coreFuzz(11, 10_000);
  expect(Object.values(tally.frames).reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect(tally.replies).toBeGreaterThan(3000);
  expect(tally.notifications).toBeGreaterThan(10);
  expect(tally.hungUp).toBeGreaterThan(100);
});

test('mutated frames end connections for a reason that is told and counted, and disturb nobody else', {
  timeout: 120_000,
}, async () => {
  const outcome = await socketFuzz({ seed: 3, frames: 10_000, servers: 1, connections: 50 });
  expect(Object.values(outcome.frames).reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect(outcome.honestWrites).toBeGreaterThan(1);
  const [before] = outcome.before;
  const [after] = outcome.after;
  expect(after).toMatchObject({ role: 'leader', errors: [] });
  expect(Object.keys(after?.ended ?? {}).filter((reason) => !REASONS.includes(reason))).toEqual([]);
  expect(Object.keys(after?.ended ?? {}).length).toBeGreaterThan(3);
  expect((after?.residentBytesPeak ?? 0) - (before?.residentBytes ?? 0)).toBeLessThan(GROWTH_BYTES_MAX);
});
