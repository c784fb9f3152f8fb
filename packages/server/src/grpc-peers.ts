import { type ChannelCredentials, Client } from '@grpc/grpc-js';
import { electService, followService } from '@zabra/proto';
import type { FrameStream, PeerNetwork, PeerService } from './core/env.ts';
import type { PeerListener } from './grpc-listener.ts';
import { GrpcStream } from './grpc-stream.ts';

/** Bytes on their way to a learner: bulk data flows from gRPC server to gRPC client, which alone may widen its window. */
const WINDOW_BYTES = 4 * 2 ** 20;

export interface GrpcPeersOptions {
  readonly frameBytesMax: number;
  /**
   * An election stream whose other side says nothing at all this long, not even that it is there, is asked; and ended after
   * the same time again. Notes are rare: without this, a stream to a server that lost power would seem whole for minutes.
   */
  readonly silenceMs: number;
}

/** The streams between servers over gRPC: a channel of its own for each stream dialled, closed with it. */
export class GrpcPeers implements PeerNetwork {
  readonly #addresses: ReadonlyMap<number, string>;
  readonly #credentials: ChannelCredentials;
  readonly #listener: PeerListener;
  readonly #options: GrpcPeersOptions;

  constructor(
    addresses: ReadonlyMap<number, string>,
    credentials: ChannelCredentials,
    listener: PeerListener,
    options: GrpcPeersOptions,
  ) {
    this.#addresses = addresses;
    this.#credentials = credentials;
    this.#listener = listener;
    this.#options = options;
  }

  accept(handler: (stream: FrameStream, service: PeerService) => void): void {
    this.#listener.accept(handler);
  }

  dial(peer: number, service: PeerService): FrameStream {
    const { frameBytesMax, silenceMs } = this.#options;
    const address = this.#addresses.get(peer) ?? '';
    const client = new Client(address, this.#credentials, {
      // A subchannel shared with a former stream would make this one wait out that one's back-off.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.max_receive_message_length': frameBytesMax,
      'grpc.max_send_message_length': -1,
      'grpc-node.flow_control_window': WINDOW_BYTES,
      // A learner's stream has pings of its own, and bulk data that gRPC's would wait behind.
      ...(service === 'elect' && {
        'grpc.keepalive_time_ms': silenceMs,
        'grpc.keepalive_timeout_ms': silenceMs,
      }),
    });
    const method = service === 'elect' ? electService.Notify : followService.Follow;
    const call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    );
    return new GrpcStream(call, { remote: `server ${peer} at ${address}`, identities: [] }, () => {
      call.cancel();
      client.close();
    });
  }
}
