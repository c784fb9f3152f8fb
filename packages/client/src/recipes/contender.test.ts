import { createClient } from '@zabra/client';
import { expect, test } from 'vitest';
import { contenderPrefix, inOrder, parseContender } from './contender.ts';
import { checkContenderId, decodeContenderData, encodeContenderData } from './contender-data.ts';

const guid = '01234567-89ab-cdef-0123-456789abcdef';
const named = (sequence: string, kind = 'lock'): string => `_c_${guid}-${kind}-${sequence}`;

test('a line is sorted by number, beyond ten digits too', () => {
  const line = inOrder([named('10000000000'), named('9999999999'), named('0000000007')], 'lock');

  expect(line.map(({ sequence }) => sequence)).toEqual([7n, 9_999_999_999n, 10_000_000_000n]);
});

test("kazoo's readers and writers stand in the same line as our locks", () => {
  const kazoo = '0123456789abcdef0123456789abcdef';
  const line = inOrder(
    [`${kazoo}__lock__0000000008`, named('0000000007'), `${kazoo}__rlock__0000000006`],
    'lock',
  );

  expect(line.map(({ sequence }) => sequence)).toEqual([6n, 7n, 8n]);
  expect(parseContender(`${kazoo}__rlock__0000000006`)?.guid).toBe(kazoo);
});

test.each([
  { name: 'a child of another shape', child: 'config' },
  { name: 'a sequence without a guid', child: 'lock-0000000001' },
  { name: 'a sequence of fewer than ten digits', child: named('000001') },
  { name: 'a contender of another kind', child: named('0000000001', 'lease') },
])('$name does not stand in line', ({ child }) => {
  expect(inOrder([child], 'lock')).toEqual([]);
});

test('a name says its parts', () => {
  expect(parseContender(named('0000000012'))).toEqual({
    name: named('0000000012'),
    guid,
    kind: 'lock',
    sequence: 12n,
  });
});

test('every attempt has a guid of its own', () => {
  const zk = createClient('127.0.0.1:1');
  expect(contenderPrefix(zk, '/locks/a', 'lock')).not.toBe(contenderPrefix(zk, '/locks/a', 'lock'));
  expect(parseContender(`${contenderPrefix(zk, '/a', 'lock')}0000000000`.slice('/a/'.length))?.kind).toBe(
    'lock',
  );
});

test.each([
  { name: 'an id alone', stored: 'worker-7', data: { id: 'worker-7', revoked: false, payload: '' } },
  {
    name: 'an id and data',
    stored: 'worker-7\na\nb',
    data: { id: 'worker-7', revoked: false, payload: 'a\nb' },
  },
  { name: 'nothing', stored: '', data: { id: '', revoked: false, payload: '' } },
  {
    name: 'a request to revoke',
    stored: '__REVOKE__\nworker-7\nx',
    data: { id: 'worker-7', revoked: true, payload: 'x' },
  },
])('$name is stored as people would read it', ({ stored, data }) => {
  const whole = { ...data, payload: new TextEncoder().encode(data.payload) };

  expect(new TextDecoder().decode(encodeContenderData(whole))).toBe(stored);
  expect(decodeContenderData(new TextEncoder().encode(stored))).toEqual(whole);
});

test.each(['two\nlines', '__REVOKE__'])('the id %j is refused', (id) => {
  expect(() => checkContenderId(id)).toThrow(/BAD_ARGUMENTS/);
});
