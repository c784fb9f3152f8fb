import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { CN, EMAIL, element, O, OU, type Subject, TestAuthority } from '../test/certificates.ts';
import { subjectOf } from './distinguished-name.ts';

const authority = new TestAuthority('authority of a test');

test('the certificates of these tests are whole', () => {
  const issuer = new X509Certificate(authority.pem);
  const certificate = new X509Certificate(authority.issue([[CN, 'alice']]).pem);
  expect(certificate.checkIssued(issuer)).toBe(true);
  expect(certificate.verify(issuer.publicKey)).toBe(true);
});

test.each<{ name: string; subject: Subject; written: string | undefined }>([
  {
    name: 'the last part comes first',
    subject: [
      [O, 'Acme'],
      [OU, 'ops'],
      [CN, 'alice'],
    ],
    written: 'CN=alice,OU=ops,O=Acme',
  },
  {
    name: 'what would look like another part is escaped',
    subject: [[CN, 'a,O=b+c"\\<>;#']],
    written: 'CN=a\\,O\\=b\\+c\\"\\\\\\<\\>\\;\\#',
  },
  { name: 'so are spaces at the ends', subject: [[CN, '  a b ']], written: 'CN=\\ \\ a b\\ ' },
  { name: 'and a zero', subject: [[CN, 'a\0b']], written: 'CN=a\\00b' },
  { name: 'other letters stay', subject: [[CN, 'Ольга']], written: 'CN=Ольга' },
  {
    name: 'a type without a name is a number, its value bytes',
    subject: [
      [CN, 'a'],
      [EMAIL, 'a@b'],
    ],
    written: '1.2.840.113549.1.9.1=#0c03614062,CN=a',
  },
  {
    name: 'a value that is no text is bytes',
    subject: [[CN, element(0x02, Buffer.of(7))]],
    written: 'CN=#020107'.replace('CN', '2.5.4.3'),
  },
  {
    name: 'nor is one that is not well-formed',
    subject: [[CN, element(0x0c, Buffer.of(0xff))]],
    written: '2.5.4.3=#0c01ff',
  },
  { name: 'a long one is read as well', subject: [[CN, 'x'.repeat(300)]], written: `CN=${'x'.repeat(300)}` },
  { name: 'an empty one is none', subject: [], written: undefined },
])('of a subject, $name', ({ subject, written }) => {
  expect(subjectOf(authority.issue(subject).der)).toBe(written);
});

test('a certificate that is cut off anywhere before the end of its subject has none', () => {
  const { der } = authority.issue([[CN, 'alice']]);
  for (let length = 0; length < der.length; length++)
    expect(subjectOf(der.subarray(0, length))).toBeUndefined();
});
