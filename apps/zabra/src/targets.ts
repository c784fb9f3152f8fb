import { ensembleDirectory, readState } from './ensemble-state.ts';
import { EXIT, Failure } from './exit-code.ts';

/** A server to talk to. */
export interface Target {
  /** Null where only the address is known. */
  readonly id: number | null;
  readonly client: string;
}

/** `--servers`, else ZABRA_SERVERS, else the local ensemble in the directory. */
export function targets(flags: { readonly servers?: string; readonly data?: string }): readonly Target[] {
  const named = flags.servers ?? (flags.data === undefined ? process.env.ZABRA_SERVERS : undefined);
  if (named !== undefined) return fromList(named);
  const directory = ensembleDirectory(flags.data);
  const state = readState(directory);
  if (state === undefined) {
    throw new Failure(
      `there is no ensemble in ${directory}; start one with \`zabra up\`, or name its servers with --servers HOST:PORT,… or ZABRA_SERVERS`,
    );
  }
  return state.servers;
}

function fromList(written: string): readonly Target[] {
  return written.split(',').map((address) => {
    const client = address.trim();
    if (!/^[^\s/]+:\d{1,5}$/.test(client)) {
      throw new Failure(
        `"${client}" is no server; --servers and ZABRA_SERVERS need HOST:PORT,HOST:PORT,…`,
        EXIT.usage,
      );
    }
    return { id: null, client };
  });
}
