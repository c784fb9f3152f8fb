import { hexadecimal, javaDate, lines } from './word-text.ts';
import type { ConnectionFacts, SessionFacts, WordsSource } from './words-source.ts';

/** As `stat` has it. */
export function connectionLine({ remote, queued, received, sent }: ConnectionFacts): string {
  return ` /${remote}[${READS}](queued=${queued},recved=${received},sent=${sent})`;
}

/** As `cons` has it; short without a session. */
export function wholeConnectionLine(connection: ConnectionFacts): string {
  const { remote, queued, received, sent, sessionId, timeoutMs, latency } = connection;
  if (sessionId === undefined) return connectionLine(connection);
  const facts = [
    `queued=${queued}`,
    `recved=${received}`,
    `sent=${sent}`,
    `sid=${hexadecimal(sessionId)}`,
    `lop=${connection.lastOperation}`,
    `est=${Math.round(connection.establishedMs)}`,
    `to=${timeoutMs}`,
    // Heartbeats have no number worth telling.
    ...(connection.lastXid < 0 ? [] : [`lcxid=${hexadecimal(connection.lastXid)}`]),
    `lzxid=${hexadecimal(connection.lastZxid)}`,
    `lresp=${Math.round(connection.lastResponseMs)}`,
    `llat=${Math.round(connection.lastLatencyMs)}`,
    `minlat=${Math.round(latency.minMs)}`,
    `avglat=${Math.round(latency.meanMs)}`,
    `maxlat=${Math.round(latency.maxMs)}`,
  ];
  return ` /${remote}[${READS}](${facts.join(',')})`;
}

/** What the selector of ZooKeeper's server waits for on a connection: that there is something to read. */
const READS = 1;

/** A leader tells when sessions end; the others, who don't know, how long they last. */
export function sessionsDump(source: WordsSource): string {
  const sessions = Array.from(source.sessions());
  if (sessions.some(({ expiresMs }) => expiresMs === undefined)) {
    return lines([
      'SessionTracker dump:',
      `Global Sessions(${sessions.length}):`,
      ...sessions.map(({ id, timeoutMs }) => `${hexadecimal(id)}\t${timeoutMs}ms`),
    ]);
  }
  const sets = byExpiry(sessions, (session) => session.expiresMs);
  return lines([
    'SessionTracker dump:',
    `Session Sets (${sets.size})/(${sessions.length}):`,
    ...setLines(sets, ({ id }) => hexadecimal(id)),
  ]);
}

export function ephemeralsDump(source: WordsSource): string {
  const owners = Array.from(source.sessions()).filter(({ ephemerals }) => ephemerals.length > 0);
  return lines([
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${owners.length}):`,
    ...owners.flatMap(({ id, ephemerals }: SessionFacts) => [
      `${hexadecimal(id)}:`,
      ...ephemerals.map((path) => `\t${path}`),
    ]),
  ]);
}

export function connectionDump(source: WordsSource): string {
  const connections = source.connections();
  const sets = byExpiry(connections, ({ expiresMs }) => expiresMs);
  return lines([
    'Connections dump:',
    `Connections Sets (${sets.size})/(${connections.length}):`,
    ...setLines(sets, ({ remote, sessionId }) => `ip: /${remote} sessionId: ${hexadecimal(sessionId ?? 0)}`),
  ]);
}

/** In sets of one second, the next to end first. Those of which that is not known stand nowhere. */
function byExpiry<Item>(
  items: readonly Item[],
  expiresMs: (item: Item) => number | undefined,
): ReadonlyMap<number, readonly Item[]> {
  const sets = new Map<number, Item[]>();
  for (const item of items) {
    const ms = expiresMs(item);
    if (ms === undefined) continue;
    const second = Math.ceil(ms / SECOND_MS) * SECOND_MS;
    const set = sets.get(second);
    if (set === undefined) sets.set(second, [item]);
    else set.push(item);
  }
  return new Map([...sets].sort(([left], [right]) => left - right));
}

const SECOND_MS = 1000;

function setLines<Item>(
  sets: ReadonlyMap<number, readonly Item[]>,
  line: (item: Item) => string,
): readonly string[] {
  return [...sets].flatMap(([ms, items]) => [
    `${items.length} expire at ${javaDate(ms)}:`,
    ...items.map((item) => `\t${line(item)}`),
  ]);
}
