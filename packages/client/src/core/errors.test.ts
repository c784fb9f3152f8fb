import { expect, test } from 'vitest';
import { bytes, json, type StandardSchema, text } from './codecs.ts';
import { isZkError, LeaseLostError, ZkError } from './errors.ts';
import { paths } from './paths.ts';
import { retry } from './retry.ts';

test('an error of another copy of the package is recognized', () => {
  const foreign = Object.assign(new Error('NO_NODE'), {
    code: 'NO_NODE',
    [Symbol.for('zabra.ZkError')]: true,
  });
  expect([isZkError(foreign), isZkError(foreign, 'NO_NODE'), isZkError(foreign, 'BAD_VERSION')]).toEqual([
    true,
    true,
    false,
  ]);
  expect([isZkError(new Error('x')), isZkError(null), isZkError('NO_NODE')]).toEqual([false, false, false]);
});

test('an error tells code, subject, and whether calling again is safe', () => {
  const error = new ZkError('CONNECTION_LOSS', {
    op: 'set',
    path: '/a',
    message: 'reset',
    outcome: 'unknown',
  });
  expect([error.message, error.rc, error.retryable]).toEqual(['CONNECTION_LOSS: set /a: reset', -4, false]);
  expect(new ZkError('THROTTLED').retryable).toBe(true);
  expect(new LeaseLostError('local-deadline')).toMatchObject({
    code: 'LEASE_LOST',
    reason: 'local-deadline',
  });
});

test('backoff is full jitter under a doubling cap', () => {
  const policy = retry.exponential({ baseMs: 100, maxMs: 500, maxAttempts: 5 });
  const error = new ZkError('THROTTLED');
  const delays = [1, 2, 3, 4, 5, 6].map((attempt) => policy({ attempt, elapsedMs: 0, error, random: 0.5 }));
  expect(delays).toEqual([50, 100, 200, 250, 250, null]);
});

test('policies give up, or do not, as they say', () => {
  const error = new ZkError('THROTTLED');
  const inner = retry.constant({ delayMs: 40, maxAttempts: 1 });
  const second = { attempt: 2, elapsedMs: 90, error, random: 0.5 };
  expect([inner(second), retry.never(second)]).toEqual([null, null]);
  expect(retry.forever(retry.constant({ delayMs: 40 }))(second)).toBe(40);
  expect(retry.untilElapsed(100, retry.constant({ delayMs: 40 }))(second)).toBe(10);
  expect(retry.untilElapsed(80)(second)).toBeNull();
});

test('codecs bring values back and refuse bytes that hold none', () => {
  expect(text.decode(text.encode('grüß'))).toBe('grüß');
  expect(json<{ a: number }>().decode(json().encode({ a: 1 }))).toEqual({ a: 1 });
  expect(bytes.decode(Uint8Array.of(1))).toEqual(Uint8Array.of(1));
  expect(() => text.decode(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }));
  expect(() => json().decode(text.encode('{'))).toThrow(expect.objectContaining({ code: 'CODEC_FAILED' }));
});

test('a schema validates what is decoded, and must do it at once', () => {
  const schemaOf = (validate: StandardSchema<unknown, number>['~standard']['validate']) =>
    json({ '~standard': { version: 1, vendor: 'test', validate } } as StandardSchema<unknown, number>);
  expect(schemaOf((value) => ({ value: Number(value) })).decode(text.encode('4'))).toBe(4);
  expect(() => schemaOf(() => ({ issues: ['no'] })).decode(text.encode('4'))).toThrow(
    expect.objectContaining({ code: 'CODEC_FAILED' }),
  );
  expect(() => schemaOf(() => Promise.resolve()).decode(text.encode('4'))).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENTS' }),
  );
});

test('sequences are compared as numbers, beyond ten digits too', () => {
  const names = ['b-10000000000', 'a-9999999999', 'foreign', '_c_x-0000000002'];
  expect(names.sort(paths.compareSequence)).toEqual([
    '_c_x-0000000002',
    'a-9999999999',
    'b-10000000000',
    'foreign',
  ]);
  expect([paths.sequence('lock-0000000012'), paths.sequence('lock')]).toEqual([12n, null]);
});

test('path helpers', () => {
  expect([paths.join('/a/', 'b', '/c'), paths.join('/')]).toEqual(['/a/b/c', '/']);
  expect([paths.depth('/'), paths.depth('/a/b')]).toEqual([0, 2]);
  expect([paths.isUnder('/ab', '/a'), paths.isUnder('/a/b', '/a'), paths.isUnder('/a', '/')]).toEqual([
    false,
    true,
    true,
  ]);
  expect(() => paths.validate('/a//b')).toThrow(expect.objectContaining({ code: 'INVALID_PATH' }));
});
