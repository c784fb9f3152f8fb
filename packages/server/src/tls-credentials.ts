import { readFile } from 'node:fs/promises';
import type { TlsOptions } from 'node:tls';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { assert } from '@zabra/model';
import type { ClientTlsFiles, TlsFiles } from './server-config.ts';

/** Between peers: with TLS they show certificates to each other, both ways. */
export async function peerCredentials(
  tls: TlsFiles | undefined,
): Promise<{ readonly dial: ChannelCredentials; readonly listen: ServerCredentials }> {
  if (tls === undefined) {
    return { dial: ChannelCredentials.createInsecure(), listen: ServerCredentials.createInsecure() };
  }
  const [ca, cert, key] = await Promise.all([readFile(tls.ca), readFile(tls.cert), readFile(tls.key)]);
  return {
    dial: ChannelCredentials.createSsl(ca, key, cert),
    listen: ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true),
  };
}

/** Of the clients' port. A client is asked for a certificate when it is known who signs them. */
export async function clientCredentials(tls: ClientTlsFiles | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const [cert, key] = await Promise.all([readFile(tls.cert), readFile(tls.key)]);
  const own = [{ private_key: key, cert_chain: cert }];
  if (tls.ca === undefined) return ServerCredentials.createSsl(null, own, false);
  const ca = await readFile(tls.ca);
  if (tls.requireClientCertificate) return ServerCredentials.createSsl(ca, own, true);
  return new CertificateWelcome({ ca, cert, key });
}

/** Asks for a certificate and serves without one too: `createSsl` knows only to demand it or not to ask. */
class CertificateWelcome extends ServerCredentials {
  constructor(context: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }) {
    // Whoever shows one of another authority is served as having none: gRPC names only one that was verified.
    super({ requestCert: true, rejectUnauthorized: false }, context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** Of a port that speaks ZooKeeper's wire by TLS: the same files, and the same certificates, as of the clients' port. */
export async function zookeeperTls(tls: ClientTlsFiles | undefined): Promise<TlsOptions> {
  assert(tls !== undefined, 'a port by TLS has a certificate to show');
  const [cert, key] = await Promise.all([readFile(tls.cert), readFile(tls.key)]);
  if (tls.ca === undefined) return { cert, key };
  const ca = await readFile(tls.ca);
  // Whoever shows one of another authority is served as having none, unless one is required.
  return { cert, key, ca, requestCert: true, rejectUnauthorized: tls.requireClientCertificate };
}
