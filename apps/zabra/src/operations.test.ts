import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ensemble, startEnsemble } from '@zabra/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandHost } from '../test/command-host.ts';
import { type Finished, RunningZabra, temporaryDirectory, zabra } from '../test/zabra-process.ts';
import { DATA_COMMANDS } from './commands/all-commands.ts';

const LONG_MS = 120_000;
const DONE = { code: 0, stderr: '' };
const ZXID = expect.stringMatching(/^0x[0-9a-f]+$/);
const STAT = expect.objectContaining({ czxid: ZXID, version: expect.any(Number), ephemeralOwner: ZXID });

let ensemble: Ensemble;
let host: CommandHost;
const ran = new Set<string>();

beforeAll(async () => {
  ensemble = await startEnsemble();
  host = new CommandHost({ ZABRA_SERVERS: ensemble.servers });
});
afterAll(async () => {
  host?.[Symbol.dispose]();
  await ensemble?.close();
});

function started(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningZabra {
  ran.add(args[0] ?? '');
  return new RunningZabra(args, { env: { ZABRA_SERVERS: ensemble.servers, ...env } });
}

function run(...args: readonly string[]): Promise<Finished> {
  ran.add(args[0] ?? '');
  return host.run(args);
}

/** What a command prints when it is done. */
async function printed(...args: readonly string[]): Promise<string> {
  const { stdout, ...rest } = await run(...args);
  expect({ args, ...rest }).toEqual({ args, ...DONE });
  return stdout;
}

/** The one object that a command prints with --json. */
async function json(...args: readonly string[]): Promise<unknown> {
  return JSON.parse(await printed(...args, '--json'));
}

test(
  'nodes are made in every mode, read, written and deleted',
  async () => {
    expect(await printed('create', '--parents', '/modes/plain', 'one')).toBe('/modes/plain\n');
    expect(await printed('create', '-s', '/modes/numbered-')).toBe('/modes/numbered-0000000001\n');
    expect(await printed('create', '-c', '/modes/container')).toBe('/modes/container\n');
    expect(await printed('create', '-t', '600000', '/modes/ttl', 'x')).toBe('/modes/ttl\n');
    expect(await printed('create', '-st', '600000', '/modes/ttl-')).toBe('/modes/ttl-0000000004\n');
    expect(await json('create', '/modes/json', 'x')).toEqual({ path: '/modes/json', stat: STAT });
    expect(await run('create', '-e', '/modes/mine')).toEqual({
      code: 0,
      stdout: '/modes/mine\n',
      stderr: 'zabra: /modes/mine goes now, with the session of this command: --hold keeps it until Ctrl-C\n',
    });
    expect(await run('exists', '/modes/mine')).toEqual({ code: 1, stdout: 'false\n', stderr: '' });
    expect(await printed('exists', '/modes/plain')).toBe('true\n');
    expect(await json('exists', '/modes/plain')).toEqual({ path: '/modes/plain', exists: true, stat: STAT });

    expect(await printed('touch', '/modes/ttl')).toBe('');
    expect(await json('touch', '/modes/ttl')).toEqual({ path: '/modes/ttl' });
    expect(await run('touch', '/modes/plain')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^zabra: BAD_ARGUMENTS: /),
    });

    expect(await printed('get', '-s', '/modes/plain')).toMatch(/^one\nczxid +0x/);
    expect(await printed('get', '-b', '/modes/plain')).toBe('b25l\n');
    expect(await printed('get', '-x', '/modes/plain')).toBe('6f6e65\n');
    expect(await json('get', '/modes/plain')).toEqual({
      path: '/modes/plain',
      data: 'one',
      encoding: 'utf8',
      stat: STAT,
    });
    expect(await printed('set', '-b', '/modes/plain', '/wA=')).toBe('');
    expect(await json('get', '/modes/plain')).toMatchObject({ data: '/wA=', encoding: 'base64' });
    expect(await printed('set', '-s', '-v', '1', '/modes/plain', 'two')).toMatch(/^version +2$/m);
    expect(await json('set', '/modes/plain', 'three')).toEqual({ path: '/modes/plain', stat: STAT });

    expect(await json('delete', '-v', '3', '/modes/plain')).toEqual({ path: '/modes/plain' });
    expect(await json('delete', '--recursive', '--atomic', '/modes')).toEqual({ path: '/modes' });
    expect(await printed('ls', '/')).toBe('zookeeper\n');
    expect(await run('delete', '--atomic', '/modes')).toMatchObject({ code: 2 });
    expect(await run('create', '-e', '-c', '/modes')).toMatchObject({ code: 2 });
  },
  LONG_MS,
);

test(
  'a node that is held stays until Ctrl-C',
  async () => {
    const holder = started(['create', '-e', '--hold', '/held']);
    await holder.line('/held');
    expect(await printed('exists', '/held')).toBe('true\n');
    expect((await holder.end('SIGINT')).code).toBe(0);
    expect(await run('exists', '/held')).toMatchObject({ code: 1 });
  },
  LONG_MS,
);

test(
  'listings are whole, in pages, or of all that is below',
  async () => {
    const operations = ['/list', '/list/a', '/list/b', '/list/b/c', '/list/d'].map((path) => ({
      op: 'create',
      path,
    }));
    await printed('transaction', JSON.stringify(operations));
    expect(await printed('ls', '/list')).toBe('a\nb\nd\n');
    expect(await printed('ls', '-s', '/list')).toMatch(/^a\nb\nd\nczxid .*\n(.*\n)*numChildren +3\n$/);
    expect(await json('ls', '/list')).toEqual(['a', 'b', 'd']);
    expect(await json('ls', '-s', '/list')).toEqual({ path: '/list', children: ['a', 'b', 'd'], stat: STAT });
    expect(await printed('ls', '-R', '/list')).toBe('/list\n/list/a\n/list/b\n/list/b/c\n/list/d\n');
    expect(await json('ls', '-R', '/list')).toMatchObject({ paths: expect.arrayContaining(['/list/b/c']) });
    expect(await json('ls', '--limit', '2', '/list')).toEqual({
      path: '/list',
      children: ['a', 'b'],
      next: 'b',
    });
    expect(await json('ls', '--limit', '2', '--after', 'b', '--page', '1', '/list')).toEqual({
      path: '/list',
      children: ['d'],
      next: null,
    });
    expect(await printed('count', '/list')).toBe('4\n');
    expect(await json('getAllChildrenNumber', '/list')).toEqual({ path: '/list', descendants: 4 });
    expect(await printed('deleteall', '/list')).toBe('');
    expect(await run('deleteall', '/list')).toMatchObject({ code: 1 });
  },
  LONG_MS,
);

test(
  'several operations happen together or not at all, and several reads are of one moment',
  async () => {
    const file = join(temporaryDirectory(), 'operations.json');
    writeFileSync(
      file,
      JSON.stringify([
        { op: 'checkAbsent', path: '/tx' },
        { op: 'create', path: '/tx', data: 'x' },
        { op: 'create', path: '/tx/n-', mode: 'persistent-sequential' },
        { op: 'set', path: '/tx', data: 'y', version: 0 },
        { op: 'check', path: '/tx', version: 1 },
      ]),
    );
    expect(await printed('transaction', '-f', file)).toMatch(
      /\ncreate \/tx\ncreate \/tx\/n-0000000000\nset \/tx\n/,
    );
    expect(await run('transaction', '-f', file)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^zabra: TRANSACTION_FAILED: .*operation 0 was refused: NODE_EXISTS/),
    });
    expect(await json('multi', '[{"op":"create","path":"/tx/z"},{"op":"delete","path":"/tx/z"}]')).toEqual({
      results: [
        { op: 'create', path: '/tx/z', stat: STAT },
        { op: 'delete', path: '/tx/z' },
      ],
    });
    const input = '[{"op":"set","path":"/tx","data":"piped"}]';
    const piped = await zabra(['transaction'], { env: { ZABRA_SERVERS: ensemble.servers }, input });
    expect(piped).toEqual({ ...DONE, stdout: 'set /tx\n' });
    expect(await run('transaction', '[{"op":"sett","path":"/tx"}]')).toMatchObject({ code: 2 });
    expect(await run('transaction', '-f', 'none.json')).toMatchObject({ code: 1 });

    expect(await printed('multiread', '/tx', 'children:/tx', 'exists:/none')).toBe(
      'get /tx: piped\nchildren /tx: n-0000000000\nexists /none: false\n',
    );
    const partial = await run('multiread', '--json', '/tx', '/none');
    expect(partial.code).toBe(1);
    expect(JSON.parse(partial.stdout)).toEqual({
      results: [
        { op: 'get', path: '/tx', data: 'piped', encoding: 'utf8', stat: STAT },
        { op: 'get', path: '/none', error: { code: 'NO_NODE', message: expect.any(String) } },
      ],
    });
    await printed('deleteall', '/tx');
  },
  LONG_MS,
);

test(
  'who you are decides what you may, and no command tells your password',
  async () => {
    const secret = 'digest:ada:opensesame';
    expect(await printed('create', '/closed', 'x', '--auth', secret, '--acl', 'auth::cdrwa')).toBe(
      '/closed\n',
    );
    const refused = await run('get', '/closed');
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^zabra: NO_AUTH: /),
    });
    expect(await printed('get', '/closed', '--auth', secret)).toBe('x');
    expect(await started(['get', '/closed'], { ZABRA_AUTH: `${secret}\n` }).finished).toEqual({
      ...DONE,
      stdout: 'x',
    });
    const malformed = await run('get', '/closed', '--auth', 'opensesame');
    expect(malformed).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('scheme:credentials'),
    });
    expect(malformed.stderr).not.toContain('opensesame');
    const known = await printed('whoami', '--auth', secret);
    expect(known).toMatch(/^ip:127\.0\.0\.1$/m);
    expect(known).toMatch(/^digest:ada/m);
    expect(known).not.toContain('opensesame');
    expect(await json('whoami')).toEqual({ identities: [{ scheme: 'ip', id: '127.0.0.1' }] });

    expect(await printed('create', '/open')).toBe('/open\n');
    expect(await printed('create', '/open/below')).toBe('/open/below\n');
    expect(await printed('getacl', '/open')).toBe('world:anyone:cdrwa\n');
    expect(await printed('setacl', '-R', '/open', 'world:anyone:rcda')).toBe('');
    expect(await printed('getAcl', '-s', '/open/below')).toMatch(
      /^world:anyone:cdra\nczxid .*\n(.*\n)*aversion +1\n/,
    );
    expect(await json('setacl', '-v', '1', '/open', 'world:anyone:rda')).toEqual({
      path: '/open',
      nodes: 1,
      stat: STAT,
    });
    expect(await json('getacl', '/open')).toEqual({
      path: '/open',
      acl: [{ scheme: 'world', id: 'anyone', perms: expect.arrayContaining(['read', 'delete', 'admin']) }],
      stat: STAT,
    });
    expect(await run('setacl', '-v', '1', '/open', 'world:anyone:r')).toMatchObject({ code: 1 });
    expect(await run('setacl', '/open', 'anyone')).toMatchObject({ code: 2 });
    await printed('deleteall', '/open');
    await printed('delete', '/closed');
  },
  LONG_MS,
);

test(
  'quotas are set limit by limit, shown, enforced and removed',
  async () => {
    await printed('create', '/limited', 'abc');
    expect(await printed('setquota', '-N', '2', '/limited')).toBe('');
    expect(await json('setquota', '-b', '10', '/limited')).toEqual({
      path: '/limited',
      count: 2,
      bytes: null,
      countSoft: null,
      bytesSoft: 10,
    });
    expect(await json('listquota', '/limited')).toEqual({
      path: '/limited',
      count: 2,
      bytes: null,
      countSoft: null,
      bytesSoft: 10,
      used: { count: 1, bytes: 3 },
    });
    await printed('create', '/limited/a');
    expect(await run('create', '/limited/b')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^zabra: QUOTA_EXCEEDED: /),
    });
    expect(await printed('setquota', '-b', '-1', '/limited')).toBe('');
    expect(await printed('listquota', '/limited')).toMatch(
      /^count +2\nbytes +none\ncountSoft +none\nbytesSoft +none\n/,
    );
    expect(await run('setquota', '/limited')).toMatchObject({ code: 2 });
    expect(await printed('delquota', '-N', '/limited')).toBe('');
    expect(await run('listquota', '/limited')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no quota'),
    });
    await printed('setquota', '-N', '2', '-B', '5', '/limited');
    expect(await json('delquota', '/limited')).toMatchObject({ count: null, bytes: null });
    await printed('deleteall', '/limited');
  },
  LONG_MS,
);

test(
  'a watch prints an event per line, and begins where it is told to',
  async () => {
    const [before] = [(await json('sync', '/')) as { readonly zxid: string }];
    expect(before).toEqual({ path: '/', zxid: ZXID });
    expect(await printed('sync')).toMatch(/^0x[0-9a-f]+\n$/);
    await printed('create', '/seen', 'x');
    await printed('create', '/seen/below', 'x');
    const followed = await printed('watch', '/seen', '-r', '--from-zxid', before.zxid, '-n', '2', '--json');
    expect(
      followed
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'created', path: '/seen', zxid: ZXID },
      { type: 'created', path: '/seen/below', zxid: ZXID },
    ]);
    const watcher = started(['watch', '/seen', '--from-zxid', before.zxid]);
    expect(await watcher.line('0x')).toMatch(/^0x[0-9a-f]+ created \/seen$/);
    expect((await watcher.end('SIGINT')).code).toBe(0);

    const oneShot = started(['get', '-w', '/seen', '--json']);
    expect(JSON.parse(await oneShot.line('{"path"'))).toMatchObject({ data: 'x' });
    await printed('set', '/seen', 'y');
    const { code, stdout } = await oneShot.finished;
    expect(JSON.parse(stdout.split('\n')[1] ?? '')).toEqual({ type: 'changed', path: '/seen', zxid: ZXID });
    expect(code).toBe(0);

    const absent = started(['stat', '-w', '/coming']);
    expect(await absent.line('/coming')).toBe('/coming does not exist yet');
    await printed('create', '/coming');
    expect((await absent.finished).stdout).toMatch(/\n0x[0-9a-f]+ created \/coming\n$/);
    const children = started(['ls', '-w', '/seen']);
    await children.line('below');
    await printed('deleteall', '/seen');
    expect((await children.finished).stdout).toMatch(/^below\n0x[0-9a-f]+ children \/seen\n$/);
    await printed('delete', '/coming');
  },
  LONG_MS,
);

test('a command has ephemeral nodes only of its own session, which are none', async () => {
  expect(await printed('ephemerals')).toBe('');
  expect(await json('getEphemerals', '/a')).toEqual({ path: '/a', paths: [] });
});

test(
  'a server without a quorum is read when that will do',
  async () => {
    await using own = await startEnsemble({ config: { readOnlyMode: true } });
    const env = { ZABRA_SERVERS: own.addressOf(3) };
    expect(await zabra(['create', '/left', 'behind'], { env })).toMatchObject({ code: 0 });
    expect(await zabra(['get', '/left'], { env })).toMatchObject({ stdout: 'behind' });
    await Promise.all([own.kill(1), own.kill(2)]);
    const read = await zabra(['get', '--read-only', '/left'], { env });
    expect(read).toEqual({ ...DONE, stdout: 'behind' });
    const written = await zabra(['set', '--read-only', '/left', 'x'], { env });
    expect(written).toMatchObject({ code: 1, stderr: expect.stringMatching(/^zabra: NOT_READ_ONLY: /) });
  },
  LONG_MS,
);

test('every command of the table was run', () => {
  const unused = DATA_COMMANDS.filter(
    ({ name, aliases = [] }) => ![name, ...aliases].some((one) => ran.has(one)),
  );
  expect(unused.map(({ name }) => name)).toEqual([]);
});
