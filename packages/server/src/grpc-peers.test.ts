import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { PeerListener } from './grpc-listener.ts';
import { GrpcPeers } from './grpc-peers.ts';

const SILENCE_MS = 200;

/** A wire to `target` that can fall silent, as when the other side loses power: nothing arrives, nothing is refused. */
class Wire implements Disposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      near.pipe(far).pipe(near);
      this.#sockets.push(near, far);
      for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  fallSilent(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

test('an election stream to a server that lost power is lost after two silences', async () => {
  const frameBytesMax = 1024;
  const listener = new PeerListener(frameBytesMax);
  const address = await listener.listen('127.0.0.1:0', ServerCredentials.createInsecure());
  using wire = new Wire(Number(address.split(':')[1]));
  const addresses = new Map([[2, `127.0.0.1:${await wire.listen()}`]]);
  const peers = new GrpcPeers(addresses, ChannelCredentials.createInsecure(), listener, {
    frameBytesMax,
    silenceMs: SILENCE_MS,
  });
  peers.accept((accepted) => accepted.receive({ frame: (frame) => accepted.send(frame), closed: () => {} }));
  const stream = peers.dial(2, 'elect');
  let hear = (): void => {};
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const lost = new Promise<Error | undefined>((resolve) => {
    stream.receive({ frame: () => hear(), closed: resolve });
  });
  stream.send(Uint8Array.of(1));
  await heard;
  wire.fallSilent();
  const silentSinceMs = performance.now();
  expect(await lost).toBeInstanceOf(Error);
  expect(performance.now() - silentSinceMs).toBeLessThan(10 * SILENCE_MS);
  listener.close();
});
