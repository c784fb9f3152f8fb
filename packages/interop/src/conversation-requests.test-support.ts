import {
  CREATE_FLAGS,
  type CreateOpcode,
  type JuteRequest,
  JuteWriter,
  type MultiOperation,
  OPCODE,
  type ReadRequest,
} from '@zabra/jute';
import { ACL_OPEN, type Acl } from '@zabra/model';

/** What of a create is not as usual. Data and lists that are null are said as `undefined`. */
export interface CreateSaid {
  readonly data?: string | Uint8Array | undefined;
  readonly acl?: readonly Acl[] | undefined;
  /** A kind of node, or a number that is none. */
  readonly mode?: keyof typeof CREATE_FLAGS | number;
  readonly ttlMs?: number;
}

type Created = Extract<MultiOperation, { kind: 'create' }>;

export const create = (path: string | undefined, said: CreateSaid = {}): Created =>
  createBy(OPCODE.create, path, said);
export const create2 = (path: string | undefined, said: CreateSaid = {}): Created =>
  createBy(OPCODE.create2, path, said);
export const createContainer = (path: string | undefined, said: CreateSaid = {}): Created =>
  createBy(OPCODE.createContainer, path, { mode: 'container', ...said });
export const createTtl = (path: string | undefined, said: CreateSaid = {}): Created =>
  createBy(OPCODE.createTtl, path, { mode: 'ttl', ttlMs: 3_600_000, ...said });

function createBy(opcode: CreateOpcode, path: string | undefined, said: CreateSaid): Created {
  const { mode = 'persistent' } = said;
  return {
    kind: 'create',
    opcode,
    path,
    data: 'data' in said ? bytesOf(said.data) : NO_BYTES,
    acl: 'acl' in said ? said.acl : ACL_OPEN,
    flags: typeof mode === 'number' ? mode : CREATE_FLAGS[mode],
    ttlMs: said.ttlMs ?? -1,
  };
}

type Said<K extends JuteRequest['kind']> = Extract<JuteRequest, { kind: K }>;

/** `version` of these is -1, any, where it is not said. */
export const remove = (path: string | undefined, version = -1): Said<'delete'> => ({
  kind: 'delete',
  path,
  version,
});
export const check = (path: string | undefined, version = -1): Said<'check'> => ({
  kind: 'check',
  path,
  version,
});
export const setData = (
  path: string | undefined,
  data: string | Uint8Array | undefined,
  version = -1,
): Said<'setData'> => ({ kind: 'setData', path, data: bytesOf(data), version });
export const setAcl = (
  path: string | undefined,
  acl: readonly Acl[] | undefined,
  version = -1,
): Said<'setAcl'> => ({ kind: 'setAcl', path, acl, version });

/** To be said as the last argument of a read. */
export const WATCH = true;
export const exists = (path: string | undefined, watch = false): ReadRequest => ({
  kind: 'exists',
  path,
  watch,
});
export const getData = (path: string | undefined, watch = false): ReadRequest => ({
  kind: 'getData',
  path,
  watch,
});
export const getChildren = (path: string | undefined, watch = false): ReadRequest => ({
  kind: 'getChildren',
  path,
  watch,
});
export const getChildren2 = (path: string | undefined, watch = false): ReadRequest => ({
  kind: 'getChildren2',
  path,
  watch,
});
export const getAcl = (path: string | undefined): JuteRequest => ({ kind: 'getAcl', path });
export const sync = (path: string | undefined): JuteRequest => ({ kind: 'sync', path });
export const getAllChildrenNumber = (path: string | undefined): JuteRequest => ({
  kind: 'getAllChildrenNumber',
  path,
});
export const getEphemerals = (prefix: string | undefined): JuteRequest => ({ kind: 'getEphemerals', prefix });
export const whoAmI: JuteRequest = { kind: 'whoAmI' };
export const ping: JuteRequest = { kind: 'ping' };
export const closeSession: JuteRequest = { kind: 'closeSession' };

export const multi = (...operations: readonly MultiOperation[]): JuteRequest => ({
  kind: 'multi',
  operations,
});
export const multiRead = (...operations: readonly MultiOperation[]): JuteRequest => ({
  kind: 'multiRead',
  operations,
});

export const auth = (scheme: string | undefined, credentials: string | undefined): JuteRequest => ({
  kind: 'auth',
  scheme,
  credentials: bytesOf(credentials),
});
export const sasl = (token: string | undefined): JuteRequest => ({ kind: 'sasl', token: bytesOf(token) });

export const addWatch = (path: string | undefined, mode: number): JuteRequest => ({
  kind: 'addWatch',
  path,
  mode,
});
export const checkWatches = (path: string | undefined, type: number): JuteRequest => ({
  kind: 'checkWatches',
  path,
  type,
});
export const removeWatches = (path: string | undefined, type: number): JuteRequest => ({
  kind: 'removeWatches',
  path,
  type,
});

export type WatchLists = Partial<
  Record<'data' | 'exist' | 'child' | 'persistent' | 'persistentRecursive', readonly string[]>
>;
export const setWatches = (relativeZxid: number, lists: WatchLists): JuteRequest => ({
  ...NO_WATCHES,
  ...lists,
  kind: 'setWatches',
  relativeZxid,
});
export const setWatches2 = (relativeZxid: number, lists: WatchLists): JuteRequest => ({
  ...NO_WATCHES,
  ...lists,
  kind: 'setWatches2',
  relativeZxid,
});

export const reconfig = (
  said: Partial<Record<'joining' | 'leaving' | 'newMembers', string>>,
  fromVersion = -1,
): JuteRequest => ({
  kind: 'reconfig',
  joining: said.joining,
  leaving: said.leaving,
  newMembers: said.newMembers,
  fromVersion,
});

/** The bytes of a record that may be none. */
export function record(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter();
  write(writer);
  return Buffer.concat(writer.take());
}

/** How a request reads in the record of a conversation. */
export function textOf(request: JuteRequest): string {
  const { kind, ...fields } = request;
  const name = request.kind === 'create' ? CREATE_NAMES[request.opcode] : kind;
  const said = Object.entries(fields).flatMap(([field, value]) => {
    const isUsual =
      field === 'opcode' || (field === 'ttlMs' && value === -1) || (field === 'watch' && value === false);
    // Both differ between two runs, and both are told by the replies before.
    if (field === 'relativeZxid') return [];
    return isUsual ? [] : [field === 'path' ? textOfValue(value) : `${field}=${textOfValue(value)}`];
  });
  return [name, ...said].join(' ');
}

function textOfValue(value: unknown): string {
  if (value === undefined) return 'null';
  if (value instanceof Uint8Array) return textOfString(Buffer.from(value).toString('latin1'));
  if (typeof value === 'string') return textOfString(value);
  if (Array.isArray(value)) return `[${value.map(textOfElement).join(', ')}]`;
  return String(value);
}

function textOfElement(element: JuteRequest | Acl | string): string {
  if (typeof element === 'string') return textOfString(element);
  return 'kind' in element ? textOf(element) : `${element.scheme}:${element.id}:${element.perms}`;
}

function textOfString(text: string): string {
  const shown = JSON.stringify(text).replace(/[\u007f-\uffff]/g, escaped);
  return shown.length <= SHOWN_LENGTH_MAX ? shown : `${shown.slice(0, 20)}…" of ${text.length}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function bytesOf(data: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

const CREATE_NAMES: Readonly<Record<CreateOpcode, string>> = {
  [OPCODE.create]: 'create',
  [OPCODE.create2]: 'create2',
  [OPCODE.createContainer]: 'createContainer',
  [OPCODE.createTtl]: 'createTtl',
};
const NO_WATCHES = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] } as const;
const NO_BYTES = new Uint8Array(0);
const SHOWN_LENGTH_MAX = 120;
