import { expect, test } from 'vitest';
import { resolvePath } from './shell-path.ts';

test.each<{ directory: string; typed: string; path: string }>([
  { directory: '/', typed: '/a/b', path: '/a/b' },
  { directory: '/x', typed: '/a', path: '/a' },
  { directory: '/x', typed: 'a', path: '/x/a' },
  { directory: '/', typed: 'a', path: '/a' },
  { directory: '/x/y', typed: '.', path: '/x/y' },
  { directory: '/x/y', typed: '..', path: '/x' },
  { directory: '/x/y', typed: '../z', path: '/x/z' },
  { directory: '/x', typed: '../../..', path: '/' },
  { directory: '/x', typed: '/a/', path: '/a' },
  { directory: '/x', typed: '//a//b', path: '/a/b' },
  { directory: '/x', typed: '', path: '/x' },
  { directory: '/x', typed: '...', path: '/x/...' },
  { directory: '/x', typed: '__proto__', path: '/x/__proto__' },
])('in $directory, "$typed" is $path', ({ directory, typed, path }) => {
  expect(resolvePath(directory, typed)).toBe(path);
});

test('a slash at the end stays where a number will follow', () => {
  expect(resolvePath('/', '/locks/', { keepSlash: true })).toBe('/locks/');
  expect(resolvePath('/locks', 'a/', { keepSlash: true })).toBe('/locks/a/');
  expect(resolvePath('/', '/', { keepSlash: true })).toBe('/');
});
