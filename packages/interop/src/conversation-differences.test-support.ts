import type { ExpectedDifference } from './conversation-comparison.test-support.ts';

const ANY = /^/;

/**
 * All in which a real ZooKeeper and Zabra may differ in the scripted conversation. Each has a row with its id and its reason
 * in docs/zookeeper-differences.md, in the section on ZooKeeper's own wire.
 */
export const EXPECTED_DIFFERENCES: readonly ExpectedDifference[] = [
  {
    id: 'event-zxid',
    requests: ANY,
    changes: /^zxids of events: (-1 ?)+ → ((#\d+|not seen before) ?)+$/,
    exchanges: 52,
  },
  {
    id: 'config-text',
    requests: /"\/zookeeper\/config"/,
    changes: /^(data: "server\.1=.*"|stat\.\w+: .*) → ("?"?|\d+)$/,
    exchanges: 3,
  },
  {
    id: 'protocol-version',
    requests: /: connect in version /,
    changes: /^answer: connected → closed$/,
    exchanges: 3,
  },
  {
    id: 'path-first',
    requests: /^(ilse|orla|fay): (create2?|delete|multi) /,
    changes: /: (error )?-10[12] → (error )?-8$/,
    exchanges: 34,
  },
  {
    id: 'path-length',
    requests: /^ilse: create .* of 5007 /,
    changes: /^answer: done → error -8$/,
    exchanges: 1,
  },
  {
    id: 'empty-path',
    requests: /^ilse: (exists|get\w+) ""$/,
    changes: /^answer: done → error -101$/,
    exchanges: 6,
  },
  { id: 'kind-and-record', requests: /^kit: /, changes: /./, exchanges: 7 },
  {
    id: 'acl-schemes',
    requests: /^acl: \w+ "\/acl\/n21"/,
    changes: /^answer: error -1(14 → done|01 → error -102)$/,
    exchanges: 2,
  },
  {
    id: 'acl-permissions',
    requests: /^acl: \w+ "\/acl\/n2[2-5]"/,
    changes: /^answer: (done → error -1(14|01)|error -102 → error -101)$/,
    exchanges: 8,
  },
  {
    id: 'exists-needs-read',
    requests: /: exists "\/may\//,
    changes: /^answer: done → error -102$/,
    exchanges: 5,
  },
  {
    id: 'digest-without-user',
    requests: /^digest \d: /,
    changes: /^answer: done → (error -115|closed)$/,
    exchanges: 8,
  },
  {
    id: 'unreadable-proof',
    requests: /^(sasl|auth) .*: (sasl|auth|ping)/,
    changes: /^answer: closed → (done|error -5)$/,
    exchanges: 6,
  },
  {
    id: 'create2-in-multi',
    requests: /^tess: multi operations=\[create2 /,
    changes: /^results\.0\.(result: "create" → "create2"|stat\.\w+: nothing → .*)$/,
    exchanges: 1,
  },
  {
    id: 'body-after-error',
    requests: /^rita: multiRead /,
    changes: /^restBytes: \d+ → nothing$/,
    exchanges: 3,
  },
  { id: 'one-watch-per-path', requests: /^stander: ping$/, changes: /^events: /, exchanges: 2 },
  {
    id: 'watcher-types',
    requests: /^(ender|stander to the end): (checkWatches|removeWatches|create|setData) /,
    changes: /^(answer: (error -5|done) → (error -121|done)|events: .*)$/,
    exchanges: 44,
  },
  { id: 'watches-by-history', requests: /: setWatches2? /, changes: /^events: /, exchanges: 4 },
  {
    id: 'quota-text',
    requests: /^quinn: setData .* data="no quota"/,
    changes: /^answer: done → error -8$/,
    exchanges: 1,
  },
  {
    id: 'internal-operations',
    requests: /^(unknown createSession|reaper): /,
    changes: /^answer: (error -[58] → error -6|done → closed)$/,
    exchanges: 4,
  },
  {
    id: 'too-much-data',
    requests: /^too much data: /,
    changes: /^answer: closed → (error -8|done)$/,
    exchanges: 2,
  },
  {
    id: 'moved-at-once',
    requests: /^sam again: \(the end\)/,
    changes: /^answer: none → closed$/,
    exchanges: 1,
  },
  {
    id: 'thieves-end-nobody',
    requests: /^sam elsewhere: ping/,
    changes: /^answer: closed → done$/,
    exchanges: 1,
  },
  { id: 'check-alone', requests: /^lone check: /, changes: /^answer: closed → error -6$/, exchanges: 1 },
];
