import { Conversation, type Exchange } from './conversation.test-support.ts';
import { talkAboutAcls, talkAboutProof, talkAboutWhoMayDoWhat } from './conversation-access.test-support.ts';
import {
  talkAboutBytes,
  talkAboutQuotas,
  talkAboutReconfiguring,
  talkAboutUnknownOperations,
} from './conversation-limits.test-support.ts';
import {
  talkAboutIllegalPaths,
  talkAboutKindsAndRecords,
  talkAboutNodes,
  talkAboutTheBeginning,
  talkAboutTheOrderOfChecks,
} from './conversation-nodes.test-support.ts';
import { type NormalExchange, normalForm } from './conversation-normal-form.test-support.ts';
import {
  talkAboutALoneCheck,
  talkAboutConnecting,
  talkAboutReadingOnly,
  talkAboutSessions,
} from './conversation-sessions.test-support.ts';
import { talkAboutTransactions } from './conversation-transactions.test-support.ts';
import {
  talkAboutStandingWatches,
  talkAboutTheEndOfWatches,
  talkAboutWatches,
  talkAboutWatchesThatComeBack,
} from './conversation-watches.test-support.ts';
import type { Servers } from './servers.ts';

/** What a conversation came to. */
export interface Conversed {
  readonly exchanges: readonly Exchange[];
  readonly normal: readonly NormalExchange[];
  /** Said to the server, first frames of connections and bytes that are none included. */
  readonly requests: number;
  /** The numbers of operations that were answered, and of errors in answers; those of parts of a multi included. */
  readonly operations: readonly number[];
  readonly errors: readonly number[];
}

/** The whole script, on three servers on which nothing was done yet. */
export async function converse(servers: Servers): Promise<Conversed> {
  const startedMs = Date.now();
  const talk = new Conversation(servers);
  try {
    await talkAboutTheBeginning(talk);
    await talkAboutConnecting(talk);
    await talkAboutNodes(talk);
    await talkAboutTheOrderOfChecks(talk);
    await talkAboutIllegalPaths(talk);
    await talkAboutAcls(talk);
    await talkAboutWhoMayDoWhat(talk);
    await talkAboutProof(talk);
    await talkAboutTransactions(talk);
    await talkAboutWatches(talk);
    await talkAboutStandingWatches(talk);
    await talkAboutTheEndOfWatches(talk);
    await talkAboutWatchesThatComeBack(talk);
    await talkAboutQuotas(talk);
    await talkAboutReconfiguring(talk);
    await talkAboutUnknownOperations(talk);
    await talkAboutBytes(talk);
    await talkAboutSessions(talk);
    await talkAboutKindsAndRecords(talk);
    await talkAboutALoneCheck(talk);
  } finally {
    talk.leave();
  }
  const { exchanges } = talk;
  const replies = exchanges.flatMap(({ got }) => got.filter((frame) => frame.frame === 'reply'));
  const errors = replies.flatMap(({ error, body }) =>
    body?.kind === 'multi'
      ? body.results.map((result) => (result.kind === 'error' ? result.error : 0))
      : [error],
  );
  return {
    exchanges,
    normal: normalForm(exchanges, { startedMs, endedMs: Date.now() }),
    requests: exchanges.filter(({ kind }) => kind !== 'listen').length,
    operations: ascending(replies.map(({ opcode }) => opcode)),
    errors: ascending(errors.filter((error) => error !== 0)),
  };
}

/** With servers that are read-only without a quorum: what each request came to there. */
export async function converseReadOnly(servers: Servers): Promise<readonly string[]> {
  const talk = new Conversation(servers);
  try {
    await talkAboutReadingOnly(talk);
  } finally {
    talk.leave();
  }
  return talk.exchanges.map(({ said, got }) => {
    const last = got.at(-1);
    const outcome =
      last?.frame === 'connected'
        ? `read-only: ${last.readOnly}`
        : last?.frame === 'reply'
          ? last.error
          : (last?.frame ?? 'nothing');
    return `${said.split(' acl=')[0]}: ${outcome}`;
  });
}

/** Each once. */
function ascending(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((left, right) => left - right);
}
