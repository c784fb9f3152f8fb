import type { CreateMode } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';
import { parseAcl } from './acl-text.ts';
import type { DataCommand } from './command.ts';
import type { Given } from './given.ts';
import { statJson } from './node-text.ts';

const TTL_MS_MAX = 2 ** 40 - 1;

/** Prints the path made, which a sequential node gets only then. */
export const create: DataCommand = {
  name: 'create',
  about: 'create a node and print its path',
  arguments: [
    { name: 'path', kind: 'new-path', presence: 'required' },
    { name: 'data', kind: 'text', presence: 'optional', about: 'text, or - for standard input' },
    { name: 'acl', kind: 'text', presence: 'optional', about: 'as --acl' },
  ],
  options: [
    { name: 'sequential', letter: 's', about: 'append a number that grows with each child of the parent' },
    { name: 'ephemeral', letter: 'e', about: 'gone with the session that made it' },
    { name: 'container', letter: 'c', about: 'removed some time after its last child went' },
    {
      name: 'ttl',
      letter: 't',
      about: 'removed when it has no children and nothing wrote it for so long',
      takes: { kind: 'number', label: 'ms', min: 1, max: TTL_MS_MAX },
    },
    { name: 'acl', about: 'scheme:id:crwda,… in place of open', takes: { kind: 'text', label: 'acl' } },
    { name: 'parents', about: 'create missing parents' },
    { name: 'hold', about: 'stay until Ctrl-C, and an ephemeral node with it' },
  ],
  run: async (given, { client, signal, data }) => {
    const mode = modeOf(given);
    const acl = given.textOrNone('acl');
    const ttlMs = given.number('ttl');
    const made = await client.create(given.path, await data(given.textOrNone('data') ?? ''), {
      signal,
      mode,
      parents: given.has('parents'),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(acl === undefined ? {} : { acl: parseAcl(acl) }),
    });
    const holds = given.has('hold');
    const note = `${made.path} goes now, with the session of this command: --hold keeps it until Ctrl-C`;
    return {
      text: `${made.path}\n`,
      json: { path: made.path, stat: statJson(made.stat) },
      holds,
      ...(given.has('ephemeral') && !holds ? { noteWhenAlone: note } : {}),
    };
  },
};

function modeOf(given: Given): CreateMode {
  const kinds = ['ephemeral', 'container', 'ttl'].filter((option) => given.has(option));
  if (kinds.length > 1) {
    throw new Failure(`a node is only one of ${kinds.join(' and ')}: leave the others away`, EXIT.usage);
  }
  const isSequential = given.has('sequential');
  switch (kinds[0]) {
    case 'ephemeral':
      return isSequential ? 'ephemeral-sequential' : 'ephemeral';
    case 'container':
      if (isSequential) throw new Failure('a container has no sequential form: leave -s away', EXIT.usage);
      return 'container';
    case 'ttl':
      return isSequential ? 'ttl-sequential' : 'ttl';
    default:
      return isSequential ? 'persistent-sequential' : 'persistent';
  }
}
