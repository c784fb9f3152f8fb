import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { freeBasePort, temporaryDirectory, zabra } from '../test/zabra-process.ts';

describe('a wrong command line exits with 2 and says what is needed', () => {
  test.each<{ name: string; args: readonly string[]; says: string }>([
    {
      name: 'an unknown command',
      args: ['stauts'],
      says: "unknown command 'stauts'\n(Did you mean status?)",
    },
    {
      name: 'an unknown option',
      args: ['ls', '/', '--jsn'],
      says: "unknown option '--jsn'\n(Did you mean --json?)",
    },
    { name: 'no path', args: ['get'], says: "missing required argument 'path'" },
    { name: 'too many arguments', args: ['ls', '/', '/a'], says: 'too many arguments' },
    { name: 'no server', args: ['up', '--size', '0'], says: 'It needs a whole number from 1 to 9.' },
    {
      name: 'a port that is none',
      args: ['up', '--base-port', 'x'],
      says: 'It needs a whole number from 1024',
    },
    {
      name: 'a version that is none',
      args: ['set', '/a', 'b', '--version', '-'],
      says: 'It needs a whole number from 0',
    },
    {
      name: 'an address without a port',
      args: ['get', '/a', '--servers', 'localhost'],
      says: '"localhost" is no server; --servers and ZABRA_SERVERS need HOST:PORT',
    },
    {
      name: 'a certificate without its key',
      args: ['get', '/a', '--cert', 'mine.pem', '--servers', 'localhost:1'],
      says: '--cert and --key go together',
    },
    {
      name: 'a time to live that is none',
      args: ['create', '/a', '-t', 'long'],
      says: 'It needs a whole number from 1 to 1099511627775.',
    },
    {
      name: 'a shell that is told its lines twice',
      args: ['shell', '-c', 'ls /', '-f', 'lines'],
      says: 'either from -c or from --file',
    },
  ])('$name', async ({ args, says }) => {
    const { code, stdout, stderr } = await zabra(args);
    expect(stderr).toContain(says);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

test('--version and --help are answers, not errors', async () => {
  expect(await zabra(['--version'])).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  const help = await zabra(['--help']);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Exit codes: 0 done, 1 the operation failed, 2 usage, 78 configuration.');
});

test('before the first build the linked command says how to build', () => {
  const directory = temporaryDirectory();
  cpSync(fileURLToPath(new URL('../bin', import.meta.url)), join(directory, 'bin'), { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  const { status, stderr } = spawnSync(process.execPath, [join(directory, 'bin/zabra.js'), 'up'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('zabra: not built yet; run `npm run build` in the repository first\n');
  expect(status).toBe(1);
});

describe('a bad configuration exits with 78 and names what is wrong', () => {
  test.each<{ name: string; written: string; says: string }>([
    { name: 'no YAML', written: 'id: [1', says: 'zabra.yaml: is no YAML: ' },
    { name: 'an unknown key', written: 'idd: 1', says: 'unknown key "idd"; did you mean "id"?' },
    { name: 'a key twice', written: 'id: 1\nid: 2', says: 'is no YAML: Map keys must be unique' },
    {
      name: 'an ill-typed value',
      written: 'id: one',
      says: '"id" is "one"; it needs a whole number from 1 to 255',
    },
  ])('$name', async ({ written, says }) => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'zabra.yaml'), written);
    const { code, stdout, stderr } = await zabra(['server', '--config', 'zabra.yaml'], { cwd });
    expect(stderr).toContain(says);
    expect(stderr).toMatch(/^zabra: zabra\.yaml: .*\n$/);
    expect(stdout).toBe('');
    expect(code).toBe(78);
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await zabra(['server', '--config', 'none.yaml']);
    expect(stderr).toBe("zabra: none.yaml: can't be read (ENOENT); give a readable file with --config\n");
    expect(code).toBe(78);
  });

  test('a variable', async () => {
    const { code, stderr } = await zabra(['config'], { env: { ZABRA_TIMING_TICK: '5' } });
    expect(stderr).toBe(
      'zabra: environment: unknown variable ZABRA_TIMING_TICK; did you mean ZABRA_TIMING_TICK_MS?\n',
    );
    expect(code).toBe(78);
  });
});

test('config shows each value with its origin', async () => {
  const cwd = temporaryDirectory();
  writeFileSync(
    join(cwd, 'z.yaml'),
    'id: 1\nmembers: [{ id: 1, peer: "127.0.0.1:2", client: "127.0.0.1:1" }]\n',
  );
  const args = [
    'config',
    '--config',
    'z.yaml',
    '--set',
    'timing.tickMs=20',
    '--set',
    'timing.silenceMs=2000',
  ];
  const options = { cwd, env: { ZABRA_DATA_DIR: 'data' } };
  const shown = await zabra(args, options);
  expect(shown.stdout).toMatch(/^id +1 +z\.yaml$/m);
  expect(shown.stdout).toMatch(/^dataDir +"data" +ZABRA_DATA_DIR$/m);
  expect(shown.stdout).toMatch(/^timing\.heartbeatMs +250 +default$/m);
  expect(shown.code).toBe(0);
  const json = JSON.parse((await zabra([...args, '--json'], options)).stdout);
  expect(json['timing.tickMs']).toEqual({ value: 20, origin: '--set' });
  expect(json['timing.silenceMs']).toEqual({ value: 2000, origin: '--set' });
});

test('a server is not told the credentials of whoever starts it', async () => {
  const { code, stdout, stderr } = await zabra(['config'], { env: { ZABRA_AUTH: 'digest:ada:opensesame' } });
  expect(stdout + stderr).not.toContain('opensesame');
  // What it lacks is an id, not the knowledge of that variable.
  expect(stderr).not.toContain('ZABRA_AUTH');
  expect(code).toBe(78);
});

describe('without an ensemble', () => {
  test.each([{ args: ['status'] }, { args: ['get', '/a'] }])(
    '$args.0 says how to start one',
    async ({ args }) => {
      const { code, stdout, stderr } = await zabra(args);
      expect(stderr).toMatch(
        /^zabra: there is no ensemble in .*\.zabra; start one with `zabra up`, or name its servers/,
      );
      expect(stdout).toBe('');
      expect(code).toBe(1);
    },
  );

  test.each([{ args: ['up', 'kill', 'leader'] }, { args: ['up', 'restart', '1'] }])(
    '$args says so',
    async ({ args }) => {
      const { code, stderr } = await zabra(args);
      expect(stderr).toMatch(/^zabra: no ensemble is running in .*; start one with `zabra up`\n$/);
      expect(code).toBe(1);
    },
  );

  test('at the named servers, status shows them down and a read fails with UNREACHABLE', async () => {
    const servers = `127.0.0.1:${await freeBasePort(1)}`;
    const status = await zabra(['status', '--json', '--servers', servers]);
    expect(JSON.parse(status.stdout).servers).toMatchObject([{ id: null, role: 'down', address: servers }]);
    expect(status.code).toBe(1);
    const read = await zabra(['get', '/a'], { env: { ZABRA_SERVERS: servers } });
    expect(read.stderr).toMatch(/^zabra: UNREACHABLE: .*\n {2}is an ensemble running\?/);
    expect(read.stdout).toBe('');
    expect(read.code).toBe(1);
  });
});
