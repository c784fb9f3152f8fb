import { ACL_OPEN, type Acl, type Identity, PERMISSIONS } from '@zabra/model';
import { describe, expect, test } from 'vitest';
import { grant } from '../test/leader.ts';
import { resolveAcl } from './acl-rules.ts';
import { authorize, permissionNames, redactAcl } from './authorize.ts';

const { read, write, create, delete: remove, admin } = PERMISSIONS;
const ALICE: Identity = { scheme: 'digest', id: 'alice:aGFzaA==' };
const LOCAL: Identity = { scheme: 'ip', id: '127.0.0.1' };
const SUPER: Identity = { scheme: 'super', id: '' };
const SECRET: readonly Acl[] = [grant(31, 'digest', 'bob:aGFzaA==')];

describe('an ACL', () => {
  test.each<{
    readonly name: string;
    readonly acl: readonly Acl[];
    readonly perms: number;
    readonly who: readonly Identity[];
    readonly may: boolean;
  }>([
    { name: 'that is open lets everybody in', acl: ACL_OPEN, perms: admin, who: [], may: true },
    { name: 'that is empty lets everybody in', acl: [], perms: admin, who: [], may: true },
    {
      name: 'of the world gives what it says',
      acl: [grant(read, 'world', 'anyone')],
      perms: read,
      who: [],
      may: true,
    },
    {
      name: 'of the world gives no more',
      acl: [grant(read, 'world', 'anyone')],
      perms: write,
      who: [],
      may: false,
    },
    {
      name: 'gives one of two',
      acl: [grant(admin, 'world', 'anyone')],
      perms: read | admin,
      who: [],
      may: true,
    },
    {
      name: 'names a user',
      acl: [grant(write, ALICE.scheme, ALICE.id)],
      perms: write,
      who: [LOCAL, ALICE],
      may: true,
    },
    {
      name: 'does not name another',
      acl: [grant(write, ALICE.scheme, ALICE.id)],
      perms: write,
      who: [{ scheme: 'digest', id: 'alice:other' }],
      may: false,
    },
    {
      name: 'does not name the same id of another scheme',
      acl: [grant(write, ALICE.scheme, ALICE.id)],
      perms: write,
      who: [{ scheme: 'scrypt', id: ALICE.id }],
      may: false,
    },
    {
      name: 'adds nothing up over entries that name others',
      acl: [grant(read, 'world', 'anyone'), grant(write, 'digest', 'bob:x')],
      perms: write,
      who: [ALICE],
      may: false,
    },
    { name: 'does not stop a super user', acl: SECRET, perms: remove, who: [SUPER], may: true },
    {
      name: 'takes nobody for a super user by an id',
      acl: SECRET,
      perms: create,
      who: [{ scheme: 'digest', id: 'super' }],
      may: false,
    },
    { name: 'lets nobody in who proved nothing', acl: SECRET, perms: read, who: [], may: false },
    {
      name: 'takes a world with another id for nobody',
      acl: [grant(31, 'world', 'nobody')],
      perms: read,
      who: [LOCAL, ALICE],
      may: false,
    },
  ])('$name', ({ acl, perms, who, may }) => {
    expect(authorize(acl, perms, who)).toBe(may);
  });

  test.each([
    { id: '10.1.2.3', from: '10.1.2.3', may: true },
    { id: '10.1.2.3', from: '10.1.2.4', may: false },
    { id: '10.1.2.3', from: '::ffff:10.1.2.3', may: true },
    { id: '10.0.0.0/8', from: '10.255.0.1', may: true },
    { id: '10.0.0.0/8', from: '11.0.0.1', may: false },
    { id: '10.1.2.128/25', from: '10.1.2.129', may: true },
    { id: '10.1.2.128/25', from: '10.1.2.127', may: false },
    { id: '0.0.0.0/0', from: '203.0.113.9', may: true },
    { id: '0.0.0.0/0', from: '2001:db8::1', may: false },
    { id: '::ffff:10.0.0.0/104', from: '10.9.9.9', may: true },
    { id: '2001:db8::/32', from: '2001:db8:1::1', may: true },
    { id: '2001:db8::/32', from: '2001:db9::1', may: false },
    { id: '2001:DB8:0:0::1', from: '2001:db8::1', may: true },
    { id: '::/0', from: '2001:db8::1', may: true },
    { id: '::1', from: '::1', may: true },
    { id: 'fe80::/10', from: 'fe80::1%eth0', may: true },
    { id: 'nonsense', from: '10.1.2.3', may: false },
    { id: '10.1.2.3', from: 'nonsense', may: false },
  ])('for $id lets $from in: $may', ({ id, from, may }) => {
    expect(authorize([grant(read, 'ip', id)], read, [{ scheme: 'ip', id: from }])).toBe(may);
  });

  test('has each address in it read once, and that of who asks once, however often it is asked', () => {
    let readings = 0;
    const counted = (id: string): Identity => ({
      scheme: 'ip',
      get id() {
        readings++;
        return id;
      },
    });
    const entry = (id: string): Acl => Object.assign(counted(id), { perms: read });
    const acl = Array.from({ length: 128 }, (_, index) => entry(`10.${index}.0.0/16`));
    const [near, far] = [[counted('10.127.0.1')], [counted('192.168.0.1')]];
    for (let time = 0; time < 10; time++) {
      expect(authorize(acl, read, near)).toBe(true);
      expect(authorize(acl, read, far)).toBe(false);
    }
    expect(readings).toBe(128 + 2);
  });

  test('is shown to others without the hashes', () => {
    const acl = [grant(31, 'digest', 'alice:secret'), grant(31, 'scrypt', 'bob:secret')];
    const plain = [grant(1, 'world', 'anyone'), grant(1, 'x509', 'CN=a:b')];
    expect(redactAcl([...acl, ...plain])).toEqual([
      grant(31, 'digest', 'alice:x'),
      grant(31, 'scrypt', 'bob:x'),
      ...plain,
    ]);
    expect(redactAcl(plain)).toBe(plain);
  });

  test('has permissions with names', () => {
    expect(permissionNames(read | admin)).toBe('READ or ADMIN');
  });
});

describe('a new ACL', () => {
  const scrypt: Identity = { scheme: 'scrypt', id: 'alice:c2NyeXB0' };
  const x509: Identity = { scheme: 'x509', id: 'CN=alice' };

  test.each<{
    readonly name: string;
    readonly acl: readonly Acl[];
    readonly stored: readonly Acl[];
  }>([
    { name: 'that is empty is open', acl: [], stored: ACL_OPEN },
    {
      name: 'has each entry once',
      acl: [grant(1, 'world', 'anyone'), grant(1, 'world', 'anyone')],
      stored: [grant(1, 'world', 'anyone')],
    },
    {
      name: 'gives what "auth" gives to all that was proved, the stronger hash alone, and not to the address',
      acl: [grant(5, 'auth', 'whatever')],
      stored: [grant(5, 'scrypt', scrypt.id), grant(5, 'x509', x509.id)],
    },
  ])('$name', ({ acl, stored }) => {
    expect(resolveAcl(acl, [LOCAL, ALICE, scrypt, x509])).toEqual(stored);
  });

  test('names a user by the weaker hash when there is no other', () => {
    expect(resolveAcl([grant(31, 'auth', '')], [LOCAL, ALICE])).toEqual([grant(31, 'digest', ALICE.id)]);
    const bob: Identity = { scheme: 'scrypt', id: 'bob:x' };
    expect(resolveAcl([grant(31, 'auth', '')], [ALICE, bob])).toHaveLength(2);
  });

  test('that is as open as the open one is the open one', () => {
    expect(resolveAcl([{ ...grant(31, 'world', 'anyone') }], [])).toBe(ACL_OPEN);
  });

  test.each([
    { name: 'no permission', entry: grant(0, 'world', 'anyone'), says: '1 to 31' },
    { name: 'more permissions than there are', entry: grant(32, 'world', 'anyone'), says: '1 to 31' },
    { name: 'half a permission', entry: grant(1.5, 'world', 'anyone'), says: '1 to 31' },
    { name: 'another world', entry: grant(1, 'world', 'everyone'), says: '"everyone"' },
    { name: 'a user without hash', entry: grant(1, 'digest', 'alice'), says: 'one ":"' },
    { name: 'no user', entry: grant(1, 'digest', ':hash'), says: 'one ":"' },
    { name: 'no hash', entry: grant(1, 'scrypt', 'alice:'), says: 'one ":"' },
    { name: 'two colons', entry: grant(1, 'scrypt', 'a:b:c'), says: 'one ":"' },
    { name: 'no address', entry: grant(1, 'ip', 'localhost'), says: '"localhost"' },
    { name: 'an address with a leading zero', entry: grant(1, 'ip', '10.010.0.1'), says: 'address' },
    { name: 'three bytes', entry: grant(1, 'ip', '10.0.0'), says: 'address' },
    { name: 'too many bits', entry: grant(1, 'ip', '10.0.0.0/33'), says: 'bits' },
    { name: 'no bits', entry: grant(1, 'ip', '10.0.0.0/'), says: 'bits' },
    { name: 'too many bits of IPv6', entry: grant(1, 'ip', '::/129'), says: 'bits' },
    { name: 'two gaps', entry: grant(1, 'ip', '1::2::3'), says: 'address' },
    { name: 'a gap for nothing', entry: grant(1, 'ip', '1:2:3:4:5:6:7::8'), says: 'address' },
    { name: 'seven groups', entry: grant(1, 'ip', '1:2:3:4:5:6:7'), says: 'address' },
    { name: 'five digits', entry: grant(1, 'ip', '::12345'), says: 'address' },
    { name: 'an IPv4 address in the middle', entry: grant(1, 'ip', '::1.2.3.4:1'), says: 'address' },
    { name: 'no subject', entry: grant(1, 'x509', ''), says: 'x509' },
    { name: 'super', entry: grant(1, 'super', ''), says: 'no scheme of an ACL' },
    { name: 'an unknown scheme', entry: grant(1, 'sasl', 'alice'), says: '"sasl"' },
    { name: 'the name of a method', entry: grant(1, 'constructor', 'a'), says: '"constructor"' },
    { name: 'a long id', entry: grant(1, 'x509', 'a'.repeat(513)), says: 'at most 512 characters' },
    { name: '"auth" by somebody who proved nothing', entry: grant(1, 'auth', ''), says: 'addAuth' },
  ])('with $name is refused', ({ entry, says }) => {
    expect(resolveAcl([grant(1, 'world', 'anyone'), entry], [LOCAL])).toEqual({
      refused: { code: 'INVALID_ACL', message: expect.stringContaining(says) },
    });
  });

  test('of very many entries is refused before they are compared', () => {
    const many = Array.from({ length: 129 }, (_, index) => grant(1, 'x509', `CN=${index}`));
    expect(resolveAcl(many, [])).toMatchObject({ refused: { message: expect.stringContaining('not 129') } });
    expect(resolveAcl(many.slice(1), [])).toHaveLength(128);
    expect(resolveAcl([...many.slice(2), grant(1, 'auth', '')], [ALICE, x509])).toMatchObject({
      refused: { code: 'INVALID_ACL' },
    });
  });
});
