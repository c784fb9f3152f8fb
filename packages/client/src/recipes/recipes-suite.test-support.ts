// What the tests of other rooms may use, as @zabra/client/recipes-suite: for development only, it is in no package.

export { FaultTable, type Result, type Row } from './fault-table.test-support.ts';
export { scenarios } from './recipe-faults.test-support.ts';
