import { expect, test } from 'vitest';
import { lagBehind } from './status.ts';

const EPOCH = 2 ** 32;

test.each([
  { name: 'level with the leader', leader: 3 * EPOCH + 7, server: 3 * EPOCH + 7, lag: 0 },
  { name: 'behind it', leader: 3 * EPOCH + 7, server: 3 * EPOCH + 2, lag: 5 },
  { name: 'asked after it', leader: 3 * EPOCH + 7, server: 3 * EPOCH + 9, lag: 0 },
  {
    name: 'in an earlier epoch, which lacks this whole one',
    leader: 3 * EPOCH + 7,
    server: 2 * EPOCH + 900,
    lag: 8,
  },
  { name: 'empty', leader: EPOCH, server: 0, lag: 1 },
])('a server $name lags by $lag', ({ leader, server, lag }) => {
  expect(lagBehind(leader, server)).toBe(lag);
});
