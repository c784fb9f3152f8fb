import { Client, credentials } from '@grpc/grpc-js';
import { adminDefinition, type StatusReply } from '@zabra/proto';

/** What a server says of itself; fields as in protos/zabra/v1/admin.proto. */
export type ServerStatus = StatusReply;

/** PEM of who asks and whom to believe, for servers whose clients' port speaks TLS. */
export interface StatusTls {
  /** Signs the servers' certificates; absent: those that the system believes. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Asks the server at `address` (host:port). Rejects when it does not answer in time. Without `tls`: plain text. */
export async function fetchStatus(
  address: string,
  timeoutMs: number,
  tls?: StatusTls,
): Promise<ServerStatus> {
  const { Status } = adminDefinition();
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  const client = new Client(address, channel, { 'grpc.enable_retries': 0 });
  try {
    return await new Promise<ServerStatus>((resolve, reject) => {
      client.makeUnaryRequest(
        Status.path,
        Status.requestSerialize,
        Status.responseDeserialize,
        {},
        { deadline: Date.now() + timeoutMs },
        (error, reply) => {
          if (reply !== undefined) resolve(reply);
          else reject(error ?? new Error('no reply'));
        },
      );
    });
  } finally {
    client.close();
  }
}
