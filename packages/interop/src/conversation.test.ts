import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { digestId, SUPER_PASSWORD } from './conversation-access.test-support.ts';
import { compare, judge } from './conversation-comparison.test-support.ts';
import { EXPECTED_DIFFERENCES } from './conversation-differences.test-support.ts';
import type { NormalExchange } from './conversation-normal-form.test-support.ts';
import { type Conversed, converse, converseReadOnly } from './conversation-run.test-support.ts';
import { describeWithPrograms } from './describe-with-programs.test-support.ts';
import { startRealZooKeeper } from './real-zookeeper.ts';
import { startZabra } from './zabra.ts';

/*
 * The same conversation with a real ZooKeeper and with Zabra, on ZooKeeper's own wire, compared field by field. What
 * ZooKeeper 3.8 said is kept in testdata, for people to read and to compare with where no ZooKeeper is installed; to record
 * it anew: `npx vitest run packages/interop/src/conversation.test.ts -u`.
 */

const PATIENCE_MS = 240_000;
const RECORD = new URL('../testdata/conversation.jsonl', import.meta.url);
const PAGE = new URL('../../../docs/zookeeper-differences.md', import.meta.url);

async function withZabra(): Promise<Conversed & { readonly readOnly: readonly string[] }> {
  await using zabra = await startZabra({
    config: {
      timing: { sessionTimeoutMinMs: 1000, sessionTimeoutMaxMs: 10_000 },
      readOnlyMode: true,
      access: { superUsers: [`digest:${digestId('super', SUPER_PASSWORD)}`] },
    },
  });
  return { ...(await converse(zabra)), readOnly: await converseReadOnly(zabra) };
}

async function withZooKeeper(): Promise<Conversed> {
  await using zookeeper = await startRealZooKeeper({
    servers: 3,
    enforceQuota: true,
    superPassword: SUPER_PASSWORD,
  });
  return await converse(zookeeper);
}

/** One exchange a line. */
function textOf(exchanges: readonly NormalExchange[]): string {
  return `${exchanges.map((exchange) => JSON.stringify(exchange)).join('\n')}\n`;
}

describeWithPrograms('a conversation with a real ZooKeeper', () => {
  test('goes as it was recorded', { timeout: PATIENCE_MS }, async () => {
    const { normal } = await withZooKeeper();

    await expect(textOf(normal)).toMatchFileSnapshot(RECORD.pathname);
  });
});

let said: Awaited<ReturnType<typeof withZabra>>;
beforeAll(async () => {
  said = await withZabra();
  const { requests, operations, errors } = said;
  process.stdout.write(
    `${requests} requests: operations ${operations.join(' ')}; errors ${errors.join(' ')}\n`,
  );
}, PATIENCE_MS);

test('Zabra answers a conversation as ZooKeeper does, but for what is meant to differ', () => {
  const recorded = readFileSync(RECORD, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): NormalExchange => JSON.parse(line));
  const { unexplained, exchanges } = judge(compare(recorded, said.normal), EXPECTED_DIFFERENCES);

  expect(said.requests).toBeGreaterThan(1000);
  expect(unexplained).toEqual([]);
  expect(exchanges).toEqual(
    Object.fromEntries(EXPECTED_DIFFERENCES.map(({ id, exchanges }) => [id, exchanges])),
  );
});

test('each difference has its row in the page on differences, and each row is of one', () => {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split("## On ZooKeeper's own wire\n");
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([a-z0-9-]+)` \|.*\| \S.* \|$/gm)];

  expect(rows.map(([, id]) => id).sort()).toEqual(EXPECTED_DIFFERENCES.map(({ id }) => id).sort());
});

test('a server of Zabra without a quorum serves reads to those who agree, and refuses what writes by -119', () => {
  expect(said.readOnly).toEqual([
    'connect that may be read-only: read-only: true',
    'exists "/none": -101',
    'getData "/nodes/a": 0',
    'getChildren "/nodes" watch=true: 0',
    'multiRead operations=[getData "/nodes/a"]: 0',
    'ping: 0',
    'whoAmI: 0',
    'create "/read-only" data="": -119',
    'setData "/nodes/a" data="x" version=-1: -119',
    'setAcl "/nodes/a": -119',
    'delete "/nodes/a" version=-1: -119',
    'multi operations=[create "/read-only" data="": -119',
    'sync "/": -119',
    'setWatches data=["/nodes/a"] exist=[] child=[] persistent=[] persistentRecursive=[]: 0',
    'closeSession: 0',
    'connect that may not be read-only: closed',
    'connect without the flag: closed',
  ]);
});
