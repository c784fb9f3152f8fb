import { parseArgs } from 'node:util';
import { startEnsemble } from '@zabra/testing';
import { Crew } from './lock-under-fire/crew.ts';
import { openFire } from './lock-under-fire/fire.ts';
import { NamedEnsemble } from './lock-under-fire/named-ensemble.ts';
import { Referee } from './lock-under-fire/referee.ts';

/*
 * Five processes add one, a hundred times each, to a number in a store that can only be read and written. One lock
 * keeps them apart, while the leader of the ensemble behind the lock is killed five times. In the end the number is
 * 500: no addition was lost, none was done twice.
 *
 * With `--without-lock` they do the same without (and there is nothing to fire at): the number comes out smaller.
 *
 * The servers are our own, or those of `zabra up`, when ZABRA_SERVERS names them.
 */
const WORKERS = 5;
const TURNS = 100;
const KILLS = 5;
const TOTAL = WORKERS * TURNS;

const { values } = parseArgs({ options: { 'without-lock': { type: 'boolean', default: false } } });

const named = process.env.ZABRA_SERVERS;
await using own = named || values['without-lock'] ? null : await startEnsemble();
const ensemble = named && !values['without-lock'] ? new NamedEnsemble(named) : own;
using crew = new Crew();
const store = await crew.startStore();
const referee = new Referee();

const work = Array.from({ length: WORKERS }, (_, index) =>
  crew.work(index + 1, { turns: TURNS, store, servers: ensemble?.servers }, referee),
);
await Promise.all([
  Promise.all(work).then(() => referee.close()),
  ensemble && openFire(ensemble, referee, { kills: KILLS, turns: TOTAL }),
]);

const { line, fair } = referee.verdict();
const total = await store.read(referee.lastToken);
console.log(line);
console.log(`total ${total}`);
if (!fair || total !== TOTAL) process.exitCode = 1;
