import { Client, credentials } from '@grpc/grpc-js';
import { adminDefinition, type StatusReply } from '@zabra/proto';

/** What a server says of itself; fields as in protos/zabra/v1/admin.proto. */
export type ServerStatus = StatusReply;

/** Asks the server at `address` (host:port). Rejects when it does not answer in time. */
export async function fetchStatus(address: string, timeoutMs: number): Promise<ServerStatus> {
  const { Status } = adminDefinition();
  const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_retries': 0 });
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
