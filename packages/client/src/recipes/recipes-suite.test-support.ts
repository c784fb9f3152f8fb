// What the tests of other rooms may use, as @zabra/client/recipes-suite: for development only, it is in no package.

export { RealBench } from './real-bench.test-support.ts';
export {
  type Aftermath,
  countRequests,
  type Harm,
  harmsOf,
  outcomesAllowed,
  type Scenario,
  scenarios,
  strike,
} from './recipe-faults.test-support.ts';
