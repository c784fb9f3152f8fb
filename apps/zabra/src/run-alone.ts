import type { Answer, DataCommand, Watching } from './commands/command.ts';
import type { Given } from './commands/given.ts';
import { eventJson, eventLine } from './commands/node-text.ts';
import { end, open, type ServerFlags } from './connection.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { print, printError } from './output.ts';

/** Runs one data command on the command line: connects, prints the answer, closes. */
export async function runAlone(
  command: DataCommand,
  given: Given,
  flags: ServerFlags & { readonly json?: boolean },
): Promise<ExitCode> {
  const client = await open(flags);
  const isJson = flags.json === true;
  try {
    // Two commands in a row may meet two servers, and the second must see what the first one did. A server without a
    // quorum can't promise that, and was asked all the same.
    if (command.reads && client.state !== 'connected-read-only')
      await client.sync(given.has('path') ? given.path : '/');
    const context = { client, signal: new AbortController().signal, data: dataOf, stdin: readStdin };
    const answer = await command.run(given, context);
    await printAnswer(answer, isJson);
    if (answer.watch !== undefined) await follow(answer.watch, isJson);
    if (answer.holds) await interruption();
    return answer.exitCode ?? EXIT.done;
  } finally {
    await end(client);
  }
}

async function printAnswer(answer: Answer, isJson: boolean): Promise<void> {
  if (answer.noteWhenAlone !== undefined) await printError(`zabra: ${answer.noteWhenAlone}\n`);
  if (!isJson) await print(answer.text);
  else if (answer.json !== undefined) await print(`${JSON.stringify(answer.json)}\n`);
}

/** Prints events until they end, there were enough, or Ctrl-C. */
async function follow(watching: Watching, isJson: boolean): Promise<void> {
  void interruption().then(() => watching.stop());
  // Whoever read the lines has gone away.
  process.stdout.once('error', () => void watching.stop());
  let left = watching.eventsMax ?? Number.POSITIVE_INFINITY;
  for await (const event of watching.events) {
    await print(isJson ? `${JSON.stringify(eventJson(event))}\n` : eventLine(event));
    left--;
    if (left === 0) break;
  }
  await watching.stop();
}

/** Once; a second signal ends the process at once. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** `-` stands for standard input. */
async function dataOf(written: string): Promise<Uint8Array> {
  return written === '-' ? readStdin() : new TextEncoder().encode(written);
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}
