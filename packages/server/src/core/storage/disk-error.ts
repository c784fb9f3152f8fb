/** The disk refused something. Final for the server: nothing written since the last fsync that returned is believed. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly operation: string;
  readonly file: string;

  constructor(operation: string, file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `${operation} of ${file} failed (${reason}): the server stops, since nothing unsynced can be believed`,
      { cause },
    );
    this.operation = operation;
    this.file = file;
  }
}
