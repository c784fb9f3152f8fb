import { NULL_DATA } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { create, drain, type Leader, leaderWith, restored, set } from '../test/leader.ts';

function dataAt(leader: Leader, path: string): Uint8Array | undefined {
  return leader.tree.get(path)?.data;
}

describe('data that are null', () => {
  test('are empty to all who look at their length, and told from empty ones by all who ask', () => {
    const leader = leaderWith('/empty');
    leader.do(1, { ...create('/null'), data: NULL_DATA });
    expect(dataAt(leader, '/null')).toBe(NULL_DATA);
    expect(dataAt(leader, '/empty')).not.toBe(NULL_DATA);
    expect(leader.tree.stat('/null')?.dataLength).toBe(0);
  });

  test('come and go with each set', () => {
    const leader = leaderWith('/a');
    for (const [data, isNull] of [
      ['long enough for a cell of its own', false],
      [NULL_DATA, true],
      ['', false],
      [NULL_DATA, true],
      ['x', false],
    ] as const) {
      leader.do(1, typeof data === 'string' ? set('/a', data) : { ...set('/a', ''), data });
      expect(dataAt(leader, '/a') === NULL_DATA).toBe(isNull);
    }
  });

  test('are in the digest, and in a snapshot', () => {
    const withNull = leaderWith('/a');
    withNull.do(1, { ...set('/a', ''), data: NULL_DATA });
    const without = leaderWith('/a');
    without.do(1, set('/a', ''));
    expect(withNull.tree.digest()).not.toBe(without.tree.digest());
    const cursor = withNull.tree.beginSnapshot();
    const tree = restored(cursor, drain(cursor));
    expect(tree.digest()).toBe(cursor.digest);
    expect(tree.get('/a')?.data).toBe(NULL_DATA);
  });
});
