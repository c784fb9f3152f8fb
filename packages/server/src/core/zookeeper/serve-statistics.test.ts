import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConnectionStatistics, Latencies, ServeStatistics } from './serve-statistics.ts';

test('a percentile is at least what it says and an eighth more at most', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 2_000_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (durations, share) => {
        const latencies = new Latencies();
        for (const ms of durations) latencies.add(ms);
        const sorted = durations.toSorted((left, right) => left - right);
        const exact = sorted[Math.ceil(durations.length * share) - 1] ?? 0;
        const told = latencies.percentileMs(share);
        expect(told).toBeGreaterThanOrEqual(exact);
        // One microsecond where that is more than an eighth.
        expect(told).toBeLessThanOrEqual(Math.max(exact * 1.125, exact + 0.001) + 1e-9);
      },
    ),
  );
});

test('without a duration everything is 0', () => {
  const latencies = new Latencies();
  expect([latencies.minMs, latencies.meanMs, latencies.maxMs, latencies.percentileMs(0.99)]).toEqual([
    0, 0, 0, 0,
  ]);
  latencies.add(3);
  latencies.reset();
  expect([latencies.count, latencies.minMs, latencies.maxMs, latencies.percentileMs(0.5)]).toEqual([
    0, 0, 0, 0,
  ]);
});

test('a duration beyond all bounds is counted among the longest', () => {
  const latencies = new Latencies();
  latencies.add(10 * 24 * 3_600_000);
  expect(latencies.maxMs).toBe(10 * 24 * 3_600_000);
  expect(latencies.percentileMs(0.5)).toBeGreaterThan(2_000_000);
});

test('what connections do counts for their server', () => {
  const server = new ServeStatistics();
  const [one, other] = [new ConnectionStatistics(server, 1), new ConnectionStatistics(server, 2)];
  one.heard();
  one.told();
  one.answered(false, 100, 101);
  other.heard();
  other.told();
  other.answered(true, 100, 104);
  one.told();
  expect([one.received, one.sent, other.received, other.sent]).toEqual([1, 2, 1, 1]);
  expect([server.packetsReceived, server.packetsSent]).toEqual([2, 3]);
  expect([server.latency.minMs, server.latency.meanMs, server.latency.maxMs]).toEqual([1, 2.5, 4]);
  expect([server.readLatency.count, server.updateLatency.count]).toEqual([1, 1]);
});
