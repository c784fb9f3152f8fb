import { makeZxid, type Zxid } from '@zabra/model';
import { encodeTxn } from '@zabra/proto';
import { expect, test } from 'vitest';
import { HistoryChecker } from './history-checker.ts';
import { StandingWatches } from './standing-watches.ts';

function at(counter: number): Zxid {
  return makeZxid(1, counter);
}

/** A history in which /a, /a/b and /a/c were made at 1, 2 and 3. */
function bench() {
  const history = new HistoryChecker(() => undefined, { nowMs: () => 0, clockRateMax: 1 });
  let previous = 0 as Zxid;
  ['/a', '/a/b', '/a/c'].forEach((path, index) => {
    const create = {
      path,
      data: new Uint8Array(0),
      mode: 'PERSISTENT',
      acl: [],
      ephemeralOwner: 0,
      ttlMs: 0,
      nullData: false,
    } as const;
    const payload = encodeTxn({
      kind: 'change',
      timeMs: 1,
      sessionId: 1,
      requestNo: 0,
      answeredThrough: 0,
      requestHash: 0,
      change: { kind: 'create', create },
    });
    const zxid = at(index + 1);
    history.deliver(1, { zxid, previous, kind: 'txn', payload }, index);
    previous = zxid;
  });
  const watches = new StandingWatches(history);
  watches.add({ id: 7, kind: 'PERSISTENT_RECURSIVE', path: '/a' }, 0);
  const hear = (type: 'CREATED' | 'RESYNC', path: string, counter: number): void =>
    watches.hear({ type, path, zxid: at(counter), kind: 'PERSISTENT_RECURSIVE', watchId: 7 });
  return { watches, hear };
}

test('a watch that hears everything in order is content', () => {
  const { watches, hear } = bench();
  hear('CREATED', '/a', 1);
  watches.shown(at(1));
  hear('CREATED', '/a/b', 2);
  hear('CREATED', '/a/c', 3);
  expect(() => watches.shown(at(3))).not.toThrow();
  expect(watches.heard).toBe(3);
});

test('an event that is left out is found', () => {
  const { hear } = bench();
  hear('CREATED', '/a', 1);
  expect(() => hear('CREATED', '/a/c', 3)).toThrow('hears every event once, in order');
});

test('an event that is told twice is found', () => {
  const { hear } = bench();
  hear('CREATED', '/a', 1);
  expect(() => hear('CREATED', '/a', 1)).toThrow('hears every event once, in order');
});

test('a state that is shown before its event is found', () => {
  const { watches, hear } = bench();
  hear('CREATED', '/a', 1);
  expect(() => watches.shown(at(2))).toThrow('hears of a change before it shows');
});

test('a gap that is told of excuses what was in it', () => {
  const { watches, hear } = bench();
  hear('RESYNC', '/a', 2);
  hear('CREATED', '/a/c', 3);
  expect(() => watches.shown(at(3))).not.toThrow();
  expect(watches.resyncs).toBe(1);
});
