import { OPCODE, type ReadStat, type ReplyBody } from '@zabra/jute';
import type { Exchange, Frame } from './conversation.test-support.ts';

/** A value of the record of a conversation: nothing in it is of one run alone. */
export type NormalValue =
  | string
  | number
  | boolean
  | null
  | readonly NormalValue[]
  | { readonly [field: string]: NormalValue };

/** `frame` says which, `error` is of replies and events. */
export type NormalFrame = { readonly [field: string]: NormalValue };

/** One exchange of the record. */
export interface NormalExchange {
  readonly number: number;
  readonly on: string;
  readonly said: string;
  readonly got: readonly NormalFrame[];
}

/**
 * What of a conversation can be compared with another run of it, and with another server: all of it, but that
 *
 * - a zxid of a Stat is named by the exchange that first showed it in a Stat or as a write's own, so that equal ones stay equal and the order is told;
 * - one in a reply's header is `new` for a write, above all that were seen; `current`, not below what the connection saw;
 *   or else a number;
 * - a time is `now` when it is within the conversation or some minutes around it;
 * - a session and its password are named by the connection that was given them;
 * - children, ephemerals and identities, which come in no order, are sorted;
 * - ports and versions in the text of the configuration are left out.
 *
 * What must hold in each run alone is asserted: zxids of a connection's replies never fall, and a node that was not
 * changed since it was made has one time.
 */
export function normalForm(
  exchanges: readonly Exchange[],
  { startedMs, endedMs }: { readonly startedMs: number; readonly endedMs: number },
): readonly NormalExchange[] {
  const form = new NormalForm(startedMs, endedMs);
  return exchanges.map((exchange) => ({
    number: exchange.number,
    on: exchange.on,
    said: exchange.said,
    got: form.frames(exchange),
  }));
}

class NormalForm {
  readonly #startedMs: number;
  readonly #endedMs: number;
  readonly #zxids = new Map<number, string>();
  readonly #sessions = new Map<bigint, { readonly name: string; readonly password: string }>();
  /** Of each connection's replies. */
  readonly #seen = new Map<string, number>();
  #newest = 0;

  constructor(startedMs: number, endedMs: number) {
    this.#startedMs = startedMs - CLOCK_SLACK_MS;
    this.#endedMs = endedMs + CLOCK_SLACK_MS;
  }

  frames(exchange: Exchange): readonly NormalFrame[] {
    // An event of a write comes before its answer, and has its zxid.
    for (const frame of exchange.got)
      if (frame.frame === 'reply' && isWrite(frame)) this.#zxid(frame.zxid, exchange.number);
    return exchange.got.map((frame) => this.#frame(frame, exchange));
  }

  #frame(frame: Frame, { on, number }: Exchange): NormalFrame {
    switch (frame.frame) {
      case 'connected': {
        const { protocolVersion, timeoutMs, sessionId, password, readOnly } = frame;
        const session = this.#session(sessionId, password, on);
        return {
          frame: 'connected',
          protocolVersion,
          timeoutMs,
          session,
          password: this.#password(password, sessionId),
          readOnly: readOnly ?? 'not said',
        };
      }
      case 'event': {
        const { zxid, error, type, state, path } = frame;
        const at = zxid > 0 ? (this.#zxids.get(zxid) ?? 'not seen before') : zxid;
        return { frame: 'event', zxid: at, error, type, state, path: path ?? null };
      }
      case 'reply': {
        const { xid, error, restBytes, body } = frame;
        const zxid = this.#headerZxid(frame, on);
        const rest = restBytes === 0 ? {} : { restBytes };
        if (body === undefined) return { frame: 'reply', xid, zxid, error, ...rest };
        return { frame: 'reply', xid, zxid, error, ...this.#body(body, number), ...rest };
      }
      case 'stray':
      case 'closed':
        return frame;
    }
  }

  #headerZxid(frame: Extract<Frame, { frame: 'reply' }>, on: string): NormalValue {
    const { zxid } = frame;
    if (zxid <= 0) return zxid;
    const seen = this.#seen.get(on) ?? 0;
    this.#seen.set(on, Math.max(seen, zxid));
    const isNew = zxid > this.#newest;
    this.#newest = Math.max(this.#newest, zxid);
    if (zxid < seen) return 'past';
    if (!isWrite(frame)) return 'current';
    return isNew ? 'new' : 'known';
  }

  #body(body: ReplyBody<ReadStat>, number: number): Record<string, NormalValue> {
    switch (body.kind) {
      case 'nothing':
        return {};
      case 'path':
        return { path: body.path };
      case 'pathAndStat':
        return { path: body.path, stat: this.#stat(body.stat, number) };
      case 'stat':
        return { stat: this.#stat(body.stat, number) };
      case 'data':
        return { data: normalData(body.data), stat: this.#stat(body.stat, number) };
      case 'acl':
        return {
          acl: body.acl.map(({ perms, scheme, id }) => `${scheme}:${id}:${perms}`),
          stat: this.#stat(body.stat, number),
        };
      case 'names':
        return { names: normalNames(body.names) };
      case 'namesAndStat':
        return { names: normalNames(body.names), stat: this.#stat(body.stat, number) };
      case 'number':
        return { number: body.number };
      case 'identities':
        return { identities: normalNames(body.identities.map(({ scheme, id }) => `${scheme}:${id}`)) };
      case 'token':
        return { token: normalData(body.token) };
      case 'multi':
        return { results: body.results.map((result) => this.#result(result, number)) };
    }
  }

  #result(
    result: Extract<ReplyBody<ReadStat>, { kind: 'multi' }>['results'][number],
    number: number,
  ): NormalValue {
    switch (result.kind) {
      case 'create':
        return { result: 'create', path: result.path };
      case 'create2':
        return { result: 'create2', path: result.path, stat: this.#stat(result.stat, number) };
      case 'setData':
        return { result: 'setData', stat: this.#stat(result.stat, number) };
      case 'getData':
        return { result: 'getData', data: normalData(result.data), stat: this.#stat(result.stat, number) };
      case 'getChildren':
        return { result: 'getChildren', names: normalNames(result.names) };
      case 'error':
        return { result: 'error', error: result.error };
      case 'delete':
      case 'check':
        return { result: result.kind };
    }
  }

  #stat(stat: ReadStat, number: number): NormalValue {
    const { czxid, mzxid, ctimeMs, mtimeMs, ephemeralOwner, pzxid, ...counts } = stat;
    if (czxid > 0 && czxid === mzxid && ctimeMs !== mtimeMs)
      throw new Error(`exchange ${number}: a node that was never changed was made at another time`);
    return {
      czxid: this.#zxid(czxid, number),
      mzxid: this.#zxid(mzxid, number),
      pzxid: this.#zxid(pzxid, number),
      ctime: this.#time(ctimeMs),
      mtime: this.#time(mtimeMs),
      ...counts,
      ephemeralOwner: this.#sessionName(ephemeralOwner),
    };
  }

  #zxid(zxid: number, number: number): NormalValue {
    if (zxid <= 0) return zxid;
    const known = this.#zxids.get(zxid);
    if (known !== undefined) return known;
    const name = `#${number}`;
    this.#zxids.set(zxid, name);
    return name;
  }

  #time(ms: number): NormalValue {
    return ms >= this.#startedMs && ms <= this.#endedMs ? 'now' : ms;
  }

  #session(id: bigint, password: Uint8Array, on: string): NormalValue {
    if (id !== 0n && !this.#sessions.has(id)) this.#sessions.set(id, { name: on, password: hex(password) });
    return this.#sessionName(id);
  }

  #sessionName(id: bigint): NormalValue {
    return id === 0n ? 0 : (this.#sessions.get(id)?.name ?? 'of nobody here');
  }

  /**
   * That of `sessionId`, where it is: ZooKeeper makes a password of the lower 48 bits of the session's id, so that sessions of
   * two servers that began in the same millisecond have one password.
   */
  #password(password: Uint8Array, sessionId: bigint): NormalValue {
    if (password.every((byte) => byte === 0)) return `${password.length} zeros`;
    const text = hex(password);
    const own = this.#sessions.get(sessionId);
    const owner =
      own?.password === text
        ? own
        : [...this.#sessions.values()].find((session) => session.password === text);
    return `${password.length} bytes of ${owner?.name ?? 'nobody here'}`;
  }
}

/** Whether it is answered by what it did. */
function isWrite({ opcode, body }: Extract<Frame, { frame: 'reply' }>): boolean {
  if (body === undefined || !WRITES.has(opcode)) return false;
  return (
    body.kind !== 'multi' || (body.results.length > 0 && body.results.every(({ kind }) => kind !== 'error'))
  );
}

function normalData(data: Uint8Array | undefined): NormalValue {
  if (data === undefined) return null;
  if (data.length > SHOWN_BYTES_MAX) return `${data.length} bytes`;
  const text = Buffer.from(data).toString('latin1');
  if (!text.startsWith('server.')) return text;
  return text.replace(/:\d{4,5}\b/g, ':PORT').replace(/version=[0-9a-f]+$/, 'version=V');
}

function normalNames(names: readonly string[]): NormalValue {
  return [...names].sort();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const WRITES: ReadonlySet<number> = new Set([
  OPCODE.create,
  OPCODE.create2,
  OPCODE.createContainer,
  OPCODE.createTtl,
  OPCODE.delete,
  OPCODE.setData,
  OPCODE.setAcl,
  OPCODE.multi,
  OPCODE.reconfig,
]);
/** Servers were started before. */
const CLOCK_SLACK_MS = 600_000;
const SHOWN_BYTES_MAX = 400;
