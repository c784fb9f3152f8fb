import { expect, test } from 'vitest';
import { onAbort } from './on-abort.ts';

test('all who listen are told once, but for those who stopped, even if by another listener', () => {
  const { signal, abort } = controls();
  const told: string[] = [];
  const forgetFirst = onAbort(signal, () => told.push('first'));
  onAbort(signal, () => {
    told.push('second');
    forgetThird();
  });
  const forgetThird = onAbort(signal, () => told.push('third'));
  onAbort(signal, () => told.push('fourth'));
  forgetFirst();
  abort();
  abort();

  expect(told).toEqual(['second', 'fourth']);
});

test('who listens after all others stopped is told', () => {
  const { signal, abort } = controls();
  const told: string[] = [];
  const forget = onAbort(signal, () => told.push('first'));
  forget();
  onAbort(signal, () => told.push('second'));
  forget();
  abort();

  expect(told).toEqual(['second']);
});

function controls(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
