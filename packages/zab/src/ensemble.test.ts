import { describe, expect, test } from 'vitest';
import { Ensemble } from '../test/ensemble.ts';

describe('an ensemble', () => {
  test('of one serves alone', () => {
    const ensemble = new Ensemble({ members: [1] });
    ensemble.start(1);
    expect(ensemble.runUntil(() => ensemble.leader() !== undefined, 3000)).toBe(true);
    ensemble.propose('a', 'b');
    expect(ensemble.runUntil(() => ensemble.committed.length === 3, 1000)).toBe(true);
  });

  test('of three elects, synchronizes and commits', () => {
    const ensemble = new Ensemble({ members: [1, 2, 3] });
    ensemble.start(1, 2, 3);
    expect(ensemble.runUntil(() => ensemble.isSettled(), 3000)).toBe(true);
    ensemble.propose('a', 'b');
    expect(ensemble.runUntil(() => ensemble.committed.length === 3 && ensemble.isSettled(), 1000)).toBe(true);
  });
});
