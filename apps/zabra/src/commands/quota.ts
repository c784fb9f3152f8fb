import type { Quota, QuotaLimits } from '@zabra/client';
import { EXIT, Failure } from '../exit-code.ts';
import { type DataCommand, type OptionSpec, PATH_ARGUMENT } from './command.ts';
import { rows } from './node-text.ts';

type Limit = keyof QuotaLimits;

/** zkCli's letters: small ones warn, capital ones refuse. */
const LIMITS: readonly { readonly letter: string; readonly limit: Limit; readonly about: string }[] = [
  { letter: 'n', limit: 'countSoft', about: 'nodes beyond which the servers warn' },
  { letter: 'b', limit: 'bytesSoft', about: 'bytes of data beyond which the servers warn' },
  { letter: 'N', limit: 'count', about: 'nodes beyond which writes are refused' },
  { letter: 'B', limit: 'bytes', about: 'bytes of data beyond which writes are refused' },
];
const OPTION_NAME: Readonly<Record<Limit, string>> = {
  countSoft: 'count-soft',
  bytesSoft: 'bytes-soft',
  count: 'count',
  bytes: 'bytes',
};
const COUNT = {
  kind: 'number',
  label: 'n',
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  minusOne: 'none',
} as const;

const LIMIT_OPTIONS: readonly OptionSpec[] = LIMITS.map(({ letter, limit, about }) => ({
  name: OPTION_NAME[limit],
  letter,
  about,
  takes: COUNT,
}));

/** Keeps the limits that are not named, as zkCli does. Silent when done. */
export const setQuota: DataCommand = {
  name: 'setquota',
  about: 'limit the nodes and bytes at and below a node',
  arguments: [PATH_ARGUMENT],
  options: LIMIT_OPTIONS,
  run: async (given, { client, signal }) => {
    const { path } = given;
    const changed = LIMITS.flatMap(({ limit }) => {
      const value = given.number(OPTION_NAME[limit]);
      return value === undefined ? [] : [[limit, value] as const];
    });
    if (changed.length === 0) throw new Failure(`setquota needs a limit: ${LETTERS}`, EXIT.usage);
    const limits = { ...limitsOf(await client.getQuota(path, { signal })) };
    for (const [limit, value] of changed) {
      if (value < 0) delete limits[limit];
      else limits[limit] = value;
    }
    await client.setQuota(path, limits, { signal });
    return { text: '', json: { path, ...limitsJson(limits) } };
  },
};

/** The limits and what is used of them. */
export const listQuota: DataCommand = {
  name: 'listquota',
  about: 'show the limits of a node, and what is used of them',
  arguments: [PATH_ARGUMENT],
  options: [],
  reads: true,
  run: async (given, { client, signal }) => {
    const { path } = given;
    const quota = await client.getQuota(path, { signal });
    if (quota === null) {
      throw new Failure(`${path} has no quota of its own; \`zabra setquota\` gives it one`);
    }
    const limits = limitsJson(limitsOf(quota));
    const shown = Object.entries(limits).map(([limit, value]) => [limit, value ?? 'none']);
    const { count, bytes } = quota.used;
    return {
      text: rows({ ...Object.fromEntries(shown), usedCount: count, usedBytes: bytes }),
      json: { path, ...limits, used: { count, bytes } },
    };
  },
};

/** Of the named limits, or of all. Silent when done. */
export const deleteQuota: DataCommand = {
  name: 'delquota',
  about: 'remove the limits of a node: those named, or all',
  arguments: [PATH_ARGUMENT],
  options: LIMIT_OPTIONS.map(({ name, letter, about }) => ({
    name,
    about: `only: ${about}`,
    ...(letter === undefined ? {} : { letter }),
  })),
  run: async (given, { client, signal }) => {
    const { path } = given;
    const named = LIMITS.filter(({ limit }) => given.has(OPTION_NAME[limit])).map(({ limit }) => limit);
    const limits = { ...limitsOf(await client.getQuota(path, { signal })) };
    for (const limit of named) delete limits[limit];
    const isLeft = named.length > 0 && Object.keys(limits).length > 0;
    if (isLeft) await client.setQuota(path, limits, { signal });
    else await client.deleteQuota(path, { signal });
    return { text: '', json: { path, ...limitsJson(isLeft ? limits : {}) } };
  },
};

const LETTERS = LIMITS.map(({ letter, limit }) => `-${letter} (--${OPTION_NAME[limit]})`).join(', ');

type Limits = { [limit in Limit]?: number };

function limitsOf(quota: Quota | null): Limits {
  if (quota === null) return {};
  return Object.fromEntries(
    LIMITS.flatMap(({ limit }) => (quota[limit] === null ? [] : [[limit, quota[limit]] as const])),
  );
}

function limitsJson(limits: Limits): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    ['count', 'bytes', 'countSoft', 'bytesSoft'].map((limit) => [limit, limits[limit as Limit] ?? null]),
  );
}
