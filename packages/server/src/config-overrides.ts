import { ConfigError, type Setting } from './config-settings.ts';
import { nearest } from './nearest.ts';

/** A value that doesn't come from the file. */
export interface Override {
  readonly path: string;
  readonly value: unknown;
  /** The variable's name, or the flag's. */
  readonly origin: string;
}

type Settings = ReadonlyMap<string, Setting<unknown>>;

/** `timing.heartbeatMs` is set by ZABRA_TIMING_HEARTBEAT_MS. */
export function variableOf(path: string): string {
  return `ZABRA_${path
    .replace(/\./g, '_')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
}

/** Read by the commands, not by a server. */
const COMMAND_VARIABLES: ReadonlySet<string> = new Set(['ZABRA_SERVERS', 'ZABRA_DATA', 'ZABRA_AUTH']);
/** Set by Kubernetes for every service whose name begins with `zabra`. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/;

/** Every variable named ZABRA_… counts; one that names no setting is refused. */
export function fromEnvironment(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Override[] {
  const pathOf = new Map([...settings.keys()].map((path) => [variableOf(path), path]));
  const overrides: Override[] = [];
  for (const [variable, written] of Object.entries(environment)) {
    if (written === undefined || !variable.startsWith('ZABRA_')) continue;
    const path = pathOf.get(variable);
    if (path !== undefined)
      overrides.push({ path, value: settings.get(path)?.fromText(written), origin: variable });
    else if (!COMMAND_VARIABLES.has(variable) && !SERVICE_LINK.test(variable)) {
      const suggestion = nearest(variable, [...pathOf.keys()], (candidate) => candidate);
      throw new ConfigError(`environment: unknown variable ${variable}; did you mean ${suggestion}?`);
    }
  }
  return overrides;
}

/** Each is `KEY=VALUE`, from the flag `--set`. */
export function fromAssignments(settings: Settings, assignments: readonly string[]): readonly Override[] {
  return assignments.map((assignment) => {
    const equals = assignment.indexOf('=');
    const path = assignment.slice(0, equals);
    if (equals <= 0)
      throw new ConfigError(`--set: "${assignment}" needs the form KEY=VALUE, as timing.heartbeatMs=500`);
    const setting = settings.get(path);
    if (setting === undefined) {
      const suggestion = nearest(path, [...settings.keys()], (known) =>
        known.slice(known.lastIndexOf('.') + 1),
      );
      throw new ConfigError(`--set: unknown key "${path}"; did you mean "${suggestion}"?`);
    }
    return { path, value: setting.fromText(assignment.slice(equals + 1)), origin: '--set' };
  });
}
