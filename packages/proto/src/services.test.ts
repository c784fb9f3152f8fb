import * as grpc from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import {
  adminDefinition,
  clientService,
  decodeClientFrame,
  electService,
  encodeClientFrame,
  type FrameStream,
  followService,
  type StatusReply,
} from './index.ts';

const STATUS: StatusReply = {
  serverId: 1,
  role: 'leader',
  epoch: 3,
  zxid: 3 * 2 ** 32 + 7,
  logZxid: 3 * 2 ** 32 + 9,
  digest: '00000000000000ff',
  digestZxid: 0,
  clusterId: '',
  pid: 4711,
  leaderId: 1,
  sessions: 0,
  connections: 0,
  znodes: 5,
  version: '0.1.0',
  address: '127.0.0.1:5181',
  commitZxid: 2 ** 53 - 1,
  cpuSeconds: 0.25,
  watches: 3,
  zookeeperAddress: '127.0.0.1:5183',
  reaped: 4,
};

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

test.each([
  ['Client.Session', clientService, clientService.Session],
  ['Elect.Notify', electService, electService.Notify],
  ['Follow.Follow', followService, followService.Follow],
])('%s carries frames both ways, byte for byte', async (_name, service, stream) => {
  const bytes = encodeClientFrame({ entries: [{ kind: 'heartbeat', heartbeat: { number: 7 } }] });
  const echo: grpc.handleBidiStreamingCall<Uint8Array, Uint8Array> = (call) => {
    call.on('data', (frame: Uint8Array) => call.write(frame));
    call.on('end', () => call.end());
  };
  const client = await connect(service, { [stream.originalName ?? '']: echo });
  const call = client.makeBidiStreamRequest(stream.path, stream.requestSerialize, stream.responseDeserialize);
  call.end(bytes);
  const frames: Uint8Array[] = [];
  for await (const frame of call) frames.push(frame as Uint8Array);
  expect(frames.map((frame) => decodeClientFrame(frame))).toStrictEqual([decodeClientFrame(bytes)]);
});

test('Admin.Status answers with plain numbers', async () => {
  const { Status } = adminDefinition();
  const answer: grpc.handleUnaryCall<unknown, StatusReply> = (_call, reply) => reply(null, STATUS);
  const client = await connect({ Status }, { Status: answer });
  const status = await new Promise<unknown>((resolve, reject) => {
    client.makeUnaryRequest(
      Status.path,
      Status.requestSerialize,
      Status.responseDeserialize,
      {},
      (error, reply) => (error === null ? resolve(reply) : reject(error)),
    );
  });
  expect(status).toEqual(STATUS);
});

test('the Admin service is built once', () => {
  expect(adminDefinition()).toBe(adminDefinition());
});

test('the paths are those of the protos', () => {
  const paths = [clientService.Session, electService.Notify, followService.Follow].map(
    ({ path }: FrameStream) => path,
  );
  expect(paths).toStrictEqual([
    '/zabra.v1.Client/Session',
    '/zabra.v1.Elect/Notify',
    '/zabra.v1.Follow/Follow',
  ]);
  expect(adminDefinition().Status.path).toBe('/zabra.v1.Admin/Status');
});

async function connect(
  service: grpc.ServiceDefinition,
  handlers: grpc.UntypedServiceImplementation,
): Promise<grpc.Client> {
  const server = new grpc.Server();
  server.addService(service, handlers);
  open.push(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  open.push(() => client.close());
  return client;
}
