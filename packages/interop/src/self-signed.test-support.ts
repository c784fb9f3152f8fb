import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

/** A certificate that signs itself, and its key: as text, and as files that go when the test has finished. */
export interface SelfSigned {
  readonly pem: string;
  readonly key: string;
  readonly pemFile: string;
  readonly keyFile: string;
  /** Certificate and key in one file, as ZooKeeper has them. */
  readonly storeFile: string;
}

/** One of `CN=name` at 127.0.0.1, for either side of a connection. */
export async function selfSigned(name: string): Promise<SelfSigned> {
  const directory = await mkdtemp(join(tmpdir(), `self-signed-${name}-`));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const pemFile = join(directory, 'certificate.pem');
  const keyFile = join(directory, 'key.pem');
  const storeFile = join(directory, 'store.pem');
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-out', pemFile, '-keyout', keyFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, ...out]);
  const [pem, key] = await Promise.all([readFile(pemFile, 'utf8'), readFile(keyFile, 'utf8')]);
  await writeFile(storeFile, pem + key);
  return { pem, key, pemFile, keyFile, storeFile };
}
