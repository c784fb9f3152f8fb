import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

/*
 * Runs what the pages tell readers to type: every command and block of README.md, and the `sh` and `ts` blocks of all
 * other pages, against one ensemble that README's own `npm start` starts. What differs from the reader's shell:
 *
 * - `npm start` gets `--base-port` with free ports behind it; all get ZABRA_DATA, a directory that is removed
 *   afterwards. Its `prestart` isn't run again: it is also the `pretest` of the `npm test` that runs this.
 * - `npm test` isn't run by itself.
 * - `npm run NAME` runs the script without npm, and builds nothing; `npx zabra` runs what npm links as `zabra`.
 * - `ID` is the server that the last `zabra up kill` named.
 * - Long checks are cut short: see SHORTER and UNTIL_FIRST_LINE. What another test runs is not run again: RUN_ELSEWHERE.
 *
 * A comment behind a command is a claim that is tested when it says `prints TEXT` or `exits with N`.
 */
const ROOT = fileURLToPath(new URL('.', import.meta.url));
const MANIFEST = JSON.parse(textOf('package.json'));
const SCRIPTS: Readonly<Record<string, string>> = MANIFEST.scripts;

const SHORTER: Readonly<Record<string, string>> = {
  'npm run simulate -- --schedules 1000': 'npm run simulate -- --schedules 2',
  'npm run model -- --seeds 1000': 'npm run model -- --seeds 2',
  'npm run fuzz -- --frames 1000000': 'npm run fuzz -- --frames 1000',
  'npm run simulate -- --schedules 1000 --from 5000': 'npm run simulate -- --schedules 2 --from 5000',
};
/** examples/examples.test.ts runs them. */
const RUN_ELSEWHERE: ReadonlySet<string> = new Set([
  'npm run example lock-under-fire',
  'npm run example lock-under-fire -- --without-lock',
]);
/** Ended once they have printed a line. */
const UNTIL_FIRST_LINE: ReadonlySet<string> = new Set([
  'npm run simulate -- --mutants',
  'npm run bench -- smoke',
  'npm run bench -- data',
  'npm run bench -- wire',
  'npm run test:node24',
]);

const pages = [
  'README.md',
  ...pagesIn('docs'),
  ...pagesIn('docs/adr'),
  ...['packages', 'apps'].flatMap((kind) =>
    readdirSync(join(ROOT, kind)).flatMap((name) => pagesIn(join(kind, name))),
  ),
];
const blocks = pages.flatMap(blocksOf);
const commands = unrepeated(blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf)).filter(
  ({ text }) => !RUN_ELSEWHERE.has(text),
);
const programs = blocks.filter(({ language }) => language === 'ts');

const directory = mkdtempSync(join(tmpdir(), 'zabra-readme-'));
const environment: Record<string, string | undefined> = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ZABRA_'))),
  ZABRA_DATA: join(directory, 'data'),
  PATH: [directory, join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter),
};
let basePort = 0;
let ensemble: Running | undefined;
let killed = 'none';

beforeAll(async () => {
  expect(existsSync(join(ROOT, 'apps/zabra/dist/main.js')), '`npm run build` was run').toBe(true);
  symlinkSync(join(ROOT, 'apps/zabra/bin/zabra.js'), join(directory, 'zabra'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  basePort = await freeBasePort();
});

afterAll(async () => {
  ensemble?.signal('SIGKILL');
  await ensemble?.ended;
  rmSync(directory, { recursive: true, force: true });
});

test('README has commands, a program, and nothing that this test would pass over', () => {
  const own = blocks.filter(({ page }) => page === 'README.md');
  expect(own.length).toBeGreaterThan(5);
  expect(own.map(({ language }) => language).filter((language) => !['sh', 'ts'].includes(language))).toEqual(
    [],
  );
  const known = new Set(commands.map(({ text }) => text));
  const inline = [...textOf('README.md').matchAll(/`((?:npm|npx|node) [^`\n]+)`/g)];
  expect(inline.map((match) => match[1] ?? '').filter((text) => !known.has(text))).toEqual([]);
});

test('what npm start does before, npm test has done as well', () => {
  expect(SCRIPTS.prestart).toBe(SCRIPTS.pretest);
});

test('the lock of README is examples/first-lock.ts', () => {
  const [program] = programs.filter(({ page }) => page === 'README.md');
  expect(program?.text).toBe(textOf('examples/first-lock.ts'));
});

test('a link from one page to another, or to a file, leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !existsSync(join(ROOT, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('the tests that docs/testing.md names exist', () => {
  const named = [...textOf('docs/testing.md').matchAll(/\| `(\S+\.(?:ts|txt))(?: › (.*))?` \|$/gm)];
  const lost = named.filter(([, file = '', name = '']) => !textOf(file).includes(name));
  expect(named.length).toBeGreaterThan(20);
  expect(lost.map(([row]) => row)).toEqual([]);
});

test.each(commands)('$page:$line: $text', { timeout: 120_000 }, async ({ text, prints, exits }) => {
  const { code, stdout, stderr } = await runnerOf(text)(text);
  expect(stderr).toBe('');
  expect(code).toBe(exits);
  expect(prints ?? stdout.trimEnd()).toBe(stdout.trimEnd());
});

test.each(programs)('$page:$line: the program runs', { timeout: 60_000 }, async ({ page, line, text }) => {
  const file = join(directory, `${page.replaceAll('/', '-')}-${line}.ts`);
  writeFileSync(file, text);
  const { code, stderr } = await shell(`node --conditions=source --import tsx ${file}`).ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('Ctrl-C ends what npm start started', async () => {
  expect(ensemble?.isOver()).toBe(false);
  const began = performance.now();
  ensemble?.signal('SIGINT');
  expect(await ensemble?.ended).toMatchObject({ code: 0 });
  expect(performance.now() - began).toBeLessThan(5000);
});

interface Block {
  readonly page: string;
  /** Of its first line. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

interface Command {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  readonly prints: string | undefined;
  readonly exits: number;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly ended: Promise<Ended>;
  isOver(): boolean;
  /** Resolves with the first line that begins so; rejects when the process ends before. */
  line(beginning: string): Promise<string>;
  /** To it and all that it started. */
  signal(signal: NodeJS.Signals): void;
}

type Runner = (text: string) => Promise<Ended>;

/** The first that fits; a command that fits none is an error. */
function runnerOf(text: string): Runner {
  const runners: readonly (readonly [RegExp, Runner])[] = [
    [/^npm start$/, start],
    [/^npm test$/, async () => ({ code: 0, stdout: '', stderr: '' })],
    [/^npx zabra up kill /, kill],
    [/^npx zabra /, (command) => shell(withId(command.replace(/^npx /, ''))).ended],
    [/^npm run (simulate|model|example|bench|fuzz|test:node24)( |$)/, runScript],
  ];
  const runner = runners.find(([pattern]) => pattern.test(text))?.[1];
  if (runner === undefined) throw new Error(`no runner is known for: ${text}`);
  return runner;
}

async function start(): Promise<Ended> {
  ensemble = shell(`${SCRIPTS.start} --base-port ${basePort}`);
  const ready = await ensemble.line('ready ');
  // So that the programs use this ensemble.
  const servers = ready.replace('ready ', '');
  environment.ZABRA_SERVERS = servers;
  // Two behind the port for our own clients.
  environment.ZOOKEEPER_SERVERS = servers.replaceAll(/:(\d+)/g, (_, port) => `:${Number(port) + 2}`);
  return { code: 0, stdout: ready, stderr: '' };
}

async function kill(text: string): Promise<Ended> {
  const ended = await shell(text.replace(/^npx /, '')).ended;
  killed = /killed server (\d+)/.exec(ended.stdout)?.[1] ?? 'none';
  return ended;
}

async function runScript(text: string): Promise<Ended> {
  const [, name = '', args = ''] = /^npm run (\S+)(?: --)?(.*)$/.exec(SHORTER[text] ?? text) ?? [];
  const script = SCRIPTS[name]?.replace('npm run build --silent && ', '');
  const running = shell(`${script}${args.replace(' -- ', ' ')}`);
  return UNTIL_FIRST_LINE.has(text) ? endAfterFirstLine(running) : running.ended;
}

async function endAfterFirstLine(running: Running): Promise<Ended> {
  const stdout = await running.line('');
  running.signal('SIGKILL');
  await running.ended;
  return { code: 0, stdout, stderr: '' };
}

function withId(command: string): string {
  return command.replace(/\bID\b/, killed);
}

/** In a process group of its own. */
function shell(command: string): Running {
  const child = spawn('sh', ['-c', command], { cwd: ROOT, env: environment, detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    ended,
    isOver,
    line: (beginning) =>
      lineOf(
        child,
        () => stdout,
        beginning,
        () => `${command}: ${stdout}${stderr}`,
      ),
    signal: (signal) => {
      if (!isOver()) process.kill(-(child.pid ?? 0), signal);
    },
  };
}

function lineOf(
  child: ChildProcess,
  printed: () => string,
  beginning: string,
  story: () => string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const line = printed()
        .split('\n')
        .slice(0, -1)
        .find((one) => one.startsWith(beginning));
      if (line !== undefined) resolve(line);
    };
    child.stdout?.on('data', look);
    child.once('close', () => reject(new Error(`ended without a line "${beginning}": ${story()}`)));
    look();
  });
}

function pagesIn(folder: string): readonly string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function blocksOf(page: string): readonly Block[] {
  const source = textOf(page);
  return [...source.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: source.slice(0, match.index).split('\n').length + 1,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

function commandsOf({ page, line, text }: Block): readonly Command[] {
  return text.split('\n').flatMap((written, index) => {
    const [command = '', comment = ''] = written.split(/\s+# /);
    if (command.trim() === '') return [];
    return [
      {
        page,
        line: line + index,
        text: command.trim(),
        prints: /^prints (.*)$/.exec(comment)?.[1],
        exits: Number(/^exits with (\d+)$/.exec(comment)?.[1] ?? 0),
      },
    ];
  });
}

/** README in full; of the other pages what no page before them has. */
function unrepeated(all: readonly Command[]): readonly Command[] {
  const first = new Map(
    all.map((command) => [`${command.text} # ${command.prints}`, command] as const).reverse(),
  );
  const firsts = new Set(first.values());
  return all.filter((command) => command.page === 'README.md' || firsts.has(command));
}

/** One from which the ports of three servers were free a moment ago. */
async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 20_000);
    const ports = [1, 2, 3, 11, 12, 13, 21, 22, 23].map((offset) => base + offset);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
