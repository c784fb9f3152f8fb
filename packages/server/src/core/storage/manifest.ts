import { asZxid, type Epoch, formatZxid, type PeerId, type Zxid } from '@zabra/model';
import type { Standing } from '@zabra/zab';
import type { Disk } from '../env.ts';
import { crc32 } from './crc32.ts';
import { DataDirectoryError, damaged } from './data-directory-error.ts';
import { MANIFEST, MANIFEST_NEW } from './file-names.ts';

/** The version of everything in the directory: manifest, segments, snapshots. */
export const FORMAT = 1;

/**
 * All that counts in a data directory. A file that is not named here is void; a TRUNC, a SNAP or a new snapshot takes
 * effect with the one write of the manifest that says so.
 */
export interface Manifest {
  readonly serverId: PeerId;
  /** Undefined: told of no cluster yet. */
  readonly clusterId: string | undefined;
  readonly standing: Standing;
  readonly acceptedEpoch: Epoch;
  readonly currentEpoch: Epoch;
  /** Records up to it are known to be committed, and durable here. The log's batches may know of more. */
  readonly commit: Zxid;
  /** Oldest first; the last one is the base that recovery starts from. Without any it is the empty tree. */
  readonly snapshots: readonly SnapshotOfManifest[];
  /** Oldest first, the history without a hole. The last one is being written. */
  readonly segments: readonly SegmentOfManifest[];
}

export interface SnapshotOfManifest {
  readonly zxid: Zxid;
  readonly file: string;
  readonly bytes: number;
}

export interface SegmentOfManifest {
  readonly id: number;
  /** Random; see BatchPlace. */
  readonly salt: number;
  /** The zxid in the history before the first record of this segment. */
  readonly previous: Zxid;
  /** Undefined for the segment that is being written: it ends where its batches end. */
  readonly end: SegmentEnd | undefined;
}

/** What lies behind is void: bytes beyond `offset`, and records after `zxid` in the last batch before it. */
export interface SegmentEnd {
  readonly offset: number;
  readonly zxid: Zxid;
}

/** Undefined when there is none. Throws DataDirectoryError: NEWER_FORMAT, DAMAGED. */
export async function readManifest(disk: Disk): Promise<Manifest | undefined> {
  if (!(await disk.list()).includes(MANIFEST)) return undefined;
  const file = await disk.open(MANIFEST, 'existing');
  const bytes = await file.read(0, await file.length());
  await file.close();
  return decodeManifest(bytes);
}

/** Durable, and the only one, once this returns. What a crash left of an earlier attempt must be gone (see recovery). */
export async function writeManifest(disk: Disk, manifest: Manifest): Promise<void> {
  const file = await disk.open(MANIFEST_NEW, 'create');
  await file.write(0, [encodeManifest(manifest)]);
  await file.sync();
  await file.close();
  await disk.rename(MANIFEST_NEW, MANIFEST);
  await disk.syncDirectory();
}

/** Two lines: JSON for people, and its CRC-32. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const json = JSON.stringify({
    format: FORMAT,
    serverId: manifest.serverId,
    clusterId: manifest.clusterId,
    standing: manifest.standing,
    acceptedEpoch: manifest.acceptedEpoch,
    currentEpoch: manifest.currentEpoch,
    commit: formatZxid(manifest.commit),
    snapshots: manifest.snapshots.map(({ zxid, file, bytes }) => ({ zxid: formatZxid(zxid), file, bytes })),
    segments: manifest.segments.map(({ id, salt, previous, end }) => ({
      id,
      salt,
      previous: formatZxid(previous),
      end: end === undefined ? undefined : { offset: end.offset, zxid: formatZxid(end.zxid) },
    })),
  });
  const line = new TextEncoder().encode(`${json}\n`);
  return new TextEncoder().encode(`${json}\n${checksum(line)}\n`);
}

/** Throws DataDirectoryError: NEWER_FORMAT, DAMAGED. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const lineBytes = bytes.indexOf(NEW_LINE) + 1;
  const line = bytes.subarray(0, lineBytes);
  const rest = new TextDecoder().decode(bytes.subarray(lineBytes));
  if (lineBytes === 0 || rest !== `${checksum(line)}\n`) {
    throw damaged(MANIFEST, 'its checksum does not fit its content');
  }
  const json = JSON.parse(new TextDecoder().decode(line)) as ManifestJson;
  if (json.format > FORMAT) {
    throw new DataDirectoryError(
      'NEWER_FORMAT',
      MANIFEST,
      `the directory has format ${json.format}, this release reads up to ${FORMAT}`,
      'Start the release that wrote it, or a later one',
    );
  }
  return {
    serverId: json.serverId,
    clusterId: json.clusterId,
    standing: json.standing,
    acceptedEpoch: json.acceptedEpoch,
    currentEpoch: json.currentEpoch,
    commit: parseZxid(json.commit),
    snapshots: json.snapshots.map(({ zxid, file, bytes }) => ({ zxid: parseZxid(zxid), file, bytes })),
    segments: json.segments.map(({ id, salt, previous, end }) => ({
      id,
      salt,
      previous: parseZxid(previous),
      end: end === undefined ? undefined : { offset: end.offset, zxid: parseZxid(end.zxid) },
    })),
  };
}

const NEW_LINE = 0x0a;

/** What was written under a checksum that holds needs no second look at its shape. */
interface ManifestJson extends Omit<Manifest, 'snapshots' | 'segments' | 'clusterId' | 'commit'> {
  readonly format: number;
  readonly clusterId?: string;
  readonly commit: string;
  readonly snapshots: readonly { readonly zxid: string; readonly file: string; readonly bytes: number }[];
  readonly segments: readonly {
    readonly id: number;
    readonly salt: number;
    readonly previous: string;
    readonly end?: { readonly offset: number; readonly zxid: string };
  }[];
}

function checksum(line: Uint8Array): string {
  return crc32(line).toString(16).padStart(8, '0');
}

function parseZxid(hex: string): Zxid {
  return asZxid(Number(hex));
}
