export { type Inspection, type ServerCore, startCore } from './core.ts';
export type {
  Cancel,
  ClientNetwork,
  Clock,
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
  type CoreOptions,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type Limits,
  type StorageOptions,
  type Timing,
} from './options.ts';
export type { Replica, ReplicaObserver } from './replica.ts';
