import { connect } from '@zabra/client';
import { expect, test } from 'vitest';
import { digestsOf, until } from '../test/until.ts';
import { Written } from '../test/written.ts';
import { type DiskKind, type Ensemble, startEnsemble } from './index.ts';

const CLIENTS = 8;
/** Writes of one client that are under way at the same time. */
const LANES = 4;
/** Acknowledged in each round before the power goes. */
const WRITES_PER_ROUND = 200;
const ROUNDS = 6;
/** Un-fsynced bytes in process memory: a sync rewrites what is dirty, so fewer rounds. */
const ROUNDS_VOLATILE = 3;

test('what was acknowledged survives the SIGKILL of all servers at once', { timeout: 240_000 }, async () => {
  expect(await cutPower({ disk: 'real', rounds: ROUNDS })).toEqual([]);
});

test('what was acknowledged survives a power cut that takes all un-fsynced bytes', {
  timeout: 240_000,
}, async () => {
  expect(await cutPower({ disk: 'volatile', rounds: ROUNDS_VOLATILE })).toEqual([]);
});

test('with fsync switched off the same check finds losses', { timeout: 240_000 }, async () => {
  expect((await cutPower({ disk: 'volatile-forgetful', rounds: 1 })).join('\n')).toContain(
    'acknowledged, and not there',
  );
});

/** Answers what was found wrong, over all rounds. */
async function cutPower(options: {
  readonly disk: DiskKind;
  readonly rounds: number;
}): Promise<readonly string[]> {
  await using ensemble = await startEnsemble({ disk: options.disk });
  const written: Written[] = [];
  const faults: string[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const ofRound = Array.from(
      { length: CLIENTS },
      (_, client) => new Written(`/round-${round}-client-${client}`),
    );
    await writeUntilPowerCut(ensemble, ofRound);
    written.push(...ofRound);
    await Promise.all(ensemble.ids.map((id) => ensemble.restart(id)));
    await ensemble.whenServing();
    await using zk = await connect(ensemble.servers);
    for (const each of written) faults.push(...(await each.faults(zk)));
    expect(await digestsOf(ensemble), `digests after round ${round}`).toHaveLength(1);
  }
  return faults;
}

/** Every client has ended when it resolves, so that nothing unanswered is sent again. */
async function writeUntilPowerCut(ensemble: Ensemble, written: readonly Written[]): Promise<void> {
  const clients = await Promise.all(written.map(() => connect(ensemble.servers)));
  try {
    await Promise.all(clients.map((zk, index) => zk.ensure(written[index]?.directory ?? '')));
    const writing = clients.map((zk, index) => written[index]?.writeUntilFailure(zk, LANES));
    await until('enough writes are acknowledged', () => {
      return written.reduce((sum, each) => sum + each.acknowledged, 0) >= WRITES_PER_ROUND;
    });
    await ensemble.killAll();
    await Promise.all(writing);
  } finally {
    await Promise.all(clients.map((zk) => zk.close({ graceMs: 0 })));
  }
}
