import manifest from '../../package.json' with { type: 'json' };
import { EXIT, Failure } from '../exit-code.ts';
import { type ShellCommand, SILENT } from './shell-command.ts';

const addAuth: ShellCommand = {
  name: 'addauth',
  about: 'prove who you are: addauth digest user:password',
  arguments: [
    { name: 'scheme', kind: 'text', presence: 'required' },
    { name: 'auth', kind: 'text', presence: 'required' },
  ],
  options: [],
  runInShell: async (given, { link }) => {
    await link.client.addAuth(given.text('scheme'), given.text('auth'));
    return SILENT;
  },
};

const connect: ShellCommand = {
  name: 'connect',
  about: 'close the session and make one at another server',
  arguments: [{ name: 'servers', kind: 'text', presence: 'optional', about: 'HOST:PORT,…' }],
  options: [],
  runInShell: async (given, { link, watchings }) => {
    watchings.forgetAll();
    await link.connect(given.textOrNone('servers'));
    return SILENT;
  },
};

const close: ShellCommand = {
  name: 'close',
  about: 'close the session; its ephemeral nodes go now',
  arguments: [],
  options: [],
  runInShell: async (_given, { link, watchings }) => {
    watchings.forgetAll();
    await link.close();
    return SILENT;
  },
};

const version: ShellCommand = {
  name: 'version',
  about: 'print the version of this shell',
  arguments: [],
  options: [],
  runInShell: async () => ({
    text: `zabra ${manifest.version}\n`,
    json: { version: manifest.version },
  }),
};

const quit: ShellCommand = {
  name: 'quit',
  aliases: ['exit'],
  about: 'end the shell',
  arguments: [],
  options: [],
  runInShell: async (_given, room) => {
    room.end();
    return SILENT;
  },
};

/** Commands of zkCli that have nothing to act on yet: members are fixed while an ensemble runs. */
const config = notOffered('config', 'show the members');
const reconfig = notOffered('reconfig', 'change the members');

function notOffered(name: string, about: string): ShellCommand {
  return {
    name,
    about: `${about}: not offered yet`,
    arguments: [{ name: 'anything', kind: 'text', presence: 'optional' }],
    options: [],
    runInShell: async () => {
      throw new Failure(
        `${name} is not offered yet: the members of an ensemble stand in its configuration; \`zabra status\` shows them`,
        EXIT.failed,
      );
    },
  };
}

export const SESSION_COMMANDS: readonly ShellCommand[] = [
  addAuth,
  connect,
  close,
  version,
  config,
  reconfig,
  quit,
];
