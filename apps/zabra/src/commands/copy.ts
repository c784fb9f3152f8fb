import type { WatchEvent, Watcher, ZooKeeper } from '@zabra/client';
import { end } from '../connection.ts';
import { EXIT, type ExitCode, Failure } from '../exit-code.ts';
import { print, printError } from '../output.ts';
import { openPlace, type Place, parsePlace, refuseOverlap } from './copy-places.ts';
import { refuseFullTarget, TreeCopy } from './copy-tree.ts';
import { type Difference, type Verdict, verify } from './copy-verify.ts';

export interface CopyFlags {
  /** Ends once it has caught up. */
  readonly once?: boolean;
  readonly intoExisting?: boolean;
  /** For both sides, and for one. */
  readonly auth: readonly string[];
  readonly fromAuth: readonly string[];
  readonly toAuth: readonly string[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** `zabra copy`: copies, follows until it is told to stop, goes through everything once more, compares. */
export async function copy(from: string, to: string, flags: CopyFlags): Promise<ExitCode> {
  const [source, target] = [parsePlace(from), parsePlace(to)];
  refuseOverlap(source, target);
  const stopAsked = stopSignal();
  const fromClient = await openPlace(source, { ...flags, auth: [...flags.auth, ...flags.fromAuth] });
  try {
    const toClient = await openPlace(target, { ...flags, auth: [...flags.auth, ...flags.toAuth] });
    try {
      return await run({ source: fromClient, target: toClient }, { source, target }, flags, stopAsked);
    } finally {
      await end(toClient);
    }
  } finally {
    await end(fromClient);
  }
}

interface Sides<T> {
  readonly source: T;
  readonly target: T;
}

async function run(
  clients: Sides<ZooKeeper>,
  places: Sides<Place>,
  flags: CopyFlags,
  stopAsked: Promise<'stop'>,
): Promise<ExitCode> {
  if ((await clients.source.exists('/')) === null) {
    throw new Failure(`there is no ${places.source.path} at ${places.source.url}`);
  }
  if (flags.intoExisting !== true) await refuseFullTarget(clients.target, places.target.url);
  const copying = new TreeCopy(clients.source, clients.target);
  // Before anything is read: what changes meanwhile is heard of.
  await using watcher = clients.source.watch('/', { recursive: true, maxBuffered: EVENTS_MAX });
  const unheard = hearAll(watcher, copying);
  // Who loses a race is heard by nobody.
  unheard.catch(() => undefined);

  copying.scan();
  if ((await Promise.race([copying.caughtUp(), unheard, stopAsked])) === 'stop') {
    throw new Failure('stopped before everything was copied; the same with --into-existing goes on');
  }
  await printError(`zabra: caught up with ${places.source.url}\n`);
  if (flags.once !== true) {
    await printError('zabra: following its changes until Ctrl-C\n');
    await Promise.race([stopAsked, unheard, copying.failed]);
  }
  // ACLs change without an event.
  copying.scan();
  await Promise.race([copying.caughtUp(), unheard]);
  const verdict = await Promise.race([
    verify(clients, copying, flags.intoExisting === true),
    unheard,
    copying.failed,
  ]);
  await report(places, copying, verdict, flags.json === true);
  return verdict.differences === 0 ? EXIT.done : EXIT.failed;
}

const EVENTS_MAX = 100_000;

/** Ends with the watch; rejects when there can't be one. */
async function hearAll(watcher: Watcher<WatchEvent>, copying: TreeCopy): Promise<never> {
  for await (const event of watcher) copying.hear(event);
  // The loop is left when the watch is no longer needed.
  return new Promise(() => {});
}

/** Once; a second signal ends the process at once. */
function stopSignal(): Promise<'stop'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('stop'));
  });
}

async function report(
  { source, target }: Sides<Place>,
  { counts }: TreeCopy,
  verdict: Verdict,
  isJson: boolean,
): Promise<void> {
  if (isJson) {
    await print(`${JSON.stringify({ from: source.url, to: target.url, ...counts, ...verdict })}\n`);
    return;
  }
  const { compared, ephemerals, kept, differences, differing } = verdict;
  const lines = [
    `created ${counts.created}, set ${counts.dataSet}, ACLs set ${counts.aclsSet}, deleted ${counts.deleted}; gone through ${counts.scans} times`,
    `compared ${compared} nodes; ${ephemerals} ephemerals are not copied, ${kept} nodes of others are left as they are`,
    ...differing.map(({ path, what }) => `${path}: ${WHAT[what]}`),
    ...(differences > differing.length ? [`… and ${differences - differing.length} more`] : []),
    differences === 0 ? 'both sides are equal' : `${differences} differences`,
  ];
  await print(`${lines.join('\n')}\n`);
}

const WHAT: Readonly<Record<Difference['what'], string>> = {
  missing: 'is not at the target',
  extra: 'is at the target only',
  data: 'its data differ',
  acl: 'its ACL differs',
};
