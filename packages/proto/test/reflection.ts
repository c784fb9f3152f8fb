import { hash } from 'node:crypto';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { loadProtos } from '../scripts/schema.ts';
import { PROTOS_DIR } from '../scripts/sources.ts';
import * as proto from '../src/index.ts';

/** A message as our codecs have it, seen without its type. */
export type Value = { readonly kind?: unknown; readonly [field: string]: unknown };

export interface Codec {
  readonly name: string;
  readonly type: protobuf.Type;
  readonly encode: (value: Value) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Value;
}

/** Every message of every proto file, with the codec that the package exports for it. */
export const CODECS: readonly Codec[] = loadProtos(PROTOS_DIR)
  .nestedArray.filter((object) => object instanceof protobuf.Type)
  .map((type) => {
    const exported = proto as unknown as Readonly<Record<string, unknown>>;
    return {
      name: type.name,
      type,
      encode: exported[`encode${type.name}`] as Codec['encode'],
      decode: exported[`decode${type.name}`] as Codec['decode'],
    };
  });

/** Any value of the message, by its reflected fields: what is added to a proto is covered at once. */
export function anyValue(type: protobuf.Type): fc.Arbitrary<Value> {
  const variants = type.fieldsArray.filter(isVariant);
  const common = type.fieldsArray
    .filter((field) => !isVariant(field))
    .map((field) => [field.name, fieldOf(field)]);
  const record = (more: { readonly [field: string]: fc.Arbitrary<unknown> }): fc.Arbitrary<Value> =>
    fc.record({ ...Object.fromEntries(common), ...more }, { noNullPrototype: true });
  if (variants.length === 0) return record({});
  return fc.oneof(
    ...variants.map((field) => record({ kind: fc.constant(field.name), [field.name]: elementOf(field) })),
  );
}

/** Our value as protobufjs takes it: enums as numbers, absent fields left out. */
export function toTheirs(type: protobuf.Type, value: Value): { [field: string]: unknown } {
  const present = type.fieldsArray.filter((field) => value[field.name] !== undefined);
  return Object.fromEntries(
    present.map((field) => [field.name, each(field, value[field.name], elementToTheirs)]),
  );
}

/** A message that protobufjs decoded as our value. */
export function toOurs(type: protobuf.Type, message: Value): Value {
  const present = type.fieldsArray.filter((field) => !isVariant(field) || message.kind === field.name);
  const value = Object.fromEntries(
    present.map((field) => {
      const absent = field.hasPresence && !field.repeated && !Object.hasOwn(message, field.name);
      return [field.name, absent ? undefined : each(field, message[field.name], elementToOurs)];
    }),
  );
  return type.fieldsArray.some(isVariant) ? { ...value, kind: message.kind } : value;
}

/** The same seed for the same message on every run, another one for each. */
export function seedOf(name: string): number {
  return Number.parseInt(hash('sha1', name).slice(0, 7), 16);
}

/** What became of the bytes: in hex those of the message that was read, or the words of the DecodeError. */
export function outcomeOf({ encode, decode }: Codec, bytes: Uint8Array): string {
  try {
    return hex(encode(decode(bytes)));
  } catch (error) {
    if (error instanceof proto.DecodeError) return error.message;
    throw error;
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function isVariant(field: protobuf.Field): boolean {
  return field.partOf !== null && !field.partOf.isProto3Optional;
}

function fieldOf(field: protobuf.Field): fc.Arbitrary<unknown> {
  if (field.repeated) return fc.array(elementOf(field), { maxLength: 4 });
  return field.hasPresence ? fc.option(elementOf(field), { nil: undefined }) : elementOf(field);
}

function elementOf({ resolvedType, type }: protobuf.Field): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return anyValue(resolvedType);
  if (resolvedType instanceof protobuf.Enum) {
    return fc.constantFrom(
      ...Object.keys(resolvedType.values).filter((name) => !name.endsWith('_UNSPECIFIED')),
    );
  }
  const scalar = SCALARS[type];
  if (scalar === undefined) throw new Error(`no arbitrary for ${type}`);
  return scalar;
}

const UINT32 = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 0xffff_ffff }),
  fc.constantFrom(0x7fff_ffff, 0xffff_ffff),
);

const SCALARS: { readonly [type: string]: fc.Arbitrary<unknown> } = {
  fixed64: fc.oneof(
    fc.nat({ max: 300 }),
    fc.maxSafeNat(),
    fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
  ),
  fixed32: UINT32,
  uint32: UINT32,
  bool: fc.boolean(),
  double: fc.double(),
  string: fc.oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    fc.string({ unit: 'grapheme-ascii', minLength: 60, maxLength: 200 }),
    fc.string({ unit: 'binary', maxLength: 80 }),
  ),
  bytes: fc.uint8Array({ maxLength: 200 }),
};

function each(
  field: protobuf.Field,
  value: unknown,
  convert: (field: protobuf.Field, one: unknown) => unknown,
): unknown {
  return field.repeated ? (value as unknown[]).map((one) => convert(field, one)) : convert(field, value);
}

function elementToTheirs({ resolvedType }: protobuf.Field, value: unknown): unknown {
  if (resolvedType instanceof protobuf.Type) return toTheirs(resolvedType, value as Value);
  return resolvedType instanceof protobuf.Enum ? resolvedType.values[value as string] : value;
}

function elementToOurs({ resolvedType, type }: protobuf.Field, value: unknown): unknown {
  if (resolvedType instanceof protobuf.Type) return toOurs(resolvedType, value as Value);
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[value as number];
  if (type === 'fixed64') return Number(value);
  return type === 'bytes' ? Uint8Array.from(value as Uint8Array) : value;
}
