import { run } from './program.ts';

// Whatever gRPC would print here reaches the user as an error of ours, in words.
process.env.GRPC_VERBOSITY ??= 'NONE';

// A reader that went away (`zabra watch / | head -1`) is no failure; whoever writes hears of any other.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

// Ends the process even when a socket lingers: what was printed has been written by then.
process.exit(await run(process.argv.slice(2)));
