export {
  type AccessConfig,
  type ClientTlsFiles,
  ConfigError,
  type Member,
  parseConfig,
  type ResolvedConfig,
  resolveConfig,
  type ServerConfig,
  type TlsFiles,
  toCoreOptions,
} from './config.ts';
export type { Disk, DiskFile, Logger } from './core/env.ts';
export { DataDirectoryError, type DataDirectoryErrorCode } from './core/storage/data-directory-error.ts';
export { ListenError } from './grpc-listener.ts';
export { collectHeapAtRest } from './heap-at-rest.ts';
export { openRealDisk } from './real-disk.ts';
export { type RunningServer, type StartOptions, startServer, VERSION } from './server.ts';
export { fetchStatus, type ServerStatus, type StatusTls } from './status.ts';
export { ImportRefusal } from './zookeeper-data/import-refusal.ts';
export {
  type ImportedData,
  type ImportOptions,
  type ImportReport,
  importZooKeeperData,
} from './zookeeper-data/import-zookeeper-data.ts';
export type { NewDataDirectory } from './zookeeper-data/write-data-directory.ts';
