import { parseConfig } from '../../src/config.ts';
import type { Logger } from '../../src/core/env.ts';
import { startServer } from '../../src/server.ts';

/** What a server under fuzz says of itself. */
export interface FuzzServerReport {
  readonly kind: 'report';
  readonly zookeeperAddress: string;
  readonly role: string;
  readonly zxid: number;
  readonly digest: string;
  readonly connections: number;
  readonly sessions: number;
  /** Resident, bytes: now, after a collection, and the most that was seen. */
  readonly residentBytes: number;
  readonly residentBytesPeak: number;
  /** Why connections were ended, and how often each. */
  readonly ended: Readonly<Record<string, number>>;
  /** Log lines at `error`. */
  readonly errors: readonly string[];
}

/* One server in a process of its own, told its configuration and asked for reports by its parent; it ends with it. */

const ended: Record<string, number> = {};
const errors: string[] = [];
let peakBytes = 0;

function count(message: string, facts: object = {}): void {
  if (!/client|connection/.test(message)) return;
  const { reason, code } = facts as { reason?: string; code?: string };
  const why = message === 'client sent a frame that cannot be read' ? 'unreadable' : (code ?? reason ?? '');
  const key = `${message}: ${why}`;
  ended[key] = (ended[key] ?? 0) + 1;
}

const log: Logger = {
  debug: count,
  info: count,
  warn: count,
  error: (message, facts) => void errors.push(`${message} ${JSON.stringify(facts ?? {})}`),
};

const server = await startServer(parseConfig(JSON.parse(process.argv[2] ?? ''), 'fuzz'), { log });
const sampling = setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
}, 100);
process.on('disconnect', () => process.exit(1));
process.on('message', () => {
  globalThis.gc?.();
  const { role, zxid, digest, connections, sessions } = server.status();
  const residentBytes = process.memoryUsage.rss();
  peakBytes = Math.max(peakBytes, residentBytes);
  const report: FuzzServerReport = {
    kind: 'report',
    zookeeperAddress: server.zookeeperAddresses[0] ?? '',
    role,
    zxid,
    digest,
    connections,
    sessions,
    residentBytes,
    residentBytesPeak: peakBytes,
    ended,
    errors,
  };
  process.send?.(report);
});
const error = await server.ended;
clearInterval(sampling);
if (error !== undefined) process.stderr.write(`${error.stack}\n`);
process.exit(error === undefined ? 0 : 1);
