import { run } from './program.ts';

// Ends the process even when a socket lingers: what was printed has been written by then.
process.exit(await run(process.argv.slice(2)));
