import { epochOf, type PeerId, ZXID_NONE, type Zxid } from '@zabra/model';
import {
  checkInvariants,
  type Effect,
  type Input,
  type LeaderMessage,
  type LearnerMessage,
  type LinkId,
  type LogRecord,
  type Standing,
  Zab,
  type ZabOptions,
} from '../src/index.ts';
import { Disk, type DiskEffect, type Lane } from './disk.ts';
import { Random } from './random.ts';

export const OPTIONS: Omit<ZabOptions, 'id' | 'members'> = {
  newClusterId: 'test',
  silenceMs: 1000,
  heartbeatMs: 250,
  syncLimitMs: 5000,
  electionPatienceMs: 200,
  notifyIntervalMs: 100,
  historyRecordsMax: 8,
  historyBytesMax: 4096,
  learnerWindowBytesMax: 400,
  proposalsBytesMax: 100,
  outstandingProposalsMax: 1000,
  counterMax: 2 ** 32 - 2,
};

const TICK_MS = 100;
const SNAPSHOT_CHUNK_BYTES = 40;

/** Delays in ms; a fixed one of each makes a run that can be told as a story. */
export interface Timing {
  readonly networkMs: readonly [number, number];
  readonly diskMs: readonly [number, number];
}

interface Server {
  readonly id: PeerId;
  zab: Zab | undefined;
  /** Goes up with each start, so that what was meant for an earlier life is dropped. */
  life: number;
  disk: Disk;
  readonly busy: Set<Lane>;
  isPaused: boolean;
  readonly inbox: Input[];
  draining: number | undefined;
}

interface Stream {
  readonly learner: PeerId;
  readonly leader: PeerId;
  /** Numbers at either end. */
  readonly learnerLink: LinkId;
  readonly leaderLink: LinkId;
  isUp: boolean;
  /** FIFO per direction: nothing is delivered before what was sent before it. */
  readonly dueMs: { toLeader: number; toLearner: number };
}

/** Servers on a simulated network and disk, in one process, on a clock of their own. Checks safety after each step. */
export class Ensemble {
  readonly random: Random;
  readonly servers: Map<PeerId, Server> = new Map<PeerId, Server>();
  readonly members: readonly PeerId[];
  nowMs: number = 0;
  /** What was committed, in order, as the first server to deliver it saw it. */
  readonly committed: LogRecord[] = [];
  /** Questions for a read index: what was committed when each was asked. */
  readonly #asked = new Map<number, Zxid>();
  readonly readIndexed: { readonly id: number; readonly zxid: Zxid | undefined }[] = [];
  /** What happened, by kind: a run that proves nothing is seen. */
  readonly counts: Record<string, number> = {};
  trace: ((from: PeerId, effect: Effect) => void) | undefined;
  readonly #options: Partial<ZabOptions>;
  readonly #timing: Timing;
  /** Without a seed nothing is left to chance: a crash loses all that was on its way to the disk. */
  readonly #isTold: boolean;
  readonly #cuts = new Set<string>();
  readonly #established = new Map<number, PeerId>();
  #streams: Stream[] = [];
  #links = 0;
  #sequence = 0;
  readonly #events: { atMs: number; sequence: number; run: () => void }[] = [];

  constructor(setup: {
    readonly members: readonly PeerId[];
    readonly seed?: number;
    readonly timing?: Timing;
    readonly options?: Partial<ZabOptions>;
    readonly standing?: Standing;
  }) {
    this.members = setup.members;
    this.random = new Random(setup.seed ?? 1);
    this.#isTold = setup.seed === undefined;
    this.#timing = setup.timing ?? { networkMs: [1, 1], diskMs: [2, 2] };
    this.#options = setup.options ?? {};
    const standing = setup.standing ?? 'voter';
    for (const id of setup.members) {
      const disk = new Disk(standing, standing === 'voter' ? 'test' : undefined);
      this.servers.set(id, {
        id,
        zab: undefined,
        life: 0,
        disk,
        busy: new Set(),
        isPaused: false,
        inbox: [],
        draining: undefined,
      });
    }
  }

  // --- What a test does.

  start(...ids: readonly PeerId[]): void {
    for (const id of ids) {
      const server = this.server(id);
      if (server.zab !== undefined) continue;
      server.life++;
      server.busy.clear();
      server.isPaused = false;
      server.draining = undefined;
      server.inbox.length = 0;
      server.disk.crash(() => 0);
      server.zab = new Zab({ ...OPTIONS, ...this.#options, id, members: this.members }, this.nowMs);
      this.#perform(server, server.zab.start());
      for (const other of this.members) {
        if (other === id) continue;
        this.#connectivity(id, other);
        this.#connectivity(other, id);
      }
      this.#tick(server, server.life);
    }
  }

  crash(...ids: readonly PeerId[]): void {
    for (const id of ids) {
      const server = this.server(id);
      if (server.zab === undefined) continue;
      server.zab = undefined;
      server.life++;
      server.disk.crash((pending) => (this.#isTold ? 0 : this.random.below(pending + 1)));
      for (const stream of this.#streams)
        if (stream.leader === id || stream.learner === id) this.#break(stream);
      for (const other of this.members) if (other !== id) this.#connectivity(other, id);
    }
  }

  /** The process ends, and the disk is found damaged: nothing of it is trusted but the promise. */
  damage(id: PeerId): void {
    this.crash(id);
    this.server(id).disk.damage();
    this.#count('damage');
  }

  /** Nothing runs, messages wait. */
  pause(id: PeerId, forMs: number): void {
    const server = this.server(id);
    if (server.zab === undefined || server.isPaused) return;
    server.isPaused = true;
    const { life } = server;
    this.#after(forMs, () => {
      if (server.life !== life) return;
      server.isPaused = false;
      for (const input of server.inbox.splice(0)) this.#input(server, life, input);
    });
  }

  /** Its log's disk hangs: no error and no answer, until the server starts anew. */
  stall(id: PeerId): void {
    this.server(id).busy.add('log');
  }

  cut(a: PeerId, b: PeerId): void {
    this.#cuts.add(`${a}-${b}`).add(`${b}-${a}`);
    this.#changed(a, b);
  }

  /** What `from` sends to `to` is lost. A stream needs both directions. */
  cutOneWay(from: PeerId, to: PeerId): void {
    this.#cuts.add(`${from}-${to}`);
    this.#changed(from, to);
  }

  heal(): void {
    const cuts = [...this.#cuts];
    this.#cuts.clear();
    for (const cut of cuts) {
      const [a, b] = cut.split('-').map(Number);
      if (a !== undefined && b !== undefined) this.#changed(a, b);
    }
  }

  /** Ends the streams of a server, which may come again at once. */
  reset(id: PeerId): void {
    for (const stream of this.#streams)
      if (stream.leader === id || stream.learner === id) this.#break(stream);
  }

  input(id: PeerId, input: Input): void {
    this.#step(this.server(id), input);
  }

  run(forMs: number): void {
    this.runUntil(() => false, forMs);
  }

  /** False when it did not come true in time. */
  runUntil(condition: () => boolean, withinMs: number): boolean {
    const endMs = this.nowMs + withinMs;
    for (;;) {
      if (condition()) return true;
      const next = this.#events[0];
      if (next === undefined || next.atMs > endMs) {
        this.nowMs = endMs;
        return false;
      }
      this.#takeFirst();
      this.nowMs = next.atMs;
      next.run();
    }
  }

  server(id: PeerId): Server {
    const server = this.servers.get(id);
    if (server === undefined) throw new RangeError(`no server ${id}`);
    return server;
  }

  zab(id: PeerId): Zab {
    const { zab } = this.server(id);
    if (zab === undefined) throw new RangeError(`server ${id} is down`);
    return zab;
  }

  running(): readonly Zab[] {
    return [...this.servers.values()].flatMap(({ zab }) => (zab === undefined ? [] : [zab]));
  }

  /** The serving leader of the highest epoch. */
  leader(): Zab | undefined {
    const leaders = this.running().filter((zab) => zab.role === 'leading' && zab.serving);
    return leaders.toSorted((left, right) => right.epoch - left.epoch)[0];
  }

  propose(...texts: readonly string[]): boolean {
    const leader = this.leader();
    if (leader === undefined) return false;
    const payloads = texts.map((text) => new TextEncoder().encode(text));
    this.input(leader.options.id, { kind: 'propose', payloads });
    return true;
  }

  /** A request of a client of this server, if it serves one; `no` is refused. */
  forward(server: PeerId, request: string): void {
    const { zab } = this.server(server);
    if (zab?.role !== 'following' || !zab.serving || this.server(server).isPaused) return;
    this.input(server, { kind: 'forward', payload: new TextEncoder().encode(request) });
  }

  /** What this server applied becomes its base; the log below it is dropped. */
  snapshot(server: PeerId): void {
    const { zab, disk } = this.server(server);
    if (zab?.serving === true && disk.applied.length > 0) disk.snapshot();
  }

  /** These were committed before the story begins. */
  assume(records: readonly LogRecord[]): void {
    for (const record of records.slice(this.committed.length)) this.committed.push(record);
  }

  /** Returns the number under which `readIndexed` will have the answer. */
  readIndex(server: PeerId): number {
    const id = this.#asked.size;
    this.#asked.set(id, this.committed.at(-1)?.zxid ?? ZXID_NONE);
    this.input(server, { kind: 'readIndex', id });
    return id;
  }

  /** All that run serve, and have applied the same. */
  isSettled(): boolean {
    const zabs = this.running();
    const last = this.committed.at(-1)?.zxid ?? ZXID_NONE;
    return (
      zabs.length > 0 &&
      zabs.every((zab) => zab.serving && zab.deliveredZxid === last && zab.lastZxid === last)
    );
  }

  // --- The world.

  #after(delayMs: number, run: () => void): void {
    this.#at(this.nowMs + delayMs, run);
  }

  #at(atMs: number, run: () => void): void {
    const event = { atMs, sequence: this.#sequence++, run };
    // A binary heap by time, then order of insertion.
    const heap = this.#events;
    heap.push(event);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #takeFirst(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        child++;
        below = right;
      }
      if (below === undefined || isBefore(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
  }

  #tick(server: Server, life: number): void {
    if (server.life !== life) return;
    if (!server.isPaused) this.#step(server, { kind: 'tick', nowMs: this.nowMs });
    this.#after(TICK_MS, () => this.#tick(server, life));
  }

  #input(server: Server, life: number, input: Input): void {
    if (server.life !== life || server.zab === undefined) return;
    if (server.isPaused) server.inbox.push(input);
    else this.#step(server, input);
  }

  #step(server: Server, input: Input): void {
    if (server.zab === undefined) return;
    const effects = server.zab.step(input);
    checkInvariants(server.zab);
    this.#perform(server, effects);
    this.#checkLeader(server.zab);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #perform(server: Server, effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.trace?.(server.id, effect);
      this.#performOne(server, effect);
    }
  }

  #performOne(server: Server, effect: Effect): void {
    const { life, disk } = server;
    const later = (input: Input): void => {
      this.#after(this.#delay(this.#timing.diskMs), () => this.#input(server, life, input));
    };
    switch (effect.kind) {
      case 'notify': {
        const target = this.server(effect.to);
        const { life: targetLife } = target;
        if (!this.#reaches(server.id, effect.to)) return;
        const input: Input = { kind: 'notification', from: server.id, notification: effect.notification };
        this.#after(this.#delay(this.#timing.networkMs), () => {
          if (this.#reaches(server.id, effect.to)) this.#input(target, targetLife, input);
        });
        return;
      }
      case 'connect':
        this.#connect(server, effect.link, effect.to);
        return;
      case 'disconnect': {
        const stream = this.#stream(server.id, effect.link);
        if (stream !== undefined) this.#break(stream, server.id);
        return;
      }
      case 'toLeader':
      case 'toLearner':
        this.#send(server.id, effect.link, effect.message);
        return;
      case 'drain':
        server.draining = effect.incarnation;
        this.#work(server, 'log');
        return;
      case 'append':
      case 'truncate':
      case 'installSnapshot':
        disk.pending.log.push(effect);
        this.#work(server, 'log');
        return;
      case 'saveManifest':
        disk.pending.manifest.push(effect);
        this.#work(server, 'manifest');
        return;
      case 'readLog': {
        const { link, after, through, incarnation } = effect;
        const purged = after < disk.baseZxid;
        let bytes = 0;
        const records = disk.log
          .filter((record) => record.zxid > after && record.zxid <= through)
          .filter((record, index) => {
            bytes += record.payload.length + 32;
            return index === 0 || bytes <= effect.bytesMax;
          });
        this.#count('readLog');
        later({ kind: 'logRead', incarnation, link, after, records: purged ? [] : records, purged });
        return;
      }
      case 'openSnapshot': {
        if (disk.appliedZxid < effect.atLeast)
          throw new Error('a snapshot beyond what is applied was asked for');
        if (disk.baseZxid < effect.atLeast || disk.base.length === 0) disk.snapshot();
        const { incarnation, link } = effect;
        this.#snapshots.set(link, [...disk.base]);
        this.#count('openSnapshot');
        later({
          kind: 'snapshotOpened',
          incarnation,
          link,
          zxid: disk.baseZxid,
          bytes: disk.base.length * 8,
        });
        return;
      }
      case 'readSnapshot': {
        const { incarnation, link, offset } = effect;
        const bytes = new Uint8Array(Float64Array.from(this.#snapshots.get(link) ?? []).buffer);
        const data = bytes.slice(offset, offset + SNAPSHOT_CHUNK_BYTES);
        const last = offset + data.length === bytes.length;
        later({ kind: 'snapshotRead', incarnation, link, offset, data, last });
        return;
      }
      case 'closeSnapshot':
        this.#snapshots.delete(effect.link);
        return;
      case 'beginSnapshot':
        disk.received = [];
        return;
      case 'writeSnapshot':
        disk.received.push(...effect.data);
        later({
          kind: 'snapshotWritten',
          incarnation: effect.incarnation,
          offset: effect.offset + effect.data.length,
        });
        return;
      case 'deliver':
        this.#deliver(server, effect.records);
        return;
      case 'readIndexed':
        this.#count(effect.zxid === undefined ? 'read refused' : 'read index');
        this.#checkRead(effect.id, effect.zxid);
        this.readIndexed.push({ id: effect.id, zxid: effect.zxid });
        return;
      case 'forwarded':
        // The state machine of this ensemble answers "no" and orders everything else.
        if (new TextDecoder().decode(effect.payload) === 'no') {
          this.input(server.id, { kind: 'answer', to: effect.from, payload: effect.payload });
        } else {
          this.input(server.id, { kind: 'propose', payloads: [effect.payload] });
        }
        return;
      case 'transition':
        this.#count(`${effect.to.role} ${effect.to.phase}`);
        return;
      case 'answered':
        this.#count('answered');
        return;
      default:
        throw effect satisfies never;
    }
  }

  readonly #snapshots = new Map<LinkId, readonly Zxid[]>();

  /** One operation per lane at a time, in order; when both lanes are at rest the drain, if one waits. */
  #work(server: Server, lane: Lane): void {
    const { busy, life, disk } = server;
    if (busy.has(lane)) return;
    busy.add(lane);
    this.#after(this.#delay(this.#timing.diskMs), () => {
      if (server.life !== life) return;
      busy.delete(lane);
      const effect = disk.pending[lane].shift();
      if (effect !== undefined) this.#done(server, effect);
      if (disk.pending[lane].length > 0) this.#work(server, lane);
      const isAtRest = disk.pending.log.length + disk.pending.manifest.length + busy.size === 0;
      if (!isAtRest || server.draining === undefined) return;
      const incarnation = server.draining;
      server.draining = undefined;
      this.#input(server, life, { kind: 'drained', incarnation, state: disk.state() });
    });
  }

  #done(server: Server, effect: DiskEffect): void {
    const { life, disk } = server;
    if (effect.kind === 'truncate') this.#checkCut(disk, effect.after);
    disk.perform(effect);
    const { incarnation } = effect;
    switch (effect.kind) {
      case 'append':
        this.#input(server, life, { kind: 'appended', incarnation, zxid: disk.lastZxid });
        return;
      case 'truncate':
        this.#count('truncate');
        this.#input(server, life, { kind: 'truncated', incarnation, zxid: effect.after });
        return;
      case 'saveManifest': {
        const { acceptedEpoch, currentEpoch } = effect;
        this.#input(server, life, { kind: 'manifestSaved', incarnation, acceptedEpoch, currentEpoch });
        return;
      }
      case 'installSnapshot':
        this.#count('installSnapshot');
        this.#input(server, life, { kind: 'snapshotInstalled', incarnation, zxid: effect.zxid });
        return;
      default:
        throw effect satisfies never;
    }
  }

  // --- The network.

  #delay([least, most]: readonly [number, number]): number {
    return least === most ? least : least + this.random.next() * (most - least);
  }

  #reaches(from: PeerId, to: PeerId): boolean {
    return this.server(to).zab !== undefined && !this.#cuts.has(`${from}-${to}`);
  }

  #changed(a: PeerId, b: PeerId): void {
    this.#connectivity(a, b);
    this.#connectivity(b, a);
    if (this.#reaches(a, b) && this.#reaches(b, a)) return;
    for (const stream of this.#streams) {
      const pair = [stream.leader, stream.learner];
      if (pair.includes(a) && pair.includes(b)) this.#break(stream);
    }
  }

  /** Tells `from` whether it can send notes to `to`, as soon as it can know. */
  #connectivity(from: PeerId, to: PeerId): void {
    const server = this.server(from);
    const { life } = server;
    this.#after(this.#delay(this.#timing.networkMs), () => {
      const kind = this.#reaches(from, to) ? 'electUp' : 'electDown';
      this.#input(server, life, { kind, peer: to });
    });
  }

  #connect(server: Server, link: LinkId, to: PeerId): void {
    const { life } = server;
    this.#after(this.#delay(this.#timing.networkMs), () => {
      const leader = this.server(to);
      if (server.life !== life) return;
      if (!this.#reaches(server.id, to) || !this.#reaches(to, server.id)) {
        this.#input(server, life, { kind: 'linkDown', link });
        return;
      }
      const leaderLink = ++this.#links;
      const dueMs = { toLeader: this.nowMs, toLearner: this.nowMs };
      this.#streams = this.#streams.filter((stream) => stream.isUp);
      this.#streams.push({
        learner: server.id,
        leader: to,
        learnerLink: link,
        leaderLink,
        isUp: true,
        dueMs,
      });
      this.#input(leader, leader.life, { kind: 'learnerUp', link: leaderLink, peer: server.id });
      this.#input(server, life, { kind: 'connected', link });
    });
  }

  /** Who is at the other end of a stream. */
  peerOf(id: PeerId, link: LinkId): PeerId | undefined {
    const stream = this.#stream(id, link);
    return stream?.learner === id ? stream.leader : stream?.learner;
  }

  #stream(id: PeerId, link: LinkId): Stream | undefined {
    return this.#streams.find(
      (stream) =>
        stream.isUp &&
        ((stream.learner === id && stream.learnerLink === link) ||
          (stream.leader === id && stream.leaderLink === link)),
    );
  }

  #send(from: PeerId, link: LinkId, message: LearnerMessage | LeaderMessage): void {
    const stream = this.#stream(from, link);
    if (stream === undefined) return;
    const direction = stream.learner === from ? 'toLeader' : 'toLearner';
    const target = this.server(direction === 'toLeader' ? stream.leader : stream.learner);
    const { life } = target;
    const input = (
      direction === 'toLeader'
        ? { kind: 'fromLearner', link: stream.leaderLink, message }
        : { kind: 'fromLeader', link: stream.learnerLink, message }
    ) as Input;
    const atMs = Math.max(stream.dueMs[direction], this.nowMs + this.#delay(this.#timing.networkMs));
    stream.dueMs[direction] = atMs;
    this.#at(atMs, () => {
      if (stream.isUp) this.#input(target, life, input);
    });
  }

  /** Each end that is not `knowing` hears of it a little later. */
  #break(stream: Stream, knowing?: PeerId): void {
    if (!stream.isUp) return;
    stream.isUp = false;
    const ends = [
      { id: stream.leader, link: stream.leaderLink },
      { id: stream.learner, link: stream.learnerLink },
    ];
    for (const { id, link } of ends) {
      const server = this.server(id);
      const { life } = server;
      if (id === knowing) continue;
      this.#after(this.#delay(this.#timing.networkMs), () =>
        this.#input(server, life, { kind: 'linkDown', link }),
      );
    }
  }

  // --- What must hold.

  #deliver(server: Server, records: readonly LogRecord[]): void {
    for (const record of records) {
      const { disk } = server;
      if (!disk.holds(record.zxid))
        throw new Error(`${server.id} applies ${record.zxid}, which its disk lacks`);
      const index = disk.applied.length;
      if (index === this.committed.length) this.#commit(record);
      const canonical = this.committed[index];
      if (canonical?.zxid !== record.zxid || text(canonical) !== text(record)) {
        throw new Error(
          `${server.id} applies ${record.zxid} at ${index} where ${canonical?.zxid} was committed`,
        );
      }
      disk.applied.push(record.zxid);
    }
  }

  #commit(record: LogRecord): void {
    // Who is to be refilled may have held it when it acknowledged it.
    const holders = this.members.filter((id) => {
      const { disk } = this.server(id);
      return disk.standing === 'refill' || disk.holds(record.zxid);
    });
    if (holders.length * 2 <= this.members.length)
      throw new Error(`${record.zxid} is committed on ${holders} only`);
    this.committed.push(record);
  }

  #checkRead(id: number, zxid: Zxid | undefined): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw new Error(`question ${id} was not asked, or answered before`);
    if (zxid !== undefined && zxid < asked)
      throw new Error(`read index ${zxid}, but ${asked} was committed before`);
  }

  #checkCut(disk: Disk, after: Zxid): void {
    const lost = this.committed.find((record) => record.zxid > after && disk.holds(record.zxid));
    if (lost !== undefined) throw new Error(`${lost.zxid} was committed and is cut`);
  }

  #checkLeader(zab: Zab): void {
    if (zab.role !== 'leading' || !zab.serving) return;
    const { id } = zab.options;
    const before = this.#established.get(zab.epoch);
    if (before !== undefined && before !== id)
      throw new Error(`epoch ${zab.epoch} has leaders ${before} and ${id}`);
    if (before === undefined) {
      const { disk } = this.server(id);
      // A leader that was held up may be established when a later one already is: it lacks that one's records.
      const earlier = this.committed.filter((record) => epochOf(record.zxid) < zab.epoch);
      const missing = earlier.find((record) => !disk.holds(record.zxid));
      if (missing !== undefined) throw new Error(`leader ${id} lacks ${missing.zxid}, which was committed`);
    }
    this.#established.set(zab.epoch, id);
  }
}

function isBefore(
  left: { readonly atMs: number; readonly sequence: number },
  right: { readonly atMs: number; readonly sequence: number },
): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}

function text(record: LogRecord): string {
  return `${record.kind} ${new TextDecoder().decode(record.payload)}`;
}
