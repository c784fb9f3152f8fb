import type { NormalExchange, NormalFrame, NormalValue } from './conversation-normal-form.test-support.ts';

/** A field of one exchange that is not the same with both. */
export interface FieldDifference {
  readonly number: number;
  /** `connection: request`. */
  readonly request: string;
  /** `field: what ZooKeeper says → what Zabra says`. */
  readonly change: string;
}

/** A difference that is meant, with a row of its id in docs/zookeeper-differences.md. */
export interface ExpectedDifference {
  readonly id: string;
  /** Where it may show. */
  readonly requests: RegExp;
  readonly changes: RegExp;
  /** In how many exchanges it does. */
  readonly exchanges: number;
}

/** Every field that differs, in the order of the conversation. */
export function compare(
  real: readonly NormalExchange[],
  zabra: readonly NormalExchange[],
): readonly FieldDifference[] {
  const length = Math.max(real.length, zabra.length);
  return Array.from({ length }, (_, index) => {
    const [one, other] = [real[index], zabra[index]];
    const { number = index + 1, on = '?', said = '?' } = one ?? other ?? {};
    return differencesOf(one, other).map((change) => ({ number, request: `${on}: ${said}`, change }));
  }).flat();
}

export interface Judgement {
  /** What nothing explains, for people. */
  readonly unexplained: readonly string[];
  /** In how many exchanges each of the known ones shows. */
  readonly exchanges: Readonly<Record<string, number>>;
}

export function judge(
  differences: readonly FieldDifference[],
  known: readonly ExpectedDifference[],
): Judgement {
  const shown = new Map(known.map(({ id }) => [id, new Set<number>()]));
  const unexplained: string[] = [];
  for (const { number, request, change } of differences) {
    const reason = known.find(({ requests, changes }) => requests.test(request) && changes.test(change));
    if (reason === undefined) unexplained.push(`#${number} ${request}: ${change}`);
    else shown.get(reason.id)?.add(number);
  }
  const exchanges = Object.fromEntries([...shown].map(([id, numbers]) => [id, numbers.size]));
  return { unexplained, exchanges };
}

function fieldsThatDiffer(real: Fields, zabra: Fields): readonly string[] {
  const fields = [...new Set([...real.keys(), ...zabra.keys()])];
  return fields.flatMap((field) => {
    const [one, other] = [real.get(field) ?? 'nothing', zabra.get(field) ?? 'nothing'];
    return one === other ? [] : [`${field}: ${one} → ${other}`];
  });
}

type Fields = ReadonlyMap<string, string>;

/**
 * The fields of an exchange by name: those of its answer, those of its events. Where two answers are of different kinds,
 * an error and a success above all, that says it all: their bodies are then of no interest.
 */
function differencesOf(
  real: NormalExchange | undefined,
  zabra: NormalExchange | undefined,
): readonly string[] {
  const [one, other] = [outcomeOf(real), outcomeOf(zabra)];
  const outcome = fieldsThatDiffer(one, other);
  // Where the events are not the same, their zxids say nothing more.
  const events = fieldsThatDiffer(eventsOf(real), eventsOf(zabra)).slice(0, 1);
  if (outcome.length > 0) return [...outcome, ...events];
  return [...fieldsThatDiffer(answersOf(real), answersOf(zabra)), ...events];
}

function outcomeOf(exchange: NormalExchange | undefined): Fields {
  const outcomes = framesOf(exchange).flatMap((frame) => {
    if (frame.frame === 'event') return [];
    if (frame.frame !== 'reply') return [String(frame.frame)];
    return [frame.error === 0 ? 'done' : `error ${frame.error}`];
  });
  return new Map([
    ['said', exchange?.said ?? 'nothing'],
    ['answer', outcomes.length === 0 ? 'none' : outcomes.join(', ')],
  ]);
}

function eventsOf(exchange: NormalExchange | undefined): Fields {
  const events = framesOf(exchange).filter(({ frame }) => frame === 'event');
  return new Map([
    ['events', events.map(({ type, state, error, path }) => `${type} ${path} ${state} ${error}`).join(', ')],
    ['zxids of events', events.map(({ zxid }) => zxid).join(' ')],
  ]);
}

function answersOf(exchange: NormalExchange | undefined): Fields {
  const fields = new Map<string, string>();
  const visit = (value: NormalValue, name: string): void => {
    const inside = value === null || typeof value !== 'object' ? [] : Object.entries(value);
    if (inside.length === 0) fields.set(name, JSON.stringify(value));
    for (const [key, inner] of inside) visit(inner, name === '' ? key : `${name}.${key}`);
  };
  const answers = framesOf(exchange).filter(({ frame }) => frame !== 'event');
  for (const [index, answer] of answers.entries()) visit(answer, index === 0 ? '' : `then${index}`);
  return fields;
}

function framesOf(exchange: NormalExchange | undefined): readonly NormalFrame[] {
  return exchange?.got ?? [];
}
