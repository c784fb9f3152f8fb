import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP link that can be cut: what dials `port` reaches `target` while the link is whole. Cut, it is silent: bytes are
 * neither passed on nor refused, and nobody is told, as when a cable is pulled. Healed, the streams from before are reset.
 */
export class LinkProxy {
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

  static open(port: number, target: number): Promise<LinkProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      const proxy = new LinkProxy(server, target);
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve(proxy));
    });
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What is said still reaches the target; what it answers is lost. */
  mute(): void {
    this.#isMute = true;
  }

  heal(): void {
    this.#isCut = false;
    this.#isMute = false;
    this.#resetAll();
  }

  close(): Promise<void> {
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
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (this.#isMute && from === far) return;
        if (!to.destroyed && !to.write(chunk)) {
          from.pause();
          to.once('drain', () => {
            if (!this.#isCut) from.resume();
          });
        }
      });
      from.on('close', () => {
        this.#sockets.delete(from);
        // A cut link doesn't tell that one side is gone.
        if (!this.#isCut) to.destroy();
      });
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
  }
}
