import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { clientService, decodeClientFrame, encodeServerFrame, type ServerEntry } from '@zabra/proto';
import { afterEach, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { attached, created, goodbye } from './core/fake-network.test-support.ts';
import { grpcEnv } from './grpc-env.ts';

type Stream = ServerDuplexStream<Uint8Array, Uint8Array>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

/** A server whose streams `serve` owns; its port. */
async function startServer(serve: (stream: Stream) => void): Promise<number> {
  const server = new Server();
  servers.push(server);
  server.addService(clientService, { Session: serve });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      error === null ? resolve(port) : reject(error);
    });
  });
}

function say(stream: Stream, ...entries: ServerEntry[]): void {
  stream.write(encodeServerFrame({ entries }));
}

/** Answers what a client does in these tests. */
function answer(stream: Stream, entry: { kind: string }, xid: number): void {
  const answers: Record<string, () => void> = {
    attach: () => say(stream, attached({ sessionId: 7, timeoutMs: 6_000, zxid: 1 })),
    request: () => say(stream, created(xid, '/a')),
    close: () => {
      say(stream, goodbye('OK'));
      stream.end();
    },
  };
  answers[entry.kind]?.();
}

test('a client connects, writes and closes over gRPC', async () => {
  let xid = 0;
  const port = await startServer((stream) => {
    stream.on('data', (frame: Uint8Array) => {
      for (const entry of decodeClientFrame(frame).entries)
        answer(stream, entry, entry.kind === 'request' ? ++xid : 0);
    });
    stream.on('error', () => undefined);
  });
  const zk = await connect(`zabra://127.0.0.1:${port}`);
  expect((await zk.create('/a')).path).toBe('/a');
  await zk.close();
  expect(zk.state).toBe('closed');
});

test('frames that a server sent before it ended the stream arrive before its end', async () => {
  const port = await startServer((stream) => {
    for (let n = 1; n <= 100; n++) say(stream, goodbye('LIMIT', String(n)));
    stream.end();
  });
  const channel = grpcEnv(undefined).dial(`127.0.0.1:${port}`);
  const seen = await new Promise<{ frames: number; error: Error | undefined }>((resolve) => {
    let frames = 0;
    channel.receive({
      frame: () => {
        frames++;
      },
      closed: (error) => resolve({ frames, error }),
    });
  });
  expect(seen).toEqual({ frames: 100, error: undefined });
});

test('a server that cannot be reached ends the channel with its cause', async () => {
  const channel = grpcEnv(undefined).dial('127.0.0.1:1');
  const error = await new Promise<Error | undefined>((resolve) => {
    channel.receive({ frame: () => undefined, closed: resolve });
  });
  expect(error?.message).toContain('UNAVAILABLE');
});

test('connect names an unreachable server and why', async () => {
  const call = connect({ servers: '127.0.0.1:1', connectTimeoutMs: 300 });
  await expect(call).rejects.toMatchObject({ code: 'UNREACHABLE' });
  await expect(call).rejects.toThrow(/127\.0\.0\.1:1 \(.*ECONNREFUSED/);
});

test('the work of one turn is done together after it', async () => {
  const env = grpcEnv(undefined);
  const order: string[] = [];
  env.atTurnEnd(() => order.push('first'));
  grpcEnv(undefined).atTurnEnd(() => order.push('second'));
  order.push('turn');
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['turn', 'first', 'second']);
});
