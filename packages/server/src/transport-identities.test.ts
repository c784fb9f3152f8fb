import { expect, test } from 'vitest';
import { transportIdentities } from './transport-identities.ts';

test.each([
  { peer: '127.0.0.1:4711', address: '127.0.0.1' },
  { peer: '::ffff:10.1.2.3:4711', address: '10.1.2.3' },
  { peer: '::FFFF:10.1.2.3:4711', address: '10.1.2.3' },
  { peer: '::1:4711', address: '::1' },
  { peer: '[::1]:4711', address: '::1' },
  { peer: '2001:DB8::7:4711', address: '2001:db8::7' },
  { peer: 'fe80::1%eth0:4711', address: 'fe80::1' },
])('a client at $peer has the address $address', ({ peer, address }) => {
  expect(transportIdentities({ peer, certificate: undefined })).toEqual([{ scheme: 'ip', id: address }]);
});

test('a client whose address is not known, with a certificate that cannot be read, is nobody', () => {
  for (const certificate of [
    new Uint8Array(0),
    Uint8Array.of(0x30, 0x82),
    Uint8Array.of(0x30, 0x02, 0x30, 0),
  ])
    expect(transportIdentities({ peer: 'unknown', certificate })).toEqual([]);
});
