import type { Identity } from '@zabra/model';
import { subjectOf } from './distinguished-name.ts';

/** What a gRPC call says of its other side. */
export interface TransportPeer {
  /** `address:port`, as the socket names it: an IPv6 address stands without brackets. */
  readonly peer: string;
  /** DER of the certificate that was shown; given only when it was verified. */
  readonly certificate: Uint8Array | undefined;
}

/** Whom the transport shows the other side to be: its address (`ip`), and the subject of its certificate (`x509`). */
export function transportIdentities({ peer, certificate }: TransportPeer): readonly Identity[] {
  const identities: Identity[] = [];
  const address = addressOf(peer);
  if (address !== undefined) identities.push({ scheme: 'ip', id: address });
  const subject = certificate === undefined ? undefined : subjectOf(certificate);
  if (subject !== undefined) identities.push({ scheme: 'x509', id: subject });
  return identities;
}

/** Without port, brackets and zone; an IPv4 address that came by IPv6 as itself. */
function addressOf(peer: string): string | undefined {
  const match = /^\[?([0-9A-Fa-f:.]+?)(?:%[^\]:]*)?\]?:\d+$/.exec(peer);
  const address = match?.[1]?.toLowerCase();
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '');
}
