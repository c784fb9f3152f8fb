import { setTimeout as sleep } from 'node:timers/promises';
import { askSupervisor, isAnswering } from './control-socket.ts';
import { type EnsembleState, ensembleDirectory, readState, type ServerEntry } from './ensemble-state.ts';
import { EXIT, type ExitCode, Failure } from './exit-code.ts';
import { print, printError } from './output.ts';
import { statusOf } from './status.ts';

export interface UpFlags {
  readonly size?: number;
  readonly data?: string;
  readonly basePort?: number;
}

/** `zabra up`: runs a local ensemble until Ctrl-C. */
export async function up(flags: UpFlags): Promise<ExitCode> {
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const { Ensemble } = await import('./ensemble.ts');
  const ensemble = await Ensemble.start({
    directory: ensembleDirectory(flags.data),
    size: flags.size,
    basePort: flags.basePort,
    report: (line) => void printError(`${line}\n`),
  });
  try {
    const announced = ensemble.whenReady().then(() => print(`ready ${ensemble.clientAddresses.join(',')}\n`));
    await Promise.race([announced, stopAsked]);
    await stopAsked;
  } finally {
    await ensemble.stop();
  }
  return EXIT.done;
}

const NOTICE_MS = 5000;
const POLL_MS = 20;

/** `zabra up kill`: ends a server as a power cut would, and waits until the supervisor knows. */
export async function killServer(victim: string, flags: { readonly data?: string }): Promise<ExitCode> {
  const directory = ensembleDirectory(flags.data);
  const state = await runningState(directory);
  const isLeader = victim === 'leader';
  const { id, pid } = isLeader ? await leaderOf(state) : serverOf(state, victim);
  if (pid === null)
    throw new Failure(`server ${id} is down already; \`zabra up restart ${id}\` brings it back`);
  sendKill(id, pid);
  const giveUpAt = performance.now() + NOTICE_MS;
  while (readState(directory)?.servers.some((server) => server.pid === pid)) {
    if (performance.now() > giveUpAt)
      throw new Failure(`server ${id} (process ${pid}) was killed and is still there`);
    await sleep(POLL_MS);
  }
  await print(`killed server ${id} (${isLeader ? 'leader, ' : ''}process ${pid})\n`);
  return EXIT.done;
}

/** `zabra up restart`: brings a server back that is down, and waits until it listens. */
export async function restartServer(written: string, flags: { readonly data?: string }): Promise<ExitCode> {
  const directory = ensembleDirectory(flags.data);
  const state = await runningState(directory);
  const { id } = serverOf(state, written);
  const reply = await askSupervisor(state.control, { command: 'restart', id });
  if (!reply.ok) throw new Failure(reply.line);
  await print(`${reply.line}\n`);
  return EXIT.done;
}

/** A state whose supervisor was killed names processes that may be anybody's by now. */
async function runningState(directory: string): Promise<EnsembleState & { readonly control: string }> {
  const state = readState(directory);
  if (state?.control == null || !(await isAnswering(state.control))) {
    throw new Failure(`no ensemble is running in ${directory}; start one with \`zabra up\``);
  }
  return { ...state, control: state.control };
}

function serverOf(state: EnsembleState, written: string): ServerEntry {
  const server = state.servers.find(({ id }) => String(id) === written);
  if (server !== undefined) return server;
  const known = state.servers.map(({ id }) => id).join(', ');
  throw new Failure(`there is no server ${written}; this ensemble has ${known}`, EXIT.usage);
}

async function leaderOf(state: EnsembleState): Promise<ServerEntry> {
  const statuses = await Promise.all(state.servers.map(statusOf));
  const leader = statuses
    .filter(({ role }) => role === 'leader')
    .sort((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0))[0];
  if (leader === undefined) throw new Failure('there is no leader now; `zabra status` shows when there is');
  return serverOf(state, String(leader.id));
}

function sendKill(id: number, pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    throw new Failure(
      `server ${id} (process ${pid}) can't be killed: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}
