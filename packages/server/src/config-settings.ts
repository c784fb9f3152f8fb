import { parseAddress } from './config-address.ts';
import { nearest } from './nearest.ts';

/** The configuration is refused: names the key, what was found, what is needed. The server does not start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Where a value stands: its path in the configuration, and who said it (a file, a variable, a flag). */
export interface Place {
  readonly path: string;
  originOf(path: string): string;
}

/** One value that can be configured. */
export interface Setting<T> {
  /** For people: "a whole number from 1 to 255". */
  readonly needs: string;
  /** Throws {@link ConfigError} unless the value is what is needed. */
  readonly parse: (value: unknown, at: Place) => T;
  /** What a file would have held: variables and flags speak text. Text that can't be read comes back as it is. */
  readonly fromText: (text: string) => unknown;
  /** What holds when nobody says anything; undefined when somebody has to. */
  readonly absent: { readonly value: T } | undefined;
}

/** A map of settings and of further maps, as the file nests them. */
export interface Schema {
  readonly [key: string]: Setting<unknown> | Schema;
}

export type Parsed<S> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : Parsed<S[K]>;
};

/** Reads a map strictly: every key is known, every value is what its setting needs. */
export function parseMap<S extends Schema>(schema: S, value: unknown, at: Place): Parsed<S> {
  if (!isMap(value)) throw fault(at, value, 'a map of keys');
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(schema, key)) throw unknownKey(schema, key, at);
  }
  const entries = Object.entries(schema).map(([key, entry]) => [
    key,
    parseEntry(entry, value[key], inside(at, key)),
  ]);
  // The entries were made from the schema's own keys, each by its own setting.
  return Object.fromEntries(entries) as Parsed<S>;
}

function parseEntry(entry: Setting<unknown> | Schema, value: unknown, at: Place): unknown {
  if (!isSetting(entry)) return parseMap(entry, value === undefined ? {} : value, at);
  if (value !== undefined) return entry.parse(value, at);
  if (entry.absent === undefined) {
    throw new ConfigError(`${at.originOf(at.path)}: "${at.path}" is missing; it needs ${entry.needs}`);
  }
  return entry.absent.value;
}

/** Every setting by its path, in the schema's order. */
export function settingsOf(schema: Schema, prefix = ''): ReadonlyMap<string, Setting<unknown>> {
  const settings = new Map<string, Setting<unknown>>();
  for (const [key, entry] of Object.entries(schema)) {
    const path = prefix + key;
    if (isSetting(entry)) settings.set(path, entry);
    else for (const [inner, setting] of settingsOf(entry, `${path}.`)) settings.set(inner, setting);
  }
  return settings;
}

/** The same setting, which nobody has to give. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
  return { ...setting, absent: { value: undefined } };
}

export function defaulting<T>(setting: Setting<T>, value: T): Setting<T> {
  return { ...setting, absent: { value } };
}

export function integer(range: { readonly min: number; readonly max: number }): Setting<number> {
  const needs = `a whole number from ${range.min} to ${range.max}`;
  return {
    needs,
    parse: (value, at) => {
      const isInside =
        typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max;
      if (!isInside) throw fault(at, value, needs);
      return value;
    },
    fromText: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
    absent: undefined,
  };
}

export function flag(): Setting<boolean> {
  const needs = 'true or false';
  return {
    needs,
    parse: (value, at) => {
      if (typeof value !== 'boolean') throw fault(at, value, needs);
      return value;
    },
    fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    absent: undefined,
  };
}

/** `needs` says it in words, `matches` decides. */
export function text(needs: string, matches: (value: string) => boolean): Setting<string> {
  return {
    needs,
    parse: (value, at) => {
      if (typeof value !== 'string' || !matches(value)) throw fault(at, value, needs);
      return value;
    },
    fromText: (given) => given,
    absent: undefined,
  };
}

/** A list of texts; a variable writes it with `;` between them. `needs` says it in words, `matches` decides on each. */
export function texts(needs: string, matches: (value: string) => boolean): Setting<readonly string[]> {
  return {
    needs,
    parse: (value, at) => {
      if (!Array.isArray(value)) throw fault(at, value, needs);
      return value.map((each: unknown, index) => {
        const place = { path: `${at.path}[${index}]`, originOf: () => at.originOf(at.path) };
        if (typeof each !== 'string' || !matches(each)) throw fault(place, each, needs);
        return each;
      });
    },
    fromText: (written) => (written === '' ? [] : written.split(';').map((each) => each.trim())),
    absent: undefined,
  };
}

/** `host:port`. `portMin` is 0 where the system may choose the port. */
export function address(portMin: 0 | 1): Setting<string> {
  return text(`host:port with a port from ${portMin} to 65535`, (value) => {
    const parsed = parseAddress(value);
    return parsed !== undefined && parsed.port >= portMin;
  });
}

/** A list of `host:port`; a variable writes it with `;` between them. */
export function addresses(portMin: 0 | 1): Setting<readonly string[]> {
  return texts(`a list of host:port, each with a port from ${portMin} to 65535`, (value) => {
    const parsed = parseAddress(value);
    return parsed !== undefined && parsed.port >= portMin;
  });
}

/** A list of maps. `fromText` says how a variable writes one. */
export function list<S extends Schema>(
  item: S,
  options: { readonly needs: string; readonly fromText: (text: string) => unknown },
): Setting<readonly Parsed<S>[]> {
  return {
    needs: options.needs,
    parse: (value, at) => {
      if (!Array.isArray(value) || value.length === 0) throw fault(at, value, options.needs);
      return value.map((each, index) =>
        parseMap(item, each, { path: `${at.path}[${index}]`, originOf: () => at.originOf(at.path) }),
      );
    },
    fromText: options.fromText,
    absent: undefined,
  };
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSetting(entry: Setting<unknown> | Schema): entry is Setting<unknown> {
  return typeof entry.parse === 'function';
}

function inside(at: Place, key: string): Place {
  return { path: at.path === '' ? key : `${at.path}.${key}`, originOf: at.originOf };
}

function fault(at: Place, found: unknown, needs: string): ConfigError {
  const subject = at.path === '' ? 'the configuration' : `"${at.path}"`;
  return new ConfigError(`${at.originOf(at.path)}: ${subject} is ${describe(found)}; it needs ${needs}`);
}

function unknownKey(schema: Schema, key: string, at: Place): ConfigError {
  const { path } = inside(at, key);
  const known = [...Object.keys(schema), ...settingsOf(schema).keys()];
  const suggestion = inside(
    at,
    nearest(key, known, (candidate) => candidate.slice(candidate.lastIndexOf('.') + 1)),
  ).path;
  return new ConfigError(`${at.originOf(path)}: unknown key "${path}"; did you mean "${suggestion}"?`);
}

const DESCRIPTION_LENGTH_MAX = 60;

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  const written = JSON.stringify(value);
  return written.length <= DESCRIPTION_LENGTH_MAX ? written : `${written.slice(0, DESCRIPTION_LENGTH_MAX)}…`;
}
