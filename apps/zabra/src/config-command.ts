import type { ResolvedConfig } from '@zabra/server';
import { type ConfigFlags, readConfigFile } from './config-file.ts';
import { serverEnvironment } from './connection.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { print, table } from './output.ts';

/** File, environment and flags put together. Throws what says which value is wrong. */
export async function loadConfig(flags: ConfigFlags): Promise<ResolvedConfig> {
  const file = flags.config === undefined ? undefined : await readConfigFile(flags.config);
  const { resolveConfig } = await import('@zabra/server');
  return resolveConfig({ file, environment: serverEnvironment(), assignments: flags.set });
}

/** `zabra config`: each value that a server would start with, and who said it. */
export async function showConfig(flags: ConfigFlags & { readonly json?: boolean }): Promise<ExitCode> {
  const { settings } = await loadConfig(flags);
  if (flags.json === true) {
    const byPath = settings.map(({ path, value, origin }) => [path, { value: value ?? null, origin }]);
    await print(`${JSON.stringify(Object.fromEntries(byPath), undefined, 2)}\n`);
  } else {
    const rows = settings.map(({ path, value, origin }) => [path, JSON.stringify(value) ?? '-', origin]);
    await print(table([['KEY', 'VALUE', 'ORIGIN'], ...rows]));
  }
  return EXIT.done;
}
