import { OPERATIONS, type OperationName, type SubOperation } from '@zabra/model';
import type { ClientEntry, ClientRequest, Reply, ServerEntry } from '@zabra/proto';
import { expect, test } from 'vitest';
import type { Flaws } from '../model/one-server.ts';
import { type Cell, dependsOnParent, isPermitted, PROBES, type Probe } from './probes.ts';
import { ASKERS, type AskerName, GRANTEES, type Grantee, isAllowed, Scene, SECRET_HASH } from './scene.ts';

const READ = 1;
const ADMIN = 16;
const ALL = 32;
const askers = Object.keys(ASKERS) as readonly AskerName[];
const grantees = Object.keys(GRANTEES) as readonly Grantee[];
/** About the session alone: nobody's permission matters, and nothing is told. */
const ABOUT_THE_SESSION: readonly OperationName[] = ['attach', 'rearm', 'addAuth', 'heartbeat', 'close'];

test('each operation may be done by exactly whom the table says, whatever the ACLs of node and parent', () => {
  const { cells, wrong } = matrix([new Scene(0), new Scene(1)], placements());
  console.info(`permission matrix: ${cells} cells`);
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(cells).toBeGreaterThan(100_000);
}, 300_000);

const NOTHING_GIVEN = [{ grantee: 'owner', parent: 0, node: 0 }] as const;

test('the matrix finds a server that lets everybody write, and one that tells what it hides', () => {
  const lax = { identities: () => [{ scheme: 'super', id: '' }] };
  const { wrong } = matrix([new Scene(0, lax), new Scene(1, lax)], NOTHING_GIVEN);
  expect(wrong.filter((line) => line.startsWith('set by anonymous'))).not.toEqual([]);
  const talkative = matrix([new Scene(0, talk(0)), new Scene(1, talk(1))], NOTHING_GIVEN);
  expect(talkative.wrong.filter((line) => line.includes(' tells '))).not.toEqual([]);
});

/** Its error texts say in which world it is. */
function talk(world: number): Flaws {
  return {
    txn: (txn) =>
      txn.body.kind === 'error' ? { ...txn, body: { ...txn.body, message: `world ${world}` } } : txn,
  };
}

interface Matrix {
  readonly cells: number;
  readonly wrong: readonly string[];
}

/** Tries each probe by each asker in both worlds; a line for each that does not come out as the rule says. */
function matrix(scenes: readonly Scene[], placed: Iterable<Placement>): Matrix {
  const wrong: string[] = [];
  let cells = 0;
  for (const { grantee, parent, node } of placed) {
    // Where the parent decides nothing, none and all of its permissions are tried.
    const probes = isExtreme(parent) ? PROBES : PROBES.filter(dependsOnParent);
    for (const scene of scenes) scene.build(grantee, parent, node);
    for (const probe of probes) {
      for (const asker of askers) {
        cells++;
        const told = scenes.map((scene) => ask(scene, probe, asker));
        wrong.push(...faultsOf(probe, { grantee, parent, node, asker }, told));
        if (!told.some(({ entries }) => hasChanged(entries))) continue;
        for (const scene of scenes) scene.build(grantee, parent, node);
      }
    }
  }
  return { cells, wrong };
}

function faultsOf(probe: Probe, cell: Cell, told: readonly Told[]): readonly string[] {
  const { grantee, parent, node, asker } = cell;
  const where = `${probe.name} by ${asker}, ${grantee} has ${node} on the node and ${parent} on its parent`;
  const expected = isPermitted(probe, cell) ? probe.allowed : 'NO_AUTH';
  const codes = told.map(({ entries }) => codeOf(entries, probe));
  const [one, other] = told;
  const faults: string[] = [];
  if (codes.some((code) => code !== expected)) faults.push(`${where}: ${codes}, not ${expected}`);
  if (!maySee(probe, cell) && !isSame(one, other))
    faults.push(`${where}: tells ${shown(one)} from ${shown(other)}`);
  if (!isAllowed(grantee, node, ADMIN, asker) && told.some(({ bytes }) => bytes.includes(SECRET_HASH)))
    faults.push(`${where}: shows the hash of a password`);
  return faults;
}

test('the matrix has every operation of the table', () => {
  const probed = new Set<OperationName>(
    PROBES.flatMap(({ operation, inside }) => (inside ? [operation, inside] : [operation])),
  );
  const missing = OPERATIONS.map(({ name }) => name).filter((name) => !probed.has(name));
  expect(missing).toEqual(ABOUT_THE_SESSION);
});

/** For the owner all permissions of both nodes together; for the others those of one with none or all of the other. */
function* placements(): Generator<Placement> {
  for (const grantee of grantees)
    for (let parent = 0; parent < ALL; parent++)
      for (let node = 0; node < ALL; node++)
        if (grantee === 'owner' || isExtreme(parent) || isExtreme(node)) yield { grantee, parent, node };
}

function isExtreme(perms: number): boolean {
  return perms === 0 || perms === ALL - 1;
}

/** What the worlds differ in may be seen with READ, and of an ACL by whom getAcl answers. */
function maySee(probe: Probe, cell: Cell): boolean {
  return (
    isAllowed(cell.grantee, cell.node, READ, cell.asker) ||
    (probe.operation === 'getAcl' && isPermitted(probe, cell))
  );
}

/** Every word of a client and every part of a transaction: one that is new on the wire is missing here, and does not compile. */
const ON_THE_WIRE: Readonly<Record<WireName, OperationName>> = {
  create: 'create',
  set: 'set',
  delete: 'delete',
  setAcl: 'setAcl',
  touch: 'touch',
  deleteTree: 'deleteTree',
  transaction: 'transaction',
  check: 'check',
  checkAbsent: 'checkAbsent',
  checkOwner: 'checkOwner',
  get: 'get',
  exists: 'exists',
  children: 'children',
  getAcl: 'getAcl',
  descendants: 'descendants',
  ephemerals: 'ephemerals',
  whoAmI: 'whoAmI',
  multiRead: 'multiRead',
  sync: 'sync',
  addWatch: 'addWatch',
  removeWatch: 'removeWatch',
  attach: 'attach',
  rearm: 'rearm',
  addAuth: 'addAuth',
  heartbeat: 'heartbeat',
  close: 'close',
};
type WireName = ClientRequest['kind'] | SubOperation['kind'] | Exclude<ClientEntry['kind'], 'request'>;

test('the table has every request of the wire', () => {
  expect(OPERATIONS.map(({ name }) => name)).toEqual(Object.values(ON_THE_WIRE));
});

type Placement = Omit<Cell, 'asker'>;

interface Told {
  readonly bytes: Buffer;
  readonly entries: readonly ServerEntry[];
}

function ask(scene: Scene, probe: Probe, name: AskerName): Told {
  const asker = scene.askers[name];
  asker.say(probe.ask);
  return { bytes: Buffer.from(asker.bytes()), entries: asker.hear() };
}

function replyIn(entries: readonly ServerEntry[]): Reply | undefined {
  const [entry] = entries;
  return entries.length === 1 && entry?.kind === 'reply' ? entry.reply : undefined;
}

/** What came of the probe, or of the part of it that counts. */
function codeOf(entries: readonly ServerEntry[], probe: Probe): string {
  const reply = replyIn(entries);
  if (reply === undefined) return `no reply but ${JSON.stringify(entries)}`;
  if (reply.kind === 'multiRead') {
    const [result] = reply.multiRead.results;
    return result?.kind === 'refused' ? result.refused.code : 'OK';
  }
  if (reply.kind !== 'refused') return 'OK';
  return probe.inside === 'transaction' ? (reply.refused.codes[0] ?? 'none') : reply.refused.code;
}

function hasChanged(entries: readonly ServerEntry[]): boolean {
  return replyIn(entries)?.kind === 'write';
}

function isSame(one: Told | undefined, other: Told | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.bytes.equals(other.bytes) || shown(one) === shown(other);
}

/** All that was told, without the Stat that a write answers to whom it lets write. */
function shown(told: Told | undefined): string {
  return JSON.stringify(told?.entries, (key, value) => (key === 'stat' ? 'a Stat' : value));
}
