import {
  COMMON_ERRORS,
  CREATE_MODES,
  OPERATIONS,
  type OperationArgument,
  type OperationError,
  type OperationRecord,
  type PermissionRule,
} from '../src/operation-table.ts';

/** docs/operations.md, whole. */
export function operationsPage(): string {
  return `${[HEAD, ...KINDS.map(chapter), MODES].join('\n\n')}\n`;
}

const HEAD = `# Operations

Every operation that a client can ask for: what it takes, what it gives, which errors in which order, whose permission it needs, which events it fires. Made from \`packages/model/src/operation-table.ts\` by \`npm run docs:operations\`; a test fails when this page is stale. The names are those of the wire (\`protos/zabra/v1/client.proto\`); the SDK's methods are called the same but for \`getChildren\` (children), \`getEphemerals\` (ephemerals), \`delete\` with \`recursive\` (deleteTree) and \`close\`.

Errors are looked for from top to bottom, and the first that holds is the answer. Before all of those below:

${errorTable(COMMON_ERRORS)}`;

const KINDS: readonly {
  readonly kind: OperationRecord['kind'];
  readonly title: string;
  readonly text: string;
}[] = [
  {
    kind: 'write',
    title: 'Writes',
    text: 'Ordered by the leader, applied by every server, answered once the connected server has applied them. A write that is refused in its place of the history takes a place there too.',
  },
  {
    kind: 'condition',
    title: 'Conditions',
    text: 'Only inside a transaction. They change nothing; one that does not hold fails it.',
  },
  {
    kind: 'read',
    title: 'Reads',
    text: 'Answered by the connected server from what it has applied, behind the writes of the same session. Each may carry `minZxid` (wait until that is applied) and `linearizable` (confirmed by a quorum).',
  },
  {
    kind: 'watch',
    title: 'Watches that stay',
    text: 'An event is delivered when the reader has READ on the node that changed, for `children` on the parent, by the ACL as of the change; otherwise it is left out, and a one-shot watch is used up all the same.',
  },
  { kind: 'session', title: 'Session', text: 'What a stream begins with, lives by and ends with.' },
];

const MODES = `## Modes of create

${table(
  ['mode', 'the node'],
  Object.entries(CREATE_MODES).map(([mode, text]) => [`\`${mode}\``, text]),
)}`;

function chapter({ kind, title, text }: (typeof KINDS)[number]): string {
  const records = OPERATIONS.filter((record) => record.kind === kind);
  return [`## ${title}`, text, ...records.map(section)].join('\n\n');
}

function section(record: OperationRecord): string {
  const facts = [
    ['result', record.result],
    ['permission', record.permissions.map(permissionText).join('; ') || 'none'],
    [
      'fires',
      record.fires
        .map(({ type, on }) => `\`${type}\` on the ${on}`.replace('the each', 'each'))
        .join(', then ') || 'nothing',
    ],
    ...(record.inside === undefined ? [] : [['may stand in', record.inside]]),
  ];
  return [
    `### ${record.name}`,
    record.summary,
    ...(record.arguments.length === 0
      ? ['No arguments.']
      : [table(['argument', 'type', 'range', 'left out'], record.arguments.map(argumentRow))]),
    table(['', ''], facts),
    ...(record.errors.length === 0 ? ['No errors of its own.'] : [errorTable(record.errors)]),
  ].join('\n\n');
}

function argumentRow({ name, type, range, absent }: OperationArgument): readonly string[] {
  return [`\`${name}\``, type, range, absent ?? 'needed'];
}

function permissionText({ anyOf, on, when }: PermissionRule): string {
  const permission = anyOf.map((name) => name.toUpperCase()).join(' or ');
  const place = on === 'node' || on === 'parent' ? `the ${on}` : `the ${on}`.replace('the each', 'each');
  return `${permission} on ${place}${when === undefined ? '' : `, when ${when}`}`;
}

function errorTable(errors: readonly OperationError[]): string {
  return table(
    ['', 'error', 'when'],
    errors.map(({ code, when }, index) => [String(index + 1), `\`${code}\``, when]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
