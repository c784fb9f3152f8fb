import { readFile } from 'node:fs/promises';
import { collectHeapAtRest, openRealDisk, parseConfig, startServer } from '@zabra/server';
import { VolatileDisk } from './volatile-disk.ts';

/** How a test's server keeps its data; see VolatileDisk. */
export type DiskKind = 'real' | 'volatile' | 'volatile-forgetful';

/** What the child tells the ensemble. */
export type ServerReport =
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string };

/** One server of a test's ensemble, in a process of its own: `node server-main FILE DISK`. It ends with its parent. */
async function main(file: string, kind: DiskKind): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  collectHeapAtRest();
  try {
    const config = parseConfig(JSON.parse(await readFile(file, 'utf8')), file);
    const disk =
      kind === 'real'
        ? undefined
        : new VolatileDisk(await openRealDisk(config.dataDir), { forgetful: kind === 'volatile-forgetful' });
    const log = process.env.ZABRA_TESTING_LOG === undefined ? undefined : stderrLog(config.id);
    const server = await startServer(config, {
      ...(disk === undefined ? {} : { disk }),
      ...(log === undefined ? {} : { log }),
    });
    process.once('SIGTERM', () => void server.stop());
    report({ kind: 'listening' });
    const error = await server.ended;
    if (error !== undefined) throw error;
    process.exit(0);
  } catch (error) {
    report({ kind: 'failed', message: (error as Error).message });
    process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(1);
  }
}

function report(message: ServerReport): void {
  if (process.connected) process.send?.(message);
}

function stderrLog(id: number): NonNullable<NonNullable<Parameters<typeof startServer>[1]>['log']> {
  const line = (message: string, facts?: object): void => {
    process.stderr.write(
      `${performance.now().toFixed(0)} server ${id}: ${message} ${JSON.stringify(facts ?? {})}\n`,
    );
  };
  return { debug: line, info: line, warn: line, error: line };
}

const [file, kind] = process.argv.slice(2);
if (file !== undefined) await main(file, kind as DiskKind);
