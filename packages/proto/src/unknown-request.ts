import { type ClientEntry, decodeClientEntry } from './gen/client.ts';
import { DecodeError, Reader } from './wire.ts';

/** A request that a newer client makes: all that is known of it is how to answer. */
export interface UnknownRequest {
  readonly kind: 'unknownRequest';
  readonly xid: number;
  /** The number of its field in `zabra.v1.ClientRequest`. */
  readonly field: number;
}

const FRAME = 'zabra.v1.ClientFrame';
const ENTRY = 'zabra.v1.ClientEntry';
const REQUEST = 'zabra.v1.ClientRequest';
const ENTRIES_TAG = 10;
const REQUEST_TAG = 18;
const XID_TAG = 8;
/** Fields below it are what every request has. */
const FIRST_KIND = 6;

/**
 * The entries of a client's frame, an unknown request among them as such. For a frame that `decodeClientFrame` refused:
 * throws the DecodeError of the first entry that is wrong in any other way.
 */
export function decodeClientEntries(frame: Uint8Array): readonly (ClientEntry | UnknownRequest)[] {
  const entries: (ClientEntry | UnknownRequest)[] = [];
  const reader = new Reader(frame);
  while (reader.more()) {
    const tag = reader.uint32(FRAME);
    if (tag === ENTRIES_TAG) entries.push(decodeEntry(reader.bytes(`${FRAME}.entries`)));
    else reader.skip(tag, FRAME, [undefined, 'entries']);
  }
  return entries;
}

function decodeEntry(bytes: Uint8Array): ClientEntry | UnknownRequest {
  try {
    return decodeClientEntry(bytes);
  } catch (error) {
    const unknown = error instanceof DecodeError ? unknownRequestOf(error, bytes) : undefined;
    if (unknown === undefined) throw error;
    return unknown;
  }
}

/** Undefined when the entry is wrong for another reason than that its request has no kind that is known here. */
function unknownRequestOf({ message }: DecodeError, entry: Uint8Array): UnknownRequest | undefined {
  if (!message.startsWith(`${REQUEST}: unknown kind`)) return undefined;
  let request: UnknownRequest | undefined;
  const reader = new Reader(entry);
  while (reader.more()) {
    const tag = reader.uint32(ENTRY);
    if (tag === REQUEST_TAG) request = readUnknown(new Reader(reader.bytes(REQUEST)));
    else reader.skip(tag, ENTRY, []);
  }
  return request;
}

function readUnknown(reader: Reader): UnknownRequest {
  let xid = 0;
  let field = 0;
  while (reader.more()) {
    const tag = reader.uint32(REQUEST);
    if (tag === XID_TAG) xid = reader.uint32(`${REQUEST}.xid`);
    else {
      if (tag >>> 3 >= FIRST_KIND) field = tag >>> 3;
      reader.skip(tag, REQUEST, []);
    }
  }
  return { kind: 'unknownRequest', xid, field };
}
