import { type Bytes, ZkError } from '@zabra/client';

/** What a contender node says about its maker. */
export interface ContenderData {
  /** Who stands there, for people; empty when nobody said. */
  readonly id: string;
  /** Somebody asked the holder to give up. */
  readonly revoked: boolean;
  /** The user's own. */
  readonly payload: Bytes;
}

/**
 * As stored: the id, then a newline and the payload if there is one; so the node of `worker-7` reads `worker-7`.
 * A request to revoke is a line before it (the word is Curator's).
 */
export function encodeContenderData(data: ContenderData): Bytes {
  const head = new TextEncoder().encode(`${data.revoked ? `${REVOKE}\n` : ''}${data.id}`);
  if (data.payload.length === 0) return head;
  const whole = new Uint8Array(head.length + 1 + data.payload.length);
  whole.set(head);
  whole[head.length] = NEWLINE;
  whole.set(data.payload, head.length + 1);
  return whole;
}

/** Total: any bytes mean something, since others may write the node too. */
export function decodeContenderData(stored: Bytes): ContenderData {
  const [first, rest] = splitLine(stored);
  if (first !== REVOKE) return { id: first, revoked: false, payload: rest };
  const [id, payload] = splitLine(rest);
  return { id, revoked: true, payload };
}

/** Throws BAD_ARGUMENTS for an id that could not be read back. */
export function checkContenderId(id: string): string {
  if (id.includes('\n') || id === REVOKE) {
    throw new ZkError('BAD_ARGUMENTS', {
      message: `an id is one line and not ${REVOKE}; this one is ${JSON.stringify(id)}`,
    });
  }
  return id;
}

const REVOKE = '__REVOKE__';
const NEWLINE = 0x0a;

function splitLine(bytes: Bytes): [string, Bytes] {
  const end = bytes.indexOf(NEWLINE);
  const line = end === -1 ? bytes : bytes.subarray(0, end);
  return [
    new TextDecoder().decode(line),
    end === -1 ? bytes.subarray(bytes.length) : bytes.subarray(end + 1),
  ];
}
