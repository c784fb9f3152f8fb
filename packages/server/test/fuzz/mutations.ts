import type { Random } from '../model/random-operations.ts';

/** What was done to a frame. */
export type Mutation =
  | 'none'
  | 'bits'
  | 'number'
  | 'length'
  | 'cut'
  | 'cut short'
  | 'grown'
  | 'spliced'
  | 'doubled'
  | 'random';

export interface Mutated {
  readonly mutation: Mutation;
  /** A frame, length included; or what is none any more. */
  readonly bytes: Buffer;
}

/** `frame` and `other` are whole frames. `framed`: lengths stay right, so that what is inside is looked at. */
export function mutated(random: Random, frame: Buffer, other: Buffer, framed: boolean): Mutated {
  const mutation = random.pick(framed ? WITHIN : ALL);
  return { mutation, bytes: MUTATORS[mutation](random, frame, other) };
}

/** A frame around it. */
export function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + body.length);
  frame.writeInt32BE(body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

const LENGTH_BYTES = 4;

type Mutator = (random: Random, frame: Buffer, other: Buffer) => Buffer;

/** Of the body of a frame, so that its length stays right. */
function within(change: (random: Random, body: Buffer, other: Buffer) => Buffer): Mutator {
  return (random, frame, other) =>
    framed(change(random, Buffer.from(frame.subarray(LENGTH_BYTES)), other.subarray(LENGTH_BYTES)));
}

const MUTATORS: Readonly<Record<Mutation, Mutator>> = {
  none: (_, frame) => frame,
  bits: within((random, body) => {
    for (let flips = 1 + random.below(4); flips > 0 && body.length > 0; flips--) {
      const at = random.below(body.length);
      body[at] = (body[at] ?? 0) ^ (1 << random.below(8));
    }
    return body;
  }),
  number: within((random, body) => {
    if (body.length >= 4) body.writeInt32BE(random.pick(NUMBERS), random.below(body.length - 3));
    return body;
  }),
  length: (random, frame) => {
    const changed = Buffer.from(frame);
    const { length } = frame;
    const near = length - LENGTH_BYTES;
    changed.writeInt32BE(random.pick([...NUMBERS, near - 1, near + 1, near + 4, near + random.below(200)]));
    return changed;
  },
  cut: within((random, body) => body.subarray(0, random.below(body.length + 1))),
  'cut short': (random, frame) => frame.subarray(0, random.below(frame.length)),
  grown: within((random, body) => {
    const at = random.below(body.length + 1);
    const more = Buffer.from(Array.from({ length: 1 + random.below(12) }, () => random.below(256)));
    return Buffer.concat([body.subarray(0, at), more, body.subarray(at)]);
  }),
  spliced: within((random, body, other) =>
    Buffer.concat([
      body.subarray(0, random.below(body.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]),
  ),
  doubled: (_, frame) => Buffer.concat([frame, frame]),
  random: within((random) => Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256)))),
};

const WITHIN: readonly Mutation[] = [
  'none',
  'none',
  'none',
  'none',
  'none',
  'none',
  'none',
  'none',
  'bits',
  'number',
  'number',
  'cut',
  'grown',
  'spliced',
  'random',
];
const ALL: readonly Mutation[] = [...WITHIN, 'none', 'none', 'none', 'length', 'cut short', 'doubled'];
/** Where programs that count with them go wrong. */
const NUMBERS: readonly number[] = [
  -(2 ** 31),
  2 ** 31 - 1,
  -1,
  -2,
  0,
  1,
  4 * 2 ** 20,
  4 * 2 ** 20 + 1,
  2 ** 24,
  16,
  255,
  65_536,
];
