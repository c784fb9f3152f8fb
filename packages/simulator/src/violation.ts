/** A rule of the service that a run has broken. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: string;

  constructor(rule: string, facts: Readonly<Record<string, unknown>> = {}) {
    const described = Object.entries(facts).map(([name, value]) => `${name}: ${describe(value)}`);
    super(described.length === 0 ? rule : `${rule} (${described.join(', ')})`);
    this.rule = rule;
  }
}

/** `rule` states what must hold; throws {@link Violation} with the facts that broke it. */
export function demand(
  condition: boolean,
  rule: string,
  facts: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new Violation(rule, facts);
}

/** Facts are given raw, since most of them are never printed. Numbers of that size are zxids and session ids. */
function describe(value: unknown): string {
  return typeof value === 'number' && value >= 2 ** 32 ? `0x${value.toString(16)}` : String(value);
}
