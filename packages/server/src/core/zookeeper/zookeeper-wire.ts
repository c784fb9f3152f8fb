import {
  decodeConnectRequest,
  JuteError,
  JuteReader,
  type JuteRequest,
  JuteWriter,
  OPCODE,
  type ReadConnectRequest,
  readRequest,
  readRequestHeader,
  writeConnectResponse,
  writeNotification,
  writeReply,
  XID,
} from '@zabra/jute';
import {
  type Acl,
  assert,
  asZxid,
  type Identity,
  pathFault,
  RC,
  type Refusal,
  refusal,
  SESSION_ID_MAX,
  unreachable,
  type WatchKind,
  type WriteOperation,
  type Zxid,
} from '@zabra/model';
import {
  type ArmedWatch,
  type AttachWord,
  CLIENT_PROTOCOL,
  type ClientWord,
  type PersistentWatch,
  type ServerWord,
} from '../clients/client-codec.ts';
import type { ClientWire, WireRules } from '../clients/client-wire.ts';
import type { Random } from '../env.ts';
import { type Answer, answerToRead, answerToWrite, type Due, type MultiDue } from './answers.ts';
import { Notified } from './notified.ts';
import { isWrite, type SaidWrite, saidAcl, saidOperation, saidVersion } from './said-operations.ts';
import {
  type LoneRead,
  NOTHING,
  type SaidRead,
  saidAddWatch,
  saidMultiRead,
  saidRead,
  saidWatches,
} from './said-reads.ts';
import { WatchNumbers } from './watch-numbers.ts';

/** Requests that are answered from what this server has, and are not about a node's data, Stat or children alone. */
type OtherRead = Extract<
  JuteRequest,
  | { kind: 'getAcl' | 'getAllChildrenNumber' | 'sync' }
  | { kind: 'getEphemerals' }
  | { kind: 'whoAmI' }
  | { kind: 'multi' | 'multiRead' }
  | { kind: 'addWatch' }
  | { kind: 'checkWatches' | 'removeWatches' }
  | { kind: 'reconfig' }
  | { kind: 'sasl' }
>;

/** An unanswered request. */
interface Expected {
  /** As the client wrote it; it means nothing. */
  readonly xid: number;
  /** Its place among the client's requests. */
  readonly number: number;
  readonly due: Due;
  /** What the header says instead of the last zxid that was applied. */
  readonly zxid?: number;
  /** Watches that stay and go with this request: they are named again where it is refused. */
  readonly ends?: readonly PersistentWatch[];
  /** The watch that stays and comes with this request, unless it is refused. */
  readonly begins?: PersistentWatch;
  /** The connection ends with the answer, or with an error in it. */
  readonly hangsUp?: 'always' | 'when refused';
}

/**
 * One connection that speaks ZooKeeper's wire, as a second face of the same service: each request becomes words of a
 * client, and what the service says becomes ZooKeeper's replies. No rule of the service is here.
 *
 * A connection is an instance of a client: it has a nonce of its own, and its writes are numbered. So a write is done once
 * however often leaders change while it waits, and a session that comes back over another connection ends the former one.
 *
 * ZooKeeper's clients know of no acknowledged heartbeats: a ping is answered in its place among the requests, once the
 * ensemble has heard of it, or when a request behind it is answered, which tells the client as much.
 */
export class ZooKeeperWire implements ClientWire {
  readonly rules: WireRules = { pipelinesAttach: true, livesByWords: true, waitsForRoom: true };
  readonly #random: Random;
  readonly #appliedZxid: () => Zxid;
  readonly #writer = new JuteWriter();
  readonly #numbers = new WatchNumbers();
  readonly #notified = new Notified();
  #connect: ReadConnectRequest | undefined;
  #isAttached = false;
  #over: Refusal | undefined;
  /** Oldest first, from `#head` on; what lies before it is cut off now and then. */
  #expected: (Expected | typeof PING)[] = [];
  #head = 0;
  #lastNumber = 0;
  #lastWrite = 0;
  /** Every write up to it is answered. */
  #answeredThrough = 0;
  /** Pings heard, those that the ensemble has heard of, and those answered. */
  #pings = 0;
  #pingsKnown = 0;
  #pongs = 0;
  /** The wish to end the session. */
  #closeXid: number | undefined;

  constructor(random: Random, appliedZxid: () => Zxid) {
    this.#random = random;
    this.#appliedZxid = appliedZxid;
  }

  get over(): Refusal | undefined {
    return this.#over;
  }

  decode(frame: Uint8Array): readonly ClientWord[] {
    if (this.#connect === undefined) return [this.#attach(decodeConnectRequest(frame))];
    const reader = new JuteReader(frame);
    const { xid, opcode } = readRequestHeader(reader);
    let request: JuteRequest | undefined;
    try {
      request = readRequest(reader, opcode);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      return [this.#failing(xid, RC.MARSHALLING)];
    }
    return request === undefined ? [this.#unknown(xid)] : this.#words(xid, request);
  }

  /** `auth` in an ACL stands for ZooKeeper's hash of a password: its clients compare what they read with what they wrote. */
  meant(operation: WriteOperation, identities: readonly Identity[]): WriteOperation {
    switch (operation.kind) {
      case 'create':
      case 'setAcl': {
        const acl = namedAcl(operation.acl, identities);
        return acl === operation.acl ? operation : { ...operation, acl };
      }
      case 'transaction':
        return {
          ...operation,
          operations: operation.operations.map((each) =>
            each.kind === 'create' ? { ...each, acl: namedAcl(each.acl, identities) } : each,
          ),
        };
      default:
        return operation;
    }
  }

  #attach(connect: ReadConnectRequest): AttachWord {
    this.#connect = connect;
    if (connect.protocolVersion !== 0)
      throw new JuteError('MALFORMED', `ConnectRequest.protocolVersion is ${connect.protocolVersion}, not 0`);
    const { sessionId } = connect;
    const isOurs = sessionId >= 0n && sessionId <= BigInt(SESSION_ID_MAX);
    return {
      kind: 'attach',
      protocolMin: CLIENT_PROTOCOL.min,
      protocolMax: CLIENT_PROTOCOL.max,
      // An id that is none of ours is of no session: the largest one is as good as any.
      sessionId: isOurs ? Number(sessionId) : SESSION_ID_MAX,
      password: connect.password,
      nonce: hex(this.#random.bytes(NONCE_BYTES)),
      timeoutMs: Math.max(0, connect.timeoutMs),
      lastZxid: asZxid(Math.max(0, connect.lastZxidSeen)),
      clusterId: undefined,
      attempt: 1,
      readOnly: connect.readOnly === true,
      remembers: true,
    };
  }

  #words(xid: number, request: JuteRequest): readonly ClientWord[] {
    switch (request.kind) {
      case 'exists':
      case 'getData':
      case 'getChildren':
      case 'getChildren2':
        return [this.#loneRead(xid, request)];
      case 'create':
      case 'delete':
        if (request.path === undefined) return [this.#failing(xid, RC.MARSHALLING)];
        return [this.#write(xid, saidOperation(request), dueOf(request))];
      case 'setData':
        // No path is an illegal path to those that change a node, and a record that cannot be read to all others.
        if (request.path === undefined) return [this.#failing(xid, RC.BAD_ARGUMENTS)];
        return [this.#write(xid, saidOperation(request), dueOf(request))];
      case 'setAcl': {
        const { path, acl, version } = request;
        if (path === undefined) return [this.#failing(xid, RC.BAD_ARGUMENTS)];
        const operation = { kind: 'setAcl', path, acl: saidAcl(acl), version: saidVersion(version) } as const;
        return [this.#write(xid, operation, { kind: 'changed' })];
      }
      case 'ping':
        this.#pings++;
        // They are answered together, however many wait: while there is no leader that must not grow without end.
        if (this.#pings - this.#pongs > PINGS_MAX)
          throw new JuteError('MALFORMED', `RequestHeader: ${PINGS_MAX} pings wait for an answer`);
        this.#expected.push(PING);
        return [{ kind: 'heartbeat', number: this.#pings }];
      case 'closeSession':
        this.#closeXid = xid;
        return [{ kind: 'close' }];
      case 'setWatches':
      case 'setWatches2':
        return this.#setWatches(xid, request);
      case 'auth':
        return [this.#auth(xid, request)];
      // Only within a multi; alone a client has no way to send it.
      case 'check':
        return [this.#unknown(xid)];
      default:
        return [this.#otherRead(xid, request)];
    }
  }

  #loneRead(xid: number, request: LoneRead): ClientWord {
    if (request.path === undefined) return this.#failing(xid, RC.MARSHALLING);
    // Of all reads, only this one looks at the path, and only for that.
    if (request.kind === 'exists' && request.path.includes('\0')) return this.#failing(xid, RC.BAD_ARGUMENTS);
    return this.#read(xid, saidRead(request));
  }

  #otherRead(xid: number, request: OtherRead): ClientWord {
    const path = 'path' in request ? (request.path ?? '') : '';
    if ('path' in request && request.path === undefined && request.kind !== 'sync')
      return this.#failing(xid, RC.MARSHALLING);
    switch (request.kind) {
      case 'getAcl':
        return this.#read(xid, { query: { kind: 'getAcl', path }, due: { kind: 'acl' } });
      case 'getAllChildrenNumber':
        return this.#read(xid, { query: { kind: 'descendants', path }, due: { kind: 'number' } });
      case 'sync':
        return this.#read(xid, { query: { kind: 'sync', path }, due: { kind: 'synced', path } });
      case 'getEphemerals': {
        const prefix = request.prefix === undefined || request.prefix.trim() === '' ? '' : request.prefix;
        // With what no path begins, no ephemeral's does.
        if (prefix !== '' && pathFault(prefix, { sequential: true }) !== undefined)
          return this.#read(xid, {
            query: NOTHING,
            due: { kind: 'body', body: { kind: 'names', names: [] } },
          });
        return this.#read(xid, { query: { kind: 'ephemerals', prefix }, due: { kind: 'paths' } });
      }
      case 'whoAmI':
        return this.#read(xid, { query: { kind: 'whoAmI' }, due: { kind: 'identities' } });
      case 'multi':
        return this.#multi(xid, request.operations);
      case 'multiRead': {
        const said = saidMultiRead(request.operations);
        return said === undefined ? this.#failing(xid, RC.MARSHALLING) : this.#read(xid, said);
      }
      case 'addWatch': {
        const said = saidAddWatch(path, request.mode, this.#numbers);
        return said === undefined ? this.#failing(xid, RC.MARSHALLING) : this.#read(xid, said);
      }
      case 'checkWatches':
      case 'removeWatches': {
        const said = saidWatches(request.kind, path, request.type, this.#numbers);
        return said === undefined ? this.#failing(xid, RC.MARSHALLING) : this.#read(xid, said);
      }
      case 'reconfig':
        return this.#failing(xid, RC.RECONFIG_DISABLED);
      case 'sasl': {
        // As a ZooKeeper without SASL: an answer without a token.
        const due: Due = { kind: 'body', body: { kind: 'token', token: undefined } };
        return this.#expecting({ xid, due, zxid: 0 }, { kind: 'read', query: NOTHING });
      }
      default:
        return unreachable(request);
    }
  }

  #multi(
    xid: number,
    operations: Extract<JuteRequest, { kind: 'multi' | 'multiRead' }>['operations'],
  ): ClientWord {
    if (operations.length === 0) {
      const due: Due = { kind: 'body', body: { kind: 'multi', results: [] } };
      return this.#read(xid, { query: NOTHING, due });
    }
    const writes = operations.filter(isWrite);
    if (writes.length < operations.length) return this.#failing(xid, RC.MARSHALLING);
    return this.#write(
      xid,
      { kind: 'transaction', operations: writes.map(saidOperation) },
      { kind: 'multi', operations: writes.map(multiDueOf) },
    );
  }

  #setWatches(
    xid: number,
    request: Extract<JuteRequest, { kind: 'setWatches' | 'setWatches2' }>,
  ): readonly ClientWord[] {
    const zxid = asZxid(Math.max(0, request.relativeZxid));
    // Where no node can be nothing will happen. ZooKeeper has longer paths, and lets its clients wait for nodes there.
    const armed = (kind: WatchKind, paths: readonly string[]): readonly ArmedWatch[] =>
      paths.filter(isLegal).map((path) => ({ kind, path, zxid }));
    const standing = [
      ...request.persistent.filter(isLegal).map((path) => this.#standing('persistent', path)),
      ...request.persistentRecursive
        .filter(isLegal)
        .map((path) => this.#standing('persistentRecursive', path)),
    ];
    const rearm: ClientWord = {
      kind: 'rearm',
      watches: [
        ...armed('data', request.data),
        ...armed('exist', request.exist),
        ...armed('child', request.child),
      ],
      persistent: standing.filter((watch) => watch !== undefined),
      fromZxid: zxid,
      // What such a watch heard last its client does not say, so what it missed cannot be told once.
      standingFromNow: true,
      more: false,
    };
    return [rearm, this.#read(xid, { query: NOTHING, due: { kind: 'nothing' } })];
  }

  #standing(kind: PersistentWatch['kind'], path: string): PersistentWatch | undefined {
    return this.#numbers.get(kind, path) === undefined ? this.#numbers.add(kind, path) : undefined;
  }

  #auth(xid: number, { scheme, credentials }: Extract<JuteRequest, { kind: 'auth' }>): ClientWord {
    const expected = { xid, due: { kind: 'nothing' }, zxid: 0, hangsUp: 'when refused' } as const;
    // Every client is its address already, whatever it says.
    if (scheme === 'ip') return this.#expecting(expected, { kind: 'read', query: NOTHING });
    const number = this.#expect(expected);
    return { kind: 'addAuth', xid: number, scheme: scheme ?? '', credentials: credentials ?? NO_BYTES };
  }

  #write(xid: number, operation: WriteOperation, due: Due): ClientWord {
    const number = this.#expect({ xid, due });
    this.#lastWrite++;
    return {
      kind: 'write',
      xid: number,
      requestNo: this.#lastWrite,
      answeredThrough: this.#answeredThrough,
      operation,
    };
  }

  #read(xid: number, { query, due, ends, begins }: SaidRead): ClientWord {
    // At once: what the client says next may name the same path.
    for (const watch of ends ?? []) this.#numbers.remove(watch);
    const expected = { xid, due, ...(ends && { ends }), ...(begins && { begins }) };
    return this.#expecting(expected, { kind: 'read', query });
  }

  /** Refused here, in its place among the answers. */
  #failing(xid: number, error: number): ClientWord {
    return this.#expecting({ xid, due: { kind: 'error', error } }, { kind: 'read', query: NOTHING });
  }

  /** ZooKeeper's clients send no such request: it is answered, and the connection ends. */
  #unknown(xid: number): ClientWord {
    const expected = {
      xid,
      due: { kind: 'error', error: RC.UNIMPLEMENTED },
      zxid: -1,
      hangsUp: 'always',
    } as const;
    return this.#expecting(expected, { kind: 'read', query: NOTHING });
  }

  #expecting(
    expected: Omit<Expected, 'number'>,
    { query }: Pick<Extract<ClientWord, { kind: 'read' }>, 'kind' | 'query'>,
  ): ClientWord {
    return { kind: 'read', xid: this.#expect(expected), minZxid: asZxid(0), linearizable: false, query };
  }

  #expect(expected: Omit<Expected, 'number'>): number {
    this.#lastNumber++;
    this.#expected.push({ ...expected, number: this.#lastNumber });
    return this.#lastNumber;
  }

  encode(words: readonly ServerWord[]): readonly Uint8Array[] {
    for (const word of words) {
      // Nothing follows the answer with which a connection ends.
      if (this.#over !== undefined) break;
      this.#say(word);
    }
    return this.#writer.take();
  }

  #say(word: ServerWord): void {
    switch (word.kind) {
      case 'attached':
        this.#isAttached = true;
        this.#greet(word);
        return;
      case 'written': {
        const expected = this.#shift(word.xid, word.zxid);
        this.#answeredThrough++;
        this.#reply(expected, word.zxid, answerToWrite(expected.due, word.result));
        this.#answerPings(word.zxid, this.#pingsKnown);
        return;
      }
      case 'read': {
        const expected = this.#shift(word.xid, word.zxid);
        if (expected.hangsUp === 'when refused') this.#replyToProof(expected, word);
        else this.#reply(expected, word.zxid, answerToRead(expected.due, word.result));
        if (this.#over === undefined) this.#answerPings(word.zxid, this.#pingsKnown);
        return;
      }
      case 'event':
        if (this.#notified.isNews(word)) this.#notify(word);
        return;
      case 'heartbeatAck':
        this.#pingsKnown = word.number;
        this.#answerPings(word.zxid, this.#pingsKnown);
        return;
      case 'goodbye':
        this.#part(word);
        return;
      default:
        unreachable(word);
    }
  }

  #greet(word: Extract<ServerWord, { kind: 'attached' }>): void {
    const connect = this.#connected();
    const { readOnly } = word;
    writeConnectResponse(this.#writer, {
      protocolVersion: 0,
      timeoutMs: word.timeoutMs,
      // A server without a quorum makes no session. The client keeps the one it has, or has one that is none.
      sessionId: readOnly ? this.#readOnlySession(connect) : word.sessionId,
      password: readOnly ? sixteen(connect.password) : word.password,
      readOnly: connect.readOnly === undefined ? undefined : readOnly,
    });
  }

  #readOnlySession({ sessionId }: ReadConnectRequest): bigint {
    if (sessionId !== 0n) return sessionId;
    return this.#random.bytes(6).reduce((id, byte) => id * 256n + BigInt(byte), 1n);
  }

  #part({ code, message }: Extract<ServerWord, { kind: 'goodbye' }>): void {
    if (!this.#isAttached) {
      // Only of a session that is over there is something to say.
      if (code === 'SESSION_EXPIRED') this.#tellExpired();
    } else if (code === 'OK' && this.#closeXid !== undefined) {
      this.#answerPings(this.#appliedZxid(), this.#pings);
      writeReply(this.#writer, { xid: this.#closeXid, zxid: this.#appliedZxid(), error: 0 }, undefined);
    }
    this.#over = { code: code === 'OK' ? 'SESSION_EXPIRED' : code, message };
  }

  #tellExpired(): void {
    writeConnectResponse(this.#writer, {
      protocolVersion: 0,
      timeoutMs: 0,
      sessionId: 0,
      password: NO_PASSWORD,
      readOnly: this.#connected().readOnly === undefined ? undefined : false,
    });
  }

  #reply(expected: Expected, appliedZxid: Zxid, { error, body }: Answer): void {
    const { xid, zxid, ends = [], begins, hangsUp } = expected;
    writeReply(this.#writer, { xid, zxid: zxid ?? appliedZxid, error }, body);
    if (error !== 0) {
      for (const watch of ends) this.#numbers.restore(watch);
      if (begins !== undefined) this.#numbers.remove(begins);
    }
    if (hangsUp === 'always') this.#over = refusal('MARSHALLING', 'a request that no client sends');
    else if (hangsUp === 'when refused' && error !== 0)
      this.#over = refusal('AUTH_FAILED', 'the credentials prove nobody');
  }

  #replyToProof(expected: Expected, { zxid, result }: Extract<ServerWord, { kind: 'read' }>): void {
    if (result.kind !== 'refused') this.#reply(expected, zxid, { error: 0, body: undefined });
    else if (result.refusal.code !== 'LIMIT')
      this.#reply(expected, zxid, { error: RC.AUTH_FAILED, body: undefined });
    // Nobody looked at them: told as refused, good credentials would be bad ones for good. The client comes back.
    else this.#over = result.refusal;
  }

  #notify({ type, path, zxid }: Extract<ServerWord, { kind: 'event' }>): void {
    // A node that may have come and gone is not there: that is what the client can be told.
    writeNotification(this.#writer, { type: type === 'resync' ? 'deleted' : type, path, zxid });
  }

  /** The request that is answered now; the pings before it are answered with it. */
  #shift(number: number, zxid: Zxid): Expected {
    this.#answerPings(zxid, this.#pings);
    const expected = this.#expected[this.#head];
    const isNext = expected !== PING && expected?.number === number;
    assert(isNext, 'answers come in the order of the requests', { number });
    this.#pass();
    return expected;
  }

  /** Those before which nothing is unanswered, up to this one. */
  #answerPings(zxid: Zxid, through: number): void {
    while (this.#expected[this.#head] === PING && this.#pongs < through) {
      writeReply(this.#writer, { xid: XID.ping, zxid, error: 0 }, undefined);
      this.#pongs++;
      this.#pass();
    }
  }

  #pass(): void {
    this.#head++;
    if (this.#head === this.#expected.length) {
      this.#expected = [];
      this.#head = 0;
    } else if (this.#head === SHIFTED_MAX) {
      this.#expected = this.#expected.slice(SHIFTED_MAX);
      this.#head = 0;
    }
  }

  #connected(): ReadConnectRequest {
    const connect = this.#connect;
    assert(connect !== undefined, 'who is answered has connected');
    return connect;
  }
}

function dueOf(request: Exclude<SaidWrite, { kind: 'check' }>): Due {
  switch (request.kind) {
    case 'create':
      return { kind: 'created', withStat: request.opcode !== OPCODE.create };
    case 'setData':
      return { kind: 'changed' };
    case 'delete':
      return { kind: 'deleted' };
    default:
      return unreachable(request);
  }
}

function multiDueOf(operation: SaidWrite): MultiDue {
  if (operation.kind !== 'create') return operation.kind;
  return operation.opcode === OPCODE.create ? 'create' : 'create2';
}

function namedAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  if (!acl.some(({ scheme }) => scheme === 'auth')) return acl;
  const names = identities.filter(({ scheme }) => scheme === 'digest' || scheme === 'x509');
  // Without any it stays, and is refused as what it is.
  if (names.length === 0) return acl;
  return acl.flatMap((entry) =>
    entry.scheme === 'auth' ? names.map(({ scheme, id }) => ({ perms: entry.perms, scheme, id })) : [entry],
  );
}

function isLegal(path: string): boolean {
  return pathFault(path) === undefined;
}

/** What the C client takes, which reads at fixed places. */
function sixteen(password: Uint8Array): Uint8Array {
  return password.length === NO_PASSWORD.length ? password : NO_PASSWORD;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** In the place of a ping among the requests. */
const PING = 'ping';
const NONCE_BYTES = 16;
/** Clients send one when they have been idle for a third of their timeout. */
const PINGS_MAX = 1000;
const NO_PASSWORD = new Uint8Array(16);
const NO_BYTES = new Uint8Array(0);
/** Answered requests whose place is kept. */
const SHIFTED_MAX = 1024;
