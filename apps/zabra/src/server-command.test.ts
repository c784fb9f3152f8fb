import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freeBasePort, occupy, RunningZabra, temporaryDirectory } from '../test/zabra-process.ts';

/** A directory with `zabra.yaml` for an ensemble of one; flags change it from start to start. */
class Home {
  readonly cwd: string = temporaryDirectory();
  readonly port: number;
  readonly #begun: RunningZabra[] = [];

  private constructor(port: number) {
    this.port = port;
    const member = `peer: '127.0.0.1:${port + 2}', client: '127.0.0.1:${port + 1}', zookeeper: '127.0.0.1:${port + 3}'`;
    writeFileSync(
      join(this.cwd, 'zabra.yaml'),
      `id: 1\ndataDir: data\nclusterId: first\nmembers:\n  - { id: 1, ${member} }\n`,
    );
  }

  static async make(): Promise<Home> {
    const home = new Home(await freeBasePort(1));
    homes.push(home);
    return home;
  }

  server(...flags: readonly string[]): RunningZabra {
    const server = new RunningZabra(['server', '--config', 'zabra.yaml', ...flags], { cwd: this.cwd });
    this.#begun.push(server);
    return server;
  }

  /** A server that made its data directory and was stopped cleanly. */
  async past(): Promise<void> {
    const server = this.server();
    await server.line('server 1 listens');
    await server.end('SIGTERM');
  }

  async end(): Promise<void> {
    await Promise.all(this.#begun.map((server) => server.end('SIGKILL')));
  }
}

const homes: Home[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home.end()));
});

describe('zabra server', () => {
  test.each([{ signal: 'SIGTERM' as const }, { signal: 'SIGINT' as const }])(
    'says where it listens, and stops cleanly on $signal',
    async ({ signal }) => {
      const home = await Home.make();
      const server = home.server();
      expect(await server.line('server')).toBe(
        `server 1 listens for clients on 127.0.0.1:${home.port + 1}, for peers on 127.0.0.1:${home.port + 2}, for ZooKeeper's clients on 127.0.0.1:${home.port + 3}`,
      );
      expect((await server.end(signal)).code).toBe(0);
    },
  );

  test('exits with 1 and names the port when it is in use', async () => {
    const home = await Home.make();
    await using _taken = await occupy(home.port + 1);
    const { code, stdout, stderr } = await home.server().finished;
    expect(stderr).toMatch(new RegExp(`^zabra: .*127\\.0\\.0\\.1:${home.port + 1}.*in use`));
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('exits with 78 when the data directory is of another cluster', async () => {
    const home = await Home.make();
    await home.past();
    const { code, stdout, stderr } = await home.server('--set', 'clusterId=second').finished;
    expect(stderr).toMatch(/^zabra: OTHER_CLUSTER: .*first.*second/m);
    expect(stdout).toBe('');
    expect(code).toBe(78);
  });

  test('exits with 78 when the data directory is of another server', async () => {
    const home = await Home.make();
    await home.past();
    const members = `members=2=127.0.0.1:${home.port + 2}/127.0.0.1:${home.port + 1}/127.0.0.1:${home.port + 3}`;
    const { code, stdout, stderr } = await home.server('--set', 'id=2', '--set', members).finished;
    expect(stderr).toMatch(/^zabra: OTHER_SERVER: /m);
    expect(stdout).toBe('');
    expect(code).toBe(78);
  });
});
