/** Bounds that the leader checks before it proposes; what is in the history already is applied whatever they say. */
export interface TreeOptions {
  /** Data of one node, in bytes. */
  readonly dataBytesMax: number;
  /** Operations in one transaction, and nodes that one recursive delete removes. */
  readonly transactionOperationsMax: number;
  /**
   * How far a session's numbered writes may be ahead of the last one it knows to be answered. This bounds its stored
   * results.
   */
  readonly outstandingRequestsMax: number;
  /** What the stored results of one session may take, about: a snapshot holds them as one entry. */
  readonly resultBytesMax: number;
  readonly ephemeralsPerSessionMax: number;
  /**
   * A random number of this server's own, so that nobody can choose names that make lookups slow. Nothing that can be seen
   * depends on it.
   */
  readonly hashSeed: number;
}

/** 1 MiB as in ZooKeeper; the others are far above what recipes need and far below what memory would notice. */
export const TREE_OPTIONS_DEFAULT: TreeOptions = {
  dataBytesMax: 2 ** 20,
  transactionOperationsMax: 1000,
  outstandingRequestsMax: 1000,
  resultBytesMax: 16 * 2 ** 20,
  ephemeralsPerSessionMax: 10_000,
  hashSeed: 0,
};
