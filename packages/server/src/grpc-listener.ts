import { Server, type ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Identity } from '@zabra/model';
import {
  type AdminService,
  adminDefinition,
  clientService,
  electService,
  followService,
  type StatusReply,
} from '@zabra/proto';
import type { ClientNetwork, FrameStream, PeerService } from './core/env.ts';
import { GrpcStream } from './grpc-stream.ts';
import { transportIdentities } from './transport-identities.ts';

/** The port is taken, or this host has no such address: the server can't start there. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly address: string;

  constructor(address: string, what: string, cause: unknown) {
    super(
      `cannot listen on ${address} for ${what}: ${reasonOf(cause)}; end what uses the port, or configure another one`,
    );
    this.address = address;
    this.cause = cause;
  }
}

type Call = ServerDuplexStream<Uint8Array, Uint8Array>;
type Accept = (stream: FrameStream) => void;
type AcceptPeer = (stream: FrameStream, service: PeerService) => void;

/** The port for clients: their session streams, and the Admin service. Takes streams once `accept` was called. */
export class ClientListener implements ClientNetwork {
  readonly #server: Server;
  #accept: Accept | undefined;

  constructor(frameBytesMax: number, statusOf: () => StatusReply) {
    this.#server = new Server({
      // A frame that is somewhat too large is refused by the core, by name; gRPC ends the stream of one far beyond.
      'grpc.max_receive_message_length': 2 * frameBytesMax,
      'grpc.max_send_message_length': -1,
    });
    this.#server.addService(clientService, {
      Session: (call: Call) => {
        if (this.#accept === undefined) refuse(call);
        else this.#accept(clientStream(call));
      },
    });
    this.#server.addService(adminDefinition() as AdminService & Record<string, never>, {
      Status: (_call: unknown, answer: (error: null, reply: StatusReply) => void) => answer(null, statusOf()),
    });
  }

  accept(handler: Accept): void {
    this.#accept = handler;
  }

  listen(address: string, credentials: ServerCredentials): Promise<string> {
    return listen(this.#server, address, credentials, 'clients');
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** The port for peers. Takes streams once `accept` was called. */
export class PeerListener {
  readonly #server: Server;
  #accept: AcceptPeer | undefined;

  constructor(frameBytesMax: number) {
    this.#server = new Server({
      'grpc.max_receive_message_length': frameBytesMax,
      'grpc.max_send_message_length': -1,
    });
    const take = (call: Call, service: PeerService): void => {
      if (this.#accept === undefined) refuse(call);
      else this.#accept(serverStream(call), service);
    };
    this.#server.addService(electService, { Notify: (call: Call) => take(call, 'elect') });
    this.#server.addService(followService, { Follow: (call: Call) => take(call, 'follow') });
  }

  accept(handler: AcceptPeer): void {
    this.#accept = handler;
  }

  listen(address: string, credentials: ServerCredentials): Promise<string> {
    return listen(this.#server, address, credentials, 'peers');
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** At once: who may go to another server shall not wait for this one, and who waits for it shall hear when it is there. */
function refuse(call: Call): void {
  const details = 'this server still reads its data directory; try another server, or again';
  call.emit('error', { code: status.UNAVAILABLE, details });
}

function serverStream(call: Call): FrameStream {
  return new GrpcStream(call, otherSideOf(call), () => {
    call.end();
    // Who does not read what was said to it doesn't have it kept here for ever.
    setTimeout(() => call.destroy(), LINGER_MS).unref();
  });
}

function otherSideOf(call: Call): {
  readonly remote: string;
  readonly identities: readonly Identity[];
} {
  const remote = call.getPeer();
  // gRPC names the certificate only when it was verified against the configured authority.
  const certificate = call.getAuthContext().sslPeerCertificate?.raw;
  return { remote, identities: transportIdentities({ peer: remote, certificate }) };
}

/**
 * A stream that ends here while the client still sends fails there, and with it goes what was said last: a goodbye. So the
 * client, having heard it, hangs up; what else it sends is dropped. Who doesn't is hung up on.
 */
function clientStream(call: Call): FrameStream {
  return new GrpcStream(call, otherSideOf(call), () => {
    const end = (): void => {
      if (!call.writableEnded) call.end();
    };
    setTimeout(() => call.destroy(), LINGER_MS).unref();
    if (call.readableEnded || call.cancelled) {
      end();
      return;
    }
    call.once('end', end);
    call.once('cancelled', end);
    setTimeout(end, GOODBYE_MS).unref();
    call.resume();
  });
}

/** How long a client may take to hang up. */
const GOODBYE_MS = 1000;
/** How long the last words on a stream may wait for the other side to read them. */
const LINGER_MS = 2000;

/** Answers the address with the port that was given, where the configured one was 0. */
async function listen(
  server: Server,
  address: string,
  credentials: ServerCredentials,
  what: string,
): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new ListenError(address, what, error));
    });
  });
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.includes('EADDRINUSE') ? 'the port is in use' : text;
}
