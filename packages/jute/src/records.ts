import type { Acl, Identity, Stat } from '@zabra/model';
import type { JuteReader } from './reader.ts';
import type { JuteWriter } from './writer.ts';

/**
 * A Stat on the wire. Of a real ZooKeeper the owner is any 64-bit number: a bigint when it was read; zxids and times are
 * numbers, since an epoch never comes near 2^21. Versions that are read are signed.
 */
export type JuteStat = { readonly [Field in Exclude<keyof Stat, 'ephemeralOwner'>]: number } & {
  readonly ephemeralOwner: number | bigint;
};
export type ReadStat = JuteStat & { readonly ephemeralOwner: bigint };

export const STAT_BYTES = 68;

export function writeStat(writer: JuteWriter, stat: JuteStat): void {
  writer.long(stat.czxid);
  writer.long(stat.mzxid);
  writer.long(stat.ctimeMs);
  writer.long(stat.mtimeMs);
  writer.int(stat.version);
  writer.int(stat.cversion);
  writer.int(stat.aversion);
  writer.long(stat.ephemeralOwner);
  writer.int(stat.dataLength);
  writer.int(stat.numChildren);
  writer.long(stat.pzxid);
}

export function readStat(reader: JuteReader): ReadStat {
  return {
    czxid: reader.long('Stat.czxid'),
    mzxid: reader.long('Stat.mzxid'),
    ctimeMs: reader.long('Stat.ctime'),
    mtimeMs: reader.long('Stat.mtime'),
    version: reader.int('Stat.version'),
    cversion: reader.int('Stat.cversion'),
    aversion: reader.int('Stat.aversion'),
    ephemeralOwner: reader.wideLong('Stat.ephemeralOwner'),
    dataLength: reader.int('Stat.dataLength'),
    numChildren: reader.int('Stat.numChildren'),
    pzxid: reader.long('Stat.pzxid'),
  };
}

export function writeIdentity(writer: JuteWriter, { scheme, id }: Identity): void {
  writer.ustring(scheme);
  writer.ustring(id);
}

/** Some clients write an empty string as null: both are empty here. */
export function readIdentity(reader: JuteReader): Identity {
  return { scheme: reader.ustring('Id.scheme') ?? '', id: reader.ustring('Id.id') ?? '' };
}

export function writeAcl(writer: JuteWriter, acl: Acl): void {
  writer.int(acl.perms);
  writeIdentity(writer, acl);
}

export function readAcl(reader: JuteReader): Acl {
  const perms = reader.int('ACL.perms');
  return { perms, ...readIdentity(reader) };
}

export function writeText(writer: JuteWriter, text: string): void {
  writer.ustring(text);
}

/** An element of a vector of strings; null reads as empty. */
export function readText(reader: JuteReader, where: string): string {
  return reader.ustring(where) ?? '';
}
