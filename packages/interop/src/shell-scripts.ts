import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { runProgram } from './program.ts';
import { CLI_MT, ENDS_WITH_ITS_PARENT, LIGHT_JVM, ZK_CLI } from './programs.ts';
import type { Servers } from './servers.ts';

/** What a shell said, without what differs between two runs: times, zxids, session ids, addresses. */
export interface ShellOutput {
  readonly lines: readonly string[];
  /** Apart, since a shell prints them from a thread of their own. */
  readonly events: readonly string[];
}

/** Types testdata/zk-cli.txt at zkCli.sh, connected to one server. */
export async function runZkCli(servers: Servers): Promise<ShellOutput> {
  const address = servers.addressOf(1);
  const typed = (await commandsOf('zk-cli.txt')).map((line) => line.replace('HOST', address));
  // Errors go to stderr; only in one stream do they stand where they belong.
  const { stdout } = await runProgram(inOneStream(ZK_CLI, '-server', address), servers, {
    input: `${typed.join('\n')}\n`,
    environment: { JVMFLAGS: LIGHT_JVM.join(' ') },
  });
  const said = stdout.slice(stdout.findIndex((line) => line.startsWith('WatchedEvent')));
  const isEvent = (line: string): boolean => line.startsWith('WatchedEvent');
  const answers = said.filter(
    (line) => !isEvent(line) && line !== 'WATCHER::' && line !== '' && !line.startsWith('SLF4J'),
  );
  return {
    lines: withRunsInOrder(
      answers.flatMap((line) => withoutConfiguration([line])),
      IDENTITY,
    ).map(withoutTheParticular),
    // Whether it hears of its own end depends on which of its threads is faster.
    events: withRunsInOrder(
      said.filter((line) => isEvent(line) && !line.includes('state:Closed')),
      WATCHES_REMOVED,
    ),
  };
}

/**
 * Types testdata/cli-mt.txt at the shell of the C client, connected to one server. Behind each command it is to delete a
 * node that is not there: that answer, one line of the thread that prints answers, says that the command's is complete.
 */
export async function runCliMt(servers: Servers): Promise<ShellOutput> {
  const typed = await commandsOf('cli-mt.txt');
  let next = 0;
  const answer = (line: string): string | undefined => {
    if (!line.startsWith(next === 0 ? 'Got a new session id' : `${FENCE}${next}: rc = -101`))
      return undefined;
    const command = typed[next];
    next++;
    return command === undefined ? 'quit\n' : `${command}\nadelete ${FENCE}${next}\n`;
  };
  const { stdout } = await runProgram(inOneStream(CLI_MT, '-h', servers.addressOf(1)), servers, { answer });
  const isEvent = (line: string): boolean => line.startsWith('Watcher ');
  const blocks = inBlocks(stdout.filter((line) => !isEvent(line) && !/^(time = \d+ msec)?$/.test(line)));
  return {
    lines: withRunsInOrder(
      blocks.filter(([head]) => !head?.startsWith(FENCE)).flatMap(withoutConfiguration),
      CHILD,
    ).map(withoutTheParticular),
    events: stdout.filter(isEvent),
  };
}

const FENCE = '/no-such-node-';
/** Sets: what `whoami` and `removewatches -a` of zkCli.sh say, and `ls` of the C client's shell. */
const IDENTITY = /^(digest|ip): \S+$/;
const WATCHES_REMOVED = /WatchRemoved/;
const CHILD = /^\t[^\s=]+$/;

async function commandsOf(name: string): Promise<readonly string[]> {
  const file = fileURLToPath(new URL(`../testdata/${name}`, import.meta.url));
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function inOneStream(...command: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', 'exec "$0" "$@" 2>&1', ...ENDS_WITH_ITS_PARENT, ...command];
}

/** A line and those that are set in below it. */
function inBlocks(lines: readonly string[]): readonly (readonly string[])[] {
  const blocks: string[][] = [];
  for (const line of lines) {
    const last = blocks.at(-1);
    if (last !== undefined && /^(\s|Stat:|null)/.test(line)) last.push(line);
    else blocks.push([line]);
  }
  return blocks;
}

/** Who is a member is said by ZooKeeper and not by Zabra: `config-text` in docs/zookeeper-differences.md. */
function withoutConfiguration(block: readonly string[]): readonly string[] {
  const [head = ''] = block;
  if (/^(server\.\d+=|version=)/.test(head)) return [];
  return head.startsWith('/zookeeper/config: ') ? [head] : block;
}

/** Lines of one kind that come behind one another, in order: a server says them as a set. */
function withRunsInOrder(lines: readonly string[], kind: RegExp): readonly string[] {
  const ordered: string[] = [];
  let run: string[] = [];
  for (const line of lines) {
    if (kind.test(line)) {
      run.push(line);
    } else {
      ordered.push(...run.sort(), line);
      run = [];
    }
  }
  return [...ordered, ...run.sort()];
}

function withoutTheParticular(line: string): string {
  return line
    .replace(/(\b[cm]time ?= ?).*/, '$1TIME')
    .replace(/(\b[cmp]Zxid = |\b[cm]zxid=)\S+/, '$1ZXID')
    .replace(/(ephemeralOwner = )(?:0x)?[1-9a-f][0-9a-f]+$/, '$1SESSION')
    .replace(/([Ss]ession id: |session Id = ).*/, '$1SESSION')
    .replace(/^\[(.*)\]$/, (_, names: string) => `[${names.split(', ').sort().join(', ')}]`);
}
