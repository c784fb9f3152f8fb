/**
 * What the leader's reaper must hear of a txn. Paths may come more than once, or be gone again by the end of the txn: then
 * {@link ReapFacts} are undefined.
 */
export interface ReapNews {
  /** Nodes with a TTL that were created, set, given an ACL or touched, and containers that were created: time starts anew. */
  readonly written: readonly string[];
  /** Containers and nodes with a TTL whose last child went. */
  readonly emptied: readonly string[];
}

/** What the reaper decides by. */
export type ReapFacts =
  | {
      readonly kind: 'container';
      /** It had a child once. */
      readonly used: boolean;
      readonly childCount: number;
    }
  | { readonly kind: 'ttl'; readonly ttlMs: number; readonly childCount: number };
