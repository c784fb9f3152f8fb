import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  Client as GrpcClient,
  status,
} from '@grpc/grpc-js';
import { clientService } from '@zabra/proto';
import type { TlsOptions } from './core/connect-options.ts';
import type { ClientChannel, ClientEnv } from './core/env.ts';
import { nodeClocks } from './node-clocks.ts';

/** A list of children may be long; beyond this a server is not believed. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** The real world: gRPC and Node's clocks. `tls` undefined: plain text. */
export function grpcEnv(tls: TlsOptions | undefined): ClientEnv {
  const channelCredentials = tls === undefined ? credentials.createInsecure() : tlsCredentials(tls);
  return {
    ...nodeClocks,
    dial: (address) => new GrpcChannel(address, channelCredentials, tls?.servername),
  };
}

class GrpcChannel implements ClientChannel {
  readonly #client: GrpcClient;
  readonly #stream: ClientDuplexStream<Uint8Array, Uint8Array>;
  #closed = false;

  constructor(address: string, channelCredentials: ChannelCredentials, servername: string | undefined) {
    this.#client = new GrpcClient(`dns:${address}`, channelCredentials, {
      // A connection of its own, so that its end is the end of the stream and names are resolved at each dial.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': FRAME_BYTES_MAX,
      'grpc.max_send_message_length': FRAME_BYTES_MAX,
      ...(servername === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': servername, 'grpc.default_authority': servername }),
    });
    const { path, requestSerialize, responseDeserialize } = clientService.Session;
    this.#stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  send(frame: Uint8Array): void {
    if (!this.#closed) this.#stream.write(frame);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.cancel();
    this.#client.close();
  }

  receive(handlers: { frame(frame: Uint8Array): void; closed(error: Error | undefined): void }): void {
    let failure: Error | undefined;
    let isOver = false;
    let isRead = false;
    // The status may overtake frames that wait to be read, a goodbye among them.
    const maybeTell = () => {
      if (this.#closed || !isOver || !isRead) return;
      this.#closed = true;
      this.#client.close();
      handlers.closed(failure);
    };
    this.#stream.on('data', (frame: Uint8Array) => {
      if (!this.#closed) handlers.frame(frame);
    });
    this.#stream.on('end', () => {
      isRead = true;
      maybeTell();
    });
    this.#stream.on('status', ({ code, details }) => {
      if (code !== status.OK) failure = new Error(`${status[code]}: ${details}`);
      isOver = true;
      maybeTell();
    });
    // What it says, `status` says too; unheard it would end the process.
    this.#stream.on('error', () => undefined);
  }
}

function tlsCredentials({ ca, cert, key, rejectUnauthorized }: TlsOptions): ChannelCredentials {
  const verify = rejectUnauthorized === undefined ? {} : { rejectUnauthorized };
  return credentials.createSsl(asBuffer(ca), asBuffer(key), asBuffer(cert), verify);
}

function asBuffer(value: string | Uint8Array | undefined): Buffer | null {
  if (value === undefined) return null;
  return typeof value === 'string'
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
