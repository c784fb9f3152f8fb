import type { Ensemble } from '@zabra/testing';
import type { Referee } from './referee.ts';

/** What the fire needs of an ensemble. */
export type Target = Pick<Ensemble, 'leader' | 'kill' | 'restart' | 'whenServing'>;

/** A leader is left in peace for so many turns. */
const PEACE_TURNS = 20;

/**
 * Kills the leader, sees another take its place, brings the killed server back; and so on, spread over the turns.
 * Rejects when the turns were done before that.
 */
export async function openFire(
  ensemble: Target,
  referee: Referee,
  plan: { readonly kills: number; readonly turns: number },
): Promise<void> {
  for (let kill = 1; kill <= plan.kills; kill++) {
    await referee.untilTurns(Math.floor((plan.turns * kill) / (plan.kills + 1)));
    const leader = await untilPeaceIsOver(ensemble, referee);
    // In the middle of a turn, so that the lock of the next one is acquired after the kill.
    await referee.nextBeginning();
    const next = referee.nextBeginning();
    const killedMs = performance.now();
    const turnsBefore = referee.turns;
    await Promise.all([ensemble.kill(leader), next.then(() => report(performance.now() - killedMs))]);
    await ensemble.leader();
    await ensemble.restart(leader);
    await ensemble.whenServing();

    function report(waitedMs: number): void {
      const when = `after ${turnsBefore} turns`;
      console.log(
        `kill ${kill}: server ${leader}, the leader, ${when}; the next lock ${waitedMs.toFixed(0)} ms later`,
      );
    }
  }
}

/** The leader, once it has led for {@link PEACE_TURNS}. */
async function untilPeaceIsOver(ensemble: Target, referee: Referee): Promise<number> {
  for (;;) {
    const leader = await ensemble.leader();
    await referee.untilTurns(referee.turns + PEACE_TURNS);
    if ((await ensemble.leader()) === leader) return leader;
  }
}
