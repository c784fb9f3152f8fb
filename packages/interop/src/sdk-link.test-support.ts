import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ZooKeeper } from '@zabra/client';

/**
 * A TCP link to one server. Cut, it is silent both ways and nobody is told; mute, what is said still arrives and what
 * is answered is lost; healed, the connections from before are reset.
 */
export class Link implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #isMute = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#join(socket));
  }

  /** `target`: `host:port` on loopback. */
  static open(target: string): Promise<Link> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      const link = new Link(server, Number(target.split(':').at(-1)));
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(link));
    });
  }

  /** Dial this. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is not open');
    return `127.0.0.1:${address.port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mute(): void {
    this.#isMute = true;
  }

  heal(): void {
    this.#isCut = false;
    this.#isMute = false;
    this.#resetAll();
  }

  /** The connections of now end; new ones go through. */
  reset(): void {
    this.#resetAll();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#resetAll();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #resetAll(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #join(near: Socket): void {
    this.#keep(near);
    if (this.#isCut) {
      near.pause();
      return;
    }
    const far = connect(this.#target, '127.0.0.1');
    this.#keep(far);
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => {
      if (!this.#isMute) near.write(chunk);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => {
      if (!this.#isCut && !this.#isMute) near.destroy();
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

const PATIENCE_MS = 60_000;

/** Looks until there is something to see; rejects, naming it, when that takes too long. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resets the client's connection; resolves once it has noticed. It may be connected again by then. */
export async function loseConnection(link: Link, { session }: ZooKeeper): Promise<void> {
  const noticed = new Promise<void>((resolve) => {
    session.on('suspended', () => resolve());
  });
  link.reset();
  await noticed;
}
