import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';

/** A port that leads to a server, until what the server says is no longer taken: then it is as with a client that hangs. */
export class DeafLink implements Disposable {
  readonly #listener: Server;
  readonly #sockets: { readonly near: Socket; readonly far: Socket }[] = [];

  private constructor(listener: Server) {
    this.#listener = listener;
  }

  static async to(address: string): Promise<DeafLink> {
    const [host = '', port = ''] = address.split(':');
    const listener = createServer();
    const link = new DeafLink(listener);
    listener.on('connection', (near) => {
      const far = connectTcp(Number(port), host);
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.pipe(far);
      far.pipe(near);
      link.#sockets.push({ near, far });
    });
    await new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  get address(): string {
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('the link listens on a port');
    return `127.0.0.1:${address.port}`;
  }

  /** Nothing that the server says is taken from here on; what is said to it still comes. */
  deafen(): void {
    for (const { near, far } of this.#sockets) {
      far.unpipe(near);
      far.pause();
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const { near, far } of this.#sockets) {
      near.destroy();
      far.destroy();
    }
  }
}
