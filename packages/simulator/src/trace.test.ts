import { expect, test } from 'vitest';
import { Trace } from './trace.ts';

function hashOf(record: (trace: Trace) => void, nowUs = 5): string {
  const trace = new Trace(() => nowUs, undefined);
  trace.record('server 1', 'start');
  record(trace);
  return trace.digest();
}

const data = new Uint8Array([1, 2, 3, 4, 5]);

test.each([
  { name: 'the actor', other: (trace: Trace) => trace.record('server 2', 'send', 'x', data) },
  { name: 'the event', other: (trace: Trace) => trace.record('server 1', 'sent', 'x', data) },
  { name: 'the detail', other: (trace: Trace) => trace.record('server 1', 'send', 'y', data) },
  {
    name: 'a byte',
    other: (trace: Trace) =>
      trace.record(
        'server 1',
        'send',
        'x',
        data.map((byte) => byte ^ 1),
      ),
  },
  {
    name: 'a byte at the end',
    other: (trace: Trace) => trace.record('server 1', 'send', 'x', data.subarray(0, 4)),
  },
  {
    name: 'an entry more',
    other: (trace: Trace) => [0, 0].map(() => trace.record('server 1', 'send', 'x', data)),
  },
])('the hash changes with $name', ({ other }) => {
  const known = hashOf((trace) => trace.record('server 1', 'send', 'x', data));
  expect(hashOf((trace) => trace.record('server 1', 'send', 'x', data))).toBe(known);
  expect(hashOf(other)).not.toBe(known);
});

test('the hash changes with the time of an event', () => {
  const record = (trace: Trace): void => trace.record('server 1', 'timer');
  expect(hashOf(record, 5)).not.toBe(hashOf(record, 6));
});
