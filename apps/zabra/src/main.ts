import { run } from './program.ts';

// Whatever gRPC would print here reaches the user as an error of ours, in words.
process.env.GRPC_VERBOSITY ??= 'NONE';

// Ends the process even when a socket lingers: what was printed has been written by then.
process.exit(await run(process.argv.slice(2)));
