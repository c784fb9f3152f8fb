import { makeZxid } from '@zabra/model';
import type { LearnerMessage } from '@zabra/zab';
import { expect, test } from 'vitest';
import type { Env, FrameStream, PeerService, StreamHandlers } from '../env.ts';
import {
  decodeLearnerWords,
  encodeElect,
  encodeLeaderWords,
  encodeLearnerWords,
  type Hello,
} from './peer-codec.ts';
import { FRAME_BYTES, PeerLinks } from './peer-links.ts';

class FakeStream implements FrameStream {
  readonly remote = 'a test';
  readonly identities = [];
  readonly queuedBytes = 0;
  readonly sent: Uint8Array[] = [];
  closed = false;
  #handlers: StreamHandlers | undefined;

  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }
  close(): void {
    this.closed = true;
  }
  receive(handlers: StreamHandlers): void {
    this.#handlers = handlers;
  }
  hear(frame: Uint8Array): void {
    this.#handlers?.frame(frame);
  }
  pause(): void {}
  resume(): void {}
}

/** A world in which time stands still and every stream is kept. */
class World {
  readonly dialled: { readonly peer: number; readonly service: PeerService; readonly stream: FakeStream }[] =
    [];
  readonly timers = new Set<() => void>();
  readonly events: string[] = [];
  readonly links: PeerLinks;
  #accept: (stream: FrameStream, service: PeerService) => void = () => {};
  #turnEnd: (() => void)[] = [];

  constructor() {
    const silent = (): void => {};
    const env: Env = {
      clock: {
        monotonicMs: () => 0,
        wallMs: () => 0,
        after: (_, work) => {
          this.timers.add(work);
          return () => this.timers.delete(work);
        },
        atTurnEnd: (work) => this.#turnEnd.push(work),
      },
      peers: {
        dial: (peer, service) => {
          const stream = new FakeStream();
          this.dialled.push({ peer, service, stream });
          return stream;
        },
        accept: (handler) => {
          this.#accept = handler;
        },
      },
      log: { debug: silent, info: silent, warn: silent, error: (message) => this.events.push(message) },
      random: { bytes: (count) => new Uint8Array(count), sha256: (data) => data },
      disk: undefined as unknown as Env['disk'],
      clients: { accept: silent },
      credentials: { prove: silent },
      fatal: (error) => {
        throw error;
      },
    };
    const options = { id: 1, members: [1, 2, 3], redialMs: 100, helloMs: 5000 };
    this.links = new PeerLinks(env, options, () => 'orchard', {
      electUp: (peer) => this.events.push(`elect up ${peer}`),
      electDown: (peer) => this.events.push(`elect down ${peer}`),
      notification: silent,
      connected: (link) => this.events.push(`connected ${link}`),
      learnerUp: (_, peer) => this.events.push(`learner ${peer}`),
      fromLeader: silent,
      fromLearner: silent,
      linkDown: () => this.events.push('link down'),
    });
    this.links.start();
  }

  accept(service: PeerService): FakeStream {
    const stream = new FakeStream();
    this.#accept(stream, service);
    return stream;
  }

  /** Follows server 2, which has introduced itself. */
  follow(): FakeStream {
    this.links.connect(1, 2);
    const stream = this.dialled.at(-1)?.stream ?? new FakeStream();
    stream.hear(encodeLeaderWords([{ kind: 'hello', hello: helloOf(2) }]));
    stream.sent.length = 0;
    return stream;
  }

  endTurn(): void {
    for (const work of this.#turnEnd.splice(0)) work();
  }
}

function helloOf(serverId: number): Hello {
  return { clusterId: 'orchard', serverId, protocolMin: 1, protocolMax: 1 };
}

const forward = (n: number, bytes: number): LearnerMessage => ({
  kind: 'forward',
  payload: new Uint8Array(bytes).fill(n),
});

test('what a turn brings goes out as one frame at its end', () => {
  const world = new World();
  const stream = world.follow();
  world.links.toLeader(1, forward(1, 10));
  world.links.toLeader(1, { kind: 'ack', zxid: makeZxid(1, 1) });
  expect(stream.sent).toEqual([]);
  world.endTurn();
  expect(stream.sent.map((frame) => decodeLearnerWords(frame).length)).toEqual([2]);
});

test('a turn that brings much goes out as frames of bounded size, in order', () => {
  const world = new World();
  const stream = world.follow();
  const bytes = FRAME_BYTES / 4;
  for (let n = 0; n < 100; n++) world.links.toLeader(1, forward(n, bytes));
  world.endTurn();
  expect(Math.max(...stream.sent.map(({ length }) => length))).toBeLessThan(2 * FRAME_BYTES);
  const words = stream.sent.flatMap((frame) => decodeLearnerWords(frame));
  expect(words.map((word) => word.kind === 'forward' && word.payload[0])).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('close ends every stream, introduced or not, and every timer', () => {
  const world = new World();
  const followed = world.follow();
  world.links.connect(2, 3);
  const accepted = [world.accept('elect'), world.accept('follow'), world.accept('elect')];
  accepted[2]?.hear(encodeElect({ kind: 'hello', hello: helloOf(3) }));
  expect(world.timers.size).toBeGreaterThan(0);
  world.links.close();
  const streams = [followed, ...world.dialled.map(({ stream }) => stream), ...accepted];
  expect(streams.map(({ closed }) => closed)).toEqual(streams.map(() => true));
  expect(world.timers.size).toBe(0);
});

test('a peer whose message could not be read loses its streams, and no other does', () => {
  const world = new World();
  const followed = world.follow();
  const learner = world.accept('follow');
  learner.hear(encodeLearnerWords([{ kind: 'hello', hello: helloOf(3) }]));
  world.links.refuse(3, 'not a message');
  expect([followed.closed, learner.closed]).toEqual([false, true]);
  expect(world.events).toEqual(['connected 1', 'learner 3', 'peer refused', 'link down']);
});
