import { expect, test } from 'vitest';
import { parseServers, Rotation } from './servers.ts';

test.each([
  { servers: 'h1:1,h2', wire: 'zabra', addresses: ['h1:1', 'h2:5181'], chroot: '', tls: false },
  {
    servers: 'zabra://h1:1,h2:2/a/b/',
    wire: 'zabra',
    addresses: ['h1:1', 'h2:2'],
    chroot: '/a/b',
    tls: false,
  },
  { servers: 'zabra+tls://[::1]:7', wire: 'zabra', addresses: ['[::1]:7'], chroot: '', tls: true },
  { servers: ['h1:1', 'h2:2'], wire: 'zabra', addresses: ['h1:1', 'h2:2'], chroot: '', tls: false },
  { servers: 'h1:1/a,b', wire: 'zabra', addresses: ['h1:1'], chroot: '/a,b', tls: false },
  {
    servers: 'zookeeper://h1,h2:2182/app',
    wire: 'zookeeper',
    addresses: ['h1:2181', 'h2:2182'],
    chroot: '/app',
    tls: false,
  },
  { servers: 'zookeeper+tls://h1', wire: 'zookeeper', addresses: ['h1:2181'], chroot: '', tls: true },
  {
    servers: ['zookeeper://h1', 'h2'],
    wire: 'zookeeper',
    addresses: ['h1:2181', 'h2:2181'],
    chroot: '',
    tls: false,
  },
])('$servers names servers', ({ servers, ...list }) => {
  expect(parseServers(servers)).toEqual(list);
});

test.each([
  { servers: '', names: 'is no server' },
  { servers: 'h1:99999', names: '"h1:99999"' },
  { servers: 'h1:1,,h2:2', names: '""' },
  { servers: 'http://h1', names: 'unknown scheme http://' },
  { servers: 'zk://h1', names: 'zookeeper://' },
  { servers: 'zabra://h1,zookeeper://h2', names: 'several schemes' },
  { servers: ['zookeeper://h1', 'zookeeper://h2'], names: 'several schemes' },
  { servers: 'h1,zookeeper://h2', names: 'several schemes' },
  { servers: 'zookeeper://h1:1/a,h2:2/b', names: 'the chroot stands once' },
])('"$servers" is refused with a message that says $names', ({ servers, names }) => {
  const message = expect.stringContaining(names);
  expect(() => parseServers(servers)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENTS', message }));
});

test('a rotation visits every server before it visits one again', () => {
  const rotation = new Rotation(['a', 'b', 'c'], Uint8Array.of(3, 1, 4));
  const round = [rotation.next(), rotation.next(), rotation.next()];
  expect([...round].sort()).toEqual(['a', 'b', 'c']);
  expect([rotation.next(), rotation.next(), rotation.next()]).toEqual(round);
});
