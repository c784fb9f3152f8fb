import { describe, expect, test } from 'vitest';
import { readOperations } from './operations-file.ts';

test('each operation of a file is one step', () => {
  const written = JSON.stringify([
    { op: 'create', path: '/a', data: 'x', mode: 'ephemeral', acl: 'world:anyone:r' },
    {
      op: 'create',
      path: '/b',
      dataBase64: 'AP8=',
      acl: [{ scheme: 'world', id: 'anyone', perms: ['read'] }],
    },
    { op: 'create', path: '/t', mode: 'ttl', ttlMs: 1000 },
    { op: 'set', path: '/a', data: 'y', version: 0 },
    { op: 'delete', path: '/a' },
    { op: 'check', path: '/a', version: 2 },
    { op: 'checkAbsent', path: '/c' },
    { op: 'checkOwner', path: '/a', session: '0x1f' },
  ]);
  expect(readOperations(written)).toHaveLength(8);
  expect(readOperations('[]')).toEqual([]);
});

describe('what is wrong with a file is said, and in which operation', () => {
  test.each<{ written: string; says: string }>([
    { written: '[', says: 'the operations are no JSON: ' },
    { written: '{}', says: 'the operations are a JSON array' },
    { written: '[1]', says: 'operation 0: it is no object' },
    {
      written: '[{"op":"check","path":"/a"},{"op":"crate"}]',
      says: 'operation 1: "op" is one of create, set, delete',
    },
    { written: '[{"op":"constructor","path":"/a"}]', says: 'not "constructor"' },
    { written: '[{"path":"/a"}]', says: 'not undefined' },
    { written: '[{"op":"set","data":"x"}]', says: 'operation 0: it needs a "path"' },
    { written: '[{"op":"set","path":5}]', says: '"path" is text, not 5' },
    { written: '[{"op":"set","path":"/a","version":1.5}]', says: '"version" is a whole number, not 1.5' },
    { written: '[{"op":"create","path":"/a","mode":"lasting"}]', says: '"mode" is one of persistent, ' },
    {
      written: '[{"op":"create","path":"/a","acl":[{"perms":"all"}]}]',
      says: '"acl" is "scheme:id:crwda,…"',
    },
    {
      written: '[{"op":"create","path":"/a","data":"","dataBase64":""}]',
      says: 'either "data" or "dataBase64"',
    },
    {
      written: '[{"op":"delete","path":"/a","data":"x"}]',
      says: 'operation 0: unknown key "data"; it has op, path, version',
    },
    {
      written: '[{"op":"checkOwner","path":"/a","session":"me"}]',
      says: '"session" is a session id in hexadecimal',
    },
  ])('$written', ({ written, says }) => {
    expect(() => readOperations(written)).toThrow(says);
  });
});
