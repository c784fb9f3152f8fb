/** What the command tells the shell; documented in docs/configuration.md. */
export const EXIT = { done: 0, failed: 1, usage: 2, configuration: 78 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The operation failed for a reason that the message tells a person, with the way out. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Errors are known by `name` and `code`, since the packages that throw them are loaded only when needed. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Failure) return error.exitCode;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === 'ConfigError') return EXIT.configuration;
  if (name === 'DataDirectoryError' && WRONG_DIRECTORY.has(String(code))) return EXIT.configuration;
  return EXIT.failed;
}

/** The configuration points to the wrong place. A damaged directory is the right one: that is a failure. */
const WRONG_DIRECTORY: ReadonlySet<string> = new Set(['OTHER_CLUSTER', 'OTHER_SERVER', 'NEWER_FORMAT']);

/** One line that names what happened, and one with the way out where the error itself doesn't say it. */
export function explain(error: unknown): string {
  const { message, hint } = diagnose(error);
  return `zabra: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`;
}

/** What happened, and the way out where the message itself doesn't say it. */
export function diagnose(error: unknown): { readonly message: string; readonly hint: string | undefined } {
  if (!(error instanceof Error)) return { message: String(error), hint: undefined };
  const { code, outcome } = error as { readonly code?: unknown; readonly outcome?: unknown };
  return { message: error.message, hint: outcome === 'unknown' ? MAYBE_APPLIED : HINTS[String(code)] };
}

const MAYBE_APPLIED = 'the write may have happened: look before you repeat it';

const HINTS: Readonly<Record<string, string>> = {
  NO_NODE: 'create it with `zabra create PATH DATA`; missing parents come with --parents',
  NODE_EXISTS: 'change it with `zabra set PATH DATA`',
  NOT_EMPTY: 'delete what is below it too with --recursive',
  BAD_VERSION: 'somebody changed it: `zabra stat PATH` shows the version it has now',
  NO_AUTH: '`zabra whoami` shows whom the ensemble takes you for; --auth or ZABRA_AUTH proves more',
  INVALID_ACL: 'an entry is scheme:id:crwda, as world:anyone:r or auth::crwda behind --auth',
  QUOTA_EXCEEDED: '`zabra listquota PATH` shows a limit, `zabra setquota` changes it',
  UNREACHABLE: 'is an ensemble running? `zabra status` shows it, `zabra up` starts one',
  CONNECTION_LOSS: '`zabra status` shows whether there is a leader',
  REQUEST_TIMEOUT: '`zabra status` shows whether there is a leader',
};
