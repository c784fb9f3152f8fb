import { createRequire } from 'node:module';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { StatusReply, StatusRequest } from './gen/admin.ts';
import { ADMIN_DESCRIPTOR } from './gen/admin-descriptor.ts';

/**
 * Streams of whole frames as bytes: who reads one knows which codec it takes, and decodes it at its own pace
 * (a frame that is no message must not kill the stream inside gRPC, where nobody could name it).
 */
export type FrameStream = MethodDefinition<Uint8Array, Uint8Array>;

/** Client frames up, server frames down; see protos/zabra/v1/client.proto. */
export const clientService: { readonly Session: FrameStream } = {
  Session: frameStream('/zabra.v1.Client/Session', 'session'),
};

/** Elect frames in both directions; see protos/zabra/v1/peer.proto. */
export const electService: { readonly Notify: FrameStream } = {
  Notify: frameStream('/zabra.v1.Elect/Notify', 'notify'),
};

/** Learner frames up, leader frames down; see protos/zabra/v1/peer.proto. */
export const followService: { readonly Follow: FrameStream } = {
  Follow: frameStream('/zabra.v1.Follow/Follow', 'follow'),
};

/** Unary calls of operators, served by proto-loader: not hot, and a plain object at both ends. */
export interface AdminService {
  readonly Status: MethodDefinition<StatusRequest, StatusReply>;
}

/** The Admin service. proto-loader is loaded and run at the first call; the answer is kept. */
export function adminDefinition(): AdminService {
  admin ??= loadAdmin();
  return admin;
}

let admin: AdminService | undefined;

function loadAdmin(): AdminService {
  // Not imported above: whoever only wants the codecs shall not load proto-loader and a second protobufjs.
  const require = createRequire(import.meta.url);
  const { fromJSON } = require('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
  const loaded = fromJSON(ADMIN_DESCRIPTOR, { longs: Number, defaults: true });
  return loaded['zabra.v1.Admin'] as unknown as AdminService;
}

function frameStream(path: string, originalName: string): FrameStream {
  return {
    path,
    originalName,
    requestStream: true,
    responseStream: true,
    requestSerialize: asBuffer,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: asBuffer,
    responseDeserialize: (bytes) => bytes,
  };
}

/** gRPC calls methods of Buffer on what it sends. A view, not a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
