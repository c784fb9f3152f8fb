import { connect } from '@zabra/client';
import { expect, test } from 'vitest';
import { digestsOf, until } from '../test/until.ts';
import { Written } from '../test/written.ts';
import { startEnsemble } from './index.ts';

/** A write that waits for a leader is given this long. */
const REQUEST_TIMEOUT_MS = 4000;

test('a leader that is cut off refuses writes, and what it could not commit is gone once it is back', {
  timeout: 120_000,
}, async () => {
  await using ensemble = await startEnsemble({ links: true });
  const cutOff = await ensemble.leader();
  const others = ensemble.ids.filter((id) => id !== cutOff);
  const before = new Written('/before');
  const after = new Written('/after');
  const onlyTo = { servers: ensemble.addressOf(cutOff), requestTimeoutMs: REQUEST_TIMEOUT_MS };
  const steady = await connect(onlyTo);
  const late = await connect(onlyTo);
  await Promise.all([steady.ensure(before.directory), late.ensure(after.directory)]);
  const steadyEnds = before.writeUntilFailure(steady, 4);
  await until('writes are acknowledged', () => before.acknowledged > 100);

  for (const other of others) ensemble.cut(cutOff, other);
  const lateEnds = after.writeUntilFailure(late, 4);
  const tail = await until('the log of the leader has a tail that is not committed', async () => {
    const status = (await ensemble.status()).get(cutOff);
    return status?.role === 'leader' && status.logZxid > status.commitZxid ? status : undefined;
  });

  // It notices: every write settles with an error that says so, and nobody new is taken.
  for (const error of [...(await steadyEnds), ...(await lateEnds)]) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(CONNECTION_LOSS|REQUEST_TIMEOUT)$/) });
  }
  expect(after.acknowledged).toBe(0);
  expect((await ensemble.status()).get(cutOff)).toMatchObject({ role: 'looking' });
  await expect(
    connect({ servers: ensemble.addressOf(cutOff), connectTimeoutMs: 1000 }),
  ).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining(ensemble.addressOf(cutOff)),
  });
  // Closed before it can reach anyone again, so that no write is sent a second time.
  await Promise.all([steady, late].map((zk) => zk.close({ graceMs: 0 })));

  await using zk = await connect({ servers: others.map((id) => ensemble.addressOf(id)) });
  await zk.create('/served-by-the-others');
  const leader = (await ensemble.status()).get(await ensemble.leader());
  expect(leader?.epoch).toBeGreaterThan(tail.epoch);

  for (const other of others) ensemble.heal(cutOff, other);
  await ensemble.whenServing();
  expect(await digestsOf(ensemble)).toHaveLength(1);
  expect((await ensemble.status()).get(cutOff)).toMatchObject({ role: 'follower', epoch: leader?.epoch });

  await using back = await connect(ensemble.addressOf(cutOff));
  expect(await before.faults(back)).toEqual([]);
  expect(await back.children(after.directory)).toEqual([]);
  expect(await back.exists('/served-by-the-others')).not.toBeNull();
  const healed = (await ensemble.status()).get(cutOff);
  expect(healed?.logZxid).toBe(healed?.commitZxid);
});
