import { type Epoch, formatZxid, type PeerId, unreachable, type Zxid } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import { type DurableState, type Effect, type Input, type LogRecord, type Transition, Zab } from '@zabra/zab';
import { type ClientBackend, ClientService } from './clients/client-service.ts';
import { enteredEnv } from './entered-env.ts';
import type { Cancel, Env } from './env.ts';
import { LeaderDesk, type LeaderHost } from './leader/leader-desk.ts';
import type { CoreOptions } from './options.ts';
import {
  type Answered,
  decodeAnswered,
  decodeForwarded,
  encodeAnswered,
  encodeForwarded,
  type Forwarded,
} from './peers/forward-codec.ts';
import { PeerLinks } from './peers/peer-links.ts';
import { SentSnapshots } from './peers/sent-snapshots.ts';
import type { ReplayedEvents } from './storage/replayed-events.ts';
import type { Storage } from './storage/storage.ts';
import { decodeTxn } from './txn-codec.ts';
import { DigestLog } from './zookeeper/digest-log.ts';
import type { FileSizes, StorageDurations } from './zookeeper/words-source.ts';

/** Who watches the loop from outside: the simulator's checkers. */
export interface ReplicaObserver {
  step?(input: Input, effects: readonly Effect[]): void;
  applied?(record: LogRecord, tree: Tree): void;
}

/** What the disk gave at start. */
export interface Recovered {
  readonly storage: Storage;
  readonly tree: Tree;
  readonly replayed: ReplayedEvents;
  readonly clusterId: string | undefined;
}

/**
 * The loop of a server, and the only place where its parts meet.
 *
 * ```
 *  clients ─ requests ─▶ ┌─────────┐ ─ step(input) ─▶ Zab
 *  peers ─── messages ─▶ │ replica │ ◀─ effects ───── (decides)
 *  disk ── completions ▶ │ (does)  │ ─ append, save ▶ storage
 *  clock ────── ticks ─▶ └─────────┘ ─ deliver ─────▶ tree ─ events, results ─▶ clients
 * ```
 *
 * Whatever happens becomes one input; inputs are stepped one after the other, and the effects of each are performed before
 * the next. No rule of the protocol is here, and no state of the tree. A request goes to the leader; when this server
 * leads, its desk prepares it, and it is proposed together with all that came in the same turn. An error that gets this far ends the server: it is never logged and passed.
 */
export class Replica implements ClientBackend {
  readonly clients: ClientService;
  readonly zab: Zab;
  readonly #env: Env;
  readonly #options: CoreOptions;
  readonly #storage: Storage;
  readonly #peers: PeerLinks;
  readonly #observer: ReplicaObserver;
  #tree: Tree;
  /** A snapshot from the leader on its way into the manifest and the tree. */
  #installing: Promise<void> = Promise.resolve();
  #transition: Transition;
  #roleSinceMs: number;
  #clusterId: string | undefined;
  readonly #inputs: Input[] = [];
  #running = false;
  #stopped = false;
  #ticking: Cancel = () => {};
  /** Of a leader that serves, until it leaves the role. */
  #desk: LeaderDesk | undefined;
  readonly #readIndexes = new Map<number, (zxid: Zxid | undefined) => void>();
  #nextReadIndex = 1;
  readonly #sentSnapshots = new SentSnapshots();
  readonly digests: DigestLog = new DigestLog();

  constructor(env: Env, options: CoreOptions, recovered: Recovered, observer: ReplicaObserver) {
    this.#env = enteredEnv(env, (work) => this.#enter(work));
    this.#options = options;
    this.#storage = recovered.storage;
    this.#observer = observer;
    this.#tree = recovered.tree;
    this.#clusterId = recovered.clusterId;
    const { timing, limits } = options;
    this.zab = new Zab(
      {
        id: options.id,
        members: options.members,
        newClusterId: hex(env.random.bytes(16)),
        silenceMs: timing.silenceMs,
        heartbeatMs: timing.heartbeatMs,
        syncLimitMs: timing.syncLimitMs,
        electionPatienceMs: timing.electionPatienceMs,
        notifyIntervalMs: timing.notifyIntervalMs,
        historyRecordsMax: limits.historyRecordsMax,
        historyBytesMax: limits.historyBytesMax,
        learnerWindowBytesMax: limits.learnerWindowBytesMax,
        proposalsBytesMax: limits.proposalsBytesMax,
        outstandingProposalsMax: limits.outstandingProposalsMax,
        counterMax: limits.counterMax,
      },
      env.clock.monotonicMs(),
    );
    this.#roleSinceMs = env.clock.monotonicMs();
    this.#transition = {
      role: 'looking',
      phase: 'recovery',
      epoch: 0,
      leader: undefined,
      serving: false,
      reason: 'start',
    };
    this.#peers = new PeerLinks(
      this.#env,
      {
        id: options.id,
        members: options.members,
        redialMs: timing.notifyIntervalMs,
        helloMs: timing.syncLimitMs,
      },
      () => this.#clusterId,
      {
        electUp: (peer) => this.#inputs.push({ kind: 'electUp', peer }),
        electDown: (peer) => this.#inputs.push({ kind: 'electDown', peer }),
        notification: (from, notification) => this.#inputs.push({ kind: 'notification', from, notification }),
        connected: (link) => this.#inputs.push({ kind: 'connected', link }),
        learnerUp: (link, peer) => this.#inputs.push({ kind: 'learnerUp', link, peer }),
        fromLeader: (link, messages) => {
          for (const message of messages) this.#inputs.push({ kind: 'fromLeader', link, message });
        },
        fromLearner: (link, messages) => {
          for (const message of messages) this.#inputs.push({ kind: 'fromLearner', link, message });
        },
        linkDown: (link) => this.#inputs.push({ kind: 'linkDown', link }),
      },
    );
    this.clients = new ClientService(this.#env, options, this);
    const { replayed } = recovered;
    this.clients.replaced(replayed.floor);
    for (const { zxid, events } of replayed.changes) this.clients.feedHistory(zxid, events);
  }

  start(): void {
    this.#enter(() => {
      this.#perform(this.zab.start());
      this.#peers.start();
      this.#env.clients.accept((stream, dialect) => this.clients.accept(stream, dialect));
      this.#tick();
    });
  }

  /** Takes no more clients, leaves its role, lets the disk come to rest and seals the log. */
  async stop(): Promise<void> {
    this.#enter(() => this.clients.close());
    this.halt();
    await this.#storage.close();
  }

  /** From now on nothing of it runs and nobody hears of it; the disk is left as it is. Idempotent. */
  halt(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ticking();
    this.#peers.close();
    this.clients.abandon();
    this.#sentSnapshots.closeAll();
  }

  get tree(): Tree {
    return this.#tree;
  }

  get transition(): Transition {
    return this.#transition;
  }

  get serving(): boolean {
    return !this.#stopped && this.#transition.serving && this.zab.serving;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  files(): FileSizes {
    return this.#storage.fileSizes;
  }

  durations(): StorageDurations {
    return this.#storage.durations;
  }

  /** When it took its present role, on the monotonic clock. */
  get roleSinceMs(): number {
    return this.#roleSinceMs;
  }

  get epoch(): Epoch {
    return this.zab.epoch;
  }

  /** By this leadership; 0 when this server doesn't lead. */
  get reaped(): number {
    return this.#desk?.reaped ?? 0;
  }

  get leader(): PeerId | undefined {
    return this.#transition.leader;
  }

  /** The one door: every callback of the world comes through it, and leaves with nothing undone. */
  #enter(work: () => void): void {
    if (this.#stopped) return;
    if (this.#running) {
      work();
      return;
    }
    this.#running = true;
    try {
      work();
      if (!this.#stopped) this.#drain();
    } catch (error) {
      // Halts this server too; not thrown on, for what called in here may be a timer of another program.
      this.#env.fatal(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#running = false;
    }
  }

  #drain(): void {
    for (let index = 0; ; ) {
      // Requests that came together are proposed together: only what learners say comes between a request and its proposal.
      if (this.#inputs[index]?.kind !== 'fromLearner') this.#propose();
      const input = this.#inputs[index];
      if (input === undefined) {
        this.#inputs.length = 0;
        return;
      }
      index++;
      if (input.kind === 'forward' && !this.serving) continue;
      this.#step(input);
    }
  }

  #step(input: Input): void {
    const effects = this.zab.step(input);
    this.#observer.step?.(input, effects);
    this.#perform(effects);
  }

  #propose(): void {
    const desk = this.#desk;
    if (desk === undefined) return;
    const payloads = desk.takeGathered();
    if (payloads.length === 0) return;
    for (const { length } of payloads) this.clients.statistics.proposed(length);
    if (this.serving) this.#step({ kind: 'propose', payloads });
    else desk.dropPrepared();
  }

  #tick(): void {
    const nowMs = this.#env.clock.monotonicMs();
    this.#step({ kind: 'tick', nowMs });
    this.#desk?.tick(nowMs);
    this.clients.tick();
    this.#storage.sealIfIdle(this.zab.commitZxid);
    this.#ticking = this.#env.clock.after(this.#options.timing.tickMs, () => this.#tick());
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.kind) {
      case 'notify':
        this.#peers.notify(effect.to, effect.notification);
        return;
      case 'connect':
        this.#peers.connect(effect.link, effect.to);
        return;
      case 'disconnect':
        this.#peers.disconnect(effect.link, effect.reason);
        return;
      case 'toLeader':
        this.#peers.toLeader(effect.link, effect.message);
        return;
      case 'toLearner':
        this.#peers.toLearner(effect.link, effect.message);
        return;
      case 'drain':
        this.#leaveRole(effect.incarnation);
        return;
      case 'append': {
        const { incarnation } = effect;
        this.#storage.append(effect.records, effect.commit, (zxid) =>
          this.#enter(() => this.#inputs.push({ kind: 'appended', incarnation, zxid })),
        );
        return;
      }
      case 'truncate': {
        const { incarnation, after } = effect;
        this.#await(this.#storage.truncate(after), () => ({ kind: 'truncated', incarnation, zxid: after }));
        return;
      }
      case 'saveManifest': {
        const { incarnation, acceptedEpoch, currentEpoch, clusterId } = effect;
        this.#await(this.#storage.saveManifest(effect), () => {
          this.#clusterId = clusterId;
          return { kind: 'manifestSaved', incarnation, acceptedEpoch, currentEpoch };
        });
        return;
      }
      case 'readLog': {
        const { incarnation, link, after } = effect;
        this.#await(this.#storage.readAfter(after, effect.through, effect.bytesMax), (read) => ({
          kind: 'logRead',
          incarnation,
          link,
          after,
          ...read,
        }));
        return;
      }
      case 'openSnapshot': {
        const { incarnation, link } = effect;
        this.#await(this.#storage.openSnapshot(effect.atLeast, this.#tree), (handle) => {
          if (handle === undefined) {
            // None could be made just now; the learner comes back and asks again.
            this.#sentSnapshots.close(link);
            this.#peers.disconnect(link, 'no snapshot could be made');
            return { kind: 'linkDown', link };
          }
          this.#sentSnapshots.begin(link, handle);
          return { kind: 'snapshotOpened', incarnation, link, zxid: handle.zxid, bytes: handle.bytes };
        });
        return;
      }
      case 'readSnapshot': {
        const { incarnation, link, offset } = effect;
        const handle = this.#sentSnapshots.get(link);
        if (handle === undefined) return;
        this.#await(handle.read(offset), (chunk) => ({
          kind: 'snapshotRead',
          incarnation,
          link,
          offset,
          ...chunk,
        }));
        return;
      }
      case 'closeSnapshot':
        this.#sentSnapshots.close(effect.link);
        return;
      case 'beginSnapshot':
        void this.#storage.beginReceived(effect.zxid, effect.bytes);
        return;
      case 'writeSnapshot': {
        const { incarnation, offset } = effect;
        this.#await(this.#storage.writeReceived(offset, effect.data), () => ({
          kind: 'snapshotWritten',
          incarnation,
          offset,
        }));
        return;
      }
      case 'installSnapshot': {
        const { incarnation, zxid } = effect;
        this.#installing = this.#storage.installReceived(zxid).then((tree) => {
          this.#tree = tree;
        });
        this.#await(this.#installing, () => {
          // What happened in between was not seen here: clients attach again and say what they watch.
          this.clients.replaced(zxid);
          return { kind: 'snapshotInstalled', incarnation, zxid };
        });
        return;
      }
      case 'deliver':
        for (const record of effect.records) this.#apply(record);
        this.clients.batchApplied();
        this.#storage.maybeSnapshot(this.#tree);
        return;
      case 'forwarded': {
        const request = this.#decode(effect.from, () => decodeForwarded(effect.payload));
        if (request !== undefined) this.#handle(effect.from, request);
        return;
      }
      case 'answered': {
        const answer = this.#decode(this.leader, () => decodeAnswered(effect.payload));
        if (answer !== undefined) this.clients.answered(answer);
        return;
      }
      case 'readIndexed': {
        const answer = this.#readIndexes.get(effect.id);
        this.#readIndexes.delete(effect.id);
        answer?.(effect.zxid);
        return;
      }
      case 'transition':
        this.#become(effect.to);
        return;
      default:
        unreachable(effect);
    }
  }

  /** When the disk has done it, that is an input. A failed disk is final. */
  #await<Done>(work: Promise<Done>, input: (done: Done) => Input): void {
    work.then(
      (done) => this.#enter(() => this.#inputs.push(input(done))),
      (error: unknown) =>
        this.#enter(() => {
          throw error;
        }),
    );
  }

  /** What a peer says can end its streams, never this server. */
  #decode<Said>(peer: PeerId | undefined, decode: () => Said): Said | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'DecodeError') throw error;
      this.#peers.refuse(peer, error.message);
      return undefined;
    }
  }

  #leaveRole(incarnation: number): void {
    this.#desk?.dropPrepared();
    this.#desk = undefined;
    this.#sentSnapshots.closeAll();
    const state = async (): Promise<DurableState> => {
      await this.#installing;
      await this.#storage.idle();
      return this.#storage.durableState(this.#tree);
    };
    this.#await(state(), (durable) => ({ kind: 'drained', incarnation, state: durable }));
  }

  #become(to: Transition): void {
    const before = this.#transition;
    this.#transition = to;
    if (to.role !== before.role) this.#roleSinceMs = this.#env.clock.monotonicMs();
    if (to.role === 'looking' && before.role !== 'looking') this.clients.statistics.lookings++;
    this.#env.log.info(`${to.role}: ${to.phase}`, {
      epoch: to.epoch,
      leader: to.leader,
      serving: to.serving,
      lastZxid: formatZxid(this.zab.lastZxid),
      reason: to.reason,
    });
    if (to.serving && to.role === 'leading') {
      this.#desk ??= new LeaderDesk(this.#env, this.#options, this.#tree, this.#leaderHost());
    }
    if (to.serving !== before.serving || (to.serving && to.epoch !== before.epoch))
      this.clients.servingChanged();
  }

  #apply(record: LogRecord): void {
    const { zxid } = record;
    if (record.kind !== 'txn') {
      this.#tree.applyNothing(zxid);
    } else {
      const txn = this.#desk?.takePrepared(zxid) ?? decodeTxn(record.payload);
      this.clients.applying(txn);
      const applied = this.#tree.apply(zxid, txn);
      this.#desk?.applied(txn, applied);
      this.clients.applied(txn, applied);
    }
    this.digests.applied(zxid, this.#tree);
    this.#observer.applied?.(record, this.#tree);
  }

  request(request: Forwarded): void {
    if (!this.serving) return;
    if (this.#transition.role === 'leading') this.#handle(this.#options.id, request);
    else this.#inputs.push({ kind: 'forward', payload: encodeForwarded(request) });
  }

  readIndex(answer: (zxid: Zxid | undefined) => void): void {
    const id = this.#nextReadIndex++;
    this.#readIndexes.set(id, answer);
    this.#inputs.push({ kind: 'readIndex', id });
  }

  /** Leader: a request of this server's clients or of a follower's. */
  #handle(from: PeerId, request: Forwarded): void {
    // The role may end in the very step that brought the request; whoever asked asks the next leader.
    if (this.serving) this.#desk?.handle(from, request);
  }

  #leaderHost(): LeaderHost {
    const replica = this;
    return {
      get serving() {
        return replica.serving;
      },
      get epoch() {
        return replica.zab.epoch;
      },
      get lastZxid() {
        return replica.zab.lastZxid;
      },
      get outstandingProposals() {
        return replica.zab.outstandingProposals;
      },
      answer: (to, answer) => this.#answer(to, answer),
      readIndex: (answer) => this.readIndex(answer),
    };
  }

  #answer(to: PeerId, answer: Answered): void {
    if (to === this.#options.id) this.clients.answered(answer);
    else this.#inputs.push({ kind: 'answer', to, payload: encodeAnswered(answer) });
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
