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
  /** Connections that were ended for what they sent, by what was wrong. */
  readonly refused: Map<FrameFault['kind'] | 'silence', number> = new Map();
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
    const onSocket = (socket: Socket): void => this.#connected(socket);
    const server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
    // Who fails the handshake is told so by TLS; the socket is gone.
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      this.#options.log.debug('a TLS handshake failed', { remote: remoteOf(socket), reason: error.message });
      socket.destroy();
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

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS, () => this.#silent(socket));
    const remote = remoteOf(socket);
    const stream = new ZooKeeperStream(socket, {
      remote,
      identities: transportIdentities({ peer: remote, certificate: certificateOf(socket) }),
      frameBytesMax: this.#options.frameBytesMax,
      unfinished: this.#unfinished,
      refused: (fault) => this.#refused(remote, fault),
    });
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      stream.over(failure);
    });
    // The other side has said all it will say: so has this one.
    socket.on('end', () => stream.over(undefined));
    this.#hearFirst(socket, stream);
  }

  /** Until there are four bytes. */
  #hearFirst(socket: Socket, stream: ZooKeeperStream): void {
    let first: Buffer = Buffer.alloc(0);
    const hear = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (first.length < WORD_BYTES) return;
      socket.off('data', hear);
      socket.setTimeout(0);
      const answer = isWord(first)
        ? this.#options.answerWord(first.toString('latin1', 0, WORD_BYTES))
        : undefined;
      if (answer !== undefined) {
        // In one piece: some clients read once.
        socket.end(answer);
        return;
      }
      socket.on('data', (next: Buffer) => stream.arrived(next));
      this.#accept(stream, 'zookeeper');
      stream.arrived(first);
    };
    socket.on('data', hear);
  }

  #silent(socket: Socket): void {
    this.#count('silence');
    socket.destroy();
  }

  #refused(remote: string, fault: FrameFault): void {
    this.#count(fault.kind);
    const { kind, ...facts } = fault;
    if (this.#warnings.isDue(kind, performance.now()))
      this.#options.log.warn("a connection of ZooKeeper's wire is ended for its frame", {
        remote,
        fault: kind,
        ...facts,
      });
  }

  #count(kind: FrameFault['kind'] | 'silence'): void {
    this.refused.set(kind, (this.refused.get(kind) ?? 0) + 1);
  }
}

const WORD_BYTES = 4;
/** Who says nothing for so long after it connected is not waited for. */
const SILENCE_MS = 5000;
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
