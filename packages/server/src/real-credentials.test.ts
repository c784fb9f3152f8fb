import { execFile } from 'node:child_process';
import { scryptSync } from 'node:crypto';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import type { Logger, Proved } from './core/env.ts';
import { RealCredentials } from './real-credentials.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function credentials(startWorker?: () => Worker): RealCredentials {
  const real =
    startWorker === undefined ? new RealCredentials(silent) : new RealCredentials(silent, startWorker);
  onTestFinished(() => real.close());
  return real;
}

function prove(real: RealCredentials, scheme: string, text: string | Uint8Array): Promise<Proved> {
  return new Promise((resolve) => {
    real.prove(scheme, typeof text === 'string' ? new TextEncoder().encode(text) : text, resolve);
  });
}

const SCRYPT_OF_TEST = scryptSync('test', 'zabra/1 super', 32, { N: 16384, r: 8, p: 1 }).toString('base64');
const BOTH = [
  // As ZooKeeper's documentation has it.
  { scheme: 'digest', id: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' },
  { scheme: 'scrypt', id: `super:${SCRYPT_OF_TEST}` },
];

test('a password proves its user by ZooKeeper’s digest and by scrypt; asked for scrypt, by that alone', async () => {
  const real = credentials();
  expect(await prove(real, 'digest', 'super:test')).toEqual(BOTH);
  expect(await prove(real, 'scrypt', 'super:test')).toEqual(BOTH.slice(1));
});

test('the first colon ends the user, so that a password may have some', async () => {
  const real = credentials();
  const [identity] = await prove(real, 'scrypt', 'a:b:c');
  const hash = scryptSync('b:c', 'zabra/1 a', 32, { N: 16384, r: 8, p: 1 }).toString('base64');
  expect(identity).toEqual({ scheme: 'scrypt', id: `a:${hash}` });
});

test.each([
  { name: 'an unknown scheme', scheme: 'kerberos', text: 'a:b' },
  { name: 'an address', scheme: 'ip', text: '127.0.0.1' },
  { name: 'no colon', scheme: 'digest', text: 'nobody' },
  { name: 'no user', scheme: 'digest', text: ':secret' },
  { name: 'nothing', scheme: 'scrypt', text: '' },
  { name: 'a user that is no text', scheme: 'digest', text: Uint8Array.of(0xff, 0x3a, 0x61) },
  { name: 'far too much', scheme: 'digest', text: `a:${'b'.repeat(5000)}` },
  { name: 'a name that no ACL may have', scheme: 'digest', text: `${'a'.repeat(257)}:b` },
])('$name proves nobody', async ({ scheme, text }) => {
  expect(await prove(credentials(), scheme, text)).toEqual([]);
});

test('many who come with one password at once are answered by one piece of work', async () => {
  const real = credentials(
    () =>
      new Worker(
        `const { parentPort } = require('node:worker_threads');
         let asked = 0;
         parentPort.on('message', ({ number }) =>
           parentPort.postMessage({ number, identities: [{ scheme: 'scrypt', id: 'asked:' + ++asked }] }));`,
        { eval: true, execArgv: [] },
      ),
  );
  const first = [{ scheme: 'scrypt', id: 'asked:1' }];
  const together = Array.from({ length: 100 }, () => prove(real, 'digest', 'a:b'));
  expect(await Promise.all(together)).toEqual(together.map(() => first));
  expect(await prove(real, 'digest', 'a:b')).toEqual(first);
  expect(await prove(real, 'digest', 'a:c')).toEqual([{ scheme: 'scrypt', id: 'asked:2' }]);
});

test('a worker that dies leaves it open who asked, and the next question finds another one', async () => {
  const sources = ['process.exit(3)', "throw new Error('planted')"];
  const real = credentials(() => {
    const source = sources.pop() ?? WORKING;
    return new Worker(source, { eval: true, execArgv: [] });
  });
  expect(await prove(real, 'digest', 'a:b')).toBe('busy');
  expect(await prove(real, 'digest', 'a:b')).toBe('busy');
  expect(await prove(real, 'digest', 'a:b')).toEqual([{ scheme: 'scrypt', id: 'works:1' }]);
});

const WORKING = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ number }) =>
    parentPort.postMessage({ number, identities: [{ scheme: 'scrypt', id: 'works:1' }] }));
`;

test('beyond what may wait, the next are not looked at, which is not to be nobody', async () => {
  const real = credentials(() => new Worker('setInterval(() => {}, 1000)', { eval: true, execArgv: [] }));
  for (let index = 0; index < 1000; index++)
    real.prove('digest', new TextEncoder().encode(`a:${index}`), () => {});
  expect(await prove(real, 'digest', 'a:one too many')).toBe('busy');
});

test('a process that is done ends, whatever its worker does', async () => {
  const program = `
    import { RealCredentials } from ${JSON.stringify(new URL('./real-credentials.ts', import.meta.url).href)};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const waiting = setInterval(() => {}, 1000);
    new RealCredentials(log).prove('scrypt', Buffer.from('a:b'), ([{ id }]) => {
      console.log(id.split(':')[0]);
      clearInterval(waiting);
    });
  `;
  const flags = ['--conditions=source', '--import', 'tsx', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 20_000 });
  expect(stdout).toBe('a\n');
}, 30_000);
