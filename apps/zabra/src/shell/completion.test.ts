import { describe, expect, test } from 'vitest';
import { complete } from './completion.ts';
import { byName } from './parse-line.ts';
import { SHELL_COMMANDS } from './shell.ts';

const TREE: Readonly<Record<string, readonly string[]>> = {
  '/': ['app', 'apple', 'zookeeper'],
  '/app': ['config', 'conf two', 'locks'],
  '/app/locks': ['a'],
};

const surroundings = {
  commands: byName(SHELL_COMMANDS),
  directory: '/app',
  childrenOf: async (path: string): Promise<readonly string[]> => TREE[path] ?? [],
};

describe('the last word of a line is completed', () => {
  test.each<{ line: string; hits: readonly string[]; replaced: string }>([
    { line: 'geta', hits: ['getAcl ', 'getAllChildrenNumber '], replaced: 'geta' },
    { line: 'delq', hits: ['delquota '], replaced: 'delq' },
    { line: 'get /', hits: ['/app', '/apple', '/zookeeper'], replaced: '/' },
    { line: 'get /zo', hits: ['/zookeeper'], replaced: '/zo' },
    { line: 'get /app/l', hits: ['/app/locks/'], replaced: '/app/l' },
    { line: 'get l', hits: ['locks/'], replaced: 'l' },
    { line: 'ls ', hits: ['config', 'conf\\ two', 'locks'], replaced: '' },
    { line: 'get conf\\ ', hits: ['conf\\ two'], replaced: 'conf\\ ' },
    { line: 'get "conf ', hits: ['"conf two'], replaced: '"conf ' },
    { line: 'get ../z', hits: ['../zookeeper'], replaced: '../z' },
    { line: 'ls -s -R /z', hits: ['/zookeeper'], replaced: '/z' },
    { line: 'delete -v 3 /z', hits: ['/zookeeper'], replaced: '/z' },
    { line: 'delete -v /z', hits: [], replaced: '/z' },
    { line: 'set /app /z', hits: [], replaced: '/z' },
    { line: 'get /app /z', hits: [], replaced: '/z' },
    { line: 'multiread /a children:/z', hits: ['children:/zookeeper'], replaced: 'children:/z' },
    {
      line: 'get -',
      hits: ['-s ', '--stat ', '-w ', '--watch ', '-b ', '--base64 ', '-x ', '--hex ', '--json '],
      replaced: '-',
    },
    { line: 'nothing /z', hits: [], replaced: '/z' },
    { line: 'get /none/x', hits: [], replaced: '/none/x' },
  ])('$line', async ({ line, hits, replaced }) => {
    expect(await complete(line, surroundings)).toEqual([hits, replaced]);
  });

  test('every command is there for an empty line', async () => {
    const [hits] = await complete('', surroundings);
    expect(hits).toEqual(expect.arrayContaining(['ls ', 'deleteall ', 'setAcl ', 'exit ', 'quit ']));
  });
});
