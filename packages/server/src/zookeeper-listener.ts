import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { parseAddress } from './config-address.ts';
import type { ClientDialect, FrameStream, Logger } from './core/env.ts';
import { RareWarnings } from './core/rare-warnings.ts';
import { ListenError } from './grpc-listener.ts';
import { transportIdentities } from './transport-identities.ts';
import { type FrameFault, UnfinishedFrames, ZooKeeperStream } from './zookeeper-stream.ts';

export interface ZooKeeperListenerOptions {
  readonly frameBytesMax: number;
  /** Memory that frames which are not whole yet may take, of all connections together. */
  readonly unfinishedBytesMax: number;
  readonly connectionsMax: number;
  /** The answer to four letters that are a word and no length; undefined when they are none. */
  readonly answerWord: (word: string) => string | undefined;
  readonly log: Logger;
}

/** `silence`: not four bytes in time, or pushed out by those who came later. `full`: there are too many connections. */
export type RefusedFor = FrameFault['kind'] | 'silence' | 'TLS handshake' | 'full';

type Accept = (stream: FrameStream, dialect: ClientDialect) => void;

/**
 * The ports for clients that speak ZooKeeper's wire, plain or by TLS. The first four bytes of a connection are a word for
 * people and monitors, or the length of a frame; no word is a length that anybody may have.
 */
export class ZooKeeperListener {
  readonly #options: ZooKeeperListenerOptions;
  readonly #unfinished: UnfinishedFrames;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #warnings = new RareWarnings({ intervalMs: WARNING_MS, keysMax: WARNINGS_MAX });
  /** Those who have not said enough yet to be told apart, the one that waits longest first. */
  readonly #silent = new Set<Socket>();
  /** Connections that were ended, or not let in, before the service knew of them or for what no frame is, by the reason. */
  readonly refused: Map<RefusedFor, number> = new Map();
  #accept: Accept = (stream) => stream.close();

  constructor(options: ZooKeeperListenerOptions) {
    this.#options = options;
    this.#unfinished = new UnfinishedFrames(options.unfinishedBytesMax);
  }

  accept(handler: Accept): void {
    this.#accept = handler;
  }

  /** Answers the address with the port that was given, where the configured one was 0. Throws ListenError. */
  async listen(address: string, tls?: TlsOptions): Promise<string> {
    const server = tls === undefined ? this.#plainServer() : this.#tlsServer(tls);
    // Also those that are in the middle of a handshake.
    server.on('connection', (socket: Socket) => this.#keep(socket));
    server.on('drop', (from) => {
      const remote = `${from?.remoteAddress ?? ''}:${from?.remotePort ?? 0}`;
      this.#ended('full', remote, { connectionsMax: this.#options.connectionsMax });
    });
    server.maxConnections = this.#options.connectionsMax;
    this.#servers.push(server);
    const { host, port } = parseAddress(address) ?? { host: address, port: 0 };
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError(address, "ZooKeeper's clients", error)));
      server.listen({ host: withoutBrackets(host), port }, resolve);
    });
    server.on('error', (error) =>
      this.#options.log.error('a port for clients failed', { error: error.message }),
    );
    const bound = server.address();
    const given = typeof bound === 'object' && bound !== null ? bound.port : port;
    return `${address.slice(0, address.lastIndexOf(':'))}:${given}`;
  }

  #plainServer(): Server {
    return createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
  }

  #tlsServer(tls: TlsOptions): Server {
    // Looked at here: TLS would end the connection without a word to anybody.
    const isCertificateRequired = tls.requestCert === true && tls.rejectUnauthorized !== false;
    const options = {
      ...tls,
      rejectUnauthorized: false,
      handshakeTimeout: SILENCE_MS,
      allowHalfOpen: true,
    };
    const server = createTlsServer(options, (socket) => {
      if (socket.authorized || !isCertificateRequired) {
        this.#connected(socket);
        return;
      }
      const fault = `no certificate that is believed: ${socket.authorizationError}`;
      this.#ended('TLS handshake', remoteOf(socket), { fault });
      socket.destroy();
    });
    // Who fails the handshake is told so by TLS; the socket is gone.
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      this.#ended('TLS handshake', remoteOf(socket), { fault: error.message });
      socket.destroy();
    });
    return server;
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #connected(socket: Socket): void {
    socket.setNoDelay(true);
    const remote = remoteOf(socket);
    const stream = new ZooKeeperStream(socket, {
      remote,
      identities: transportIdentities({ peer: remote, certificate: certificateOf(socket) }),
      frameBytesMax: this.#options.frameBytesMax,
      unfinished: this.#unfinished,
      refused: ({ kind, ...facts }) => this.#ended(kind, remote, facts),
    });
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      this.#silent.delete(socket);
      stream.over(failure);
    });
    socket.on('end', () => stream.saidAll());
    socket.on('timeout', () => {
      if (this.#silent.has(socket)) this.#tooSilent(socket);
      else socket.destroy();
    });
    this.#hearFirst(socket, stream);
    this.#await(socket);
  }

  /** Its first words, for a while. However many say nothing, they leave room for others. */
  #await(socket: Socket): void {
    this.#silent.add(socket);
    socket.setTimeout(SILENCE_MS);
    if (this.#silent.size <= SILENT_MAX) return;
    const [longest] = this.#silent;
    if (longest !== undefined) this.#tooSilent(longest);
  }

  #tooSilent(socket: Socket): void {
    this.#silent.delete(socket);
    this.#ended('silence', remoteOf(socket), {});
    socket.destroy();
  }

  /** Until there are four bytes. */
  #hearFirst(socket: Socket, stream: ZooKeeperStream): void {
    let first: Buffer = Buffer.alloc(0);
    const hear = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (first.length < WORD_BYTES) return;
      socket.off('data', hear);
      this.#silent.delete(socket);
      socket.setTimeout(0);
      const answer = isWord(first)
        ? this.#options.answerWord(first.toString('latin1', 0, WORD_BYTES))
        : undefined;
      if (answer !== undefined) {
        // In one piece: some clients read once.
        socket.end(answer);
        // Who neither takes it nor hangs up is not kept.
        socket.setTimeout(SILENCE_MS);
        return;
      }
      socket.on('data', (next: Buffer) => stream.arrived(next));
      this.#accept(stream, 'zookeeper');
      stream.arrived(first);
    };
    socket.on('data', hear);
  }

  #ended(reason: RefusedFor, remote: string, facts: object): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    const line = "a connection to a port for ZooKeeper's clients is ended";
    if (this.#warnings.isDue(reason, performance.now()))
      this.#options.log.warn(line, { remote, reason, ...facts });
    else this.#options.log.debug(line, { remote, reason, ...facts });
  }
}

const WORD_BYTES = 4;
/** Who says nothing for so long after it connected is not waited for. */
const SILENCE_MS = 5000;
/** Of those, at once: a flood pushes out its own. */
const SILENT_MAX = 1000;
const WARNING_MS = 10_000;
const WARNINGS_MAX = 10;

/** Small letters: as a length, more than 1.6 * 10^9. */
function isWord(bytes: Buffer): boolean {
  return bytes.subarray(0, WORD_BYTES).every((byte) => byte >= 0x61 && byte <= 0x7a);
}

function remoteOf(socket: Socket): string {
  const { remoteAddress = '', remotePort = 0 } = socket;
  return `${remoteAddress}:${remotePort}`;
}

/** DER, of a certificate that was verified. */
function certificateOf(socket: Socket): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  return socket.getPeerCertificate().raw;
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
