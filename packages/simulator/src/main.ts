import { parseArguments, USAGE } from './arguments.ts';
import { runMany, searchMutants, simulateOne } from './campaign.ts';
import { serveWorker } from './workers.ts';

/** `npm run simulate -- …`: see USAGE. */
async function main(): Promise<number> {
  const request = parseArguments(process.argv.slice(2));
  switch (request.kind) {
    case 'one':
      return simulateOne(request.seed, request.trace);
    case 'many':
      return runMany(request.from, request.schedules);
    case 'mutants':
      return searchMutants(request.from);
    case 'worker':
      return serveWorker();
    case 'wrong':
      console.error(`${request.message}\n\n${USAGE}`);
      return 2;
  }
}

process.exitCode = await main();
