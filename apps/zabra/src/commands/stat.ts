import { EXIT, Failure } from '../exit-code.ts';
import { type DataCommand, PATH_ARGUMENT, WATCH_OPTION } from './command.ts';
import { statJson, statLines } from './node-text.ts';
import { oneShot } from './watching.ts';

/** What is known of a node beside its data. */
export const stat: DataCommand = {
  name: 'stat',
  about: 'show what is known of a node beside its data',
  arguments: [PATH_ARGUMENT],
  options: [WATCH_OPTION],
  reads: true,
  run: async (given, { client, signal }) => {
    const { path } = given;
    if (!given.has('watch')) {
      const found = await client.exists(path, { signal });
      if (found === null) throw noNode('stat', path);
      return { text: statLines(found), json: statJson(found) };
    }
    const { stat: found, watch } = await client.exists(path, { signal, watch: true });
    // The watch waits for its creation, so that its absence is an answer.
    const text = found === null ? `${path} does not exist yet\n` : statLines(found);
    return {
      text,
      json: found === null ? { path, exists: false } : statJson(found),
      watch: oneShot('data', path, watch),
    };
  },
};

/** Whether there is such a node; 1 when there is none. */
export const exists: DataCommand = {
  name: 'exists',
  about: 'print whether there is such a node; exits with 1 when there is none',
  arguments: [PATH_ARGUMENT],
  options: [],
  reads: true,
  run: async (given, { client, signal }) => {
    const found = await client.exists(given.path, { signal });
    return {
      text: `${found !== null}\n`,
      json: { path: given.path, exists: found !== null, stat: found === null ? null : statJson(found) },
      exitCode: found === null ? EXIT.failed : EXIT.done,
    };
  },
};

/** What a read says of a node that is not there. */
export function noNode(operation: string, path: string): Failure {
  return Object.assign(new Failure(`NO_NODE: ${operation} ${path}`), { code: 'NO_NODE' });
}
