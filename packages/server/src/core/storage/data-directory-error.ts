export type DataDirectoryErrorCode =
  /** The directory belongs to another cluster. */
  | 'OTHER_CLUSTER'
  /** The directory belongs to another server of the cluster. */
  | 'OTHER_SERVER'
  /** Written by a later release. */
  | 'NEWER_FORMAT'
  /** Something that was once certainly there is not, or is not what was written. */
  | 'DAMAGED'
  /** A snapshot received from the leader is not what the leader wrote. */
  | 'BAD_SNAPSHOT';

/** The server must not go on with this directory. The message names the file, the rule and the way out. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
  readonly code: DataDirectoryErrorCode;
  readonly file: string;

  constructor(code: DataDirectoryErrorCode, file: string, rule: string, wayOut: string) {
    super(`${code}: ${file}: ${rule}. ${wayOut}`);
    this.code = code;
    this.file = file;
  }
}

/** Bytes that were once durable are gone or changed. */
export function damaged(file: string, rule: string): DataDirectoryError {
  return new DataDirectoryError(
    'DAMAGED',
    file,
    rule,
    'Start once with `zabra server --refill`, so that this server forgets its data and takes them from a leader, or put back this directory as it was',
  );
}
