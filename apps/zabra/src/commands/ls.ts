import type { Stat } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';
import { type Answer, type Context, type DataCommand, STAT_OPTION, WATCH_OPTION } from './command.ts';
import type { Given } from './given.ts';
import { lines, statJson, statLines } from './node-text.ts';
import { pathsBelow } from './paths-below.ts';
import { noNode } from './stat.ts';
import { oneShot } from './watching.ts';

const NUMBER = { kind: 'number', label: 'n', min: 1, max: 1_000_000 } as const;

/** The names of the children, one per line; in JSON an array of them, or an object when more was asked for. */
export const ls: DataCommand = {
  name: 'ls',
  about: 'print the names of the children',
  arguments: [{ name: 'path', kind: 'path', presence: 'required', inShell: '.' }],
  options: [
    STAT_OPTION,
    WATCH_OPTION,
    { name: 'recursive', letter: 'R', about: 'print the paths of the node and of all below it' },
    { name: 'limit', about: 'at most so many names', takes: NUMBER },
    { name: 'after', about: 'only names behind this one', takes: { kind: 'text', label: 'name' } },
    { name: 'page', about: 'ask for so many names at a time', takes: NUMBER },
  ],
  reads: true,
  run: async (given, context) => {
    const isPaged = ['limit', 'after', 'page'].some((option) => given.has(option));
    if (given.has('recursive')) {
      refuseWith(given, ['watch', 'limit', 'after', 'page'], '-R');
      return listBelow(given.path, context);
    }
    if (isPaged) {
      refuseWith(given, ['watch', 'stat'], '--limit, --after and --page');
      return listPage(given, context);
    }
    return list(given, context);
  },
};

async function list(given: Given, { client, signal }: Context): Promise<Answer> {
  const { path } = given;
  if (given.has('watch')) {
    const { children, stat, watch } = await client.children(path, { signal, watch: true });
    return {
      ...answerOf(path, children, given.has('stat') ? stat : undefined),
      watch: oneShot('child', path, watch),
    };
  }
  const children = await client.children(path, { signal });
  if (!given.has('stat')) return answerOf(path, children, undefined);
  const stat = await client.exists(path, { signal });
  if (stat === null) throw noNode('ls', path);
  return answerOf(path, children, stat);
}

function answerOf(path: string, children: readonly string[], stat: Stat | undefined): Answer {
  if (stat === undefined) return { text: lines(children), json: children };
  return {
    text: lines(children) + statLines(stat),
    json: { path, children, stat: statJson(stat) },
  };
}

async function listPage(given: Given, { client, signal }: Context): Promise<Answer> {
  const { path } = given;
  const limit = given.number('limit') ?? Number.POSITIVE_INFINITY;
  const after = given.textOrNone('after');
  const pageSize = given.number('page');
  const children: string[] = [];
  let isMore = false;
  const pages = client.childrenPages(path, { signal, ...(pageSize === undefined ? {} : { pageSize }) });
  for await (const { name } of pages) {
    if (after !== undefined && isUpTo(name, after)) continue;
    isMore = children.length === limit;
    if (isMore) break;
    children.push(name);
  }
  const next = isMore ? (children.at(-1) ?? null) : null;
  return { text: lines(children), json: { path, children, next } };
}

/** In the order of listings, which is that of the names' UTF-8 bytes. */
function isUpTo(name: string, after: string): boolean {
  return Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0;
}

async function listBelow(path: string, { client, signal }: Context): Promise<Answer> {
  const paths = [path, ...(await pathsBelow(client, path, signal))];
  return { text: lines(paths), json: { path, paths } };
}

function refuseWith(given: Given, options: readonly string[], other: string): void {
  const found = options.find((option) => given.has(option));
  if (found !== undefined) throw new Failure(`--${found} does not go with ${other}`, EXIT.usage);
}
