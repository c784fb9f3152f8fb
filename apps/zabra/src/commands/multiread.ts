import type { MultiRead, MultiReadResult } from '@zabra/client';
import { EXIT } from '../exit-code.ts';
import type { DataCommand } from './command.ts';
import { dataJson, lines, statJson } from './node-text.ts';

/** All from one state of the tree; a line for each, in the order in which they were asked. */
export const multiRead: DataCommand = {
  name: 'multiread',
  about:
    'read several nodes as they are at one moment: /a is its data, children:/a its children, exists:/a its Stat',
  arguments: [{ name: 'read', kind: 'read', presence: 'many' }],
  options: [],
  reads: true,
  run: async (given, { client, signal }) => {
    const results = await client.multiRead(given.list('read').map(readOf), { signal });
    return {
      text: lines(results.map(lineOf)),
      json: { results: results.map(jsonOf) },
      exitCode: results.some((result) => 'error' in result) ? EXIT.failed : EXIT.done,
    };
  },
};

/** `children:/a`; get where nothing is said. */
function readOf(written: string): MultiRead {
  const [, op = 'get', path = ''] = /^(?:(get|exists|children):)?(.*)$/s.exec(written) ?? [];
  return { op: op as MultiRead['op'], path };
}

function lineOf(result: MultiReadResult): string {
  const asked = `${result.op} ${result.path}`;
  if ('error' in result) return `${asked}: ${result.error.code}`;
  switch (result.op) {
    case 'get':
      return `${asked}: ${dataJson(result.data).data}`;
    case 'exists':
      return `${asked}: ${result.stat !== null}`;
    case 'children':
      return `${asked}: ${result.children.join(' ')}`;
  }
}

function jsonOf(result: MultiReadResult): unknown {
  const { op, path } = result;
  if ('error' in result)
    return { op, path, error: { code: result.error.code, message: result.error.message } };
  switch (result.op) {
    case 'get':
      return { op, path, ...dataJson(result.data), stat: statJson(result.stat) };
    case 'exists':
      return {
        op,
        path,
        exists: result.stat !== null,
        stat: result.stat === null ? null : statJson(result.stat),
      };
    case 'children':
      return { op, path, children: result.children, stat: statJson(result.stat) };
  }
}
