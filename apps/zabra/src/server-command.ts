import { loadConfig } from './config-command.ts';
import type { ConfigFlags } from './config-file.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts';
import { log } from './log.ts';
import { print } from './output.ts';

/** What a server tells the supervisor that started it. */
export type ServerReport =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: ExitCode };

/** `zabra server`: runs one server until it is told to stop, or fails. */
export async function serve(flags: ConfigFlags & { readonly refill?: boolean }): Promise<ExitCode> {
  endWithSupervisor();
  const stopAsked = stopSignal();
  try {
    const { config } = await loadConfig(flags);
    const { collectHeapAtRest, startServer } = await import('@zabra/server');
    collectHeapAtRest();
    const server = await startServer(config, { refill: flags.refill === true, log });
    const zookeeper = [...server.zookeeperAddresses, ...server.zookeeperTlsAddresses];
    const forZooKeeper =
      zookeeper.length === 0 ? '' : `, for ZooKeeper's clients on ${zookeeper.join(' and ')}`;
    await print(
      `server ${config.id} listens for clients on ${server.clientAddress}, for peers on ${server.peerAddress}${forZooKeeper}\n`,
    );
    await report({ kind: 'listening' });
    const ended = await Promise.race([server.ended, stopAsked.then(() => server.stop())]);
    if (ended !== undefined) throw ended;
    return EXIT.done;
  } catch (error) {
    await report({ kind: 'failed', message: (error as Error).message, exitCode: exitCodeOf(error) });
    throw error;
  }
}

/**
 * A server that `zabra up` started holds a channel to it, which the system closes however the supervisor ends. Then this
 * process ends at once: what is acknowledged is on the disk. Ctrl-C reaches it too, but the supervisor decides.
 */
function endWithSupervisor(): void {
  if (process.channel === undefined) return;
  process.on('disconnect', () => process.exit(EXIT.failed));
  process.on('SIGINT', () => undefined);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    if (process.channel === undefined) process.on('SIGINT', () => resolve());
  });
}

/** Waits until the message is on its way, so that the process may end right after. */
function report(message: ServerReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send !== undefined)
      process.send(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
