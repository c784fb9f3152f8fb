import { describe, expect, test } from 'vitest';
import { Given, type GivenValue } from '../commands/given.ts';
import { byName, parseLine, usageOf } from './parse-line.ts';
import { SHELL_COMMANDS } from './shell.ts';

const COMMANDS = byName(SHELL_COMMANDS);

function given(values: Readonly<Record<string, GivenValue>>): Given {
  return new Given(new Map(Object.entries(values)));
}

describe("zkCli's spellings are read as zkCli means them", () => {
  test.each<{ line: string; name: string; values: Readonly<Record<string, GivenValue>> }>([
    { line: 'ls /', name: 'ls', values: { path: '/' } },
    { line: 'ls', name: 'ls', values: { path: '/app' } },
    { line: 'ls -s -w -R /a', name: 'ls', values: { stat: true, watch: true, recursive: true, path: '/a' } },
    { line: 'ls -sw /a', name: 'ls', values: { stat: true, watch: true, path: '/a' } },
    { line: 'LS /a -R', name: 'ls', values: { recursive: true, path: '/a' } },
    { line: 'ls --limit 5 --after=b /a', name: 'ls', values: { limit: 5, after: 'b', path: '/a' } },
    { line: 'create /a', name: 'create', values: { path: '/a' } },
    {
      line: 'create -s -e /a x',
      name: 'create',
      values: { sequential: true, ephemeral: true, path: '/a', data: 'x' },
    },
    { line: 'create -c /a', name: 'create', values: { container: true, path: '/a' } },
    { line: 'create -t 1000 /a x', name: 'create', values: { ttl: 1000, path: '/a', data: 'x' } },
    { line: 'create -s /locks/', name: 'create', values: { sequential: true, path: '/locks/' } },
    {
      line: 'create /a "" world:anyone:r',
      name: 'create',
      values: { path: '/a', data: '', acl: 'world:anyone:r' },
    },
    { line: 'delete -v 3 /a', name: 'delete', values: { version: 3, path: '/a' } },
    { line: 'delete /a -v -1', name: 'delete', values: { version: -1, path: '/a' } },
    { line: 'deleteall /a', name: 'deleteall', values: { path: '/a' } },
    { line: 'deleteall /a -b 1000', name: 'deleteall', values: { path: '/a', batch: 1000 } },
    { line: 'get -s -w /a', name: 'get', values: { stat: true, watch: true, path: '/a' } },
    { line: 'get -b /a', name: 'get', values: { base64: true, path: '/a' } },
    { line: 'get -x /a', name: 'get', values: { hex: true, path: '/a' } },
    { line: 'set -s -v 2 /a x', name: 'set', values: { stat: true, version: 2, path: '/a', data: 'x' } },
    { line: 'set /a x -s -v 2', name: 'set', values: { stat: true, version: 2, path: '/a', data: 'x' } },
    { line: 'set /a "-1"', name: 'set', values: { path: '/a', data: '-1' } },
    { line: 'set -- /a -1', name: 'set', values: { path: '/a', data: '-1' } },
    { line: 'set /a -', name: 'set', values: { path: '/a', data: '-' } },
    { line: 'stat -w /a', name: 'stat', values: { watch: true, path: '/a' } },
    { line: 'getAcl -s /a', name: 'getacl', values: { stat: true, path: '/a' } },
    {
      line: 'setAcl -s -v 1 -R /a world:anyone:cdrwa',
      name: 'setacl',
      values: { stat: true, version: 1, recursive: true, path: '/a', acl: 'world:anyone:cdrwa' },
    },
    { line: 'addWatch /a', name: 'addwatch', values: { path: '/a' } },
    { line: 'addWatch -m PERSISTENT /a', name: 'addwatch', values: { mode: 'PERSISTENT', path: '/a' } },
    {
      line: 'removewatches /a -c -l',
      name: 'removewatches',
      values: { path: '/a', children: true, local: true },
    },
    { line: 'removewatches /a -d', name: 'removewatches', values: { path: '/a', data: true } },
    { line: 'removewatches /a -a', name: 'removewatches', values: { path: '/a', any: true } },
    {
      line: 'setquota -n 10 -b 20 -N 30 -B 40 /a',
      name: 'setquota',
      values: { 'count-soft': 10, 'bytes-soft': 20, count: 30, bytes: 40, path: '/a' },
    },
    { line: 'setquota -N -1 /a', name: 'setquota', values: { count: -1, path: '/a' } },
    { line: 'listquota /a', name: 'listquota', values: { path: '/a' } },
    { line: 'delquota -N /a', name: 'delquota', values: { count: true, path: '/a' } },
    { line: 'delquota /a', name: 'delquota', values: { path: '/a' } },
    { line: 'sync /a', name: 'sync', values: { path: '/a' } },
    {
      line: 'addauth digest user:pa:ss',
      name: 'addauth',
      values: { scheme: 'digest', auth: 'user:pa:ss' },
    },
    { line: 'whoami', name: 'whoami', values: {} },
    { line: 'getEphemerals', name: 'ephemerals', values: {} },
    { line: 'getEphemerals /a', name: 'ephemerals', values: { path: '/a' } },
    { line: 'getAllChildrenNumber /a', name: 'count', values: { path: '/a' } },
    { line: 'version', name: 'version', values: {} },
    { line: 'history', name: 'history', values: {} },
    { line: 'redo 3', name: 'redo', values: { number: '3' } },
    { line: 'connect localhost:5181', name: 'connect', values: { servers: 'localhost:5181' } },
    { line: 'close', name: 'close', values: {} },
    { line: 'quit', name: 'quit', values: {} },
    { line: 'Exit', name: 'quit', values: {} },
    { line: 'help', name: 'help', values: {} },
    { line: 'printwatches off', name: 'printwatches', values: { 'on|off': 'off' } },
    { line: 'config', name: 'config', values: {} },
    { line: 'get config --json', name: 'get', values: { path: '/app/config', json: true } },
    { line: 'stat ../b', name: 'stat', values: { path: '/b' } },
    {
      line: 'watch . -r --from-zxid 0x1f',
      name: 'watch',
      values: { path: '/app', recursive: true, 'from-zxid': '0x1f' },
    },
    {
      line: 'multiread a children:/b exists:c',
      name: 'multiread',
      values: { read: ['/app/a', 'children:/b', 'exists:/app/c'] },
    },
  ])('$line', ({ line, name, values }) => {
    const parsed = parseLine(line, COMMANDS, '/app');
    expect(parsed?.command.name).toBe(name);
    expect(parsed?.given).toEqual(given(values));
  });
});

test.each(['', '   ', '# a comment', '  # get /a'])('"%s" is nothing', (line) => {
  expect(parseLine(line, COMMANDS, '/')).toBeUndefined();
});

describe('a line that is wrong is refused with what is needed', () => {
  test.each<{ line: string; says: string }>([
    { line: 'gte /a', says: 'there is no command "gte"; `help` lists what there is' },
    { line: 'constructor /a', says: 'there is no command "constructor"' },
    { line: 'get', says: 'get: path is missing; usage: get [-s] [-w] [-b] [-x] path' },
    { line: 'get /a /b', says: 'get: "/b" is one argument too many; quote what has blanks' },
    { line: 'get -q /a', says: 'get: unknown option -q; put -- before what is none' },
    { line: 'get --statt /a', says: 'get: unknown option --statt' },
    { line: 'set /a -1', says: 'set: unknown option -1' },
    { line: 'delete /a -v', says: 'delete: -v needs a value' },
    { line: 'delete -v x /a', says: 'delete: -v is "x". It needs a whole number from 0' },
    { line: 'create -et 5 /a', says: 'create: unknown option -et' },
    { line: 'get --stat=yes /a', says: 'get: --stat takes no value' },
    { line: 'create -t 0 /a', says: 'create: -t is "0". It needs a whole number from 1 to 1099511627775.' },
    { line: 'watch /a --from-zxid later', says: 'It needs a zxid, as 0x100000002.' },
    { line: 'get "/a', says: 'the quote " is not closed' },
    { line: 'multiread', says: 'multiread: read is missing; usage: multiread read...' },
  ])('$line', ({ line, says }) => {
    expect(() => parseLine(line, COMMANDS, '/')).toThrow(says);
  });
});

test("usage is written as ZooKeeper's users know it", () => {
  expect(COMMANDS.size).toBeGreaterThan(SHELL_COMMANDS.length);
  expect(SHELL_COMMANDS.map(usageOf)).toEqual(
    expect.arrayContaining([
      'getAcl [-s] path',
      'setAcl [-v <n>] [-s] [-R] path acl',
      'removewatches [-c] [-d] [-p] [-r] [-a] [-l] path',
    ]),
  );
});

test('no two commands share a spelling, and no two options of one share a letter', () => {
  const spellings = SHELL_COMMANDS.flatMap(({ name, aliases = [] }) => [
    ...new Set([name, ...aliases].map((one) => one.toLowerCase())),
  ]);
  expect(new Set(spellings).size).toBe(spellings.length);
  const letters = SHELL_COMMANDS.flatMap(({ name, options }) =>
    options.flatMap(({ letter }) => (letter === undefined ? [] : [`${name} -${letter}`])),
  );
  expect(new Set(letters).size).toBe(letters.length);
});
