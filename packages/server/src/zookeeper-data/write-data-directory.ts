import { randomBytes } from 'node:crypto';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { epochOf, type PeerId } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import { DEFAULT_STORAGE } from '../core/options.ts';
import { segmentName, snapshotName } from '../core/storage/file-names.ts';
import { writeManifest } from '../core/storage/manifest.ts';
import { writeSnapshot } from '../core/storage/snapshot-file.ts';
import { openRealDisk } from '../real-disk.ts';

/** A new server's directory. */
export interface NewDataDirectory {
  /** Made here, and must not hold anything of Zabra's. */
  readonly directory: string;
  readonly serverId: PeerId;
  readonly clusterId: string;
}

/**
 * Writes the tree as the base of one server's data, or of several servers', byte for byte the same: as if each had taken it
 * as a snapshot in the epoch of its zxid and never heard of anything since. Durable once this returns. The tree may have no
 * sessions.
 */
export async function writeDataDirectories(tree: Tree, servers: readonly NewDataDirectory[]): Promise<void> {
  let first: { readonly path: string; readonly bytes: number } | undefined;
  for (const { directory, serverId, clusterId } of servers) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const disk = await openRealDisk(directory);
    const name = snapshotName(tree.appliedZxid, 1);
    if (first === undefined) {
      const file = await disk.open(name, 'create');
      const bytes = await writeSnapshot(file, tree.beginSnapshot(), WRITE_OPTIONS);
      await file.close();
      first = { path: join(directory, name), bytes: bytes ?? 0 };
    } else {
      await copyFile(first.path, join(directory, name));
      const file = await disk.open(name, 'existing');
      await file.sync();
      await file.close();
    }
    const segment = await disk.open(segmentName(1), 'create');
    await segment.sync();
    await segment.close();
    await disk.syncDirectory();
    const zxid = tree.appliedZxid;
    await writeManifest(disk, {
      serverId,
      clusterId,
      standing: 'voter',
      acceptedEpoch: epochOf(zxid),
      currentEpoch: epochOf(zxid),
      commit: zxid,
      snapshots: [{ zxid, file: name, bytes: first.bytes }],
      segments: [{ id: 1, salt: randomBytes(4).readUInt32LE(), previous: zxid, end: undefined }],
    });
  }
}

const WRITE_OPTIONS = {
  sliceEntries: DEFAULT_STORAGE.snapshotSliceEntries,
  syncBytes: DEFAULT_STORAGE.snapshotSyncBytes,
  // Nothing changes meanwhile.
  preImageBytesMax: 0,
  pause: () => nextTurn(),
  isCancelled: () => false,
};
