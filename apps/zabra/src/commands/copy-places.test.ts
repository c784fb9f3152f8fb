import { expect, test } from 'vitest';
import { parsePlace, refuseOverlap } from './copy-places.ts';

test.each([
  { url: 'zookeeper://h1:2181,h2:2181/a/b', path: '/a/b', servers: ['h1:2181', 'h2:2181'], isTls: false },
  { url: 'zabra://h1:5181', path: '/', servers: ['h1:5181'], isTls: false },
  { url: 'zabra+tls://h1/', path: '/', servers: ['h1'], isTls: true },
])('$url is a place', ({ url, path, servers, isTls }) => {
  expect(parsePlace(url)).toEqual({ url, path, servers: new Set(servers), isTls });
});

test.each(['h1:2181', 'http://h1/', 'zabra://', '/a'])('%s is none', (url) => {
  expect(() => parsePlace(url)).toThrow('names no ensemble');
});

test.each([
  { from: 'zabra://h1/a', to: 'zabra://h1/a/b' },
  { from: 'zabra://h1,h2/a/b', to: 'zabra://h2/a' },
  { from: 'zabra://h1', to: 'zabra://h1/a' },
])('$from and $to overlap', ({ from, to }) => {
  expect(() => refuseOverlap(parsePlace(from), parsePlace(to))).toThrow('overlap');
});

test.each([
  { from: 'zabra://h1/a', to: 'zabra://h1/ab' },
  { from: 'zabra://h1/a', to: 'zabra://h2/a' },
])('$from and $to do not', ({ from, to }) => {
  expect(() => refuseOverlap(parsePlace(from), parsePlace(to))).not.toThrow();
});
