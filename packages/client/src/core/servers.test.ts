import { expect, test } from 'vitest';
import { parseServers, Rotation } from './servers.ts';

test.each([
  { servers: 'h1:1,h2', addresses: ['h1:1', 'h2:5181'], chroot: '', tls: false },
  { servers: 'zabra://h1:1,h2:2/a/b/', addresses: ['h1:1', 'h2:2'], chroot: '/a/b', tls: false },
  { servers: 'zabra+tls://[::1]:7', addresses: ['[::1]:7'], chroot: '', tls: true },
  { servers: ['h1:1', 'h2:2'], addresses: ['h1:1', 'h2:2'], chroot: '', tls: false },
])('$servers names servers', ({ servers, ...list }) => {
  expect(parseServers(servers)).toEqual(list);
});

test.each([
  { servers: '', code: 'BAD_ARGUMENTS' },
  { servers: 'h1:99999', code: 'BAD_ARGUMENTS' },
  { servers: 'h1:1,,h2:2', code: 'BAD_ARGUMENTS' },
  { servers: 'http://h1', code: 'BAD_ARGUMENTS' },
  { servers: 'zookeeper://h1', code: 'UNIMPLEMENTED' },
])('"$servers" is refused with $code', ({ servers, code }) => {
  expect(() => parseServers(servers)).toThrow(expect.objectContaining({ code }));
});

test('a rotation visits every server before it visits one again', () => {
  const rotation = new Rotation(['a', 'b', 'c'], Uint8Array.of(3, 1, 4));
  const round = [rotation.next(), rotation.next(), rotation.next()];
  expect([...round].sort()).toEqual(['a', 'b', 'c']);
  expect([rotation.next(), rotation.next(), rotation.next()]).toEqual(round);
});
