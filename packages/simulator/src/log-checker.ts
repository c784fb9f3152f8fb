import { type Epoch, epochOf, type PeerId, type Zxid } from '@zabra/model';
import type { DurableState, Effect, Input, LogRecord } from '@zabra/zab';
import type { HistoryChecker } from './history-checker.ts';
import { hashBytes } from './trace.ts';
import { demand } from './violation.ts';

/**
 * What each server's log must hold, followed from what its Zab asked of the disk and was told: the checker's own copy of
 * every log, kept over crashes. Whatever a server once called durable has to be there after every crash, and whatever
 * is called committed has to be durable on a quorum.
 */
export class LogChecker {
  readonly #history: HistoryChecker;
  readonly #servers: ReadonlyMap<PeerId, GhostServer>;
  readonly #quorum: number;
  /** Every record ever made. */
  readonly #records = new Map<Zxid, number>();
  readonly #leaders = new Map<Epoch, PeerId>();
  /** The least end of the history that a leader of this epoch told a learner to acknowledge. */
  readonly #initialEnds = new Map<Epoch, Zxid>();
  #committed = 0;

  constructor(history: HistoryChecker, members: readonly PeerId[]) {
    this.#history = history;
    this.#servers = new Map(members.map((id) => [id, new GhostServer(id)]));
    this.#quorum = Math.floor(members.length / 2) + 1;
  }

  /** Leaderships that were established. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** The process or the machine died: what was not durable is uncertain now. */
  crashed(server: PeerId): void {
    this.#server(server).crashed();
  }

  /** One step of a server's Zab. */
  step(id: PeerId, input: Input, effects: readonly Effect[]): void {
    const server = this.#server(id);
    this.#hear(server, input);
    for (const effect of effects) this.#see(server, effect);
  }

  /** What a server's replica says it has applied. */
  applied(id: PeerId, zxid: Zxid): void {
    const server = this.#server(id);
    if (!server.isKnown) return;
    demand(server.durableZxid >= zxid, 'a server applies only what its own log holds durably', {
      server: id,
      applied: zxid,
      durable: server.durableZxid,
    });
  }

  #hear(server: GhostServer, input: Input): void {
    switch (input.kind) {
      case 'drained':
        server.drained(input.state, this.#history);
        break;
      case 'appended':
        server.appended(input.zxid);
        break;
      case 'truncated':
        server.truncated();
        break;
      case 'manifestSaved':
        this.#manifestSaved(server, input.acceptedEpoch, input.currentEpoch);
        break;
      case 'snapshotInstalled':
        server.snapshotInstalled(input.zxid);
        server.position = this.#history.position(input.zxid) ?? 0;
        break;
    }
  }

  #see(server: GhostServer, effect: Effect): void {
    switch (effect.kind) {
      case 'append':
        for (const record of effect.records) this.#append(server, record);
        break;
      case 'truncate':
        server.truncate(effect.after, this.#history);
        break;
      case 'installSnapshot':
        server.installSnapshot(effect.zxid, this.#history);
        break;
      case 'deliver':
        for (const record of effect.records) this.#deliver(server, record);
        break;
      case 'toLearner':
        if (effect.message.kind === 'commit') this.#commit(server, effect.message.zxid);
        if (effect.message.kind === 'proposals') this.#commit(server, effect.message.commit);
        if (effect.message.kind === 'newLeader') this.#newLeader(effect.message.epoch, effect.message.zxid);
        break;
      case 'toLeader':
        if (effect.message.kind === 'ack') this.#ack(server, effect.message.zxid);
        if (effect.message.kind === 'ackNewLeader') this.#ackNewLeader(server, effect.message.epoch);
        break;
      case 'transition':
        if (effect.to.role === 'leading' && effect.to.serving) this.#established(server, effect.to.epoch);
        break;
    }
  }

  #append(server: GhostServer, record: LogRecord): void {
    const hash = hashBytes(record.payload);
    const known = this.#records.get(record.zxid);
    const { zxid } = record;
    demand(known === undefined || known === hash, 'one zxid, one record', { server: server.id, zxid });
    this.#records.set(record.zxid, hash);
    demand(record.previous === server.lastZxid, 'a log has no holes', {
      server: server.id,
      zxid,
      previous: record.previous,
      last: server.lastZxid,
    });
    server.append(record.zxid);
  }

  #deliver(server: GhostServer, record: LogRecord): void {
    this.applied(server.id, record.zxid);
    demand(server.has(record.zxid), 'a server delivers only what its log holds', {
      server: server.id,
      zxid: record.zxid,
    });
    this.#commit(server, record.zxid);
    server.position = this.#history.deliver(server.id, record, server.position);
  }

  /** The first who calls a record committed must be right: a quorum holds it, on disk. */
  #commit(server: GhostServer, zxid: Zxid): void {
    if (zxid <= this.#committed) return;
    const holders = [...this.#servers.values()].filter((other) => other.holdsDurably(zxid));
    demand(holders.length >= this.#quorum, 'what is committed is durable on a quorum', {
      server: server.id,
      zxid: zxid,
      holders: holders.map((holder) => holder.id).join(' '),
    });
    this.#committed = zxid;
  }

  #newLeader(epoch: Epoch, zxid: Zxid): void {
    const known = this.#initialEnds.get(epoch);
    if (known === undefined || zxid < known) this.#initialEnds.set(epoch, zxid);
  }

  #manifestSaved(server: GhostServer, acceptedEpoch: Epoch, currentEpoch: Epoch): void {
    if (currentEpoch > server.currentEpoch) {
      const initialEnd = this.#initialEnds.get(currentEpoch) ?? (0 as Zxid);
      demand(server.holdsDurably(initialEnd), 'the log is durable before the epoch', {
        server: server.id,
        epoch: currentEpoch,
        initialEnd: initialEnd,
        durable: server.durableZxid,
      });
    }
    server.epochsSaved(acceptedEpoch, currentEpoch);
  }

  #ack(server: GhostServer, zxid: Zxid): void {
    demand(server.holdsDurably(zxid), 'an ack means durable', {
      server: server.id,
      zxid: zxid,
      durable: server.durableZxid,
    });
  }

  #ackNewLeader(server: GhostServer, epoch: Epoch): void {
    const initialEnd = this.#initialEnds.get(epoch) ?? (0 as Zxid);
    demand(server.holdsDurably(initialEnd), 'a learner that acknowledges a leader holds its history', {
      server: server.id,
      epoch,
    });
    demand(server.currentEpoch === epoch, 'a learner that acknowledges a leader has its epoch saved', {
      server: server.id,
      epoch,
      currentEpoch: server.currentEpoch,
    });
  }

  #established(server: GhostServer, epoch: Epoch): void {
    const former = this.#leaders.get(epoch);
    demand(former === undefined || former === server.id, 'an epoch has at most one established leader', {
      epoch,
      first: former,
      second: server.id,
    });
    if (former !== undefined) return;
    this.#leaders.set(epoch, server.id);
    // One that got to it late, with promises of before, is a deposed leader that does not know it yet.
    const last = this.#history.lastThrough(epoch) ?? (0 as Zxid);
    demand(server.has(last), 'an established leader has all that is committed', {
      server: server.id,
      epoch,
      last: last,
    });
  }

  #server(id: PeerId): GhostServer {
    return this.#servers.get(id) as GhostServer;
  }
}

/** One server's log and epochs as they must be. */
class GhostServer {
  readonly id: PeerId;
  /** Position in the history up to which this life of the server has delivered. */
  position = 0;
  acceptedEpoch: Epoch = 0;
  currentEpoch: Epoch = 0;
  /** What the base snapshot holds. */
  #base = 0 as Zxid;
  /** Records after the base, oldest first. */
  #zxids: Zxid[] = [];
  #durable = 0 as Zxid;
  /** A truncation, or a snapshot, on its way to the disk: a crash decides whether it happened. */
  #beforeTruncation: Zxid[] | undefined;
  #installing: Zxid | undefined;
  #hasCrashed = true;

  constructor(id: PeerId) {
    this.id = id;
  }

  get lastZxid(): Zxid {
    return this.#zxids.at(-1) ?? this.#base;
  }

  get durableZxid(): Zxid {
    return this.#durable;
  }

  /** False from a crash on until the server has read its disk back. */
  get isKnown(): boolean {
    return !this.#hasCrashed;
  }

  /** In the log, or under the base snapshot. */
  has(zxid: Zxid): boolean {
    return zxid <= this.#base || this.#indexOf(zxid) >= 0;
  }

  holdsDurably(zxid: Zxid): boolean {
    return zxid <= this.#durable && this.has(zxid);
  }

  append(zxid: Zxid): void {
    this.#zxids.push(zxid);
  }

  appended(zxid: Zxid): void {
    demand(this.has(zxid), 'the disk appends what it was given', { server: this.id, zxid: zxid });
    if (zxid > this.#durable) this.#durable = zxid;
  }

  truncate(after: Zxid, history: HistoryChecker): void {
    for (const zxid of this.#zxids.slice(this.#indexOf(after) + 1)) {
      demand(!history.has(zxid), 'nothing committed is cut from a log', {
        server: this.id,
        zxid: zxid,
      });
    }
    this.#beforeTruncation ??= [...this.#zxids];
    this.#cut(after);
  }

  truncated(): void {
    this.#beforeTruncation = undefined;
  }

  installSnapshot(zxid: Zxid, history: HistoryChecker): void {
    demand(history.has(zxid) || zxid === 0, 'a snapshot holds only what is committed', {
      server: this.id,
      zxid: zxid,
    });
    const lost = this.#zxids.find((held) => held > zxid && history.has(held));
    demand(lost === undefined, 'nothing committed is lost under a snapshot', {
      server: this.id,
      zxid: lost ?? 0,
    });
    this.#installing = zxid;
  }

  snapshotInstalled(zxid: Zxid): void {
    this.#installing = undefined;
    this.#base = zxid;
    this.#zxids = [];
    this.#durable = zxid;
  }

  epochsSaved(acceptedEpoch: Epoch, currentEpoch: Epoch): void {
    const facts = { server: this.id, acceptedEpoch, currentEpoch };
    demand(acceptedEpoch >= this.acceptedEpoch, 'accepted epochs only grow', facts);
    demand(currentEpoch >= this.currentEpoch, 'current epochs only grow', facts);
    demand(currentEpoch <= acceptedEpoch, 'a current epoch was accepted first', facts);
    this.acceptedEpoch = acceptedEpoch;
    this.currentEpoch = currentEpoch;
  }

  crashed(): void {
    this.#hasCrashed = true;
  }

  /** The server read its disk back; from here on this is what it holds. */
  drained(state: DurableState, history: HistoryChecker): void {
    const facts = {
      server: this.id,
      found: state.lastZxid,
      durable: this.#durable,
      last: this.lastZxid,
    };
    if (this.#installing !== undefined && state.baseZxid === this.#installing) {
      this.snapshotInstalled(this.#installing);
    }
    this.#installing = undefined;
    if (this.#beforeTruncation?.includes(state.lastZxid) === true) this.#zxids = this.#beforeTruncation;
    this.#beforeTruncation = undefined;
    demand(state.lastZxid >= this.#durable, 'what was durable is there after a crash', facts);
    demand(this.has(state.lastZxid), 'a log holds only what was appended to it', facts);
    demand(
      this.#hasCrashed || state.lastZxid === this.lastZxid,
      'a quiet disk holds what was given to it',
      facts,
    );
    this.#hasCrashed = false;
    this.#cut(state.lastZxid);
    this.#durable = state.lastZxid;
    this.epochsSaved(state.acceptedEpoch, state.currentEpoch);
    demand(
      epochOf(state.lastZxid) <= state.acceptedEpoch,
      'a log holds no record of an epoch not accepted',
      facts,
    );
    const position = history.position(state.appliedZxid);
    demand(position !== undefined, 'a tree holds only what is committed', {
      server: this.id,
      applied: state.appliedZxid,
    });
    demand(
      state.commitZxid === 0 || history.has(state.commitZxid) || state.commitZxid > (history.last ?? 0),
      'a commit mark names a record of the history',
      facts,
    );
    this.position = position;
  }

  #cut(after: Zxid): void {
    if (after >= this.#base) this.#zxids.length = this.#indexOf(after) + 1;
    if (this.#durable > after) this.#durable = after;
  }

  /** -1 when it is not there (also for the base). */
  #indexOf(zxid: Zxid): number {
    let low = 0;
    let high = this.#zxids.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#zxids[middle] as Zxid;
      if (found === zxid) return middle;
      if (found < zxid) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
