import protobuf from 'protobufjs';

/** One `.proto` file as the emitter needs it. */
export interface ProtoFile {
  /** `model` of `zabra/v1/model.proto`. */
  readonly name: string;
  readonly enums: readonly ProtoEnum[];
  readonly messages: readonly ProtoMessage[];
}

export interface ProtoEnum {
  readonly name: string;
  readonly comment: string | undefined;
  /** By value name. */
  readonly comments: { readonly [value: string]: string | undefined };
  /** Value names by number; undefined where there is none, and for a 0 that stands for "unspecified". */
  readonly values: readonly (string | undefined)[];
}

export interface ProtoMessage {
  readonly name: string;
  /** With its package: `zabra.v1.Stat`. */
  readonly fullName: string;
  readonly comment: string | undefined;
  /** By number. */
  readonly fields: readonly ProtoField[];
}

export type Scalar = 'fixed64' | 'fixed32' | 'uint32' | 'bool' | 'double' | 'string' | 'bytes';

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  /** `zero`: 0 is one of the values. */
  | { readonly kind: 'enum'; readonly name: string; readonly file: string; readonly zero: string | undefined }
  | { readonly kind: 'message'; readonly name: string; readonly file: string };

export interface ProtoField {
  /** In camel case. */
  readonly name: string;
  readonly number: number;
  readonly comment: string | undefined;
  readonly type: FieldType;
  /** `plain`: absent is the default value; `variant`: one of `oneof kind`. */
  readonly label: 'plain' | 'optional' | 'repeated' | 'variant';
}

const FILES = ['model', 'txn', 'client', 'peer', 'admin'];
const SCALARS: ReadonlySet<string> = new Set<Scalar>([
  'fixed64',
  'fixed32',
  'uint32',
  'bool',
  'double',
  'string',
  'bytes',
]);

/** Parses `zabra/v1/*.proto` below `protosDir`; the reflection that the tests compare with. */
export function loadProtos(protosDir: string): protobuf.Namespace {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => `${protosDir}/${target}`;
  root.loadSync(
    FILES.map((name) => `zabra/v1/${name}.proto`),
    { alternateCommentMode: true },
  );
  root.resolveAll();
  return root.lookup('zabra.v1') as protobuf.Namespace;
}

/** Reads the parsed protos. Throws on anything that the emitter has no answer for. */
export function readSchema(namespace: protobuf.Namespace): readonly ProtoFile[] {
  const nested = namespace.nestedArray;
  return FILES.map((name) => {
    const own = nested.filter((object) => fileOf(object) === name);
    const types = own.filter((object) => object instanceof protobuf.Type);
    for (const type of types) refuseRecursion(type, []);
    return {
      name,
      enums: own.filter((object) => object instanceof protobuf.Enum).map(readEnum),
      messages: types.map(readMessage),
    };
  });
}

function readEnum(source: protobuf.Enum): ProtoEnum {
  const values: (string | undefined)[] = [];
  for (const [name, number] of Object.entries(source.values)) {
    while (values.length < number) values.push(undefined);
    values[number] = name.endsWith('_UNSPECIFIED') ? undefined : name;
  }
  const comments = Object.fromEntries(
    Object.entries(source.comments).map(([value, comment]) => [value, comment ?? undefined]),
  );
  return { name: source.name, comment: source.comment ?? undefined, comments, values };
}

function readMessage(source: protobuf.Type): ProtoMessage {
  const fullName = source.fullName.slice(1);
  const fields = source.fieldsArray
    .map((field) => readField(field, fullName))
    .sort((a, b) => a.number - b.number);
  const variants = fields.flatMap((field, index) => (field.label === 'variant' ? [index] : []));
  const first = variants[0] ?? 0;
  mustHold(
    variants.every((index, nth) => index === first + nth),
    `${fullName}: the variants of its oneof have no other field between them`,
  );
  return { name: source.name, fullName, comment: source.comment ?? undefined, fields };
}

function readField(source: protobuf.Field, message: string): ProtoField {
  const where = `${message}.${source.name}`;
  const type = readType(source, where);
  const oneof = source.partOf;
  mustHold(!source.map, `${where}: a map has no order, write a repeated message`);
  if (oneof !== null && !oneof.isProto3Optional) {
    mustHold(oneof.name === 'kind', `${where}: the one oneof of a message is named kind`);
    mustHold(type.kind === 'message', `${where}: a variant of a oneof is a message`);
  }
  return {
    name: source.name,
    number: source.id,
    comment: source.comment ?? undefined,
    type,
    label: source.repeated
      ? 'repeated'
      : oneof === null
        ? 'plain'
        : oneof.isProto3Optional
          ? 'optional'
          : 'variant',
  };
}

function readType(source: protobuf.Field, where: string): FieldType {
  const resolved = source.resolvedType;
  if (resolved instanceof protobuf.Type)
    return { kind: 'message', name: resolved.name, file: fileOf(resolved) };
  if (resolved instanceof protobuf.Enum) {
    return { kind: 'enum', name: resolved.name, file: fileOf(resolved), zero: readEnum(resolved).values[0] };
  }
  mustHold(SCALARS.has(source.type), `${where}: ${source.type} is not among the types we use`);
  return { kind: 'scalar', scalar: source.type as Scalar };
}

/** The reader calls itself per nested message: bytes must not decide how deep. */
function refuseRecursion(type: protobuf.Type, path: readonly protobuf.Type[]): void {
  mustHold(!path.includes(type), `${type.fullName.slice(1)}: a message does not contain itself`);
  for (const field of type.fieldsArray) {
    if (field.resolvedType instanceof protobuf.Type) refuseRecursion(field.resolvedType, [...path, type]);
  }
}

function fileOf(object: protobuf.ReflectionObject): string {
  return /([a-z]+)\.proto$/.exec(object.filename ?? '')?.[1] ?? '';
}

function mustHold(condition: boolean, rule: string): void {
  if (!condition) throw new Error(rule);
}
