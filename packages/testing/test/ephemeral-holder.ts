import { connect } from '@zabra/client';
import { until } from './until.ts';

/** What this process tells the test; times are ms since 1970, on the clock that both share. */
export interface HolderReport {
  readonly lastHeartbeatMs: number;
}

/** `remainingMs` is counted from the last acknowledged heartbeat to this long before the timeout. */
const MARGIN_MS = 250;

/**
 * A client in a process of its own: holds an ephemeral node, does nothing else, and reports when the last heartbeat was
 * sent, as soon as one is acknowledged. `ephemeral-holder SERVERS PATH SESSION_TIMEOUT_MS`
 */
async function main(servers: string, path: string, sessionTimeoutMs: number): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  const zk = await connect({ servers, sessionTimeoutMs });
  await zk.create(path, '', { mode: 'ephemeral' });
  const { session } = zk;
  const heardMs = (): number => Date.now() + session.remainingMs + MARGIN_MS - session.timeoutMs;
  const createdMs = Date.now();
  const lastHeartbeatMs = await until('a heartbeat after the creation', () => {
    const heard = heardMs();
    return heard > createdMs ? heard : undefined;
  });
  process.send?.({ lastHeartbeatMs } satisfies HolderReport);
}

const [servers, path, sessionTimeoutMs] = process.argv.slice(2);
await main(servers ?? '', path ?? '', Number(sessionTimeoutMs));
