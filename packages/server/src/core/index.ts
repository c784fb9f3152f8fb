export { type Inspection, type ServerCore, startCore } from './core.ts';
export type {
  Cancel,
  ClientNetwork,
  Clock,
  Credentials,
  Disk,
  DiskFile,
  Env,
  FrameStream,
  Logger,
  PeerNetwork,
  PeerService,
  Random,
  StreamHandlers,
} from './env.ts';
export {
  type AccessOptions,
  type CoreOptions,
  DEFAULT_ACCESS,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type Limits,
  type StorageOptions,
  type Timing,
} from './options.ts';
export type { Replica, ReplicaObserver } from './replica.ts';
