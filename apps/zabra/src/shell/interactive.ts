import { clearLine, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { complete } from './completion.ts';
import { hasCredentials, type LineHistory } from './line-history.ts';
import type { Link } from './link.ts';
import { byName } from './parse-line.ts';
import { type Screen, SHELL_COMMANDS, Shell } from './shell.ts';

interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
  readonly link: Link;
  readonly history: LineHistory;
  readonly isJson: boolean;
}

const CHILDREN_MAX = 1000;

/** A shell for a person: prompt, completion, history. Resolves when it is left, with the code of the last failure. */
export async function converse({ input, output, link, history, isJson }: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  let isEditing = false;
  let isLeft = false;
  const editor = createInterface({
    input,
    output,
    terminal: true,
    history: [...history.earlier()],
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: null, completion: [string[], string]) => void) => {
      const surroundings = { commands: byName(SHELL_COMMANDS), directory: shell.directory, childrenOf };
      void complete(line, surroundings).then(([hits, replaced]) => done(null, [[...hits], replaced]));
    },
  });
  const screen = screenOf(editor, output, () => isEditing);
  const shell = new Shell({ link, screen, history, isJson });
  const childrenOf = (path: string): Promise<readonly string[]> => firstChildren(link, path);
  const prompt = (): void => {
    editor.setPrompt(`[${link.standing}] ${shell.directory}> `);
    // Keeps what is being typed, and the cursor in it.
    if (isEditing) editor.prompt(true);
  };
  link.onChange = prompt;

  const typed: string[] = [];
  const left = new Promise<void>((resolve) => {
    const runTyped = async (): Promise<void> => {
      isEditing = false;
      for (let line = typed.shift(); line !== undefined && !shell.isOver; line = typed.shift()) {
        const code = await shell.run(line);
        shell.remember(line);
        if (code !== EXIT.done) exitCode = code;
      }
      if (shell.isOver) editor.close();
      // It may have been left while the command ran.
      if (isLeft) return;
      isEditing = true;
      prompt();
    };
    editor.on('line', (line) => {
      typed.push(line);
      if (isEditing) void runTyped();
    });
    editor.on('history', forgetCredentials);
    editor.on('SIGINT', () => {
      if (shell.interrupt()) return;
      output.write(editor.line === '' ? '\n(`quit` or Ctrl-D ends the shell)\n' : '^C\n');
      // Drops what was typed, as other shells do.
      editor.write(null, { ctrl: true, name: 'e' });
      editor.write(null, { ctrl: true, name: 'u' });
      prompt();
    });
    editor.on('close', () => {
      isLeft = true;
      isEditing = false;
      resolve();
    });
    void shell.connect().then(runTyped);
  });
  await left;
  link.onChange = () => undefined;
  await shell.close();
  return exitCode;
}

/** The editor's own list is changed: it is what the arrow keys show. */
function forgetCredentials(history: string[]): void {
  if (hasCredentials(history[0] ?? '')) history.shift();
}

/** While a line is being edited, takes it away, prints, and puts it back below. */
function screenOf(editor: Interface, output: Writable, isEditing: () => boolean): Screen {
  const print = (text: string | Uint8Array): void => {
    if (!isEditing()) {
      output.write(text);
      return;
    }
    const { rows } = editor.getCursorPos();
    if (rows > 0) moveCursor(output, 0, -rows);
    cursorTo(output, 0);
    clearLine(output, 0);
    output.write(text);
    editor.prompt(true);
  };
  return { answer: print, event: print, error: print };
}

/** The first thousand at most, and none where they can't be had: completion never complains. */
async function firstChildren(link: Link, path: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of link.client.childrenPages(path, { timeoutMs: 2000 })) {
      if (names.length === CHILDREN_MAX) break;
      names.push(name);
    }
  } catch {
    return [];
  }
  return names;
}
