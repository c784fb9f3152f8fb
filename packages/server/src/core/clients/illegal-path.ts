import { pathFault, type Refusal, refusal } from '@zabra/model';

/** The refusal of a path that breaks the rules of names; undefined when it is legal. `sequential`: as in {@link pathFault}. */
export function illegalPath(
  path: string,
  options: { readonly sequential?: boolean } = {},
): Refusal | undefined {
  const fault = pathFault(path, options);
  return fault === undefined ? undefined : refusal('INVALID_PATH', `${shown(path)}: ${fault}`);
}

/** Whoever sends a path of megabytes knows it. */
function shown(path: string): string {
  return path.length <= SHOWN_LENGTH_MAX ? path : `${path.slice(0, SHOWN_LENGTH_MAX)}…`;
}

const SHOWN_LENGTH_MAX = 200;
