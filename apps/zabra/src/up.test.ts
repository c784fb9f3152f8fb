import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  eventually,
  type Finished,
  freeBasePort,
  isAlive,
  occupy,
  RunningZabra,
  temporaryDirectory,
  zabra,
} from '../test/zabra-process.ts';
import type { EnsembleState } from './ensemble-state.ts';
import type { StatusEntry } from './status.ts';

/** An ensemble in a directory of its own, and the commands that a person would type beside it. */
class Local {
  readonly cwd: string = temporaryDirectory();
  readonly basePort: number;
  #up: RunningZabra | undefined;

  private constructor(basePort: number) {
    this.basePort = basePort;
  }

  static async make(size: number): Promise<Local> {
    const local = new Local(await freeBasePort(size));
    begun.push(local);
    return local;
  }

  /** `zabra up`, not waited for. */
  up(...args: readonly string[]): RunningZabra {
    this.#up = new RunningZabra(['up', '--base-port', String(this.basePort), ...args], { cwd: this.cwd });
    return this.#up;
  }

  run(...args: readonly string[]): Promise<Finished> {
    return zabra(args, { cwd: this.cwd });
  }

  async status(): Promise<readonly StatusEntry[]> {
    return JSON.parse((await this.run('status', '--json')).stdout).servers;
  }

  /** Once the ensemble has a leader and this many servers serve. */
  serving(count: number): Promise<readonly StatusEntry[]> {
    return eventually(async () => {
      const servers = await this.status();
      const serving = servers.filter(({ role }) => role === 'leader' || role === 'follower');
      return serving.length === count && serving.some(({ role }) => role === 'leader') ? servers : undefined;
    });
  }

  state(): EnsembleState {
    return JSON.parse(readFileSync(join(this.cwd, '.zabra/ensemble.json'), 'utf8'));
  }

  pids(): readonly number[] {
    return this.state().servers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  async end(): Promise<void> {
    await this.#up?.end('SIGTERM');
  }
}

const begun: Local[] = [];
afterEach(async () => {
  await Promise.all(begun.splice(0).map((local) => local.end()));
});

const DONE = { code: 0, stderr: '' };
const LONG_MS = 120_000;

describe('zabra up', () => {
  test(
    'starts three servers that keep what is written through the death of the leader and a stop',
    async () => {
      const local = await Local.make(3);
      const first = local.up();
      const addresses = [1, 11, 21].map((offset) => `127.0.0.1:${local.basePort + offset}`);
      expect(await first.line('ready')).toBe(`ready ${addresses.join(',')}`);

      const servers = await local.status();
      expect(servers.map(({ id }) => id)).toEqual([1, 2, 3]);
      expect(servers.map(({ address }) => address)).toEqual(addresses);
      expect(servers.map(({ pid }) => pid)).toEqual(local.pids());
      expect(servers.map(({ role }) => role).sort()).toEqual(['follower', 'follower', 'leader']);
      expect(servers).toEqual(
        servers.map((server) => ({
          ...server,
          epoch: 1,
          zxid: expect.stringMatching(/^0x1[0-9a-f]{8}$/),
          lag: expect.any(Number),
          digest: expect.stringMatching(/^0x[0-9a-f]{16}$/),
          digestZxid: expect.stringMatching(/^0x[0-9a-f]+$/),
        })),
      );
      expect(Object.keys(servers[0] ?? {})).toEqual([
        'id',
        'role',
        'epoch',
        'zxid',
        'lag',
        'digest',
        'digestZxid',
        'address',
        'pid',
        'zookeeperAddress',
      ]);
      expect((await local.run('status')).stdout).toMatch(/^ID +ROLE +EPOCH +ZXID/);

      expect(await local.run('create', '/app/greeting', 'hello', '--parents')).toEqual({
        ...DONE,
        stdout: '/app/greeting\n',
      });
      const leader = servers.find(({ role }) => role === 'leader');
      const killed = await local.run('up', 'kill', 'leader');
      expect(killed).toEqual({
        ...DONE,
        stdout: `killed server ${leader?.id} (leader, process ${leader?.pid})\n`,
      });
      const after = await local.serving(2);
      expect(after.find(({ id }) => id === leader?.id)).toEqual({
        id: leader?.id,
        role: 'down',
        epoch: null,
        zxid: null,
        lag: null,
        digest: null,
        digestZxid: null,
        address: leader?.address,
        pid: null,
        zookeeperAddress: null,
      });
      expect(first.stderr).toContain(
        `server ${leader?.id} ended (SIGKILL); \`zabra up restart ${leader?.id}\` brings it back`,
      );
      const again = await local.run('up', 'kill', String(leader?.id));
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is down already') });

      expect(await local.run('set', '/app/greeting', 'again')).toEqual({ ...DONE, stdout: '' });
      const back = await local.run('up', 'restart', String(leader?.id));
      expect(back).toEqual({
        ...DONE,
        stdout: expect.stringContaining(`server ${leader?.id} is back at ${leader?.address}`),
      });
      await local.serving(3);
      const twice = await local.run('up', 'restart', String(leader?.id));
      expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining('is running (process') });

      const pids = local.pids();
      const askedAt = performance.now();
      expect((await first.end('SIGINT')).code).toBe(0);
      expect(performance.now() - askedAt).toBeLessThan(5000);
      expect(pids.filter(isAlive)).toEqual([]);
      expect((await local.run('status')).code).toBe(1);

      await local.up().line('ready');
      expect(await local.run('get', '/app/greeting')).toEqual({ ...DONE, stdout: 'again' });
    },
    LONG_MS,
  );

  test(
    'ends its servers even when it is killed, and starts again',
    async () => {
      const local = await Local.make(3);
      const first = local.up();
      await first.line('ready');
      const pids = local.pids();
      expect(pids.filter(isAlive)).toHaveLength(3);
      await first.end('SIGKILL');
      await eventually(() => (pids.some(isAlive) ? undefined : true));
      expect((await local.run('up', 'kill', '1')).stderr).toContain('no ensemble is running');
      expect(await local.up().line('ready')).toContain('ready 127.0.0.1:');
    },
    LONG_MS,
  );

  test(
    'kills a server that does not stop: all ends within 5 s',
    async () => {
      const local = await Local.make(1);
      const up = local.up('--size', '1');
      await up.line('ready');
      const [pid = 0] = local.pids();
      process.kill(pid, 'SIGSTOP');
      const askedAt = performance.now();
      expect((await up.end('SIGTERM')).code).toBe(0);
      expect(performance.now() - askedAt).toBeLessThan(5000);
      expect(isAlive(pid)).toBe(false);
    },
    LONG_MS,
  );

  test(
    'refuses a second one on the same directory, and leaves the first alone',
    async () => {
      const local = await Local.make(1);
      const first = local.up('--size', '1');
      await first.line('ready');
      const second = await local.run('up', '--base-port', String(await freeBasePort(1)));
      expect(second.stderr).toMatch(
        /^zabra: the ensemble in .* is already running \(process \d+\); `zabra status` shows it/,
      );
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect((await local.run('status')).code).toBe(0);
    },
    LONG_MS,
  );

  test('names the port that is in use and starts nothing', async () => {
    const local = await Local.make(3);
    await using _taken = await occupy(local.basePort + 12);
    const { code, stdout, stderr } = await local.up().finished;
    expect(stderr).toBe(
      `zabra: port ${local.basePort + 12}, for peers of server 2, is in use; end what listens there, or give another --base-port\n`,
    );
    expect(stdout).toBe('');
    expect(code).toBe(1);
    expect(() => local.state()).toThrow('ENOENT');
  });

  test(
    'refuses another size than the directory has',
    async () => {
      const local = await Local.make(3);
      const first = local.up('--size', '1');
      await first.line('ready');
      await first.end('SIGTERM');
      const { code, stderr } = await local.up('--size', '3').finished;
      expect(stderr).toContain('holds an ensemble of 1, not 3; leave --size away, or give another --data');
      expect(code).toBe(78);
    },
    LONG_MS,
  );

  test(
    'says which server did not start and why, ends the others, and exits as that server did',
    async () => {
      const local = await Local.make(3);
      const first = local.up();
      await first.line('ready');
      await first.end('SIGTERM');
      const directory = join(local.cwd, '.zabra');
      renameSync(join(directory, 'server-3'), join(directory, 'aside'));
      renameSync(join(directory, 'server-2'), join(directory, 'server-3'));
      renameSync(join(directory, 'aside'), join(directory, 'server-2'));
      const { code, stdout, stderr } = await local.up().finished;
      expect(stderr).toMatch(/^zabra: server [23] did not start: OTHER_SERVER: .*\n$/);
      expect(stdout).toBe('');
      expect(code).toBe(78);
      expect(local.pids()).toEqual([]);
    },
    LONG_MS,
  );

  test(
    'has a server whose folder vanished filled by the others: it is not told the cluster id again',
    async () => {
      const local = await Local.make(3);
      const first = local.up();
      await first.line('ready');
      const configOf = (id: number): string =>
        readFileSync(join(local.cwd, `.zabra/server-${id}.yaml`), 'utf8');
      expect(configOf(2)).toContain(`clusterId: ${local.state().clusterId}`);
      expect(await local.run('create', '/kept', 'yes')).toMatchObject(DONE);
      await first.end('SIGTERM');
      rmSync(join(local.cwd, '.zabra/server-2'), { recursive: true });

      await local.up().line('ready');
      expect(configOf(2)).not.toContain('clusterId');
      const { stdout } = await local.run('get', '/kept', '--servers', `127.0.0.1:${local.basePort + 11}`);
      expect(stdout).toBe('yes');
    },
    LONG_MS,
  );
});

describe('the data commands', () => {
  test(
    'do what they say, print nothing else, and exit with 1 when refused',
    async () => {
      const local = await Local.make(1);
      await local.up('--size', '1').line('ready');
      const run = (...args: readonly string[]): Promise<Finished> => local.run(...args);

      expect(await run('create', '/a')).toEqual({ ...DONE, stdout: '/a\n' });
      expect(await run('get', '/a')).toEqual({ ...DONE, stdout: '' });
      expect(await run('set', '/a', 'one', '--version', '0')).toEqual({ ...DONE, stdout: '' });
      expect(await run('get', '/a')).toEqual({ ...DONE, stdout: 'one' });
      const piped = await zabra(['set', '/a', '-'], { cwd: local.cwd, input: 'two\nlines\n' });
      expect(piped).toEqual({ ...DONE, stdout: '' });
      expect(await run('get', '/a')).toEqual({ ...DONE, stdout: 'two\nlines\n' });
      expect(await run('create', '/a/b-', 'x', '--sequential')).toEqual({
        ...DONE,
        stdout: '/a/b-0000000000\n',
      });
      expect(await run('create', '/a/b-', 'x', '--sequential')).toEqual({
        ...DONE,
        stdout: '/a/b-0000000001\n',
      });
      expect(await run('ls', '/a')).toEqual({ ...DONE, stdout: 'b-0000000000\nb-0000000001\n' });
      expect(JSON.parse((await run('ls', '/a', '--json')).stdout)).toEqual(['b-0000000000', 'b-0000000001']);
      expect((await run('stat', '/a')).stdout).toMatch(/^version +2$/m);
      expect(JSON.parse((await run('stat', '/a', '--json')).stdout)).toMatchObject({
        czxid: expect.stringMatching(/^0x1[0-9a-f]{8}$/),
        ctime: expect.stringMatching(/^\d{4}-.*Z$/),
        version: 2,
        numChildren: 2,
        ephemeralOwner: '0x0',
      });

      const refused = [
        { args: ['get', '/none'], says: /^zabra: NO_NODE: .*\/none.*\n {2}create it with/ },
        { args: ['stat', '/none'], says: /^zabra: NO_NODE: stat \/none\n {2}create it with/ },
        { args: ['create', '/a'], says: /^zabra: NODE_EXISTS: .*\n {2}change it with/ },
        { args: ['create', '/x/y'], says: /^zabra: NO_NODE: / },
        {
          args: ['set', '/a', 'three', '--version', '0'],
          says: /^zabra: BAD_VERSION: .*\n {2}somebody changed it/,
        },
        {
          args: ['delete', '/a'],
          says: /^zabra: NOT_EMPTY: .*\n {2}delete what is below it too with --recursive/,
        },
        { args: ['get', 'a'], says: /^zabra: INVALID_PATH: .*a path starts with "\/"/ },
      ];
      for (const { args, says } of refused) {
        const { code, stdout, stderr } = await run(...args);
        expect(stderr).toMatch(says);
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      }

      expect(await run('delete', '/a', '--recursive')).toEqual({ ...DONE, stdout: '' });
      expect((await run('get', '/a')).code).toBe(1);
    },
    LONG_MS,
  );
});
