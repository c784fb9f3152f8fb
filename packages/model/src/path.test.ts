import { describe, expect, test } from 'vitest';
import { isTooLong, joinPath, nameOf, PATH_DEPTH_MAX, parentOf, pathFault } from './path.ts';

describe('a path', () => {
  test.each([
    '/',
    '/a',
    '/a/b',
    '/__proto__',
    '/constructor/prototype',
    '/hasOwnProperty',
    '/...',
    '/.a',
    '/a..b',
    '/ ',
    '/ü/中/\ufb01',
    `/${'a'.repeat(4095)}`,
    `/${'中'.repeat(1365)}`,
    `/${Array.from({ length: PATH_DEPTH_MAX }, () => 'd').join('/')}`,
  ])('%s is legal', (path) => {
    expect(pathFault(path)).toBeUndefined();
  });

  test.each([
    { path: '', says: 'not empty' },
    { path: 'a', says: 'starts with "/"' },
    { path: '/a/', says: 'end in "/"' },
    { path: '//', says: 'no empty name' },
    { path: '/a//b', says: 'no empty name' },
    { path: '/.', says: '"."' },
    { path: '/a/../b', says: '".."' },
    { path: '/a\u0000', says: 'U+0000' },
    { path: '/\u001f', says: 'U+001F' },
    { path: '/\u007f', says: 'U+007F' },
    { path: '/\u009f', says: 'U+009F' },
    { path: '/\ud83d\ude00', says: 'U+D83D' },
    { path: '/\uf8ff', says: 'U+F8FF' },
    { path: '/\uffff', says: 'U+FFFF' },
    { path: `/${'a'.repeat(4096)}`, says: '4096 bytes; this one has 4097' },
    { path: `/${'ü'.repeat(2048)}`, says: '4096 bytes; this one has 4097' },
    { path: `/${'中'.repeat(1366)}`, says: '4096 bytes; this one has 4099' },
    { path: '/d'.repeat(PATH_DEPTH_MAX + 1), says: '256 names deep; this one has 257' },
  ])('that is not legal says what is wrong: $says', ({ path, says }) => {
    expect(pathFault(path)).toContain(says);
  });

  test('may end in a slash when a number will follow', () => {
    expect(pathFault('/a/', { sequential: true })).toBeUndefined();
    expect(pathFault('/', { sequential: true })).toBeUndefined();
    expect(pathFault('/a//', { sequential: true })).toContain('no empty name');
  });

  test('is measured in bytes', () => {
    expect(isTooLong('/'.padEnd(4096, 'a'))).toBe(false);
    expect(isTooLong('/'.padEnd(4097, 'a'))).toBe(true);
    expect(isTooLong('/'.padEnd(1367, '中'))).toBe(true);
  });

  test.each([
    { path: '/a/b', parent: '/a', name: 'b' },
    { path: '/a', parent: '/', name: 'a' },
  ])('$path is $name of $parent', ({ path, parent, name }) => {
    expect(parentOf(path)).toBe(parent);
    expect(nameOf(path)).toBe(name);
    expect(joinPath(parent, name)).toBe(path);
  });
});
