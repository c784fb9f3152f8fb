import { expect, test } from 'vitest';
import { type Endpoint, Network } from './network.ts';
import { Process } from './process.ts';
import { RandomStream } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';

/** Servers 1 and 2 in a network; 2 listens and remembers what it hears. */
function bench(seed = 1) {
  const scheduler = new Scheduler();
  const network = new Network({
    scheduler,
    trace: new Trace(() => scheduler.nowUs, undefined),
    random: new RandomStream({ high: 0, low: seed }, 'network'),
    speed: { delayUsMin: 10, delayUsMean: 5000, slowChance: 0.01 },
  });
  const one = new Process('server 1', () => undefined);
  const two = new Process('server 2', () => undefined);
  const accepted: Endpoint[] = [];
  const heard: string[] = [];
  network.listen(2, two).accept.set('peer', (stream) => {
    const number = accepted.push(stream);
    listenOn(stream, `stream ${number}`, heard);
  });
  const dial = (): Endpoint => network.dial({ from: 1, process: one, to: 2, service: 'elect' });
  const runFor = (us: number): Promise<boolean> =>
    scheduler.run({ done: () => false, limitUs: scheduler.nowUs + us, afterEach: () => undefined });
  return { network, one, two, accepted, heard, dial, runFor };
}

function listenOn(stream: Endpoint, name: string, heard: string[]): void {
  stream.receive({
    frame: (frame) => heard.push(`${name}: ${frame[0]}`),
    closed: (error) => heard.push(`${name} ${error === undefined ? 'closed' : 'reset'}`),
  });
}

function send(stream: Endpoint, ...values: number[]): void {
  for (const value of values) stream.send(new Uint8Array([value]));
}

test('frames of one stream arrive in order, and none is lost', async () => {
  const t = bench();
  const stream = t.dial();
  const values = Array.from({ length: 200 }, (_value, index) => index);
  send(stream, ...values);
  await t.runFor(60_000_000);
  expect(t.heard).toEqual(values.map((value) => `stream 1: ${value}`));
});

test('frames of different streams arrive in any order', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const t = bench(seed);
    send(t.dial(), 1);
    send(t.dial(), 2);
    await t.runFor(2_000_000);
    orders.add(t.heard.map((line) => line.at(-1)).join(' '));
  }
  expect([...orders].sort()).toEqual(['1 2', '2 1']);
});

test('a frame is not changed by what its sender does with the bytes afterwards', async () => {
  const t = bench();
  const stream = t.dial();
  const frame = new Uint8Array([5]);
  stream.send(frame);
  frame[0] = 6;
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 5']);
});

test('a way that is cut holds frames back in that direction only, until it is free again', async () => {
  const t = bench();
  const stream = t.dial();
  const answers: string[] = [];
  listenOn(stream, 'dialer', answers);
  send(stream, 1);
  await t.runFor(2_000_000);
  t.network.block(1, 2);
  send(stream, 2);
  send(t.accepted[0] as Endpoint, 9);
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 1']);
  expect(answers).toEqual(['dialer: 9']);
  t.network.unblock(1, 2);
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 1', 'stream 1: 2']);
});

test('whoever closes hears nothing more; the other side hears of it after all that was sent before', async () => {
  const t = bench();
  const stream = t.dial();
  const answers: string[] = [];
  listenOn(stream, 'dialer', answers);
  send(stream, 1);
  await t.runFor(2_000_000);
  send(t.accepted[0] as Endpoint, 9);
  send(stream, 2);
  stream.close();
  send(stream, 3);
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 1', 'stream 1: 2', 'stream 1 closed']);
  expect(answers).toEqual([]);
});

test('a server that dies ends its streams: the other side hears a prefix, then the end', async () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 30; seed++) {
    const t = bench(seed);
    const stream = t.dial();
    send(stream, 0);
    await t.runFor(2_000_000);
    send(stream, 1, 2, 3);
    t.one.kill();
    t.network.hostDied(1, false);
    await t.runFor(5_000_000);
    const expected = ['stream 1: 0', 'stream 1: 1', 'stream 1: 2', 'stream 1: 3'];
    const frames = t.heard.slice(0, -1);
    expect(frames).toEqual(expected.slice(0, frames.length));
    expect(t.heard.at(-1)).toBe('stream 1 reset');
    lengths.add(frames.length);
  }
  expect(lengths.size).toBeGreaterThan(2);
});

test('a reset reaches both sides, once each', async () => {
  const t = bench();
  const stream = t.dial();
  const answers: string[] = [];
  listenOn(stream, 'dialer', answers);
  await t.runFor(2_000_000);
  expect(t.network.reset(1, 2, true)).toBe(1);
  await t.runFor(10_000_000);
  expect(t.heard).toEqual(['stream 1 reset']);
  expect(answers).toEqual(['dialer reset']);
});

test.each([
  { name: 'nobody listens there', prepare: (t: ReturnType<typeof bench>) => t.two.kill() },
  { name: 'the way is cut', prepare: (t: ReturnType<typeof bench>) => t.network.block(1, 2) },
  { name: 'the way back is cut', prepare: (t: ReturnType<typeof bench>) => t.network.block(2, 1) },
  { name: 'the machine is down', prepare: (t: ReturnType<typeof bench>) => t.network.hostDied(2, true) },
])('a dialer learns that it cannot reach a server: $name', async ({ prepare }) => {
  const t = bench();
  prepare(t);
  const answers: string[] = [];
  listenOn(t.dial(), 'dialer', answers);
  await t.runFor(10_000_000);
  expect(answers).toEqual(['dialer reset']);
  expect(t.heard).toEqual([]);
});

test('a paused reader gets nothing, then all of it', async () => {
  const t = bench();
  const stream = t.dial();
  send(stream, 1);
  await t.runFor(2_000_000);
  t.accepted[0]?.pause();
  send(stream, 2, 3);
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 1']);
  t.accepted[0]?.resume();
  await t.runFor(2_000_000);
  expect(t.heard).toEqual(['stream 1: 1', 'stream 1: 2', 'stream 1: 3']);
});
