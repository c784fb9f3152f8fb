import { describe, expect, test } from 'vitest';
import { aclText, parseAcl } from './acl-text.ts';

describe('an ACL is read as zkCli writes it', () => {
  test.each([
    {
      written: 'world:anyone:cdrwa',
      acl: [{ scheme: 'world', id: 'anyone', perms: ['create', 'delete', 'read', 'write', 'admin'] }],
    },
    { written: 'auth::r', acl: [{ scheme: 'auth', id: '', perms: ['read'] }] },
    { written: 'digest:user:aGFzaA==:rr', acl: [{ scheme: 'digest', id: 'user:aGFzaA==', perms: ['read'] }] },
    { written: 'ip:::1:w', acl: [{ scheme: 'ip', id: '::1', perms: ['write'] }] },
    {
      written: 'world:anyone:r,ip:10.0.0.0/8:w',
      acl: [
        { scheme: 'world', id: 'anyone', perms: ['read'] },
        { scheme: 'ip', id: '10.0.0.0/8', perms: ['write'] },
      ],
    },
  ])('$written', ({ written, acl }) => {
    expect(parseAcl(written)).toEqual(acl);
  });

  test.each([
    { written: '', says: 'needs the form scheme:id:crwda' },
    { written: 'world:anyone', says: 'needs the form scheme:id:crwda' },
    { written: ':anyone:r', says: 'needs the form scheme:id:crwda' },
    { written: 'world:anyone:rx', says: '"x" is none of the permissions' },
    { written: 'world:anyone:', says: 'gives nobody any permission' },
  ])('"$written" is refused', ({ written, says }) => {
    expect(() => parseAcl(written)).toThrow(says);
  });
});

test('an ACL is printed as ZooKeeper orders its letters', () => {
  expect(aclText({ scheme: 'world', id: 'anyone', perms: 'all' })).toBe('world:anyone:cdrwa');
  expect(aclText({ scheme: 'ip', id: '::1', perms: ['write', 'read'] })).toBe('ip:::1:rw');
});
