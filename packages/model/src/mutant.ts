/**
 * The flaws that the simulator plants to prove that it would find them. Built packages hold none: the build
 * defines the switch away (tsup.base.ts), and a test looks for the names in what was built.
 */
export type Mutant =
  | 'ack-before-fsync'
  | 'vote-with-unsynced-history'
  | 'commit-without-quorum'
  | 'epoch-saved-before-log'
  | 'sync-skips-trunc'
  | 'apply-ahead-of-own-log'
  | 'dedupe-forgotten-in-snapshot';

declare global {
  var __ZABRA_MUTANT__: Mutant | undefined;
}
