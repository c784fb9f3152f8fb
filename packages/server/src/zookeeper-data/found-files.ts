import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { EPOCH_MAX } from '@zabra/model';
import { ImportRefusal } from './import-refusal.ts';
import { unframeSnappy } from './snappy.ts';

export interface ZooKeeperDirectories {
  /** ZooKeeper's `dataDir`, or the `version-2` in it. */
  readonly dataDirectory: string;
  /** Its `dataLogDir` where that is another one. */
  readonly logDirectory?: string | undefined;
}

/** A file of ZooKeeper's. */
export interface FoundFile {
  readonly path: string;
  readonly name: string;
  /** In its name: of a snapshot the last txn before it was begun, of a log its first one. */
  readonly zxid: number;
}

export interface FoundFiles {
  /** Newest first. */
  readonly snapshots: readonly FoundFile[];
  /** Oldest first. */
  readonly logs: readonly FoundFile[];
  /** The highest epoch that the server has promised or adopted; 0 where it never had peers. */
  readonly epoch: number;
}

/** Throws {@link ImportRefusal} when there is no such directory or nothing of ZooKeeper's in it. */
export async function findFiles(given: ZooKeeperDirectories): Promise<FoundFiles> {
  const dataDirectory = await versionDirectory(given.dataDirectory);
  const logDirectory =
    given.logDirectory === undefined ? dataDirectory : await versionDirectory(given.logDirectory);
  const snapshots = await filesNamed(dataDirectory, SNAPSHOT_NAME);
  const logs = await filesNamed(logDirectory, LOG_NAME);
  if (snapshots.length === 0) {
    throw new ImportRefusal(
      `${dataDirectory}: there is no snapshot of ZooKeeper (snapshot.<zxid>); name the dataDir of its zoo.cfg`,
    );
  }
  const epochs = await Promise.all(EPOCH_FILES.map((name) => epochIn(join(dataDirectory, name))));
  return { snapshots: snapshots.reverse(), logs, epoch: Math.max(...epochs) };
}

/** What the file holds, decompressed, a piece at a time. Faults of the compression are thrown as they come. */
export async function* readFound({ path, name }: FoundFile): AsyncGenerator<Uint8Array> {
  const source = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (name.endsWith('.snappy')) {
    yield* unframeSnappy(source);
  } else if (name.endsWith('.gz')) {
    const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
    source.once('error', (error) => gunzip.destroy(error));
    try {
      yield* source.pipe(gunzip);
    } finally {
      source.destroy();
    }
  } else {
    yield* source;
  }
}

const PIECE_BYTES = 1024 * 1024;
const SNAPSHOT_NAME = /^snapshot\.([0-9a-f]{1,16})(?:\.gz|\.snappy)?$/;
const LOG_NAME = /^log\.([0-9a-f]{1,16})$/;
const EPOCH_FILES = ['acceptedEpoch', 'currentEpoch'];
/** The format of ZooKeeper's files since 3.0, and the folder that holds them. */
const VERSION_FOLDER = 'version-2';

async function versionDirectory(directory: string): Promise<string> {
  const within = join(directory, VERSION_FOLDER);
  if (await isDirectory(within)) return within;
  if (await isDirectory(directory)) return directory;
  throw new ImportRefusal(`${directory}: there is no such directory`);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Oldest first. */
async function filesNamed(directory: string, pattern: RegExp): Promise<FoundFile[]> {
  const found = (await readdir(directory)).flatMap((name) => {
    const hex = pattern.exec(name)?.[1];
    return hex === undefined ? [] : [{ path: join(directory, name), name, zxid: Number(`0x${hex}`) }];
  });
  const beyond = found.find(({ zxid }) => zxid > Number.MAX_SAFE_INTEGER);
  if (beyond !== undefined) {
    throw new ImportRefusal(
      `${beyond.path}: its zxid is of an epoch beyond ${EPOCH_MAX}, the last that can be kept here`,
    );
  }
  return found.sort((left, right) => left.zxid - right.zxid);
}

/** 0: there is none. */
async function epochIn(path: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  if (!/^\d{1,10}\s*$/.test(text)) throw new ImportRefusal(`${path}: holds no epoch`);
  return Number(text);
}
