import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import type { CopyFlags } from './commands/copy.ts';
import type { ConfigFlags } from './config-file.ts';
import type { ServerFlags } from './connection.ts';
import { addDataCommands } from './data-program.ts';
import { EXIT, type ExitCode, exitCodeOf, explain } from './exit-code.ts';
import type { ImportFlags } from './import-command.ts';
import { printError } from './output.ts';
import type { ShellFlags } from './shell/run-shell.ts';
import type { UpFlags } from './up-command.ts';

/** Runs one command line and answers with the exit code. Each command's code is loaded only when it runs. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = build((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own: help and version are done, everything else is usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    await printError(explain(error));
    return exitCodeOf(error);
  }
}

type Finish = (code: ExitCode) => void;

function build(finish: Finish): Command {
  const program = new Command('zabra')
    .description('A coordination service: run a server or a local ensemble, read and write znodes.')
    .version(manifest.version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(zabra --help shows what there is)')
    .addHelpText('after', EXAMPLES);
  addServerCommands(program, finish);
  addUpCommands(program, finish);
  addImportCommand(program, finish);
  addCopyCommand(program, finish);
  addEnsembleCommands(program, finish);
  return program;
}

function addServerCommands(program: Command, finish: Finish): void {
  program
    .command('server')
    .description('run one server until SIGTERM or Ctrl-C')
    .addOption(configOption())
    .addOption(setOption())
    .option('--refill', 'forget a damaged data directory and take everything from a leader')
    .action(async (flags: ConfigFlags & { readonly refill?: boolean }) => {
      const { serve } = await import('./server-command.ts');
      finish(await serve(flags));
    });
  program
    .command('config')
    .description('show each value that a server would start with, and its origin')
    .addOption(configOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .action(async (flags: ConfigFlags & { readonly json?: boolean }) => {
      const { showConfig } = await import('./config-command.ts');
      finish(await showConfig(flags));
    });
}

function addUpCommands(program: Command, finish: Finish): void {
  const up = program
    .command('up')
    .description('run a local ensemble of separate server processes until Ctrl-C')
    .option('--size <n>', 'servers, 3 at first', integerBetween(1, 9))
    .option(
      '--base-port <port>',
      'server i has the ports from PORT + 10 (i - 1); 5180 at first',
      integerBetween(1024, 65_000),
    )
    .addOption(dataOption())
    .action(async (flags: UpFlags) => {
      const { up } = await import('./up-command.ts');
      finish(await up(flags));
    });
  up.command('kill')
    .description('end a server with SIGKILL; it stays down until it is restarted')
    .argument('<leader|id>', 'the leader, or a server by its id')
    .addOption(dataOption())
    .action(async (victim: string, _flags: unknown, command: Command) => {
      const { killServer } = await import('./up-command.ts');
      finish(await killServer(victim, command.optsWithGlobals()));
    });
  up.command('restart')
    .description('bring a server back that is down')
    .argument('<id>', 'the server')
    .addOption(dataOption())
    .action(async (id: string, _flags: unknown, command: Command) => {
      const { restartServer } = await import('./up-command.ts');
      finish(await restartServer(id, command.optsWithGlobals()));
    });
}

function addImportCommand(program: Command, finish: Finish): void {
  program
    .command('import')
    .description("make a new ensemble's data of those of a ZooKeeper that is stopped")
    .requiredOption('--zookeeper-data <dir>', 'the dataDir of its zoo.cfg')
    .option('--zookeeper-log <dir>', 'its dataLogDir, where that is another one')
    .option('--size <n>', 'servers of the local ensemble; 3 unless given', integerBetween(1, 9))
    .option(
      '--base-port <port>',
      'its ports, as of `zabra up`; 5180 unless given',
      integerBetween(1024, 65_000),
    )
    .addOption(dataOption())
    .addOption(configOption().conflicts(['size', 'basePort', 'data']))
    .addOption(setOption())
    .option('--cluster-id <id>', 'with --config: of the new ensemble, the same for each of its servers')
    .option('--ignore-digest', 'take over also what differs from the digest that ZooKeeper noted')
    .addOption(jsonOption())
    .action(async (flags: ImportFlags) => {
      const { importData } = await import('./import-command.ts');
      finish(await importData(flags));
    });
}

function addCopyCommand(program: Command, finish: Finish): void {
  program
    .command('copy')
    .description('copy a subtree from one ensemble to another, follow its changes until Ctrl-C, then compare')
    .argument(
      '<from>',
      'zookeeper://HOST:PORT,…/PATH or zabra://HOST:PORT,…/PATH; +tls behind the scheme for TLS',
    )
    .argument('<to>', 'the same')
    .option('--once', 'do not follow: compare as soon as everything is copied')
    .option('--into-existing', 'the target may have nodes; what is not at the source stays')
    .addOption(authOption())
    .addOption(authOption('--from-auth', 'who you are at the source only; may be given again'))
    .addOption(authOption('--to-auth', 'who you are at the target only; may be given again'))
    .option('--ca <file>', 'the authority of the servers, for +tls')
    .option('--cert <file>', 'your certificate, as an identity x509')
    .option('--key <file>', 'the key of that certificate')
    .addOption(jsonOption())
    .action(async (from: string, to: string, flags: CopyFlags) => {
      const { copy } = await import('./commands/copy.ts');
      finish(await copy(from, to, flags));
    });
}

function addEnsembleCommands(program: Command, finish: Finish): void {
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .addOption(serversOption())
      .addOption(dataOption())
      .option('--ca <file>', 'the authority of the servers, where they ask clients for TLS')
      .option('--cert <file>', 'your certificate, as an identity x509')
      .option('--key <file>', 'the key of that certificate');

  command('status', 'show every server; exits 0 while there is a leader')
    .addOption(jsonOption())
    .action(async (flags: ServerFlags & { readonly json?: boolean }) => {
      const { showStatus } = await import('./status.ts');
      finish(await showStatus(flags));
    });
  const asking = (name: string, about: string): Command =>
    command(name, about)
      .addOption(authOption())
      .option('--read-only', 'a server without a quorum will do, if it allows that: reads of what it has');
  addDataCommands(asking, finish);
  asking('shell', "type commands one after the other; knows zkCli's spellings")
    .addOption(commandOption())
    .option('-f, --file <script>', 'run the lines of a file')
    .option('--stop-on-error', 'end a script at its first failure')
    .addOption(jsonOption())
    .action(async (flags: ShellFlags) => {
      const { runShell } = await import('./shell/run-shell.ts');
      finish(await runShell(flags));
    });
}

function configOption(): Option {
  return new Option('--config <file>', 'the configuration, in YAML');
}
function setOption(): Option {
  return new Option('--set <key=value>', 'one value of the configuration; may be given again')
    .default([], 'none')
    .argParser((written: string, before: readonly string[]) => [...before, written]);
}
function jsonOption(): Option {
  return new Option('--json', 'print JSON');
}
function dataOption(): Option {
  return new Option('--data <directory>', 'of the local ensemble; else ZABRA_DATA, else ./.zabra');
}
function serversOption(): Option {
  return new Option('--servers <host:port,...>', 'else ZABRA_SERVERS, else the local ensemble');
}
/** Taken as it is: a complaint of commander would repeat it. */
function authOption(name = '--auth', about = 'who you are; else ZABRA_AUTH; may be given again'): Option {
  return new Option(`${name} <scheme:credentials>`, about)
    .default([], 'none')
    .argParser((written: string, before: readonly string[]) => [...before, written]);
}
function commandOption(): Option {
  return new Option('-c, --command <line>', 'run this line instead of reading any; may be given again')
    .default([], 'none')
    .argParser((written: string, before: readonly string[]) => [...before, written]);
}

function integerBetween(min: number, max: number): (written: string) => number {
  return (written) => {
    const value = Number(written);
    if (!/^\d+$/.test(written) || value < min || value > max) {
      throw new InvalidArgumentError(`It needs a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

const EXAMPLES = `
Examples:
  zabra up                            three servers on this machine
  zabra create /greeting hello        in another shell
  zabra get /greeting
  zabra up kill leader                and see who takes over: zabra status
  zabra shell                         commands and paths complete with Tab; zkCli's spellings work

Exit codes: 0 done, 1 the operation failed, 2 usage, 78 configuration.`;
