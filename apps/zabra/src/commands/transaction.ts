import { readFile } from 'node:fs/promises';
import { EXIT, Failure } from '../exit-code.ts';
import type { Context, DataCommand } from './command.ts';
import type { Given } from './given.ts';
import { lines, statJson } from './node-text.ts';
import { readOperations } from './operations-file.ts';

/** Prints what was done, an operation per line. */
export const transaction: DataCommand = {
  name: 'transaction',
  aliases: ['multi'],
  about: 'do several operations together, or none: [{"op": "create", "path": "/a", "data": "x"}, …]',
  arguments: [
    {
      name: 'operations',
      kind: 'text',
      presence: 'optional',
      about: 'JSON; else --file, else standard input',
    },
  ],
  options: [
    {
      name: 'file',
      letter: 'f',
      about: 'a file with the operations, or - for standard input',
      takes: { kind: 'text', label: 'file' },
    },
  ],
  run: async (given, context) => {
    const steps = readOperations(await writtenOf(given, context));
    const made = context.client.transaction();
    for (const step of steps) step(made);
    const results = await made.commit({ signal: context.signal });
    return {
      text: lines(results.map(({ op, path }) => `${op} ${path}`)),
      json: {
        results: results.map(({ op, path, stat }) =>
          stat === undefined ? { op, path } : { op, path, stat: statJson(stat) },
        ),
      },
    };
  },
};

async function writtenOf(given: Given, context: Context): Promise<string> {
  const inline = given.textOrNone('operations');
  const file = given.textOrNone('file');
  if (inline !== undefined && file !== undefined) {
    throw new Failure('the operations are either in --file or on the line', EXIT.usage);
  }
  if (inline !== undefined && inline !== '-') return inline;
  if (file === undefined || file === '-') return Buffer.from(await context.stdin()).toString('utf8');
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file}: can't be read (${error.code}); give a readable file with --file`);
  });
}
