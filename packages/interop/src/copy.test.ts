import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connect, type ZooKeeper } from '@zabra/client';
import { afterEach, expect, test } from 'vitest';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { digestId, fill, SUPER_PASSWORD } from './import-data.test-support.ts';
import { WireSession } from './import-wire.test-support.ts';
import { type RealZooKeeper, startRealZooKeeper } from './real-zookeeper.ts';
import { startZabra, type Zabra } from './zabra.ts';

const MAIN = fileURLToPath(new URL('../../../apps/zabra/src/main.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const SUPER = `digest:super:${SUPER_PASSWORD}`;
const auth = [{ scheme: 'digest', credentials: `super:${SUPER_PASSWORD}` }];
const LONG_MS = 240_000;

/** `zabra copy`, running. */
class Copy {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #stdout = '';
  #stderr = '';
  #heard: (() => void) | undefined;

  constructor(...args: readonly string[]) {
    const command = [
      '--conditions=source',
      '--import',
      TSX,
      MAIN,
      'copy',
      '--json',
      '--auth',
      SUPER,
      ...args,
    ];
    this.#child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk) => {
      this.#stdout += chunk;
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.#stderr += chunk;
      this.#heard?.();
    });
    this.#ended = once(this.#child, 'close').then(([code]) => code);
    copies.push(this);
  }

  /** Resolves once it has said this. Rejects when it ends before. */
  async said(text: string): Promise<void> {
    const ended = this.#ended.then((code) => {
      throw new Error(`copy ended with ${code} before it said "${text}": ${this.#stderr}`);
    });
    while (!this.#stderr.includes(text)) {
      const heard = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      await Promise.race([heard, ended]);
    }
    ended.catch(() => undefined);
  }

  /** After this signal, or by itself. */
  async end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly verdict: unknown }> {
    if (signal !== undefined) this.#child.kill(signal);
    const code = await this.#ended;
    return { code, verdict: this.#stdout === '' ? this.#stderr : JSON.parse(this.#stdout) };
  }
}

const copies: Copy[] = [];
afterEach(async () => {
  for (const copy of copies.splice(0)) await copy.end('SIGKILL');
});

describeWithPrograms('copy between a real ZooKeeper and Zabra', () => {
  test(
    'follows the changes of a ZooKeeper while both sides restart, and compares both ways',
    async () => {
      await using real = await startRealZooKeeper({ superPassword: SUPER_PASSWORD, tickTimeMs: 3000 });
      await using zabra = await startZabra({
        servers: 3,
        config: { access: { superUsers: [`digest:${digestId('super', SUPER_PASSWORD)}`] } },
      });
      {
        await using session = await WireSession.open(real.servers, 60_000);
        await fill(session, 2000);
      }
      const from = `zookeeper://${real.servers}/app`;
      const to = `zabra://${zabra.ownServers}/moved/app`;
      const copy = new Copy(from, to);
      await copy.said('following');
      await using source = await connect({ servers: from, auth });
      await using target = await connect({ servers: to, auth });
      expect(await target.descendants('/')).toBe(await source.descendants('/'));

      await source.create('/live', 'made while it follows');
      await until(() => has(target, '/live', 'made while it follows'));
      await source.create('/here', 'x', { mode: 'ephemeral' });
      await source.delete('/folder-1', { recursive: true });
      await source.create('/folder-1', 'made again');
      await source.set('/live', 'set');
      await until(() => has(target, '/live', 'set'));

      await restart(real);
      await source.create('/after-the-source-came-back', 'x');
      await until(() => has(target, '/after-the-source-came-back', 'x'));
      await restartLeader(zabra);
      await source.create('/after-the-target-came-back', 'y');
      await until(() => has(target, '/after-the-target-came-back', 'y'));
      // No event tells of it.
      await source.setAcl('/live', [{ scheme: 'world', id: 'anyone', perms: ['read'] }]);

      const { code, verdict } = await copy.end('SIGINT');
      expect(verdict).toMatchObject({ differences: 0, differing: [], ephemerals: 1, aclsSet: 1, kept: 0 });
      expect(code).toBe(0);
      expect(await target.getAcl('/live')).toMatchObject({
        acl: [{ scheme: 'world', id: 'anyone', perms: ['read'] }],
      });

      const back = new Copy(to, `zookeeper://${real.servers}/back`, '--once');
      expect(await back.end()).toMatchObject({ code: 0, verdict: { differences: 0, ephemerals: 0 } });
      const full = new Copy(from, to, '--once');
      expect(await full.end()).toEqual({ code: 2, verdict: expect.stringContaining('--into-existing') });
    },
    LONG_MS,
  );
});

async function has(client: ZooKeeper, path: string, data: string): Promise<boolean> {
  const node = await client.getOrNull(path, { timeoutMs: 60_000 });
  return node !== null && Buffer.from(node.data).toString() === data;
}

async function restart(real: RealZooKeeper): Promise<void> {
  await real.kill(1);
  await real.restart(1);
}

async function restartLeader(zabra: Zabra): Promise<void> {
  await zabra.restart(await zabra.kill('leader'));
}

async function until(look: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await look())) {
    if (performance.now() > giveUpAt) throw new Error('waited a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
