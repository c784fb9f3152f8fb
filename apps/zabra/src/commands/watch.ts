import { type DataCommand, PATH_ARGUMENT } from './command.ts';
import { standing } from './watching.ts';

/** An event per line; on the command line until Ctrl-C or --count. */
export const watch: DataCommand = {
  name: 'watch',
  about: 'print what happens to a node, an event per line, until Ctrl-C',
  arguments: [PATH_ARGUMENT],
  options: [
    { name: 'recursive', letter: 'r', about: 'and to all below it' },
    {
      name: 'from-zxid',
      about: 'what happened after this zxid too',
      takes: { kind: 'zxid', label: 'zxid' },
    },
    {
      name: 'count',
      letter: 'n',
      about: 'end after so many events',
      takes: { kind: 'number', label: 'n', min: 1, max: Number.MAX_SAFE_INTEGER },
    },
  ],
  run: async (given, { client }) => {
    const { path } = given;
    const fromZxid = given.textOrNone('from-zxid');
    const eventsMax = given.number('count');
    const watching = standing(client, path, {
      recursive: given.has('recursive'),
      ...(fromZxid === undefined ? {} : { fromZxid: BigInt(fromZxid) }),
    });
    return {
      text: '',
      json: undefined,
      watch: eventsMax === undefined ? watching : { ...watching, eventsMax },
    };
  },
};
