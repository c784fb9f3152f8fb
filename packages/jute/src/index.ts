export {
  type ConnectRequest,
  type ConnectResponse,
  decodeConnectRequest,
  decodeConnectResponse,
  type ReadConnectRequest,
  type ReadConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
} from './connect.ts';
export { JuteError, type JuteErrorCode } from './jute-error.ts';
export {
  ADD_WATCH_MODE,
  CREATE_FLAGS,
  EVENT_TYPE,
  OPCODE,
  STATE_CONNECTED,
  WATCHER_TYPE,
  XID,
} from './opcode.ts';
export { JuteReader } from './reader.ts';
export {
  type JuteStat,
  type ReadStat,
  readAcl,
  readIdentity,
  readStat,
  readText,
  STAT_BYTES,
  writeAcl,
  writeIdentity,
  writeStat,
  writeText,
} from './records.ts';
export {
  type EventType,
  type MultiResult,
  type Notification,
  type ReplyBody,
  type ReplyHeader,
  readNotification,
  readReplyBody,
  readReplyHeader,
  writeNotification,
  writeReply,
} from './reply.ts';
export {
  type CreateOpcode,
  type CreateRequest,
  type JuteRequest,
  MULTI_END,
  type MultiHeader,
  type MultiOperation,
  opcodeOf,
  type PathVersionRequest,
  type ReadRequest,
  type RequestHeader,
  readMultiHeader,
  readRequest,
  readRequestHeader,
  type SetDataRequest,
  type SetWatchesRequest,
  writeMultiHeader,
  writeRequest,
} from './request.ts';
export { JuteWriter } from './writer.ts';
