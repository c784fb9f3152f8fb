import { asZxid, counterOf, type Identity, makeZxid, type PeerId, type Txn, type Zxid } from '@zabra/model';
import { type ClientEntry, decodeServerFrame, encodeClientFrame, type ServerEntry } from '@zabra/proto';
import { type Applied, Tree, type TreeOptions } from '@zabra/tree';
import { type ClientBackend, ClientService } from '../../src/core/clients/client-service.ts';
import type { Env, FrameStream, StreamHandlers } from '../../src/core/env.ts';
import { LeaderDesk, type LeaderHost } from '../../src/core/leader/leader-desk.ts';
import {
  type CoreOptions,
  DEFAULT_LIMITS,
  DEFAULT_STORAGE,
  DEFAULT_TIMING,
  type Limits,
} from '../../src/core/options.ts';
import {
  type Answered,
  decodeAnswered,
  decodeForwarded,
  encodeAnswered,
  encodeForwarded,
  type Forwarded,
} from '../../src/core/peers/forward-codec.ts';
import { decodeSnapshotEntry, encodeSnapshotEntry } from '../../src/core/snapshot-codec.ts';
import { decodeTxn, encodeTxn } from '../../src/core/txn-codec.ts';
import { Random } from './random-operations.ts';

/** Where a test may put a flaw into the way of a write. */
export interface Flaws {
  readonly txn?: (txn: Txn) => Txn;
  readonly applied?: (applied: Applied) => Applied;
  readonly identities?: (identities: readonly Identity[]) => readonly Identity[];
}

/** Who proves with `root:secret` that it is root may do everything. */
const SUPER_USER: Identity = { scheme: 'digest', id: 'root:hash-of-secret' };

/**
 * One server, from the frames of its clients to its tree and back, without network, disk and peers: what is prepared waits
 * until `deliver` is called, as it would for a quorum. Time stands still unless it is moved.
 */
export class OneServer implements ClientBackend, LeaderHost {
  tree: Tree;
  readonly clients: ClientService;
  serving = true;
  readonly clusterId = 'orchard';
  epoch = 1;
  lastZxid: Zxid = makeZxid(1, 0);
  readonly outstandingProposals = 0;
  timeMs = 1_000_000;
  readonly #flaws: Flaws;
  readonly #treeOptions: Partial<TreeOptions>;
  readonly #proposed: { readonly zxid: Zxid; readonly bytes: Uint8Array }[] = [];
  readonly #options: CoreOptions;
  readonly #env: Env;
  #desk: LeaderDesk;
  #turnEnds: (() => void)[] = [];
  readonly #random = new Random(1);

  constructor(limits: Partial<Limits> = {}, flaws: Flaws = {}) {
    const options = coreOptions(limits);
    this.#options = options;
    this.#env = this.#world();
    const { dataBytesMax, transactionOperationsMax, requestsPerSessionMax, ephemeralsPerSessionMax } =
      options.limits;
    this.#flaws = flaws;
    this.#treeOptions = {
      dataBytesMax,
      transactionOperationsMax,
      outstandingRequestsMax: requestsPerSessionMax,
      ephemeralsPerSessionMax,
    };
    this.tree = Tree.empty(this.#treeOptions);
    this.#desk = new LeaderDesk(this.#env, options, this.tree, this);
    this.clients = new ClientService(this.#env, options, this);
  }

  /** A client's stream; what its transport proves is given. */
  connect(identities: readonly Identity[]): OneClient {
    const stream = new OneClient(identities, () => this.#endTurn());
    this.clients.accept(stream);
    return stream;
  }

  /** The zxid that the next txn will have. */
  get nextZxid(): Zxid {
    return makeZxid(this.epoch, counterOf(this.lastZxid) + 1);
  }

  /** Txns that wait to be delivered. */
  get proposed(): readonly { readonly zxid: Zxid; readonly txn: Txn }[] {
    return this.#proposed.map(({ zxid, bytes }) => ({ zxid, txn: decodeTxn(bytes) }));
  }

  /** Applies so many of what waits, in one batch. */
  deliver(count: number = this.#proposed.length): void {
    for (const { zxid, bytes } of this.#proposed.splice(0, count)) {
      const txn = decodeTxn(bytes);
      this.#desk.takePrepared(zxid);
      this.clients.applying(txn);
      const applied = this.tree.apply(zxid, txn);
      this.#desk.applied(txn, applied);
      this.clients.applied(txn, this.#flaws.applied?.(applied) ?? applied);
    }
    this.clients.batchApplied();
    this.#endTurn();
  }

  /**
   * Another leader goes on, with a tree that was read from a snapshot of this one. What waited for delivery is lost, as far
   * as its clients don't ask for it again.
   */
  changeLeader(): void {
    this.serving = false;
    this.clients.servingChanged();
    this.#desk.dropPrepared();
    this.#proposed.length = 0;
    this.tree = restored(this.tree, this.#treeOptions);
    this.epoch++;
    this.lastZxid = makeZxid(this.epoch, 0);
    this.tree.applyNothing(this.lastZxid);
    this.#desk = new LeaderDesk(this.#env, this.#options, this.tree, this);
    this.serving = true;
    this.clients.servingChanged();
    this.clients.batchApplied();
    this.#endTurn();
  }

  /** The leader's own wish; undefined when the tree refuses it. */
  reap(path: string): Zxid | undefined {
    const { nextZxid } = this;
    const prepared = this.tree.prepare(
      { kind: 'reap', path },
      { wallMs: this.timeMs, nextZxid, identities: [] },
    );
    if (prepared.kind !== 'txn') return undefined;
    this.#propose([encodeTxn(prepared.txn)]);
    return nextZxid;
  }

  request(request: Forwarded): void {
    const { identities: alter = (identities) => identities } = this.#flaws;
    const altered = 'identities' in request ? { ...request, identities: alter(request.identities) } : request;
    // As if it came from another server.
    this.#desk.handle(this.#options.id, decodeForwarded(encodeForwarded(altered)));
    this.#propose(this.#desk.takeGathered());
  }

  answer(_: PeerId, answer: Answered): void {
    this.clients.answered(decodeAnswered(encodeAnswered(answer)));
  }

  readIndex(answer: (zxid: Zxid | undefined) => void): void {
    answer(this.tree.appliedZxid);
  }

  #propose(gathered: readonly Uint8Array[]): void {
    const { txn: alter = (txn) => txn } = this.#flaws;
    for (const bytes of gathered) {
      const zxid = this.nextZxid;
      this.lastZxid = zxid;
      this.#proposed.push({ zxid, bytes: encodeTxn(alter(decodeTxn(bytes))) });
    }
  }

  #endTurn(): void {
    for (let work = this.#turnEnds.shift(); work !== undefined; work = this.#turnEnds.shift()) work();
  }

  #world(): Env {
    const nothing = (): never => {
      throw new Error('this server has neither disk nor peers');
    };
    return {
      clock: {
        monotonicMs: () => this.timeMs,
        wallMs: () => this.timeMs,
        after: nothing,
        atTurnEnd: (work) => void this.#turnEnds.push(work),
      },
      random: {
        bytes: (count) => Uint8Array.from({ length: count }, () => this.#random.below(256)),
        sha256: (data) => data.slice(),
      },
      credentials: { prove: (scheme, bytes, answer) => answer(proved(scheme, bytes)) },
      disk: { list: nothing, open: nothing, rename: nothing, remove: nothing, syncDirectory: nothing },
      peers: { dial: nothing, accept: nothing },
      clients: { accept: nothing },
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      fatal: (error) => {
        throw error;
      },
    };
  }
}

/** A client's end of a stream, and the server's: what is said is decoded and kept. */
export class OneClient implements FrameStream {
  readonly remote = 'a test';
  readonly identities: readonly Identity[];
  readonly queuedBytes = 0;
  /** What came, frame by frame. */
  readonly frames: Uint8Array[] = [];
  ended = false;
  readonly #turnEnds: () => void;
  #handlers: StreamHandlers | undefined;

  constructor(identities: readonly Identity[], turnEnds: () => void) {
    this.identities = identities;
    this.#turnEnds = turnEnds;
  }

  say(...entries: readonly ClientEntry[]): void {
    this.#handlers?.frame(encodeClientFrame({ entries }));
    this.#turnEnds();
  }

  /** Takes what came since it was called last. */
  hear(): readonly ServerEntry[] {
    return this.frames.splice(0).flatMap((frame) => decodeServerFrame(frame).entries);
  }

  /** The network loses the stream. */
  lose(): void {
    this.ended = true;
    this.#handlers?.closed(undefined);
    this.#turnEnds();
  }

  send(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  close(): void {
    this.ended = true;
  }

  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }

  pause(): void {}

  resume(): void {}
}

/** `user:password` proves both hashes of it, which are no secrets here; the scheme scrypt proves one. */
export function proved(scheme: string, bytes: Uint8Array): readonly Identity[] {
  const [user = '', password = ''] = new TextDecoder().decode(bytes).split(':');
  if (user === '' || password === '') return [];
  const strong = { scheme: 'scrypt', id: `${user}:strong-hash-of-${password}` };
  if (scheme === 'scrypt') return [strong];
  return scheme === 'digest' ? [{ scheme: 'digest', id: `${user}:hash-of-${password}` }, strong] : [];
}

function restored(tree: Tree, options: Partial<TreeOptions>): Tree {
  const cursor = tree.beginSnapshot();
  const restorer = Tree.restore(cursor.zxid, cursor.lastTimeMs, options);
  for (let slice = cursor.next(7); slice.length > 0; slice = cursor.next(7))
    for (const entry of slice) restorer.add(decodeSnapshotEntry(encodeSnapshotEntry(entry)));
  const copy = restorer.finish();
  if (copy.digest() !== cursor.digest) throw new Error('a snapshot gives the tree that it was taken of');
  return copy;
}

function coreOptions(limits: Partial<Limits>): CoreOptions {
  return {
    id: 1,
    members: [1],
    clusterId: 'orchard',
    timing: DEFAULT_TIMING,
    limits: { ...DEFAULT_LIMITS, ...limits },
    storage: DEFAULT_STORAGE,
    access: { superUsers: [SUPER_USER] },
    readOnlyMode: false,
  };
}

function ignore(): void {}

export const NO_ZXID: Zxid = asZxid(0);
