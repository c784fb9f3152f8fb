import { configurationText } from './configuration-text.ts';
import {
  connectionDump,
  connectionLine,
  ephemeralsDump,
  sessionsDump,
  wholeConnectionLine,
} from './connection-text.ts';
import { monitoredValues } from './monitored-values.ts';
import { watchesByPath, watchesBySession, watchSummary } from './watch-text.ts';
import { javaDecimal, lines } from './word-text.ts';
import type { ConnectionFacts, ServingRole, WordsSource } from './words-source.ts';

/** They say nothing of nodes, sessions and who the clients are, change nothing, and cost next to nothing. */
export const SAFE_WORDS: readonly string[] = ['ruok', 'srvr', 'stat', 'mntr', 'conf', 'isro', 'envi'];

type Answer = (source: WordsSource) => string;
type ServingAnswer = (source: WordsSource, role: ServingRole, tellsClients: boolean) => string;

/** Said also by a server that serves nobody. */
const ALWAYS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['ruok', () => 'imok'],
  ['envi', environmentText],
  ['isro', ({ role }) => (role === undefined ? 'null' : role === 'read-only' ? 'ro' : 'rw')],
  // Nothing here is traced by a mask.
  ['gtmk', () => '0'],
  ['stmk', () => 'stmk: this server has no trace mask; its log has levels\n'],
]);

const WHILE_SERVING: ReadonlyMap<string, ServingAnswer> = new Map<string, ServingAnswer>([
  ['srvr', (source, role) => serverText(source, role, '')],
  [
    'stat',
    (source, role, tellsClients) =>
      serverText(source, role, clientsText(tellsClients ? source.connections() : [])),
  ],
  ['mntr', monitoredValues],
  ['conf', configurationText],
  ['cons', (source) => `${lines(source.connections().map(wholeConnectionLine))}\n`],
  [
    'crst',
    (source) => {
      source.resetConnections();
      return 'Connection stats reset.\n';
    },
  ],
  [
    'srst',
    ({ statistics }) => {
      statistics.reset();
      return 'Server stats reset.\n';
    },
  ],
  ['dump', (source) => sessionsDump(source) + ephemeralsDump(source) + connectionDump(source)],
  ['wchs', watchSummary],
  ['wchc', (source) => `${watchesBySession(source)}\n`],
  ['wchp', (source) => `${watchesByPath(source)}\n`],
  ['dirs', directoriesText],
  ['hash', digestsText],
]);

/** Every word there is. */
export const WORDS: readonly string[] = [...ALWAYS.keys(), ...WHILE_SERVING.keys()];

/** A configuration with it allows all words. */
const EVERY_WORD = '*';

/**
 * What a server says to four letters, in ZooKeeper's words and line for line as it does, since programs read it; undefined
 * when they are none of its words. `allowed` are those that are answered, or `*`. `stat` lists the clients only where `cons`
 * may: so it can be had by monitors, which look at the rest of it, without telling who is there.
 */
export function answerTo(word: string, allowed: readonly string[], source: WordsSource): string | undefined {
  if (!WORDS.includes(word)) return undefined;
  const allows = (each: string): boolean => allowed.includes(each) || allowed.includes(EVERY_WORD);
  if (!allows(word)) return `${word} is not executed because it is not in the whitelist.\n`;
  return answerWord(word, source, allows('cons'));
}

/** The same for a word that is allowed. */
export function answerWord(word: string, source: WordsSource, tellsClients = true): string | undefined {
  const always = ALWAYS.get(word);
  if (always !== undefined) return always(source);
  const answer = WHILE_SERVING.get(word);
  if (answer === undefined) return undefined;
  if (source.role !== undefined) return answer(source, source.role, tellsClients);
  // ZooKeeper ends this one line without a line feed.
  return word === 'hash' ? NOT_SERVING : `${NOT_SERVING}\n`;
}

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';

function serverText(source: WordsSource, role: ServingRole, clients: string): string {
  const { version, statistics } = source;
  const { zxid, nodes, connections, outstanding } = source.state();
  const { latency, packetsReceived, packetsSent, proposalSizes } = statistics;
  const heading =
    role === 'read-only' ? [`Zookeeper version: ${version}`, READ_ONLY] : [`Zookeeper version: ${version}`];
  const latencies = `${Math.round(latency.minMs)}/${javaDecimal(latency.meanMs)}/${Math.round(latency.maxMs)}`;
  const sizes = `${proposalSizes.last}/${proposalSizes.min}/${proposalSizes.max}`;
  return (
    lines(heading) +
    clients +
    lines([
      `Latency min/avg/max: ${latencies}`,
      `Received: ${packetsReceived}`,
      `Sent: ${packetsSent}`,
      `Connections: ${connections}`,
      `Outstanding: ${outstanding}`,
      `Zxid: 0x${zxid.toString(16)}`,
      `Mode: ${role}`,
      `Node count: ${nodes}`,
      ...(role === 'leader' ? [`Proposal sizes last/min/max: ${sizes}`] : []),
    ])
  );
}

const READ_ONLY = 'READ-ONLY mode; serving only read-only clients';

function clientsText(connections: readonly ConnectionFacts[]): string {
  return `${lines(['Clients:', ...connections.map(connectionLine)])}\n`;
}

/** The version first: some clients read once, and only that. */
function environmentText(source: WordsSource): string {
  const values = source.environment().map(([name, value]) => `${name}=${value}`);
  return lines(['Environment:', `zookeeper.version=${source.version}`, ...values]);
}

function directoriesText(source: WordsSource): string {
  const { snapshotBytes, logBytes } = source.files();
  return lines([`datadir_size: ${snapshotBytes}`, `logdir_size: ${logBytes}`]);
}

/** ZooKeeper's digests are numbers of 64 bits with a sign; so is this one. */
function digestsText(source: WordsSource): string {
  return lines(
    Array.from(
      source.digests(),
      ({ zxid, digest }) => `${zxid.toString(16)}: ${BigInt.asIntN(64, BigInt(`0x${digest}`))}`,
    ),
  );
}
