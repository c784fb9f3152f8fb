import { JuteError } from './jute-error.ts';
import { JuteReader } from './reader.ts';
import type { JuteWriter } from './writer.ts';

/** The first frame of a client. It has no header. */
export interface ConnectRequest {
  /** 0; servers answer any. */
  readonly protocolVersion: number;
  /** Of the replies that the client has seen. */
  readonly lastZxidSeen: number;
  readonly timeoutMs: number;
  /** 0: a new session. */
  readonly sessionId: number | bigint;
  /** 16 bytes; empty or zeros for a new session. */
  readonly password: Uint8Array;
  /** undefined: the client does not know of read-only servers, and does not want the flag in the answer. */
  readonly readOnly: boolean | undefined;
}

/** The first frame of a server. Timeout and session 0: there is no such session (any more). */
export interface ConnectResponse {
  readonly protocolVersion: number;
  readonly timeoutMs: number;
  readonly sessionId: number | bigint;
  readonly password: Uint8Array;
  /** Only told to those who said it. */
  readonly readOnly: boolean | undefined;
}

export type ReadConnectRequest = ConnectRequest & { readonly sessionId: bigint };
export type ReadConnectResponse = ConnectResponse & { readonly sessionId: bigint };

/** Throws JuteError. */
export function decodeConnectRequest(frame: Uint8Array): ReadConnectRequest {
  const reader = new JuteReader(frame);
  return {
    protocolVersion: reader.int('ConnectRequest.protocolVersion'),
    lastZxidSeen: reader.long('ConnectRequest.lastZxidSeen'),
    timeoutMs: reader.int('ConnectRequest.timeOut'),
    sessionId: reader.wideLong('ConnectRequest.sessionId'),
    password: reader.buffer('ConnectRequest.passwd') ?? NO_BYTES,
    // Not judged by the size of the frame: passwords may be left out.
    readOnly: reader.rest > 0 ? reader.bool('ConnectRequest.readOnly') : undefined,
  };
}

export function writeConnectRequest(writer: JuteWriter, request: ConnectRequest): void {
  writer.beginFrame();
  writer.int(request.protocolVersion);
  writer.long(request.lastZxidSeen);
  writer.int(request.timeoutMs);
  writer.long(request.sessionId);
  writer.buffer(request.password);
  if (request.readOnly !== undefined) writer.bool(request.readOnly);
  writer.endFrame();
}

/** Throws JuteError. */
export function decodeConnectResponse(frame: Uint8Array): ReadConnectResponse {
  const reader = new JuteReader(frame);
  const protocolVersion = reader.int('ConnectResponse.protocolVersion');
  const timeoutMs = reader.int('ConnectResponse.timeOut');
  const sessionId = reader.wideLong('ConnectResponse.sessionId');
  const password = reader.buffer('ConnectResponse.passwd');
  if (password === undefined) throw new JuteError('MALFORMED', 'ConnectResponse.passwd is missing');
  const readOnly = reader.rest > 0 ? reader.bool('ConnectResponse.readOnly') : undefined;
  return { protocolVersion, timeoutMs, sessionId, password, readOnly };
}

/** The password must have 16 bytes: the C client reads this frame at fixed offsets. */
export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse): void {
  writer.beginFrame();
  writer.int(response.protocolVersion);
  writer.int(response.timeoutMs);
  writer.long(response.sessionId);
  writer.buffer(response.password);
  if (response.readOnly !== undefined) writer.bool(response.readOnly);
  writer.endFrame();
}

const NO_BYTES = new Uint8Array(0);
