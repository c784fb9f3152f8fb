import type { ClientChannel, ClientEnv } from '@zabra/client/core';
import type { HostId, Network } from './network.ts';
import type { Process } from './process.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import { createClock, type MachineClock } from './server-env.ts';
import type { Trace } from './trace.ts';

/** Hears the frames of one stream of a client, as they are sent and as they arrive. */
export interface WireTap {
  sent(frame: Uint8Array): void;
  received(frame: Uint8Array): void;
}

/** The world as one client sees it. `tap` is called for each stream it opens. */
export function createClientEnv(options: {
  host: HostId;
  process: Process;
  clock: MachineClock;
  scheduler: Scheduler;
  network: Network;
  random: RandomStream;
  trace: Trace;
  tap: () => WireTap;
}): ClientEnv {
  const { host, process, network, random, trace } = options;
  const clock = createClock(options);
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    after: (delayMs, work) => clock.after(delayMs, work),
    atTurnEnd: (work) => clock.atTurnEnd(work),
    randomBytes: (count) => random.bytes(count),
    dial: (address) => {
      trace.record(process.name, 'dial', address);
      const stream = network.dial({ from: host, process, to: hostOf(address), service: 'client' });
      return tapped(stream, options.tap());
    },
  };
}

/** The addresses of the simulated servers: `server-1:5181`. */
export function addressOf(host: HostId): string {
  return `server-${host}:5181`;
}

function hostOf(address: string): HostId {
  return Number(/^server-(\d+):/.exec(address)?.[1]);
}

function tapped(channel: ClientChannel, tap: WireTap): ClientChannel {
  return {
    send: (frame) => {
      tap.sent(frame);
      channel.send(frame);
    },
    close: () => channel.close(),
    receive: (handlers) =>
      channel.receive({
        frame: (frame) => {
          tap.received(frame);
          handlers.frame(frame);
        },
        closed: (error) => handlers.closed(error),
      }),
  };
}
