import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/* Certificates made while a test runs: a few kinds of DER, and what is needed of X.509. */

export interface Certificate {
  readonly pem: Buffer;
  readonly key: Buffer;
  readonly der: Buffer;
}

/** In the order of the certificate. `type` is a number as `2.5.4.3`; a value that is no text is given as it stands. */
export type Subject = readonly (readonly [type: string, value: string | Buffer])[];

export const CN = '2.5.4.3';
export const O = '2.5.4.10';
export const OU = '2.5.4.11';
export const EMAIL = '1.2.840.113549.1.9.1';

/** Signs certificates for tests; believed by whoever is given its `pem`. */
export class TestAuthority {
  readonly pem: Buffer;
  readonly #key: KeyObject;
  readonly #name: Buffer;

  constructor(name: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#name = nameOf([[CN, name]]);
    const isAuthority = extension('2.5.29.19', sequence(Buffer.of(0x01, 0x01, 0xff)));
    this.pem = pemOf('CERTIFICATE', this.#signed(this.#name, publicKey, [isAuthority]));
  }

  /** For a server at 127.0.0.1, or a client. */
  issue(subject: Subject): Certificate {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    // An alternative name of the kind "address".
    const atLoopback = extension('2.5.29.17', sequence(element(0x87, Buffer.of(127, 0, 0, 1))));
    const der = this.#signed(nameOf(subject), publicKey, [atLoopback]);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    return { der, pem: pemOf('CERTIFICATE', der), key: Buffer.from(key) };
  }

  #signed(subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): Buffer {
    const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'));
    const content = sequence(
      element(0xa0, element(0x02, Buffer.of(2))),
      element(0x02, Buffer.from([1, ...serial()])),
      ecdsaWithSha256,
      this.#name,
      sequence(time('20200101000000Z'), time('20990101000000Z')),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      element(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', content, this.#key);
    return sequence(content, ecdsaWithSha256, element(0x03, Buffer.concat([Buffer.of(0), signature])));
  }
}

function nameOf(subject: Subject): Buffer {
  return sequence(...subject.map((pair) => element(0x31, attribute(pair))));
}

function attribute([type, value]: Subject[number]): Buffer {
  return sequence(identifier(type), typeof value === 'string' ? element(0x0c, Buffer.from(value)) : value);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

export function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content]);
}

function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [40 * first + second, ...rest].flatMap((number) => {
    const digits = [number & 0x7f];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift((left & 0x7f) | 0x80);
    }
    return digits;
  });
  return element(0x06, Buffer.from(bytes));
}

function extension(type: string, value: Buffer): Buffer {
  return sequence(identifier(type), element(0x04, value));
}

function time(written: string): Buffer {
  return element(0x18, Buffer.from(written));
}

let issued = 0;

function serial(): readonly number[] {
  issued++;
  return [issued >> 8, issued & 0xff];
}

function pemOf(label: string, der: Buffer): Buffer {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return Buffer.from([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n'));
}
