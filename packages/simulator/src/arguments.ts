import { parseSeed, type Seed } from './random.ts';

export const USAGE = `usage: npm run simulate -- --seed N [--trace]         replay one run; --trace prints every event
       npm run simulate -- --schedules K [--from N]   K runs with the seeds N, N + 1, … (N is 1 if not given)
       npm run simulate -- --mutants [--from N]       plant each known flaw and search for a run that shows it`;

export type SimulateRequest =
  | { readonly kind: 'one'; readonly seed: Seed; readonly trace: boolean }
  | { readonly kind: 'many'; readonly from: Seed; readonly schedules: number }
  | { readonly kind: 'mutants'; readonly from: Seed }
  /** Takes jobs from the process that forked this one. */
  | { readonly kind: 'worker' }
  | { readonly kind: 'wrong'; readonly message: string };

/** Strict: an option that is unknown, lacks its value or does not go with the others is `wrong`. */
export function parseArguments(words: readonly string[]): SimulateRequest {
  const values = new Map<string, string>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const takesValue = OPTIONS.get(word);
    if (takesValue === undefined) return wrong(`unknown option ${word}`);
    if (values.has(word)) return wrong(`${word} is given twice`);
    const value = takesValue ? words[++index] : '';
    if (value === undefined) return wrong(`${word} needs a value`);
    values.set(word, value);
  }
  try {
    return choose(values);
  } catch (error) {
    return wrong((error as RangeError).message);
  }
}

const OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ['--seed', true],
  ['--trace', false],
  ['--schedules', true],
  ['--from', true],
  ['--mutants', false],
  ['--worker', false],
]);

function choose(values: ReadonlyMap<string, string>): SimulateRequest {
  const has = (...names: readonly string[]): boolean =>
    [...values.keys()].every((name) => names.includes(name));
  const from = parseSeed(values.get('--from') ?? '1');
  const seed = values.get('--seed');
  const schedules = values.get('--schedules');
  if (seed !== undefined && has('--seed', '--trace')) {
    return { kind: 'one', seed: parseSeed(seed), trace: values.has('--trace') };
  }
  if (schedules !== undefined && has('--schedules', '--from')) {
    if (!/^[1-9]\d{0,8}$/.test(schedules)) return wrong(`--schedules takes a count, not ${schedules}`);
    return { kind: 'many', from, schedules: Number(schedules) };
  }
  if (values.has('--mutants') && has('--mutants', '--from')) return { kind: 'mutants', from };
  if (values.has('--worker') && has('--worker')) return { kind: 'worker' };
  return wrong('give one of --seed, --schedules and --mutants');
}

function wrong(message: string): SimulateRequest {
  return { kind: 'wrong', message };
}
