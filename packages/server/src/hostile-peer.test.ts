import { makeZxid, ZXID_NONE } from '@zabra/model';
import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';
import { RawStream } from '../test/raw-stream.ts';
import {
  decodeLeaderWords,
  encodeElect,
  encodeLearnerWords,
  type LearnerWord,
} from './core/peers/peer-codec.ts';

const MEMBERS = [1, 2, 3].map((id) => ({ id, peer: `127.0.0.1:${id}`, client: `127.0.0.1:${10 + id}` }));
const hello = {
  kind: 'hello',
  hello: { clusterId: 'orchard', serverId: 2, protocolMin: 1, protocolMax: 1 },
} as const;

/** Server 2, as far as a leader can tell: it votes for server 1, promises, and acknowledges whatever comes. */
async function followUntil(stream: RawStream, isDone: () => boolean): Promise<void> {
  const say = (...words: LearnerWord[]): void => stream.send(encodeLearnerWords(words));
  say(hello, { kind: 'followerInfo', acceptedEpoch: 0, standing: 'voter' });
  while (!isDone()) {
    for (const word of decodeLeaderWords(await stream.frame())) {
      switch (word.kind) {
        case 'leaderInfo':
          say({
            kind: 'ackEpoch',
            epoch: word.epoch,
            promised: true,
            currentEpoch: 0,
            lastZxid: ZXID_NONE,
            history: [],
          });
          break;
        case 'newLeader':
          say({ kind: 'ackNewLeader', epoch: word.epoch }, { kind: 'ack', zxid: makeZxid(word.epoch, 0) });
          break;
        case 'ping':
          say({ kind: 'pong', round: word.round });
          break;
      }
    }
  }
}

test('a forwarded request that cannot be read ends the stream that it came on, not the leader', async () => {
  const refused: object[] = [];
  const silent = (): void => {};
  const log = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (message: string, facts?: object) => refused.push({ message, ...facts }),
  };
  await using server = await loneServer({ members: MEMBERS }, { log });
  using notes = RawStream.toPeers(server.peerAddress, 'elect');
  notes.send(encodeElect(hello));
  const vote = { leader: 1, epoch: 0, zxid: ZXID_NONE };
  notes.send(
    encodeElect({
      kind: 'notification',
      notification: { state: 'looking', standing: 'voter', round: 1, vote },
    }),
  );
  using follower = RawStream.toPeers(server.peerAddress, 'follow');
  await followUntil(follower, () => server.status().role === 'leader');
  follower.send(encodeLearnerWords([{ kind: 'forward', payload: Uint8Array.of(0xff) }]));
  expect(await follower.status()).toMatchObject({ code: 0 });
  expect(refused).toEqual([{ message: 'peer refused', peer: 2, reason: expect.stringMatching(/./) }]);
  expect(server.status().role).toBe('leader');
});
