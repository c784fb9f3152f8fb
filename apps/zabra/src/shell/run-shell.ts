import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ServerFlags } from '../connection.ts';
import { ensembleDirectory, readState } from '../ensemble-state.ts';
import { EXIT, type ExitCode, Failure } from '../exit-code.ts';
import { converse } from './interactive.ts';
import { LineHistory } from './line-history.ts';
import { Link } from './link.ts';
import { Shell } from './shell.ts';

export interface ShellFlags extends ServerFlags {
  readonly command: readonly string[];
  readonly file?: string;
  readonly stopOnError?: boolean;
  readonly json?: boolean;
}

/** `zabra shell`: a conversation on a terminal, else the lines of `-c`, of a file or of standard input. */
export async function runShell(flags: ShellFlags): Promise<ExitCode> {
  if (flags.command.length > 0 && flags.file !== undefined) {
    throw new Failure('a shell takes lines either from -c or from --file', EXIT.usage);
  }
  const link = new Link(flags);
  const isJson = flags.json === true;
  if (flags.command.length > 0) return runLines(flags, link, numbered(flags.command));
  if (flags.file !== undefined && flags.file !== '-') {
    return runLines(flags, link, linesOf(await opened(flags.file), `${flags.file}:`));
  }
  if (flags.file === undefined && process.stdin.isTTY) {
    const history = new LineHistory(historyFile(flags));
    return converse({ input: process.stdin, output: process.stdout, link, history, isJson });
  }
  return runLines(flags, link, linesOf(process.stdin, 'line '));
}

interface NumberedLine {
  readonly line: string;
  /** Names it in an error; empty where that would tell nothing. */
  readonly place: string;
}

async function runLines(
  flags: ShellFlags,
  link: Link,
  lines: AsyncIterable<NumberedLine> | Iterable<NumberedLine>,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  let place = '';
  const shell = new Shell({
    link,
    history: new LineHistory(undefined),
    isJson: flags.json === true,
    screen: {
      answer: (text) => process.stdout.write(text),
      event: (text) => process.stdout.write(text),
      error: (text) => process.stderr.write(`zabra: ${place}${text}`),
    },
  });
  const connected = await shell.connect();
  if (connected !== EXIT.done) return connected;
  try {
    for await (const next of lines) {
      place = next.place;
      const code = await shell.run(next.line);
      shell.remember(next.line);
      if (code !== EXIT.done) exitCode = code;
      if (shell.isOver || (flags.stopOnError === true && code !== EXIT.done)) break;
    }
  } finally {
    await shell.close();
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return exitCode;
}

/** What was written is with whoever reads it, so that the process may end. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

function numbered(lines: readonly string[]): Iterable<NumberedLine> {
  return lines.map((line) => ({ line, place: '' }));
}

async function* linesOf(input: Readable, place: string): AsyncGenerator<NumberedLine> {
  let number = 0;
  for await (const line of createInterface({ input, terminal: false })) {
    number++;
    yield { line, place: `${place}${number}: ` };
  }
}

async function opened(file: string): Promise<Readable> {
  await access(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(
      `${file}: can't be read (${error.code}); give a readable file with --file`,
      EXIT.failed,
    );
  });
  return createReadStream(file);
}

/** Beside the local ensemble's state when the shell talks to that; else in the home directory. */
function historyFile(flags: ShellFlags): string {
  const isNamed =
    flags.servers !== undefined || (flags.data === undefined && process.env.ZABRA_SERVERS !== undefined);
  const directory = ensembleDirectory(flags.data);
  const isLocal = !isNamed && readState(directory) !== undefined;
  return isLocal ? join(directory, 'shell-history') : join(homedir(), '.zabra_history');
}
