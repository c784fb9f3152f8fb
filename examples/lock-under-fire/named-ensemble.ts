import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fetchStatus, type ServerStatus } from '@zabra/server';
import type { Target } from './fire.ts';

const PATIENCE_MS = 30_000;

/** An ensemble that runs already: that of `zabra up` on this machine, since its servers are to be killed and brought back. */
export class NamedEnsemble implements Target {
  readonly servers: string;
  #seen: readonly ServerStatus[] = [];

  /** `host:port,…`, as in ZABRA_SERVERS. */
  constructor(servers: string) {
    this.servers = servers;
  }

  async leader(): Promise<number> {
    return this.#until('a leader', () => {
      const leaders = this.#seen.filter(({ role }) => role === 'leader');
      return leaders.sort((left, right) => right.epoch - left.epoch)[0]?.serverId;
    });
  }

  async kill(which: number | 'leader'): Promise<number> {
    const id = which === 'leader' ? await this.leader() : which;
    const server = this.#seen.find(({ serverId }) => serverId === id);
    if (server === undefined) throw new Error(`there is no server ${id} to kill`);
    process.kill(server.pid, 'SIGKILL');
    return id;
  }

  async restart(id: number): Promise<void> {
    await promisify(execFile)('zabra', ['up', 'restart', String(id)]);
  }

  async whenServing(): Promise<void> {
    const size = this.servers.split(',').length;
    await this.#until('every server serves', () => {
      const serving = this.#seen.filter(({ role }) => role === 'leader' || role === 'follower');
      return serving.length === size ? true : undefined;
    });
  }

  async #until<Value>(what: string, look: () => Value | undefined): Promise<Value> {
    const giveUpMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const asked = this.servers.split(',').map((server) => fetchStatus(server, 1000).catch(() => undefined));
      this.#seen = (await Promise.all(asked)).filter((status) => status !== undefined);
      const value = look();
      if (value !== undefined) return value;
      if (performance.now() > giveUpMs) throw new Error(`waited ${PATIENCE_MS} ms for: ${what}`);
      await sleep(20);
    }
  }
}
