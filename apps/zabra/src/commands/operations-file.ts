import type { Acl, CreateMode, Permission, Transaction } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';
import { parseAcl } from './acl-text.ts';

/** Adds one operation of a file to a transaction. */
export type Step = (transaction: Transaction) => void;

/**
 * Reads the operations of a transaction: a JSON array of `{ "op": "create", "path": "/a", "data": "…" }`. Strict: an
 * unknown operation, a key that it has not, or a value of the wrong kind is a usage failure that names the operation.
 */
export function readOperations(written: string): readonly Step[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(written);
  } catch (error) {
    throw new Failure(`the operations are no JSON: ${(error as Error).message}`, EXIT.usage);
  }
  if (!Array.isArray(parsed)) {
    throw new Failure('the operations are a JSON array: [{ "op": "create", "path": "/a" }, …]', EXIT.usage);
  }
  return parsed.map((one, index) => readOperation(new Fields(index, one)));
}

type Reader = (fields: Fields) => Step;

const READERS: Readonly<Record<string, Reader>> = {
  create: (fields) => {
    const path = fields.path();
    const data = fields.data();
    const mode = fields.choice('mode', MODES);
    const ttlMs = fields.number('ttlMs');
    const acl = fields.acl();
    return (transaction) =>
      transaction.create(path, data, {
        ...(mode === undefined ? {} : { mode }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
        ...(acl === undefined ? {} : { acl }),
      });
  },
  set: (fields) => {
    const path = fields.path();
    const data = fields.data();
    const version = fields.version();
    return (transaction) => transaction.set(path, data, version);
  },
  delete: (fields) => {
    const path = fields.path();
    const version = fields.version();
    return (transaction) => transaction.delete(path, version);
  },
  check: (fields) => {
    const path = fields.path();
    const version = fields.version();
    return (transaction) => transaction.check(path, version);
  },
  checkAbsent: (fields) => {
    const path = fields.path();
    return (transaction) => transaction.checkAbsent(path);
  },
  checkOwner: (fields) => {
    const path = fields.path();
    const session = fields.text('session');
    if (session !== undefined && !/^0x[0-9a-fA-F]+$/.test(session)) {
      throw fields.wrong('"session" is a session id in hexadecimal, as "0x1f"');
    }
    return (transaction) =>
      session === undefined ? transaction.checkOwner(path) : transaction.checkOwner(path, BigInt(session));
  },
};

const MODES = [
  'persistent',
  'persistent-sequential',
  'ephemeral',
  'ephemeral-sequential',
  'container',
  'ttl',
  'ttl-sequential',
] as const satisfies readonly CreateMode[];

function readOperation(fields: Fields): Step {
  const op = fields.text('op');
  const known = Object.keys(READERS);
  // A name of the object's prototype is no operation.
  const reader = op !== undefined && known.includes(op) ? READERS[op] : undefined;
  if (reader === undefined)
    throw fields.wrong(`"op" is one of ${known.join(', ')}, not ${JSON.stringify(op)}`);
  const step = reader(fields);
  fields.refuseUnread();
  return step;
}

/** The fields of one operation; each is read once, and what was never read is unknown. */
class Fields {
  readonly #index: number;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #read = new Set<string>();

  constructor(index: number, value: unknown) {
    this.#index = index;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.wrong('it is no object');
    this.#values = new Map(Object.entries(value));
  }

  wrong(reason: string): Failure {
    return new Failure(`operation ${this.#index}: ${reason}`, EXIT.usage);
  }

  path(): string {
    const path = this.text('path');
    if (path === undefined) throw this.wrong('it needs a "path"');
    return path;
  }

  data(): string | Uint8Array {
    const text = this.text('data');
    const base64 = this.text('dataBase64');
    if (text !== undefined && base64 !== undefined) throw this.wrong('it has either "data" or "dataBase64"');
    return base64 === undefined ? (text ?? '') : Buffer.from(base64, 'base64');
  }

  version(): { readonly version?: number } {
    const version = this.number('version');
    return version === undefined ? {} : { version };
  }

  /** As text, or as getacl prints it in JSON. */
  acl(): readonly Acl[] | undefined {
    const value = this.#take('acl');
    if (value === undefined) return undefined;
    if (typeof value === 'string') return parseAcl(value);
    if (Array.isArray(value) && value.every(isAcl)) return value;
    throw this.wrong('"acl" is "scheme:id:crwda,…" or [{ "scheme", "id", "perms": ["read", …] }]');
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    throw this.wrong(`"${name}" is text, not ${JSON.stringify(value)}`);
  }

  number(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
    throw this.wrong(`"${name}" is a whole number, not ${JSON.stringify(value)}`);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    const choice = choices.find((one) => one === value);
    if (choice === value) return choice;
    throw this.wrong(`"${name}" is one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
  }

  refuseUnread(): void {
    const unknown = [...this.#values.keys()].find((name) => !this.#read.has(name));
    if (unknown === undefined) return;
    throw this.wrong(`unknown key "${unknown}"; it has ${[...this.#read].join(', ')}`);
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#values.get(name);
  }
}

const PERMISSIONS: ReadonlySet<unknown> = new Set<Permission>(['read', 'write', 'create', 'delete', 'admin']);

function isAcl(value: unknown): value is Acl {
  if (typeof value !== 'object' || value === null) return false;
  const { scheme, id, perms } = value as Readonly<Record<string, unknown>>;
  const arePermissions =
    perms === 'all' || (Array.isArray(perms) && perms.every((one) => PERMISSIONS.has(one)));
  return typeof scheme === 'string' && typeof id === 'string' && arePermissions;
}
