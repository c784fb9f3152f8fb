import type { PeerId } from '@zabra/model';
import type { LeaderMessage, LearnerMessage, LinkId, Notification } from '@zabra/zab';
import type { Cancel, Env, FrameStream, PeerService, StreamHandlers } from '../env.ts';
import {
  decodeElect,
  decodeLeaderWords,
  decodeLearnerWords,
  encodeElect,
  encodeLeaderWords,
  encodeLearnerWords,
  type Hello,
  type LeaderWord,
  type LearnerWord,
  PEER_PROTOCOL,
  sizeOf,
} from './peer-codec.ts';

/** What the streams between servers bring to the replica. */
export interface PeerEvents {
  electUp(peer: PeerId): void;
  electDown(peer: PeerId): void;
  notification(from: PeerId, notification: Notification): void;
  connected(link: LinkId): void;
  learnerUp(link: LinkId, peer: PeerId): void;
  fromLeader(link: LinkId, messages: readonly LeaderMessage[]): void;
  fromLearner(link: LinkId, messages: readonly LearnerMessage[]): void;
  linkDown(link: LinkId): void;
}

export interface PeerLinksOptions {
  readonly id: PeerId;
  readonly members: readonly PeerId[];
  /** Pause before a lost election stream is dialled again. */
  readonly redialMs: number;
  /** A stream whose other side does not introduce itself in this time is ended. */
  readonly helloMs: number;
}

interface FollowLink {
  readonly stream: FrameStream;
  readonly side: 'learner' | 'leader';
  peer: PeerId | undefined;
  /** Gathered in this turn; one frame takes them all, or, when they are large, several. */
  words: (LearnerWord | LeaderWord)[];
  bytes: number;
}

/**
 * The streams of one server to its peers. Elect: one stream of ours to every other server carries our notes, the streams
 * that they open bring theirs. Follow: a learner opens one to its leader. Each begins with Hello both ways; who is of
 * another cluster, no member, or speaks no common protocol version is refused by name in the log.
 */
export class PeerLinks {
  readonly #env: Env;
  readonly #options: PeerLinksOptions;
  readonly #events: PeerEvents;
  readonly #clusterId: () => string | undefined;
  readonly #elect = new Map<PeerId, FrameStream>();
  readonly #follow = new Map<LinkId, FollowLink>();
  readonly #dirty: FollowLink[] = [];
  /** Every stream that is open, introduced or not, and every timer: what `close` has to end. */
  readonly #streams = new Set<FrameStream>();
  readonly #timers = new Set<Cancel>();
  /** Links that learners open count up from 1; those that Zab opens count down from -1. */
  #nextLearnerLink = 1;
  #closed = false;

  constructor(env: Env, options: PeerLinksOptions, clusterId: () => string | undefined, events: PeerEvents) {
    this.#env = env;
    this.#options = options;
    this.#clusterId = clusterId;
    this.#events = events;
  }

  start(): void {
    this.#env.peers.accept((stream, service) => this.#accept(stream, service));
    for (const peer of this.#options.members) if (peer !== this.#options.id) this.#dialElect(peer);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    for (const stream of this.#streams) stream.close();
    this.#timers.clear();
    this.#streams.clear();
    this.#elect.clear();
    this.#follow.clear();
  }

  /** Lost when the stream is not up: notes are sent again. */
  notify(to: PeerId, notification: Notification): void {
    this.#elect.get(to)?.send(encodeElect({ kind: 'notification', notification }));
  }

  /** This server as learner: opens the stream to its leader. */
  connect(link: LinkId, to: PeerId): void {
    const stream = this.#env.peers.dial(to, 'follow');
    const follow: FollowLink = { stream, side: 'learner', peer: undefined, words: [], bytes: 0 };
    this.#follow.set(link, follow);
    const timeout = this.#expectHello(() => this.#end(link, 'the leader did not introduce itself'));
    this.#open(stream, {
      frame: (frame) =>
        this.#guard(link, () => {
          let words = decodeLeaderWords(frame);
          if (follow.peer === undefined) {
            const [first, ...rest] = words;
            if (first?.kind !== 'hello') throw new Error('a stream begins with Hello');
            timeout();
            this.#check(first.hello, to);
            follow.peer = to;
            this.#events.connected(link);
            words = rest;
          }
          if (words.length > 0) this.#events.fromLeader(link, words.map(withoutHello<LeaderMessage>));
        }),
      closed: (error) => {
        timeout();
        this.#ended(link, error);
      },
    });
    stream.send(encodeLearnerWords([{ kind: 'hello', hello: this.#hello() }]));
  }

  disconnect(link: LinkId, reason: string): void {
    const follow = this.#follow.get(link);
    if (follow === undefined) return;
    this.#env.log.debug('peer stream ended by us', { peer: follow.peer, reason });
    this.#follow.delete(link);
    this.#flush(follow);
    this.#hangUp(follow.stream);
  }

  /** A message of this peer, of which the replica hears from elsewhere, could not be read. */
  refuse(peer: PeerId | undefined, reason: string): void {
    this.#env.log.error('peer refused', { peer, reason });
    for (const [link, follow] of this.#follow) if (follow.peer === peer) this.#end(link, reason);
  }

  toLeader(link: LinkId, message: LearnerMessage): void {
    this.#gather(link, message);
  }

  toLearner(link: LinkId, message: LeaderMessage): void {
    this.#gather(link, message);
  }

  #gather(link: LinkId, word: LearnerWord | LeaderWord): void {
    const follow = this.#follow.get(link);
    if (follow === undefined) return;
    if (follow.words.length === 0) {
      if (this.#dirty.length === 0) this.#env.clock.atTurnEnd(() => this.#flushAll());
      this.#dirty.push(follow);
    }
    follow.words.push(word);
    follow.bytes += sizeOf(word);
    if (follow.bytes >= FRAME_BYTES) this.#flush(follow);
  }

  #flushAll(): void {
    for (const follow of this.#dirty.splice(0)) this.#flush(follow);
  }

  #flush(follow: FollowLink): void {
    if (follow.words.length === 0) return;
    const words = follow.words;
    follow.words = [];
    follow.bytes = 0;
    follow.stream.send(
      follow.side === 'learner'
        ? encodeLearnerWords(words as LearnerWord[])
        : encodeLeaderWords(words as LeaderWord[]),
    );
  }

  #dialElect(peer: PeerId): void {
    if (this.#closed) return;
    const stream = this.#env.peers.dial(peer, 'elect');
    const timeout = this.#expectHello(() => lost('no Hello in time'));
    let up = false;
    let over = false;
    const lost = (reason: string): void => {
      if (over) return;
      over = true;
      timeout();
      this.#hangUp(stream);
      if (up) {
        this.#elect.delete(peer);
        this.#env.log.debug('election stream lost', { peer, reason });
        this.#events.electDown(peer);
      }
      this.#later(this.#options.redialMs, () => this.#dialElect(peer));
    };
    this.#open(stream, {
      frame: (frame) => {
        try {
          const message = decodeElect(frame);
          if (message.kind !== 'hello' || up) throw new Error('an election stream answers with one Hello');
          this.#check(message.hello, peer);
        } catch (error) {
          this.#env.log.error('peer refused', { peer, reason: reasonOf(error) });
          lost(reasonOf(error));
          return;
        }
        timeout();
        up = true;
        this.#elect.set(peer, stream);
        this.#events.electUp(peer);
      },
      closed: (error) => lost(error?.message ?? 'ended'),
    });
    stream.send(encodeElect({ kind: 'hello', hello: this.#hello() }));
  }

  #accept(stream: FrameStream, service: PeerService): void {
    if (this.#closed) stream.close();
    else if (service === 'elect') this.#acceptElect(stream);
    else this.#acceptLearner(stream);
  }

  #acceptElect(stream: FrameStream): void {
    let peer: PeerId | undefined;
    const timeout = this.#expectHello(() => this.#hangUp(stream));
    this.#open(stream, {
      frame: (frame) => {
        try {
          const message = decodeElect(frame);
          if (peer === undefined) {
            if (message.kind !== 'hello') throw new Error('a stream begins with Hello');
            timeout();
            // Answered before it is checked, so that the other side can name the difference too.
            stream.send(encodeElect({ kind: 'hello', hello: this.#hello() }));
            this.#check(message.hello, undefined);
            peer = message.hello.serverId;
          } else if (message.kind === 'notification') {
            this.#events.notification(peer, message.notification);
          }
        } catch (error) {
          this.#env.log.error('peer refused', { peer: stream.remote, reason: reasonOf(error) });
          this.#hangUp(stream);
        }
      },
      closed: () => timeout(),
    });
  }

  #acceptLearner(stream: FrameStream): void {
    const link = this.#nextLearnerLink++;
    const follow: FollowLink = { stream, side: 'leader', peer: undefined, words: [], bytes: 0 };
    this.#follow.set(link, follow);
    const timeout = this.#expectHello(() => this.#end(link, 'the learner did not introduce itself'));
    this.#open(stream, {
      frame: (frame) =>
        this.#guard(link, () => {
          let words = decodeLearnerWords(frame);
          if (follow.peer === undefined) {
            const [first, ...rest] = words;
            if (first?.kind !== 'hello') throw new Error('a stream begins with Hello');
            timeout();
            stream.send(encodeLeaderWords([{ kind: 'hello', hello: this.#hello() }]));
            this.#check(first.hello, undefined);
            follow.peer = first.hello.serverId;
            this.#events.learnerUp(link, follow.peer);
            words = rest;
          }
          if (words.length > 0) this.#events.fromLearner(link, words.map(withoutHello<LearnerMessage>));
        }),
      closed: (error) => {
        timeout();
        this.#ended(link, error);
      },
    });
  }

  /** What a peer sends can end its stream, never this server; a broken invariant of ours passes through. */
  #guard(link: LinkId, work: () => void): void {
    if (!this.#follow.has(link)) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'InvariantError') throw error;
      this.#env.log.error('peer refused', {
        peer: this.#follow.get(link)?.stream.remote,
        reason: error.message,
      });
      this.#end(link, error.message);
    }
  }

  #end(link: LinkId, reason: string): void {
    const follow = this.#follow.get(link);
    if (follow === undefined) return;
    this.#follow.delete(link);
    this.#hangUp(follow.stream);
    this.#env.log.debug('peer stream ended', { peer: follow.peer, reason });
    if (follow.side === 'learner' || follow.peer !== undefined) this.#events.linkDown(link);
  }

  #ended(link: LinkId, error: Error | undefined): void {
    this.#end(link, error?.message ?? 'ended by the other side');
  }

  #expectHello(late: () => void): Cancel {
    return this.#later(this.#options.helloMs, late);
  }

  #later(delayMs: number, work: () => void): Cancel {
    if (this.#closed) return () => {};
    const cancelTimer = this.#env.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      work();
    });
    const cancel = (): void => {
      this.#timers.delete(cancel);
      cancelTimer();
    };
    this.#timers.add(cancel);
    return cancel;
  }

  #open(stream: FrameStream, handlers: StreamHandlers): void {
    this.#streams.add(stream);
    stream.receive({
      frame: handlers.frame,
      closed: (error) => {
        this.#streams.delete(stream);
        handlers.closed(error);
      },
    });
  }

  #hangUp(stream: FrameStream): void {
    this.#streams.delete(stream);
    stream.close();
  }

  #hello(): Hello {
    return {
      clusterId: this.#clusterId(),
      serverId: this.#options.id,
      protocolMin: PEER_PROTOCOL.min,
      protocolMax: PEER_PROTOCOL.max,
    };
  }

  #check(hello: Hello, expected: PeerId | undefined): void {
    const ours = this.#clusterId();
    if (hello.protocolMin > PEER_PROTOCOL.max || hello.protocolMax < PEER_PROTOCOL.min) {
      throw new Error(
        `PROTOCOL_VERSION: server ${hello.serverId} speaks peer protocol ${hello.protocolMin} to ${hello.protocolMax}, ` +
          `this server ${PEER_PROTOCOL.min} to ${PEER_PROTOCOL.max}; run releases that are next to each other`,
      );
    }
    if (!this.#options.members.includes(hello.serverId) || hello.serverId === this.#options.id) {
      throw new Error(
        `server ${hello.serverId} is not a peer of server ${this.#options.id}; members are ${this.#options.members.join(', ')}: ` +
          'give every server the same list of members and an id of its own',
      );
    }
    if (expected !== undefined && hello.serverId !== expected) {
      throw new Error(
        `at the address of server ${expected} answers server ${hello.serverId}; correct the list of members`,
      );
    }
    if (ours !== undefined && hello.clusterId !== undefined && ours !== hello.clusterId) {
      throw new Error(
        `server ${hello.serverId} belongs to cluster ${hello.clusterId}, this server to ${ours}; ` +
          'start it with a data directory of this cluster or an empty one',
      );
    }
  }
}

/** A frame is sent when it has grown to this; what a peer takes at once is a few times as much. */
export const FRAME_BYTES: number = 2 ** 20;

function withoutHello<Message extends { readonly kind: string }>(
  word: Message | { readonly kind: 'hello' },
): Message {
  if (word.kind === 'hello') throw new Error('a stream has one Hello');
  return word as Message;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
