import { decodeElectFrame, decodeLeaderFrame, encodeElectFrame, encodeLearnerFrame } from '@zabra/proto';
import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';
import { RawStream } from '../test/raw-stream.ts';
import type { Logger } from './core/env.ts';

/* A peer that doesn't belong here is refused: its stream ends, and the log names it, the rule and the way out. */

const MEMBERS = [1, 2, 3].map((id) => ({
  id,
  peer: `127.0.0.1:${2 * id}`,
  client: `127.0.0.1:${2 * id + 1}`,
}));
const FITTING = {
  clusterId: 'orchard',
  serverId: 2,
  protocolMin: 1,
  protocolMax: 1,
  features: 0,
  configVersion: 0,
};

const STRANGERS = [
  {
    what: 'of another protocol version',
    hello: { ...FITTING, protocolMin: 99, protocolMax: 100 },
    reason:
      'PROTOCOL_VERSION: server 2 speaks peer protocol 99 to 100, this server 1 to 1; run releases that are next to each other',
  },
  {
    what: 'of another cluster',
    hello: { ...FITTING, clusterId: 'meadow' },
    reason:
      'server 2 belongs to cluster meadow, this server to orchard; start it with a data directory of this cluster or an empty one',
  },
  {
    what: 'that is no member',
    hello: { ...FITTING, serverId: 9 },
    reason:
      'server 9 is not a peer of server 1; members are 1, 2, 3: give every server the same list of members and an id of its own',
  },
  {
    what: 'with the id of this server',
    hello: { ...FITTING, serverId: 1 },
    reason:
      'server 1 is not a peer of server 1; members are 1, 2, 3: give every server the same list of members and an id of its own',
  },
];

test.each(STRANGERS)('a voter $what is refused, after it was told who is here', async ({ hello, reason }) => {
  const { log, errors } = errorLog();
  await using server = await loneServer({ members: MEMBERS }, { log });
  using peer = RawStream.toPeers(server.peerAddress, 'elect');
  peer.send(encodeElectFrame({ kind: 'hello', hello }));
  expect(decodeElectFrame(await peer.frame())).toMatchObject({ kind: 'hello', hello: { serverId: 1 } });
  expect(await peer.status()).toMatchObject({ code: 0 });
  expect(errors).toEqual([{ message: 'peer refused', peer: expect.any(String), reason }]);
});

test.each(STRANGERS)(
  'a learner $what is refused, after it was told who is here',
  async ({ hello, reason }) => {
    const { log, errors } = errorLog();
    await using server = await loneServer({ members: MEMBERS }, { log });
    using peer = RawStream.toPeers(server.peerAddress, 'follow');
    peer.send(encodeLearnerFrame({ entries: [{ kind: 'hello', hello }] }));
    expect(decodeLeaderFrame(await peer.frame()).entries).toMatchObject([
      { kind: 'hello', hello: { serverId: 1 } },
    ]);
    expect(await peer.status()).toMatchObject({ code: 0 });
    expect(errors).toEqual([{ message: 'peer refused', peer: expect.any(String), reason }]);
  },
);

test.each([
  {
    service: 'elect',
    first: encodeElectFrame({
      kind: 'notification',
      notification: { state: 'LOOKING', standing: 'VOTER', round: 1, leader: 2, epoch: 1, zxid: 0 },
    }),
  },
  { service: 'follow', first: encodeLearnerFrame({ entries: [{ kind: 'pong', pong: { round: 1 } }] }) },
] as const)('a stream to $service that does not begin with Hello is ended', async ({ service, first }) => {
  const { log, errors } = errorLog();
  await using server = await loneServer({ members: MEMBERS }, { log });
  using peer = RawStream.toPeers(server.peerAddress, service);
  peer.send(first);
  await peer.status();
  expect(errors).toMatchObject([{ message: 'peer refused', reason: 'a stream begins with Hello' }]);
});

test.each(['elect', 'follow'] as const)(
  'a frame that cannot be read ends the stream to %s that it came on, and nothing else',
  async (service) => {
    const { log, errors } = errorLog();
    await using server = await loneServer({ members: MEMBERS }, { log });
    using peer = RawStream.toPeers(server.peerAddress, service);
    peer.send(Uint8Array.of(0xff, 0xff, 0xff));
    await peer.status();
    expect(errors).toMatchObject([{ message: 'peer refused', reason: expect.stringMatching(/./) }]);
    using next = RawStream.toPeers(server.peerAddress, service);
    next.send(
      { elect: encodeElectFrame({ kind: 'hello', hello: FITTING }), follow: helloOfLearner() }[service],
    );
    expect((await next.frame()).length).toBeGreaterThan(0);
    expect(errors).toHaveLength(1);
  },
);

function helloOfLearner(): Uint8Array {
  return encodeLearnerFrame({ entries: [{ kind: 'hello', hello: FITTING }] });
}

function errorLog(): { readonly log: Logger; readonly errors: readonly object[] } {
  const errors: object[] = [];
  const silent = (): void => {};
  return {
    errors,
    log: {
      debug: silent,
      info: silent,
      warn: silent,
      error: (message, facts) => errors.push({ message, ...facts }),
    },
  };
}
