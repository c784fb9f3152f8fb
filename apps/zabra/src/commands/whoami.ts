import type { DataCommand } from './command.ts';
import { lines } from './node-text.ts';

/** `scheme:id`, an identity per line. */
export const whoami: DataCommand = {
  name: 'whoami',
  about: 'print whom the ensemble takes you for',
  arguments: [],
  options: [],
  reads: true,
  run: async (_given, { client, signal }) => {
    const identities = await client.whoAmI({ signal });
    return {
      text: lines(identities.map(({ scheme, id }) => `${scheme}:${id}`)),
      json: { identities: identities.map(({ scheme, id }) => ({ scheme, id })) },
    };
  },
};
