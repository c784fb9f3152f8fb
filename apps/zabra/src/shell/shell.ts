import type { WatchEvent } from '@zabra/client';
import { DATA_COMMANDS } from '../commands/all-commands.ts';
import type { Answer, Context } from '../commands/command.ts';
import { eventJson, eventLine, withNewline } from '../commands/node-text.ts';
import { diagnose, EXIT, type ExitCode, exitCodeOf, Failure } from '../exit-code.ts';
import { help } from './help-command.ts';
import { HISTORY_COMMANDS } from './history-commands.ts';
import type { LineHistory } from './line-history.ts';
import type { Link } from './link.ts';
import { byName, JSON_OPTION, type Line, parseLine } from './parse-line.ts';
import { PLACE_COMMANDS } from './place-commands.ts';
import { SESSION_COMMANDS } from './session-commands.ts';
import { type AnyCommand, type ShellRoom, SILENT } from './shell-command.ts';
import { WATCH_COMMANDS } from './watch-commands.ts';
import { Watchings } from './watchings.ts';

export const SHELL_COMMANDS: readonly AnyCommand[] = [
  ...DATA_COMMANDS,
  ...PLACE_COMMANDS,
  ...WATCH_COMMANDS,
  ...HISTORY_COMMANDS,
  ...SESSION_COMMANDS,
  help,
];
const BY_NAME: ReadonlyMap<string, AnyCommand> = byName(SHELL_COMMANDS);

/** Where a shell prints. Each call gets whole lines. */
export interface Screen {
  answer(text: string | Uint8Array): void;
  /** May come at any time, also while a line is being typed. */
  event(text: string): void;
  error(text: string): void;
}

interface Parts {
  readonly link: Link;
  readonly screen: Screen;
  readonly history: LineHistory;
  /** All answers in JSON. */
  readonly isJson: boolean;
}

/** Runs lines one after the other; a failure is printed, and the shell goes on. */
export class Shell implements ShellRoom {
  readonly commands: readonly AnyCommand[] = SHELL_COMMANDS;
  readonly link: Link;
  readonly watchings: Watchings;
  directory = '/';
  isTelling = true;
  readonly #screen: Screen;
  readonly #history: LineHistory;
  readonly #isJson: boolean;
  #isOver = false;
  #running: AbortController | undefined;

  constructor({ link, screen, history, isJson }: Parts) {
    this.link = link;
    this.#screen = screen;
    this.#history = history;
    this.#isJson = isJson;
    this.watchings = new Watchings(
      (event) => this.#tell(event),
      (error) => this.#complain(error),
    );
  }

  get lines(): readonly string[] {
    return this.#history.lines;
  }

  /** After `quit`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Never throws. */
  async run(line: string): Promise<ExitCode> {
    const running = new AbortController();
    this.#running = running;
    try {
      const parsed = parseLine(line, BY_NAME, this.directory);
      if (parsed === undefined) return EXIT.done;
      const answer = await this.#answerTo(parsed);
      this.#print(answer, parsed.given.has(JSON_OPTION.name));
      return answer.exitCode ?? EXIT.done;
    } catch (error) {
      if (running.signal.aborted) this.#screen.error('interrupted: a write may have happened all the same\n');
      else this.#complain(error);
      return exitCodeOf(error);
    } finally {
      this.#running = undefined;
    }
  }

  /** Keeps the line for `history` and `redo`. */
  remember(line: string): void {
    this.#history.add(line);
  }

  /** The command that runs is given up; false when none does. */
  interrupt(): boolean {
    this.#running?.abort(new Failure('interrupted'));
    return this.#running !== undefined;
  }

  async repeat(line: string): Promise<Answer> {
    const parsed = parseLine(line, BY_NAME, this.directory);
    return parsed === undefined ? SILENT : this.#answerTo(parsed);
  }

  end(): void {
    this.#isOver = true;
  }

  async close(): Promise<void> {
    this.watchings.forgetAll();
    await this.link.close();
  }

  /** Says so once, and leaves the shell without a session when nobody takes it. */
  async connect(): Promise<ExitCode> {
    try {
      await this.link.connect();
      return EXIT.done;
    } catch (error) {
      this.#complain(error);
      return exitCodeOf(error);
    }
  }

  async #answerTo({ command, given }: Line<AnyCommand>): Promise<Answer> {
    if ('runInShell' in command) return command.runInShell(given, this);
    return command.run(given, this.#context());
  }

  #context(): Context {
    return {
      client: this.link.client,
      signal: (this.#running ?? new AbortController()).signal,
      data: async (written) => new TextEncoder().encode(written),
      stdin: async () => {
        throw new Failure(
          'a shell reads its lines from standard input: give a file, or the text itself',
          EXIT.usage,
        );
      },
    };
  }

  #print(answer: Answer, isJson: boolean): void {
    if (answer.watch !== undefined) this.watchings.keep(answer.watch);
    if (this.#isJson || isJson) {
      if (answer.json !== undefined) this.#screen.answer(`${JSON.stringify(answer.json)}\n`);
    } else if (answer.text.length > 0) {
      this.#screen.answer(withNewline(Buffer.from(answer.text)));
    }
  }

  #tell(event: WatchEvent): void {
    if (!this.isTelling) return;
    this.#screen.event(this.#isJson ? `${JSON.stringify(eventJson(event))}\n` : `watch: ${eventLine(event)}`);
  }

  #complain(error: unknown): void {
    this.#screen.error(`${inOneLine(error)}\n`);
  }
}

/** What was wrong and what to do, in the words of a shell: there, commands have no `zabra` before them. */
function inOneLine(error: unknown): string {
  const { message, hint } = diagnose(error);
  return (hint === undefined ? message : `${message}; ${hint}`)
    .replace(/`zabra (?!status|up)/g, '`')
    .replace('--auth or ZABRA_AUTH proves', '`addauth` proves')
    .replace('behind --auth', 'after `addauth`')
    .replace(/\s*\n\s*/g, ' ');
}
