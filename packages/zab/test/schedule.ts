import { Ensemble } from './ensemble.ts';
import { Random } from './random.ts';

const ROUNDS = 40;

/** One schedule of faults, drawn from a seed: crashes, restarts, cuts, pauses, resets, snapshots, disks lost one at a time, under writes. */
export function schedule(seed: number): Ensemble {
  const random = new Random(seed * 7919);
  const members = random.chance(0.7) ? [1, 2, 3] : [1, 2, 3, 4, 5];
  const ensemble = new Ensemble({
    members,
    seed,
    timing: { networkMs: [1, random.pick([2, 20, 80])], diskMs: [1, random.pick([2, 30, 150])] },
    options: {
      historyRecordsMax: random.pick([1, 8, 1000]),
      learnerWindowBytesMax: random.pick([40, 400, 100_000]),
      proposalsBytesMax: random.pick([40, 100, 10_000]),
      counterMax: random.pick([40, 2 ** 32 - 2]),
    },
    standing: random.chance(0.2) ? 'blank' : 'voter',
  });
  ensemble.start(...members);
  let writes = 0;
  const actions: readonly (() => void)[] = [
    () => ensemble.crash(random.pick(members)),
    () => ensemble.crash(...members.filter(() => random.chance(0.5))),
    () => ensemble.start(...members),
    () => ensemble.start(random.pick(members)),
    () => ensemble.cut(random.pick(members), random.pick(members)),
    () => ensemble.cut(random.pick(members), random.pick(members)),
    () => ensemble.cutOneWay(random.pick(members), random.pick(members)),
    () => ensemble.heal(),
    () => ensemble.pause(random.pick(members), random.below(3000)),
    () => ensemble.reset(random.pick(members)),
    () => ensemble.snapshot(random.pick(members)),
    () => {
      const isWhole = members.every((id) => ensemble.server(id).disk.standing === 'voter');
      if (isWhole) ensemble.damage(random.pick(members));
    },
  ];
  for (let round = 0; round < ROUNDS; round++) {
    random.pick(actions)();
    for (let burst = random.below(4); burst > 0; burst--) {
      ensemble.propose(...Array.from({ length: 1 + random.below(6) }, () => `w${writes++}`));
      for (const zab of ensemble.running()) ensemble.readIndex(zab.options.id);
      ensemble.forward(random.pick(members), random.pick(['no', `f${writes++}`]));
      ensemble.run(random.below(200));
    }
    ensemble.run(random.below(1500));
  }
  return ensemble;
}
