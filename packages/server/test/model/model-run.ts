import { isDeepStrictEqual } from 'node:util';
import type { Identity, WriteOperation } from '@zabra/model';
import { decodeServerFrame } from '@zabra/proto';
import type { Query } from '../../src/core/clients/client-codec.ts';
import { addAuthEntry, attachEntry, readEntry, rearmEntry, told, writeEntry } from './client-words.ts';
import { type Flaws, type OneClient, OneServer, proved } from './one-server.ts';
import { Random, RandomOperations, type Surroundings } from './random-operations.ts';
import { MODEL_LIMITS, ReferenceModel, type Session } from './reference-model.ts';

/** Where server and model part. */
export interface Difference {
  readonly seed: number;
  readonly operation: number;
  readonly session: number;
  readonly server: unknown;
  readonly model: unknown;
  /** The last operations, oldest first. */
  readonly story: readonly string[];
}

/** How often the server said what: the kind of an answer, the code of a refusal, the watch and the type of an event. */
export type Tally = Map<string, number>;

/** Runs random operations of one seed against a server and the model; undefined: they agree. */
export function modelRun(
  seed: number,
  operations: number,
  { flaws = {}, tally = new Map() }: { readonly flaws?: Flaws; readonly tally?: Tally } = {},
): Difference | undefined {
  return new ModelRun(seed, flaws, tally).run(operations);
}

type Asked =
  | {
      readonly kind: 'write';
      readonly xid: number;
      readonly requestNo: number;
      readonly operation: WriteOperation;
      /** Undefined: it was refused before it could be ordered. */
      ordered: When | undefined;
    }
  | { readonly kind: 'read'; readonly xid: number; readonly query: Query }
  | { readonly kind: 'close'; ordered: When };

interface When {
  readonly zxid: number;
  readonly timeMs: number;
}

/** A client: its stream to the server, what the model holds of it, and what neither has answered. */
interface Client {
  readonly address: readonly Identity[];
  readonly passwords: readonly string[];
  stream: OneClient;
  session: Session;
  password: Uint8Array;
  readonly asked: Asked[];
  xid: number;
  requestNo: number;
  attempt: number;
  /** What it proved, in order: proved again on each stream. */
  proofs: { readonly scheme: string; readonly password: string }[];
  /** Its stream was lost: what it held then, and up to where it was told all. */
  away: { readonly since: number; readonly watches: Session['watches'] } | undefined;
}

/** What waits for delivery, in order. */
type Ordered =
  | { readonly client: Client; readonly zxid: number }
  | { readonly reap: string; readonly zxid: number };

const CLIENTS: readonly { readonly address: readonly Identity[]; readonly passwords: readonly string[] }[] = [
  { address: [{ scheme: 'ip', id: '10.0.0.1' }], passwords: ['alice:a'] },
  { address: [{ scheme: 'ip', id: '10.1.0.1' }], passwords: ['bob:b', 'alice:wrong'] },
  {
    address: [
      { scheme: 'ip', id: '192.0.2.3' },
      { scheme: 'x509', id: 'CN=carol' },
    ],
    passwords: [],
  },
  { address: [{ scheme: 'ip', id: '192.0.2.4' }], passwords: ['root:secret'] },
];

class ModelRun {
  readonly #seed: number;
  readonly #random: Random;
  readonly #operations: RandomOperations;
  readonly #server: OneServer;
  readonly #model = new ReferenceModel();
  readonly #clients: Client[];
  readonly #ordered: Ordered[] = [];
  readonly #tally: Tally;
  /** As of where the model is. */
  #appliedZxid = 0;
  readonly #story: string[] = [];
  /** What was found when streams ended, or the leader reaped (-1). */
  readonly #endings: { readonly index: number; readonly difference: Pair | undefined }[] = [];

  constructor(seed: number, flaws: Flaws, tally: Tally) {
    this.#seed = seed;
    this.#tally = tally;
    this.#random = new Random(seed);
    this.#operations = new RandomOperations(this.#random);
    this.#server = new OneServer(MODEL_LIMITS, flaws);
    this.#clients = CLIENTS.map((terms) => this.#open(terms));
  }

  run(operations: number): Difference | undefined {
    for (let operation = 0; operation < operations; operation++) {
      const client = this.#random.pick(this.#clients);
      this.#step(client);
      this.#server.timeMs += this.#random.below(3);
      if (this.#random.chance(40)) this.#deliver(this.#random.below(6));
      const difference = this.#compare(operation);
      if (difference !== undefined) return difference;
    }
    this.#deliverAll();
    for (const client of this.#clients) this.#comeBack(client);
    return this.#compare(operations);
  }

  #step(client: Client): void {
    const roll = this.#random.below(1000);
    if (client.away !== undefined) {
      if (roll < 120) this.#comeBack(client);
    } else if (roll > 995) this.#changeLeader();
    else if (client.asked.at(-1)?.kind === 'close') this.#deliverAll();
    else if (roll < 520) this.#write(client);
    else if (roll < 965) this.#read(client);
    else if (roll < 975) this.#reap();
    else if (roll < 985) this.#addAuth(client);
    else if (roll < 989) this.#close(client);
    else this.#lose(client);
  }

  #write(client: Client): void {
    const operation = this.#operations.write(this.#around(client));
    const xid = ++client.xid;
    const requestNo = ++client.requestNo;
    const unanswered = client.asked.filter(({ kind }) => kind === 'write').length;
    this.#tell(client, operation);
    client.stream.say(writeEntry(xid, requestNo, requestNo - 1 - unanswered, operation));
    client.asked.push({ kind: 'write', xid, requestNo, operation, ordered: undefined });
    this.#order();
    this.#advance(client);
  }

  #read(client: Client): void {
    const query = this.#operations.read(this.#around(client));
    const xid = ++client.xid;
    this.#tell(client, query);
    client.stream.say(readEntry(xid, query, this.#random.chance(10)));
    client.asked.push({ kind: 'read', xid, query });
    this.#advance(client);
  }

  /** The leader looks only when nothing is pending on the path. */
  #reap(): void {
    this.#deliverAll();
    const path = this.#random.pick([...this.#model.nodes.keys()]);
    const zxid = this.#server.reap(path);
    this.#story.push(`reap ${path}: ${zxid !== undefined}`);
    const expected = this.#model.mayReap(path);
    if (expected !== (zxid !== undefined)) {
      const difference = {
        server: `reap ${path}: ${zxid !== undefined}`,
        model: `reap ${path}: ${expected}`,
      };
      this.#endings.push({ index: -1, difference });
    } else this.#order();
  }

  /** What was not delivered is asked for again by each session, in its order, and ordered anew. */
  #changeLeader(): void {
    for (const { asked } of this.#clients)
      for (const each of asked) if (each.kind === 'write' && each.ordered !== undefined) each.ordered = NEVER;
    this.#ordered.length = 0;
    this.#server.changeLeader();
    this.#order();
    this.#story.push(`another leader, to whom ${this.#ordered.length} changes are passed on again`);
    // A session that another one's change concerns asks again only after that.
    this.#deliverAll();
  }

  /** Finds out who asked for what was proposed since, and when. */
  #order(): void {
    for (const { zxid, txn } of this.#server.proposed.slice(this.#ordered.length)) {
      const { sessionId, requestNo, timeMs, body } = txn;
      if (sessionId === 0 && body.kind === 'change') {
        this.#ordered.push({ reap: body.change.path, zxid });
        continue;
      }
      const client = this.#clients.find(({ session }) => session.id === sessionId);
      const asked = client?.asked.find((each) =>
        each.kind === 'write' ? each.requestNo === requestNo : each.kind === 'close' && requestNo === 0,
      );
      if (client === undefined || asked === undefined || asked.kind === 'read')
        throw new Error(`seed ${this.#seed}: nobody asked for ${JSON.stringify(txn)}`);
      asked.ordered = { zxid, timeMs };
      this.#ordered.push({ client, zxid });
    }
  }

  #addAuth(client: Client): void {
    this.#deliverAll();
    const password = this.#random.pick([...client.passwords, 'nobody']);
    const scheme = this.#random.pick(['digest', 'digest', 'scrypt', 'kerberos']);
    this.#tell(client, { scheme, password });
    this.#authenticate(client, scheme, password);
  }

  #authenticate(client: Client, scheme: string, password: string): void {
    const xid = ++client.xid;
    client.stream.say(addAuthEntry(xid, scheme, password));
    const who = proved(scheme, new TextEncoder().encode(password));
    const { session } = client;
    if (who.length === 0) {
      session.told.push({ xid, refused: 'AUTH_FAILED', failed: -1, codes: [] });
      return;
    }
    for (const one of who) {
      add(session, one);
      if (one.id === 'root:hash-of-secret') add(session, { scheme: 'super', id: '' });
    }
    session.told.push({ xid, authenticated: true });
    client.proofs.push({ scheme, password });
  }

  #close(client: Client): void {
    this.#tell(client, 'close');
    client.stream.say({ kind: 'close', close: {} });
    client.asked.push({ kind: 'close', ordered: NEVER });
    this.#order();
  }

  /** The network loses the stream after all was said. */
  #lose(client: Client): void {
    this.#deliverAll();
    this.#tell(client, 'loses its stream');
    this.#endings.push({ index: this.#clients.indexOf(client), difference: this.#differenceOf(client) });
    const { session } = client;
    // What was consumed behind its back is gone with the stream.
    session.watches = session.watches.filter(({ isSilenced }) => !isSilenced);
    client.away = { since: this.#server.tree.appliedZxid, watches: session.watches };
    client.stream.lose();
  }

  /** What its watches missed is told as if it had never been away. */
  #comeBack(client: Client): void {
    const { away, session } = client;
    if (away === undefined) return;
    this.#deliverAll();
    this.#tell(client, `comes back, from ${away.since}`);
    const { nextZxid } = this.#server;
    client.away = undefined;
    client.stream = this.#server.connect(client.address);
    const terms = { sessionId: session.id, password: client.password, attempt: ++client.attempt };
    client.stream.say(attachEntry({ ...terms, lastZxid: away.since, nonce: NONCE }));
    if (this.#server.nextZxid !== nextZxid) throw new Error('an instance that comes back needs no txn');
    client.stream.hear();
    const missed = session.told.splice(0);
    session.identities = client.address;
    for (const { scheme, password } of client.proofs.splice(0)) this.#authenticate(client, scheme, password);
    client.stream.say(rearmEntry(away.watches, away.since));
    if (away.since >= this.#model.floor) session.told.push(...missed);
    else this.#model.guess(session, away.watches, away.since, this.#server.tree.appliedZxid);
  }

  #open(terms: (typeof CLIENTS)[number]): Client {
    const stream = this.#server.connect(terms.address);
    stream.say(attachEntry({ nonce: NONCE }));
    this.#server.deliver();
    this.#appliedZxid = this.#server.tree.appliedZxid;
    const [attached] = stream.hear();
    if (attached?.kind !== 'attached')
      throw new Error(`a stream begins with Attached: ${JSON.stringify(attached)}`);
    const { sessionId, password } = attached.attached;
    const session = this.#model.open(sessionId, terms.address);
    const numbers = { xid: 0, requestNo: 0, attempt: 1 };
    const nothing = { asked: [], proofs: [], away: undefined };
    return { ...terms, stream, session, password, ...numbers, ...nothing };
  }

  #deliverAll(): void {
    while (this.#ordered.length > 0) this.#deliver(this.#ordered.length);
    this.#deliver(0);
  }

  #deliver(count: number): void {
    this.#apply(count);
    if (!this.#clients.some(({ session }) => session.isClosed)) return;
    // A new session is a txn of its own, behind what is ordered.
    while (this.#ordered.length > 0) this.#apply(this.#ordered.length);
    for (const [index, client] of this.#clients.entries()) {
      if (!client.session.isClosed) continue;
      this.#endings.push({ index, difference: this.#differenceOf(client) });
      this.#clients[index] = this.#open(client);
    }
  }

  #apply(count: number): void {
    const delivered = this.#ordered.splice(0, count);
    this.#server.deliver(count);
    // What was held back behind a read that is answered now is asked for by the server at once.
    this.#order();
    for (const ordered of delivered) {
      this.#appliedZxid = ordered.zxid;
      if ('reap' in ordered) this.#model.reap(ordered.reap, { zxid: ordered.zxid, timeMs: 0 });
      else this.#done(ordered.client);
    }
  }

  /** The oldest of what it asked is a change that is delivered now; reads behind it are answered with it. */
  #done(client: Client): void {
    const oldest = client.asked.shift();
    if (oldest?.kind === 'write')
      this.#model.write(client.session, oldest.xid, oldest.operation, oldest.ordered ?? NEVER);
    if (oldest?.kind === 'close') this.#model.close(client.session, oldest.ordered);
    this.#advance(client);
  }

  /** Answers what needs no delivery: reads, and writes that were refused before they were ordered. */
  #advance(client: Client): void {
    for (let [oldest] = client.asked; oldest !== undefined; [oldest] = client.asked) {
      if (oldest.kind !== 'read' && oldest.ordered !== undefined) return;
      client.asked.shift();
      if (oldest.kind === 'read')
        this.#model.read(client.session, oldest.xid, oldest.query, this.#appliedZxid);
      if (oldest.kind === 'write') this.#model.write(client.session, oldest.xid, oldest.operation, NEVER);
    }
  }

  #compare(operation: number): Difference | undefined {
    for (const { index, difference } of this.#endings.splice(0))
      if (difference !== undefined) return this.#report(operation, index, difference);
    for (const [index, client] of this.#clients.entries()) {
      const difference = client.away === undefined ? this.#differenceOf(client) : undefined;
      if (difference !== undefined) return this.#report(operation, index, difference);
    }
    return undefined;
  }

  #differenceOf(client: Client): Pair | undefined {
    const { session, stream } = client;
    const split = splitEvents(stream.frames);
    if (split !== undefined) return { server: split, model: 'all events of one zxid come in one frame' };
    const server = inAnyWatchOrder(stream.hear().map(told));
    for (const word of server)
      for (const what of kindsOf(word)) this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
    const model = inAnyWatchOrder(session.told.splice(0));
    const at = Array.from({ length: Math.max(server.length, model.length) }, (_, index) => index).find(
      (index) => !isDeepStrictEqual(server[index], model[index]),
    );
    return at === undefined ? undefined : { server: server[at], model: model[at] };
  }

  #report(operation: number, session: number, { server, model }: Pair): Difference {
    return { seed: this.#seed, operation, session, server, model, story: this.#story.slice(-STORY) };
  }

  #around(client: Client): Surroundings {
    return {
      paths: [...this.#model.nodes.keys()],
      sessionIds: this.#clients.map(({ session }) => session.id),
      ephemerals: [...this.#model.nodes].flatMap(([path, { owner }]) => (owner > 0 ? [{ path, owner }] : [])),
      watches: client.session.watches,
      zxid: this.#server.tree.appliedZxid,
    };
  }

  #tell(client: Client, what: unknown): void {
    const show = (_: string, value: unknown): unknown =>
      value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
    this.#story.push(`${this.#clients.indexOf(client)}: ${JSON.stringify(what, show)}`);
  }
}

interface Pair {
  readonly server: unknown;
  readonly model: unknown;
}

const NEVER = { zxid: 0, timeMs: 0 };
const NONCE = 'an-instance';
const STORY = 20;

function add(session: Session, identity: Identity): void {
  if (!session.identities.some((known) => isDeepStrictEqual(known, identity)))
    session.identities = [...session.identities, identity];
}

/** Which of the watches of one session hears of one event first is nobody's business. */
function inAnyWatchOrder(words: readonly object[]): readonly object[] {
  const sorted = [...words];
  const key = (word: object): string => ('event' in word ? JSON.stringify({ ...word, watch: 0, id: 0 }) : '');
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const same = key(sorted[from] ?? {});
    for (to = from + 1; to < sorted.length && same !== '' && key(sorted[to] ?? {}) === same; to++);
    sorted.splice(
      from,
      to - from,
      ...sorted.slice(from, to).sort((left, right) => order(left) - order(right)),
    );
  }
  return sorted;
}

function order(word: object): number {
  const { watch, id } = word as { readonly watch?: string; readonly id?: number };
  return (id ?? 0) * 10 + ['data', 'exist', 'child'].indexOf(watch ?? '');
}

function kindsOf(word: object): readonly string[] {
  const fields = word as Readonly<Record<string, unknown>>;
  if ('refused' in word) return [`refused ${fields.refused}`];
  if ('event' in word) return [`event ${fields.event} ${fields.watch}`];
  if ('done' in word)
    return (fields.done as readonly { readonly kind: string }[]).map(({ kind }) => `done ${kind}`);
  return [
    `answer ${Object.keys(word).filter((key) => key !== 'xid' && key !== 'stat' && key !== 'more')[0]}`,
  ];
}

/** An event of the zxid with which the frame before it ended. */
function splitEvents(frames: readonly Uint8Array[]): object | undefined {
  let last = 0;
  for (const frame of frames) {
    const events = decodeServerFrame(frame).entries.flatMap((entry) =>
      entry.kind === 'event' ? [entry.event] : [],
    );
    const [first] = events;
    if (first !== undefined && first.zxid === last) return first;
    last = events.at(-1)?.zxid ?? last;
  }
  return undefined;
}
