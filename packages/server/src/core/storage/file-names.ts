import { formatZxid, type Zxid } from '@zabra/model';

export const MANIFEST = 'MANIFEST';
/** The next manifest, until it is renamed. */
export const MANIFEST_NEW = 'MANIFEST.new';

export function segmentName(id: number): string {
  return `log.${id}`;
}

/** `serial` above 1 when the directory has had a snapshot at this zxid already. */
export function snapshotName(zxid: Zxid, serial: number): string {
  const name = `snapshot.${formatZxid(zxid).slice(2)}`;
  return serial === 1 ? name : `${name}.${serial}`;
}

/** The number of a segment; undefined for any other file. */
export function segmentIdOf(name: string): number | undefined {
  const digits = /^log\.([0-9]+)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Names that only Zabra gives: without a place in the manifest such a file is void. Others are left alone. */
export function isOurs(name: string): boolean {
  return name === MANIFEST || name === MANIFEST_NEW || /^(log|snapshot)\.[0-9a-f]/.test(name);
}
