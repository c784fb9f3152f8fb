import type { Snapshot } from '@zabra/client';
import { type Answer, type DataCommand, PATH_ARGUMENT, STAT_OPTION, WATCH_OPTION } from './command.ts';
import type { Given } from './given.ts';
import { dataJson, statJson, statLines, withNewline } from './node-text.ts';
import { oneShot } from './watching.ts';

/** The data and nothing else, unless asked for. */
export const get: DataCommand = {
  name: 'get',
  about: 'print the data and nothing else',
  arguments: [PATH_ARGUMENT],
  options: [
    STAT_OPTION,
    WATCH_OPTION,
    { name: 'base64', letter: 'b', about: 'print the data as base64' },
    { name: 'hex', letter: 'x', about: 'print the data in hexadecimal' },
  ],
  reads: true,
  run: async (given, { client, signal }) => {
    const { path } = given;
    if (!given.has('watch')) return answerOf(given, await client.get(path, { signal }));
    const read = await client.get(path, { signal, watch: true });
    return { ...answerOf(given, read), watch: oneShot('data', path, read.watch) };
  },
};

function answerOf(given: Given, { path, data, stat }: Snapshot<Uint8Array>): Answer {
  const shown = shownAs(given, data);
  return {
    text: given.has('stat') ? Buffer.concat([withNewline(shown), Buffer.from(statLines(stat))]) : shown,
    json: { path, ...dataJson(data), stat: statJson(stat) },
  };
}

function shownAs(given: Given, data: Uint8Array): Uint8Array {
  const encoding = given.has('base64') ? 'base64' : given.has('hex') ? 'hex' : undefined;
  return encoding === undefined ? data : Buffer.from(`${Buffer.from(data).toString(encoding)}\n`);
}
