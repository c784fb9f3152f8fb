import { makeZxid } from '@zabra/model';
import { expect, test } from 'vitest';
import { ReadIndexQueue } from './read-index.ts';

const ZXID = makeZxid(1, 1);

test('a question is answered by a round begun after it, not by the one under way', () => {
  const queue = new ReadIndexQueue();
  queue.beginRound();
  queue.ask({ asker: 'self', id: 7, zxid: ZXID });
  expect(queue.needsRound).toBe(false);
  expect(queue.confirm(1)).toEqual([]);
  expect(queue.needsRound).toBe(true);
  expect(queue.beginRound()).toBe(2);
  expect(queue.confirm(2)).toMatchObject([{ id: 7, zxid: ZXID }]);
  expect(queue.count).toBe(0);
});

test('one round serves all that was asked before it began', () => {
  const queue = new ReadIndexQueue();
  queue.ask({ asker: 'self', id: 1, zxid: ZXID });
  queue.ask({ asker: 4, id: 1, zxid: ZXID });
  queue.beginRound();
  queue.ask({ asker: 'self', id: 2, zxid: ZXID });
  expect(queue.confirm(1)).toHaveLength(2);
  expect(queue.count).toBe(1);
});

test('a round confirmed twice answers once', () => {
  const queue = new ReadIndexQueue();
  queue.ask({ asker: 'self', id: 1, zxid: ZXID });
  queue.beginRound();
  expect(queue.confirm(1)).toHaveLength(1);
  expect(queue.confirm(1)).toEqual([]);
});

test('the questions of a learner that left are dropped', () => {
  const queue = new ReadIndexQueue();
  queue.ask({ asker: 4, id: 1, zxid: ZXID });
  queue.ask({ asker: 'self', id: 2, zxid: ZXID });
  queue.drop(4);
  queue.beginRound();
  expect(queue.confirm(1)).toMatchObject([{ id: 2 }]);
});
