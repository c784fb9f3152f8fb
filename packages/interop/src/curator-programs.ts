import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CURATOR_CLASS_PATH, ENDS_WITH_ITS_PARENT, JAVA, JAVAC, LIGHT_JVM } from './programs.ts';

/** Our Java programs, compiled into a directory that `close` removes. */
export interface JavaPrograms extends AsyncDisposable {
  /** The start of a command that runs the `main` of this class, `interop.Contender`; its arguments follow. */
  commandLine(
    mainClass: string,
    properties?: Readonly<Record<string, string>>,
  ): readonly [string, ...string[]];
  close(): Promise<void>;
}

export interface ChecksOptions {
  /** The node below which they work; two runs on one ensemble need two. */
  readonly root: string;
  /** Only these. Default all. */
  readonly names?: readonly string[];
  /** System properties of the JVM: `{ 'zookeeper.client.secure': 'true' }`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** When given, it is called once while every check is in the middle of its work; they go on when it has resolved. */
  readonly killLeader?: () => Promise<unknown>;
}

export interface ChecksResult {
  /** Names of those that passed. */
  readonly ok: readonly string[];
  /** `NAME: why`, a line for each that did not. */
  readonly failed: readonly string[];
  /** 0 when all passed, 1 when some did not; anything else is a failure of the program itself. */
  readonly exitCode: number | null;
  /** Of both streams, for whoever asks why. */
  readonly output: string;
}

const SOURCES = fileURLToPath(new URL('../java/', import.meta.url));
/** Checks that expect failures log them by the hundred: what counts they say themselves. */
const SILENT = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';

/**
 * Compiles the Java sources of this package, which takes four seconds of processor time for all, one for the contender.
 * Rejects with what javac says.
 */
export async function compileJava(sources?: readonly string[]): Promise<JavaPrograms> {
  const names = sources ?? (await readdir(SOURCES)).filter((name) => name.endsWith('.java'));
  const directory = await mkdtemp(join(tmpdir(), 'zabra-java-'));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await compile(
      names.map((name) => join(SOURCES, name)),
      directory,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return {
    commandLine: (mainClass, properties = {}) => {
      const [command = JAVA, ...rest] = [...ENDS_WITH_ITS_PARENT, JAVA, ...LIGHT_JVM, SILENT];
      const settings = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
      const classPath = [directory, ...CURATOR_CLASS_PATH].join(':');
      return [command, ...rest, ...settings, '-cp', classPath, mainClass];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Runs java/Run.java, which says what its lines mean, against `host:port,host:port`. Rejects when it can't be started. */
export async function runChecks(
  programs: JavaPrograms,
  servers: string,
  options: ChecksOptions,
): Promise<ChecksResult> {
  const [command, ...args] = programs.commandLine('interop.Run', options.properties);
  args.push(servers, '--root', options.root, ...(options.names ?? []));
  if (options.killLeader !== undefined) args.push('--kill-leader');
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const output: string[] = [];
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (chunk: string) => output.push(chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    output.push(`${line}\n`);
    if (line === 'kill leader now') {
      await options.killLeader?.();
      child.stdin.write('killed\n');
    }
  }
  const exitCode = await ended;
  const text = output.join('');
  return {
    ok: [...text.matchAll(/^ok (\S+) \d+ ms$/gm)].map(([, name = '']) => name),
    failed: [...text.matchAll(/^failed (.*)$/gm)].map(([, line = '']) => line),
    exitCode,
    output: text,
  };
}

function compile(files: readonly string[], directory: string): Promise<void> {
  const light = LIGHT_JVM.map((option) => `-J${option}`);
  const args = [...light, '-proc:none', '-nowarn', '-d', directory, '-cp', CURATOR_CLASS_PATH.join(':')];
  const child = spawn(JAVAC, [...args, ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`javac ended with ${code}:\n${output}`));
    });
  });
}
