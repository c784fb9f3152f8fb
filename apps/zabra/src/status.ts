import type { ServerStatus } from '@zabra/server';
import { type ServerFlags, tlsOf } from './connection.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { print, table } from './output.ts';
import { type Target, targets } from './targets.ts';

/** What one server says of itself; the JSON of `zabra status`. Numbers of 64 bits are hexadecimal text. */
export interface StatusEntry {
  /** Null for a server that is down and known only by its address. */
  readonly id: number | null;
  readonly role: 'leader' | 'follower' | 'looking' | 'down';
  /** From here on null where the server is down. */
  readonly epoch: number | null;
  readonly zxid: string | null;
  /** Records that the leader has applied and this server has not; null while there is no leader. */
  readonly lag: number | null;
  readonly digest: string | null;
  readonly digestZxid: string | null;
  readonly address: string;
  readonly pid: number | null;
  /** `host:port` for clients that speak ZooKeeper's wire; null where there is none too. */
  readonly zookeeperAddress: string | null;
}

const ANSWER_MS = 1000;

/** `zabra status`: every server, and whether there is a leader. */
export async function showStatus(flags: ServerFlags & { readonly json?: boolean }): Promise<ExitCode> {
  const tls = await tlsOf(flags);
  const entries = withLag(await Promise.all(targets(flags).map((target) => ask(target, tls))));
  if (flags.json === true) await print(`${JSON.stringify({ servers: entries })}\n`);
  else await print(table([HEADINGS, ...entries.map(row)]));
  return entries.some(({ role }) => role === 'leader') ? EXIT.done : EXIT.failed;
}

/** Where a server stands now; one that doesn't answer within a second is down. */
export async function statusOf(target: Target): Promise<StatusEntry> {
  const [entry] = withLag([await ask(target)]);
  return entry ?? down(target);
}

export function isServing(entry: StatusEntry): boolean {
  return entry.role === 'leader' || entry.role === 'follower';
}

interface Answer {
  readonly target: Target;
  /** Undefined when there was none. */
  readonly status: ServerStatus | undefined;
}

async function ask(target: Target, tls?: Awaited<ReturnType<typeof tlsOf>>): Promise<Answer> {
  const { fetchStatus } = await import('@zabra/server');
  const status = await fetchStatus(target.client, ANSWER_MS, tls).catch(() => undefined);
  return { target, status };
}

function withLag(answers: readonly Answer[]): readonly StatusEntry[] {
  // A leader that was cut off may not know yet that the others have a newer one.
  const leader = answers
    .flatMap(({ status }) => (status?.role === 'leader' ? [status] : []))
    .sort((a, b) => b.epoch - a.epoch)[0];
  return answers.map(({ target, status }) =>
    status === undefined ? down(target) : entryOf(target, status, leader),
  );
}

function entryOf(target: Target, status: ServerStatus, leader: ServerStatus | undefined): StatusEntry {
  return {
    id: status.serverId,
    role: status.role as StatusEntry['role'],
    epoch: status.epoch,
    zxid: hexadecimal(status.zxid),
    lag: leader === undefined ? null : lagBehind(leader.zxid, status.zxid),
    digest: `0x${status.digest}`,
    digestZxid: hexadecimal(status.digestZxid),
    address: target.client,
    pid: status.pid,
    zookeeperAddress: status.zookeeperAddress === '' ? null : status.zookeeperAddress,
  };
}

const COUNTERS_PER_EPOCH = 2 ** 32;

/**
 * Within an epoch, the distance of the counters. A server in an earlier epoch lacks at least what the leader's epoch
 * has so far, its first record included.
 */
export function lagBehind(leaderZxid: number, zxid: number): number {
  const isSameEpoch = Math.floor(leaderZxid / COUNTERS_PER_EPOCH) === Math.floor(zxid / COUNTERS_PER_EPOCH);
  // The servers were not asked at one moment, so that a follower may seem to be ahead.
  return Math.max(0, isSameEpoch ? leaderZxid - zxid : (leaderZxid % COUNTERS_PER_EPOCH) + 1);
}

function down(target: Target): StatusEntry {
  return {
    id: target.id,
    role: 'down',
    epoch: null,
    zxid: null,
    lag: null,
    digest: null,
    digestZxid: null,
    address: target.client,
    pid: null,
    zookeeperAddress: null,
  };
}

function hexadecimal(value: number): string {
  return `0x${value.toString(16)}`;
}

const HEADINGS = ['ID', 'ROLE', 'EPOCH', 'ZXID', 'LAG', 'DIGEST', 'AT', 'ADDRESS', 'PID'];

function row(entry: StatusEntry): readonly string[] {
  const { id, role, epoch, zxid, lag, digest, digestZxid, address, pid } = entry;
  return [id, role, epoch, zxid, lag, digest, digestZxid, address, pid].map((value) => String(value ?? '-'));
}
