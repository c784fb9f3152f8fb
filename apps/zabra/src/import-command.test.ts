import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { freeBasePort, RunningZabra, temporaryDirectory, zabra } from '../test/zabra-process.ts';

/** What a ZooKeeper 3.8 left: a node that was set, a sequential one of an ACL, an ephemeral. */
const ZOOKEEPER_DATA = fileURLToPath(new URL('../test/zookeeper-data', import.meta.url));
vi.setConfig({ testTimeout: 120_000 });

test('import makes a local ensemble that zabra up then serves', async () => {
  const cwd = temporaryDirectory();
  const basePort = String(await freeBasePort(1));
  const imported = await zabra(
    ['import', '--zookeeper-data', ZOOKEEPER_DATA, '--size', '1', '--base-port', basePort],
    { cwd },
  );
  expect(imported.stderr).toBe('');
  expect(imported.stdout).toMatch(
    /^read .*version-2\/snapshot\.0 and 6 txns behind it, up to 0x6 \(digest verified\)$/m,
  );
  expect(imported.stdout).toMatch(/^dropped 1 sessions and 1 ephemerals\n {2}\/here$/m);
  expect(imported.stdout).toMatch(/\/\.zabra, which begins at 0x100000000 with digest [0-9a-f]{16}$/m);
  expect(imported.code).toBe(0);
  expect(readdirSync(cwd)).toEqual(['.zabra']);

  const up = new RunningZabra(['up'], { cwd });
  try {
    await up.line('ready');
    expect((await zabra(['get', '/greeting'], { cwd })).stdout).toBe('hello again');
    expect((await zabra(['getAcl', '/greeting/n-0000000000'], { cwd })).stdout).toBe('world:anyone:r\n');
    expect((await zabra(['create', '-s', '/greeting/n-'], { cwd })).stdout).toContain(
      '/greeting/n-0000000001',
    );
    expect((await zabra(['stat', '/here'], { cwd })).code).toBe(1);
  } finally {
    await up.end('SIGTERM');
  }
  const again = await zabra(['import', '--zookeeper-data', ZOOKEEPER_DATA], { cwd });
  expect(again.stderr).toMatch(/^zabra: .*\.zabra has something in it already/);
  expect(again.code).toBe(78);
});

test('import --config writes the data of one server, the same for all that are given the same cluster id', async () => {
  const cwd = temporaryDirectory();
  const members = [1, 2].map(
    (id) => `  - { id: ${id}, peer: '127.0.0.1:${10 + id}', client: '127.0.0.1:${20 + id}' }\n`,
  );
  const reports: { digest: string; clusterId: string; nodes: number }[] = [];
  for (const id of [1, 2]) {
    const file = `server-${id}.yaml`;
    writeFileSync(join(cwd, file), `id: ${id}\ndataDir: data-${id}\nmembers:\n${members.join('')}`);
    const args = ['import', '--zookeeper-data', ZOOKEEPER_DATA, '--config', file, '--json'];
    const { stdout, code } = await zabra([...args, '--cluster-id', 'moved'], { cwd });
    expect(code).toBe(0);
    reports.push(JSON.parse(stdout));
    expect(readdirSync(join(cwd, `data-${id}`)).sort()).toEqual(['MANIFEST', 'log.1', 'snapshot.100000000']);
  }
  expect(reports[0]).toMatchObject({ clusterId: 'moved', nodes: 6, droppedEphemeralPaths: ['/here'] });
  expect(reports[1]?.digest).toBe(reports[0]?.digest);
  const nameless = ['import', '--zookeeper-data', ZOOKEEPER_DATA, '--config', 'server-1.yaml'];
  const { stderr, code } = await zabra([...nameless, '--set', 'dataDir=other'], { cwd });
  expect(stderr).toContain('--cluster-id');
  expect(code).toBe(78);
});

test.each([
  {
    name: 'no directory',
    args: ['--zookeeper-data', 'nowhere'],
    says: /nowhere: there is no such directory/,
  },
  {
    name: 'a directory of something else',
    args: ['--zookeeper-data', '.'],
    says: /there is no snapshot of ZooKeeper/,
  },
])('import refuses $name and leaves nothing behind', async ({ args, says }) => {
  const cwd = temporaryDirectory();
  const { stdout, stderr, code } = await zabra(['import', ...args], { cwd });
  expect(stderr).toMatch(says);
  expect(stdout).toBe('');
  expect(code).toBe(1);
  expect(readdirSync(cwd)).toEqual([]);
});

test('an import that was broken off is not written over', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, '.zabra.importing'));
  const { stderr, code } = await zabra(['import', '--zookeeper-data', ZOOKEEPER_DATA], { cwd });
  expect(stderr).toMatch(/\.zabra\.importing is there/);
  expect(code).toBe(1);
  expect(existsSync(join(cwd, '.zabra'))).toBe(false);
});
