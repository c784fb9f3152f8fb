import { createServer, type Server, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { FrameReader, tcpEnv } from './tcp-env.ts';

function framed(...bodies: readonly number[][]): Uint8Array {
  const frames = bodies.map((body) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, Uint8Array.from(body)]);
  });
  return new Uint8Array(Buffer.concat(frames));
}

test('frames are found wherever the stream is cut', () => {
  const bodies = [[1, 2, 3], [], [4], Array.from({ length: 300 }, (_, index) => index % 256), [5, 6]];
  const stream = framed(...bodies);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new FrameReader();
    const seen: number[][] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.read(stream.subarray(at, at + size), (frame) => seen.push([...frame]));
    }
    expect(seen).toEqual(bodies);
  }
});

test.each([{ length: -1 }, { length: 0x7fff_ffff }])('a length of $length is of no frame', ({ length }) => {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(length);
  expect(() => new FrameReader().read(bytes, () => undefined)).toThrow(RangeError);
});

test('what is sent arrives in order, what comes is cut into frames, and the end is told once', async () => {
  const heard: Buffer[] = [];
  const { server, port, accepted } = await listening();
  const channel = tcpEnv(undefined).dial(`127.0.0.1:${port}`);
  const frames: number[][] = [];
  const ended = new Promise<Error | undefined>((resolve) => {
    channel.receive({ frame: (frame) => void frames.push([...frame]), closed: resolve });
  });
  channel.send(Uint8Array.of(1, 2));
  channel.send(Uint8Array.of(3));
  const socket = await accepted;
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      heard.push(chunk);
      if (Buffer.concat(heard).length === 3) resolve();
    });
  });
  expect([...Buffer.concat(heard)]).toEqual([1, 2, 3]);
  socket.end(framed([7], [8, 9]));
  expect(await ended).toBeUndefined();
  expect(frames).toEqual([[7], [8, 9]]);
  await new Promise((resolve) => server.close(resolve));
});

test('that nobody listens shows as the end', async () => {
  const { server, port } = await listening();
  await new Promise((resolve) => server.close(resolve));
  const channel = tcpEnv(undefined).dial(`127.0.0.1:${port}`);
  const end = await new Promise<Error | undefined>((resolve) => {
    channel.receive({ frame: () => undefined, closed: resolve });
  });
  expect(end?.message).toContain('ECONNREFUSED');
});

async function listening(): Promise<{ server: Server; port: number; accepted: Promise<Socket> }> {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port, accepted };
}
