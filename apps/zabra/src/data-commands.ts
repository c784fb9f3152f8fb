import type { Stat, ZooKeeper } from '@zabra/client';
import { EXIT, type ExitCode, Failure } from './exit-code.ts';
import { print } from './output.ts';
import { targets } from './targets.ts';

/** Where the ensemble is. */
export interface ServerFlags {
  readonly servers?: string;
  readonly data?: string;
}

/** `zabra ls`: the names of the children, one per line. */
export async function list(
  path: string,
  flags: ServerFlags & { readonly json?: boolean },
): Promise<ExitCode> {
  const names = await fresh(flags, path, (client) => client.children(path));
  await print(flags.json === true ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''));
  return EXIT.done;
}

/** `zabra get`: the data and nothing else. */
export async function get(path: string, flags: ServerFlags): Promise<ExitCode> {
  const { data } = await fresh(flags, path, (client) => client.get(path));
  await print(data);
  return EXIT.done;
}

/** `zabra stat`: what is known of a node beside its data. */
export async function stat(
  path: string,
  flags: ServerFlags & { readonly json?: boolean },
): Promise<ExitCode> {
  const found = await fresh(flags, path, (client) => client.exists(path));
  if (found === null) throw Object.assign(new Failure(`NO_NODE: stat ${path}`), { code: 'NO_NODE' });
  const shown = textOf(found);
  const lines = Object.entries(shown).map(([name, value]) => `${name.padEnd(NAME_WIDTH)}${value}\n`);
  await print(flags.json === true ? `${JSON.stringify(shown)}\n` : lines.join(''));
  return EXIT.done;
}

/** `zabra create`: prints the path made, which a sequential node gets only then. */
export async function create(
  path: string,
  data: string | undefined,
  flags: ServerFlags & { readonly sequential?: boolean; readonly parents?: boolean },
): Promise<ExitCode> {
  const bytes = await bytesOf(data ?? '');
  const made = await withClient(flags, (client) =>
    client.create(path, bytes, {
      mode: flags.sequential === true ? 'persistent-sequential' : 'persistent',
      parents: flags.parents === true,
    }),
  );
  await print(`${made.path}\n`);
  return EXIT.done;
}

/** `zabra set`: silent when done. */
export async function set(
  path: string,
  data: string,
  flags: ServerFlags & { readonly version?: number },
): Promise<ExitCode> {
  const bytes = await bytesOf(data);
  await withClient(flags, (client) => client.set(path, bytes, versionOf(flags)));
  return EXIT.done;
}

/** `zabra delete`: silent when done. */
export async function remove(
  path: string,
  flags: ServerFlags & { readonly version?: number; readonly recursive?: boolean },
): Promise<ExitCode> {
  await withClient(flags, (client) =>
    client.delete(path, { ...versionOf(flags), recursive: flags.recursive === true }),
  );
  return EXIT.done;
}

async function withClient<T>(flags: ServerFlags, work: (client: ZooKeeper) => Promise<T>): Promise<T> {
  const servers = targets(flags).map((target) => target.client);
  const { connect } = await import('@zabra/client');
  const client = await connect({ servers });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Reads after a sync: two commands in a row may meet two servers, and the second must see what the first one did. */
function fresh<T>(flags: ServerFlags, path: string, read: (client: ZooKeeper) => Promise<T>): Promise<T> {
  return withClient(flags, async (client) => {
    await client.sync(path);
    return read(client);
  });
}

function versionOf(flags: { readonly version?: number }): { readonly version?: number } {
  return flags.version === undefined ? {} : { version: flags.version };
}

/** `-` stands for standard input. */
async function bytesOf(written: string): Promise<Uint8Array> {
  if (written !== '-') return new TextEncoder().encode(written);
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const NAME_WIDTH = 16;

/** JSON has no 64-bit numbers: they are hexadecimal text, as zxids are written everywhere. */
function textOf(found: Stat): Readonly<Record<string, string | number>> {
  const entries = Object.entries(found).map(([name, value]: [string, bigint | Date | number]) => {
    if (typeof value === 'bigint') return [name, `0x${value.toString(16)}`];
    return [name, value instanceof Date ? value.toISOString() : value];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, string | number>>;
}
