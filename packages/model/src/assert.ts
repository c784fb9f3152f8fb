/** A broken invariant. It ends the process: a stopped server is better than a forked history. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(rule: string, facts: Readonly<Record<string, unknown>>) {
    super(`${rule} (${describe(facts)})`);
    this.facts = facts;
  }
}

/**
 * Stays on in production. `rule` states what must hold ("zxid goes up"); `facts` are the values that
 * broke it. Throws {@link InvariantError}, which nobody may catch and pass over.
 */
export function assert(
  condition: boolean,
  rule: string,
  facts: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantError(rule, facts);
}

/** Ends a switch over every variant: a new variant becomes a compile error at each place that must decide. */
export function unreachable(variant: never): never {
  throw new InvariantError('every variant is handled', { variant });
}

function describe(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
