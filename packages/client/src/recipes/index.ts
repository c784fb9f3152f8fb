export { Barrier } from './barrier.ts';
export type { BarrierRound } from './barrier-round.ts';
export { DoubleBarrier, type EnterOptions } from './double-barrier.ts';
export { type AcquireOptions, type Contender, Mutex, type RecipeOptions } from './mutex.ts';
export type { Waiting } from './patience.ts';
