import { aclJson, aclText, parseAcl } from './acl-text.ts';
import {
  type ArgumentSpec,
  type DataCommand,
  PATH_ARGUMENT,
  STAT_OPTION,
  VERSION_OPTION,
} from './command.ts';
import { lines, statJson, statLines } from './node-text.ts';
import { pathsBelow, unlessGone } from './paths-below.ts';

/** `scheme:id:cdrwa`, an entry per line. */
export const getAcl: DataCommand = {
  name: 'getacl',
  aliases: ['getAcl'],
  about: 'print who may do what',
  arguments: [PATH_ARGUMENT],
  options: [STAT_OPTION],
  reads: true,
  run: async (given, { client, signal }) => {
    const { acl, stat } = await client.getAcl(given.path, { signal });
    return {
      text: lines(acl.map(aclText)) + (given.has('stat') ? statLines(stat) : ''),
      json: { path: given.path, acl: acl.map(aclJson), stat: statJson(stat) },
    };
  },
};

const ACL_ARGUMENT: ArgumentSpec = {
  name: 'acl',
  kind: 'text',
  presence: 'required',
  about: 'scheme:id:crwda,…',
};

/** Silent when done. */
export const setAcl: DataCommand = {
  name: 'setacl',
  aliases: ['setAcl'],
  about: 'say who may do what, in place of all that was said',
  arguments: [PATH_ARGUMENT, ACL_ARGUMENT],
  options: [
    { ...VERSION_OPTION, about: 'only if the ACL has this version (aversion)' },
    STAT_OPTION,
    { name: 'recursive', letter: 'R', about: 'of all nodes below it as well, one after the other' },
  ],
  run: async (given, { client, signal }) => {
    const { path } = given;
    const acl = parseAcl(given.text('acl'));
    // Found before anything changes: afterwards they may not be ours to list.
    const below = given.has('recursive') ? await pathsBelow(client, path, signal) : [];
    const stat = await client.setAcl(path, acl, { signal, ...given.version });
    for (const each of below) await client.setAcl(each, acl, { signal }).catch(unlessGone);
    return {
      text: given.has('stat') ? statLines(stat) : '',
      json: { path, nodes: 1 + below.length, stat: statJson(stat) },
    };
  },
};
