import { ZkError } from '@zabra/client';
import { beforeEach, expect, test } from 'vitest';
import { Patience } from './patience.ts';

/** Timers that go off when the test says so. */
class Alarms {
  readonly due = new Set<() => void>();

  readonly after = (_delayMs: number, work: () => void): (() => void) => {
    this.due.add(work);
    return () => void this.due.delete(work);
  };

  ring(): void {
    for (const work of this.due) work();
  }
}

let alarms: Alarms;
beforeEach(() => {
  alarms = new Alarms();
});

const late = (waitedMs: number): ZkError => new ZkError('LOCK_TIMEOUT', { message: `${waitedMs} ms` });
const never = new Promise<never>(() => {});

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function deferred<T>(): Deferred<T> {
  const controls: Pick<Deferred<T>, 'resolve' | 'reject'>[] = [];
  const promise = new Promise<T>((resolve, reject) => controls.push({ resolve, reject }));
  return {
    promise,
    resolve: (value) => controls[0]?.resolve(value),
    reject: (error) => controls[0]?.reject(error),
  };
}

test('work that is done in time is what the caller gets', async () => {
  await expect(new Patience({ timeoutMs: 5 }, alarms, late).race(Promise.resolve(7))).resolves.toBe(7);
});

test('spent time rejects with the error made then', async () => {
  const waiting = new Patience({ timeoutMs: 5 }, alarms, late).race(never);
  alarms.ring();

  await expect(waiting).rejects.toThrow('LOCK_TIMEOUT: 5 ms');
});

test('a signal that was aborted before rejects at once with its reason', async () => {
  await expect(new Patience({ signal: AbortSignal.abort('gone') }, alarms, late).race(never)).rejects.toBe(
    'gone',
  );
});

test('what comes after the caller has gone is handed over, not lost', async () => {
  const caller = new AbortController();
  const work = deferred<string>();
  const found: string[] = [];
  const waiting = new Patience({ signal: caller.signal }, alarms, late).race(work.promise, (result) =>
    found.push(result),
  );
  caller.abort('gone');
  work.resolve('a lease');

  await expect(waiting).rejects.toBe('gone');
  expect(found).toEqual(['a lease']);
});

test('work that fails after the caller has gone is no unhandled rejection', async () => {
  const work = deferred<string>();
  const waiting = new Patience({ signal: AbortSignal.abort('gone') }, alarms, late).race(work.promise);
  work.reject(new Error('nobody hears this'));

  await expect(waiting).rejects.toBe('gone');
});

test('an ended wait leaves no timer', () => {
  new Patience({ timeoutMs: 5 }, alarms, late).end();

  expect(alarms.due.size).toBe(0);
});

test.each([-1, Number.NaN])('a timeout of %d ms is refused', (timeoutMs) => {
  expect(() => new Patience({ timeoutMs }, alarms, late)).toThrow(/BAD_ARGUMENTS.*timeoutMs/);
});
