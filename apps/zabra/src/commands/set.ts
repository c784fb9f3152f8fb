import { EXIT, Failure } from '../exit-code.ts';
import { type DataCommand, PATH_ARGUMENT, STAT_OPTION, VERSION_OPTION } from './command.ts';
import { statJson, statLines } from './node-text.ts';

/** Silent when done. */
export const set: DataCommand = {
  name: 'set',
  about: 'replace the data',
  arguments: [
    PATH_ARGUMENT,
    { name: 'data', kind: 'text', presence: 'required', about: 'text, or - for standard input' },
  ],
  options: [
    VERSION_OPTION,
    STAT_OPTION,
    { name: 'base64', letter: 'b', about: 'the data is written in base64' },
  ],
  run: async (given, { client, signal, data }) => {
    const written = await data(given.text('data'));
    const bytes = given.has('base64') ? decoded(written) : written;
    const stat = await client.set(given.path, bytes, { signal, ...given.version });
    return {
      text: given.has('stat') ? statLines(stat) : '',
      json: { path: given.path, stat: statJson(stat) },
    };
  },
};

function decoded(written: Uint8Array): Uint8Array {
  const text = Buffer.from(written).toString('latin1').trim();
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) return Buffer.from(text, 'base64');
  throw new Failure('the data is not base64; without --base64 it is taken as it is', EXIT.usage);
}
