import {
  DATA_FILE_HEADER_BYTES,
  DATA_FILE_VERSION,
  JuteError,
  JuteReader,
  LOG_MAGIC,
  type LoggedDigest,
  type LoggedTxn,
  type LoggedTxnHeader,
  readDataFileHeader,
  readLoggedDigest,
  readLoggedTxn,
  readLoggedTxnHeader,
} from '@zabra/jute';
import { EPOCH_MAX } from '@zabra/model';
import { adler32 } from './adler32.ts';
import { type FoundFile, readFound } from './found-files.ts';
import { ImportRefusal } from './import-refusal.ts';
import { RecordStream } from './record-stream.ts';

/** How a log ends. `offset`: behind its last whole record. */
export interface LogEnd {
  readonly offset: number;
  /** Something lies behind that never became a record. */
  readonly isTorn: boolean;
}

export interface LoggedRecord {
  readonly header: LoggedTxnHeader;
  readonly txn: LoggedTxn;
  readonly digest: LoggedDigest | undefined;
}

/**
 * Reads a log from front to back. `visit` gets the header of each record, and what reads the rest of it, valid during the
 * call. Throws {@link ImportRefusal} where something was written and is not any more what it was.
 *
 *     file     header · record … · zeros, which were written ahead
 *     record   8 Adler-32 of the payload · 4 its length · payload · 1 the byte 0x42
 *     payload  header · body by its type · digest of the tree, 3.6 and later
 *
 * A record without its last byte is torn: the server that wrote it never heard that it is on the disk.
 */
export async function readLogFile(
  file: FoundFile,
  visit: (header: LoggedTxnHeader, readRest: () => LoggedRecord) => void,
): Promise<LogEnd> {
  const stream = new RecordStream(readFound(file));
  try {
    const header = await stream.read(readDataFileHeader);
    if (header === undefined) return { offset: 0, isTorn: (await stream.rest()) > 0 };
    if (header.magic !== LOG_MAGIC || header.version !== DATA_FILE_VERSION)
      throw new ImportRefusal(`${file.path}: does not begin as a log of ZooKeeper`);
    return await readRecords(file, stream, visit);
  } catch (error) {
    throw asRefusal(file, stream, error);
  } finally {
    await stream.close();
  }
}

async function readRecords(
  file: FoundFile,
  stream: RecordStream,
  visit: Parameters<typeof readLogFile>[1],
): Promise<LogEnd> {
  for (;;) {
    const offset = stream.position;
    const framed = stream.tryRead(readFrame) ?? (await stream.read(readFrame));
    if (framed === undefined) return { offset, isTorn: (await stream.rest()) > 0 };
    const { high, checksum, payload, last } = framed;
    if (payload.length === 0) return { offset, isTorn: high !== 0 || checksum !== 0 };
    if (last !== LAST_BYTE) return { offset, isTorn: true };
    if (high !== 0 || adler32(payload) !== checksum) {
      throw new ImportRefusal(
        `${file.path}: the record at ${offset} is not what was written there: its checksum does not fit. ZooKeeper would not start on it either; take the files of another server of that ensemble`,
      );
    }
    const reader = new JuteReader(payload);
    const header = readLoggedTxnHeader(reader);
    visit(header, () => {
      const txn = readLoggedTxn(reader, header.type);
      return { header, txn, digest: readLoggedDigest(reader) };
    });
  }
}

const LAST_BYTE = 0x42;
const NO_PAYLOAD = new Uint8Array(0);

function readFrame(reader: JuteReader): {
  /** Of the checksum's eight bytes, which need but four. */
  readonly high: number;
  readonly checksum: number;
  readonly payload: Uint8Array;
  readonly last: number;
} {
  const high = reader.int('Log.checksum');
  const checksum = reader.int('Log.checksum') >>> 0;
  const payload = reader.buffer('Log.payload') ?? NO_PAYLOAD;
  // Where there is nothing more, there need be no last byte.
  return { high, checksum, payload, last: payload.length === 0 ? 0 : reader.byte('Log.last') };
}

function asRefusal(file: FoundFile, stream: RecordStream, error: unknown): unknown {
  if (!(error instanceof JuteError)) return error;
  const wayOut =
    error.code === 'OUT_OF_RANGE'
      ? `; a zxid of an epoch beyond ${EPOCH_MAX} can't be kept`
      : '; take the files of another server of that ensemble';
  const offset = Math.max(stream.position, DATA_FILE_HEADER_BYTES);
  return new ImportRefusal(`${file.path}: near ${offset}: ${error.message}${wayOut}`);
}
