import type { DataCommand } from './command.ts';
import { hexadecimal } from './node-text.ts';

/** Prints the zxid up to which the server then had everything. */
export const sync: DataCommand = {
  name: 'sync',
  about: 'wait until the server has all that was committed anywhere, and print its zxid',
  arguments: [{ name: 'path', kind: 'path', presence: 'optional' }],
  options: [],
  run: async (given, { client, signal }) => {
    const path = given.textOrNone('path') ?? '/';
    const zxid = hexadecimal(await client.sync(path, { signal }));
    return { text: `${zxid}\n`, json: { path, zxid } };
  },
};
