import { readFile } from 'node:fs/promises';
import { EXIT, Failure } from './exit-code.ts';

/** Where the values of a server come from, as the command line says it. */
export interface ConfigFlags {
  readonly config?: string;
  readonly set: readonly string[];
}

/** Reads a YAML file whole. A file that can't be read or is no YAML is a fault of the configuration. */
export async function readConfigFile(
  path: string,
): Promise<{ readonly source: string; readonly raw: unknown }> {
  const written = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(
      `${path}: can't be read (${error.code}); give a readable file with --config`,
      EXIT.configuration,
    );
  });
  const { parse } = await import('yaml');
  try {
    return { source: path, raw: parse(written) };
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new Failure(`${path}: is no YAML: ${reason}`, EXIT.configuration);
  }
}
