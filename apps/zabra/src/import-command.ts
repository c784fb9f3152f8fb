import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ImportedData, ImportReport } from '@zabra/server';
import { loadConfig } from './config-command.ts';
import type { ConfigFlags } from './config-file.ts';
import {
  BASE_PORT_DEFAULT,
  ensembleDirectory,
  entryOf,
  portMax,
  SIZE_DEFAULT,
  writeState,
} from './ensemble-state.ts';
import { EXIT, type ExitCode, Failure } from './exit-code.ts';
import { print, printError } from './output.ts';

export interface ImportFlags extends ConfigFlags {
  readonly zookeeperData: string;
  readonly zookeeperLog?: string;
  readonly size?: number;
  readonly basePort?: number;
  readonly data?: string;
  readonly clusterId?: string;
  readonly ignoreDigest?: boolean;
  readonly json?: boolean;
}

/** `zabra import`: reads everything, then writes aside, and only what is whole gets its name. */
export async function importData(flags: ImportFlags): Promise<ExitCode> {
  const target = await targetOf(flags);
  refuseTaken(target.directory);
  const { importZooKeeperData } = await import('@zabra/server');
  const imported = await importZooKeeperData({
    dataDirectory: flags.zookeeperData,
    logDirectory: flags.zookeeperLog,
    dataBytesMax: target.dataBytesMax,
    ignoreDigest: flags.ignoreDigest === true,
  });
  await writeAside(target.directory, (aside) => target.write(imported, aside));
  const { report } = imported;
  await printError(warningsOf(report));
  const { directory, clusterId } = target;
  if (flags.json === true) await print(`${JSON.stringify({ directory, clusterId, ...report })}\n`);
  else await print(textOf(report, target));
  return EXIT.done;
}

interface ImportTarget {
  readonly directory: string;
  readonly clusterId: string;
  readonly dataBytesMax: number;
  /** How to go on. */
  readonly next: string;
  write(imported: ImportedData, aside: string): Promise<void>;
}

async function targetOf(flags: ImportFlags): Promise<ImportTarget> {
  if (flags.config !== undefined) return serverTarget(flags);
  if (flags.clusterId !== undefined) {
    throw new Failure('--cluster-id goes with --config: a local ensemble makes its own', EXIT.usage);
  }
  return localTarget(flags);
}

/** What `zabra up` finds as an ensemble that has run before. */
async function localTarget(flags: ImportFlags): Promise<ImportTarget> {
  const { size = SIZE_DEFAULT, basePort = BASE_PORT_DEFAULT } = flags;
  if (portMax(size, basePort) > PORT_MAX) {
    throw new Failure(
      `${size} servers need ports up to ${portMax(size, basePort)}; give a smaller --base-port`,
      EXIT.usage,
    );
  }
  const directory = ensembleDirectory(flags.data);
  const clusterId = randomUUID();
  const servers = Array.from({ length: size }, (_, index) => entryOf(index + 1, basePort));
  // The values that `zabra up` starts its servers with: nobody else says any.
  const { resolveConfig } = await import('@zabra/server');
  const { config } = resolveConfig({
    file: {
      source: 'the local ensemble',
      raw: { id: 1, dataDir: directory, members: servers.map(memberOf) },
    },
    environment: {},
    assignments: flags.set,
  });
  return {
    directory,
    clusterId,
    dataBytesMax: config.limits.dataBytesMax,
    next: `zabra up${flags.data === undefined ? '' : ` --data ${flags.data}`}`,
    write: async (imported, aside) => {
      await imported.write(
        servers.map(({ id }) => ({ directory: join(aside, `server-${id}`), serverId: id, clusterId })),
      );
      writeState(aside, {
        version: 1,
        size,
        basePort,
        clusterId,
        supervisorPid: null,
        control: null,
        servers,
      });
    },
  };
}

/** One server of an ensemble of which each is told the same. */
async function serverTarget(flags: ImportFlags): Promise<ImportTarget> {
  const { config } = await loadConfig({
    ...flags,
    set: flags.clusterId === undefined ? flags.set : [...flags.set, `clusterId=${flags.clusterId}`],
  });
  const { id, clusterId } = config;
  if (clusterId === undefined) {
    throw new Failure(
      'which ensemble shall it be? Make an id once (uuidgen) and give it for each server: --cluster-id, or clusterId in the configuration',
      EXIT.configuration,
    );
  }
  return {
    directory: resolve(config.dataDir),
    clusterId,
    dataBytesMax: config.limits.dataBytesMax,
    next: `zabra server --config ${flags.config}, once all servers have imported the same files`,
    write: (imported, aside) => imported.write([{ directory: aside, serverId: id, clusterId }]),
  };
}

const PORT_MAX = 65_535;

function memberOf({ id, peer, client }: ReturnType<typeof entryOf>): Record<string, unknown> {
  return { id, peer, client };
}

function refuseTaken(directory: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new Failure(`${directory}: can't be read (${code})`);
  }
  if (names.length === 0) return;
  throw new Failure(
    `${directory} has something in it already: an import makes a new ensemble. Name another directory, or move this one away`,
    EXIT.configuration,
  );
}

/** What `write` puts into the directory it is given gets its name at once and whole, or is gone. */
async function writeAside(directory: string, write: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${directory}.importing`;
  try {
    mkdirSync(dirname(directory), { recursive: true });
    mkdirSync(aside, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(
      code === 'EEXIST'
        ? `${aside} is there: an import is running, or one was broken off; then remove it`
        : `${aside}: can't be made (${code})`,
    );
  }
  try {
    await write(aside);
    await syncDirectory(aside);
    await rename(aside, directory);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY' || code === 'EXDEV') {
      throw new Failure(
        `${directory} is where a disk is mounted, and can't be made there at once; name a directory below it`,
        EXIT.configuration,
      );
    }
    throw error;
  }
  await syncDirectory(dirname(directory));
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

function warningsOf(report: ImportReport): string {
  const lines: string[] = [];
  for (const { file, reason } of report.skippedSnapshots) lines.push(`${file} is left out: ${reason}`);
  if (report.tornTail !== null) {
    const { file, offset } = report.tornTail;
    lines.push(`${file} breaks off within a record at ${offset}, which nobody was told of: it is left out`);
  }
  if (report.zookeeperDigest === 'differs') lines.push("the tree has not the digest of ZooKeeper's own");
  if (report.droppedStrays > 0) lines.push(`${report.droppedStrays} nodes without a parent are left out`);
  if (report.strangeSchemes.length > 0) {
    lines.push(
      `ACLs name ${report.strangeSchemes.join(', ')}: these entries are kept, and let nobody in here`,
    );
  }
  return lines.map((line) => `zabra: ${line}\n`).join('');
}

function textOf(report: ImportReport, target: ImportTarget): string {
  const dropped = report.droppedEphemeralPaths.slice(0, PATHS_PRINTED).map((path) => `  ${path}`);
  if (report.droppedEphemerals > dropped.length) {
    dropped.push(`  … and ${report.droppedEphemerals - dropped.length} more`);
  }
  return [
    `read ${report.snapshot} and ${report.txns} txns behind it, up to ${report.lastZxid} (digest ${report.zookeeperDigest})`,
    `${report.nodes} nodes: ${report.containers} containers, ${report.ttlNodes} with a TTL, ${report.quotas} quotas, ${report.nodesWithAcl} with one of ${report.acls} ACLs`,
    `dropped ${report.droppedSessions} sessions and ${report.droppedEphemerals} ephemerals`,
    ...dropped,
    `made ${target.directory}, which begins at ${report.startZxid} with digest ${report.digest}`,
    `start it with: ${target.next}`,
    '',
  ].join('\n');
}

const PATHS_PRINTED = 10;
