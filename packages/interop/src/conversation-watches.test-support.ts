import { ADD_WATCH_MODE, WATCHER_TYPE } from '@zabra/jute';
import type { Conversation } from './conversation.test-support.ts';
import {
  addWatch,
  checkWatches,
  closeSession,
  create,
  create2,
  exists,
  getChildren,
  getChildren2,
  getData,
  multi,
  ping,
  remove,
  removeWatches,
  setAcl,
  setData,
  setWatches,
  setWatches2,
  sync,
  WATCH,
} from './conversation-requests.test-support.ts';

const { persistent, persistentRecursive } = ADD_WATCH_MODE;

/** One-shot watches, of the writer and of another. Pings gather what the other has heard. */
export async function talkAboutWatches(talk: Conversation): Promise<void> {
  const a = await talk.connect('writer');
  const b = await talk.connect('watcher');
  await a.ask(create('/watched'));
  // Its own events come before its replies.
  await a.ask(exists('/watched/x', WATCH));
  await a.ask(create('/watched/x', { data: '1' }));
  await a.ask(getData('/watched/x', WATCH));
  await a.ask(setData('/watched/x', '2'));
  await a.ask(setData('/watched/x', '3'));
  await a.ask(getData('/watched/x', WATCH));
  await a.ask(getChildren('/watched/x', WATCH));
  await a.ask(getChildren('/watched', WATCH));
  await a.ask(remove('/watched/x'));
  // Another's.
  await b.ask(exists('/watched/x', WATCH));
  await b.ask(exists('/watched/x', WATCH));
  await b.ask(getChildren2('/watched', WATCH));
  await a.ask(create('/watched/x'));
  await b.ask(ping);
  await a.ask(setData('/watched/x', '4'));
  await b.ask(ping);
  // One for several on the same.
  await b.ask(getData('/watched/x', WATCH));
  await b.ask(getData('/watched/x', WATCH));
  await b.ask(exists('/watched/x', WATCH));
  await a.ask(setData('/watched/x', '5'));
  await a.ask(setData('/watched/x', '6'));
  await b.ask(ping);
  // Children only, deleted.
  await b.ask(getChildren('/watched/x', WATCH));
  await a.ask(create('/watched/x/y'));
  await b.ask(ping);
  await b.ask(getChildren('/watched/x/y', WATCH));
  await a.ask(remove('/watched/x/y'));
  await b.ask(ping);
  // Set by what fails: none, but by exists.
  await b.ask(getData('/watched/none', WATCH));
  await b.ask(getChildren('/watched/none', WATCH));
  await a.ask(create('/watched/none'));
  await b.ask(ping);
  // What nobody hears.
  await b.ask(getData('/watched/none', WATCH));
  await a.ask(setAcl('/watched/none', [{ perms: 31, scheme: 'world', id: 'anyone' }]));
  await a.ask(create('/watched/none/child'));
  await b.ask(ping);
  await a.ask(remove('/watched/none/child'));
  await a.ask(remove('/watched/none'));
  await b.ask(ping);
  // Of a multi.
  await b.ask(exists('/watched/m', WATCH));
  await b.ask(getChildren('/watched', WATCH));
  await b.ask(getData('/watched/x', WATCH));
  await a.ask(
    multi(
      create('/watched/m'),
      setData('/watched/m', '1'),
      create('/watched/m2'),
      setData('/watched/x', '7'),
      remove('/watched/m'),
    ),
  );
  await b.ask(ping);
  await b.ask(exists('/watched/m', WATCH));
  await a.ask(multi(create('/watched/m'), remove('/watched/not-there')));
  await b.ask(ping);
  await a.ask(create('/watched/m'));
  await b.ask(ping);
  await talkAboutEphemeralsSeen(talk);
  await a.ask(closeSession);
  await b.ask(closeSession);
}

async function talkAboutEphemeralsSeen(talk: Conversation): Promise<void> {
  const a = await talk.connect('mortal');
  const b = await talk.connect('mourner');
  await a.ask(create('/watched/e', { mode: 'ephemeral' }));
  await b.ask(getData('/watched/e', WATCH));
  await b.ask(getChildren('/watched', WATCH));
  await a.ask(closeSession);
  await b.ask(ping);
  await b.ask(getChildren2('/watched'));
  await b.ask(closeSession);
}

export async function talkAboutStandingWatches(talk: Conversation): Promise<void> {
  const a = await talk.connect('mover');
  const b = await talk.connect('stander');
  await a.ask(create('/standing'));
  await b.ask(addWatch('/standing/p', persistent));
  await b.ask(addWatch('/standing/p', persistent));
  await a.ask(create('/standing/p'));
  await a.ask(setData('/standing/p', '1'));
  await a.ask(setData('/standing/p', '2'));
  await a.ask(create('/standing/p/c'));
  await a.ask(setData('/standing/p/c', '1'));
  await a.ask(remove('/standing/p/c'));
  await a.ask(remove('/standing/p'));
  await a.ask(create('/standing/p'));
  await b.ask(ping);
  await b.ask(addWatch('/standing/r', persistentRecursive));
  await a.ask(create('/standing/r'));
  await a.ask(create('/standing/r/c'));
  await a.ask(create('/standing/r/c/d'));
  await a.ask(setData('/standing/r/c/d', '1'));
  await a.ask(remove('/standing/r/c/d'));
  await a.ask(remove('/standing/r/c'));
  await b.ask(ping);
  // Both kinds, and a one-shot one, on one node.
  await b.ask(addWatch('/standing/r', persistent), { note: 'over a recursive one' });
  await b.ask(getData('/standing/r', WATCH));
  await a.ask(setData('/standing/r', '1'));
  await b.ask(ping);
  await a.ask(setData('/standing/r', '2'));
  await b.ask(ping);
  await a.ask(create('/standing/r/e'));
  await b.ask(ping);
  // Its own change.
  await b.ask(setData('/standing/p', '3'));
  await b.ask(create2('/standing/p/own'));
  await b.ask(remove('/standing/p/own'));
  // What is no mode.
  for (const mode of [2, -1, 77]) await b.ask(addWatch('/standing', mode));
  await b.ask(addWatch('', persistent));
  await b.ask(addWatch('standing', persistent));
  await b.ask(addWatch(undefined, persistent));
  await b.ask(addWatch('/standing//x', persistentRecursive));
  await b.ask(ping);
  await a.ask(closeSession);
  await b.ask(closeSession);
  await talkAboutTheWholeTree(talk);
}

async function talkAboutTheWholeTree(talk: Conversation): Promise<void> {
  const a = await talk.connect('seer');
  await a.ask(addWatch('/', persistentRecursive));
  await a.ask(create('/standing/all', { mode: 'ephemeral' }));
  await a.ask(getChildren('/standing', WATCH));
  await a.ask(create('/standing/all2', { mode: 'ephemeral' }));
  await a.ask(multi(setData('/standing/all', '1'), setData('/standing/all', '2'), remove('/standing/all2')));
  await a.ask(closeSession);
}

export async function talkAboutTheEndOfWatches(talk: Conversation): Promise<void> {
  const a = await talk.connect('ender');
  await a.ask(create('/ended'));
  for (const [name, type] of Object.entries(WATCHER_TYPE)) {
    const path = `/ended/${name}`;
    await a.ask(create(path));
    await a.ask(checkWatches(path, type));
    await a.ask(removeWatches(path, type));
    await a.ask(getData(path, WATCH));
    await a.ask(checkWatches(path, type));
    await a.ask(removeWatches(path, type));
    await a.ask(checkWatches(path, type));
    await a.ask(getChildren(path, WATCH));
    await a.ask(checkWatches(path, type));
    await a.ask(removeWatches(path, type));
    await a.ask(checkWatches(path, type));
    await a.ask(setData(path, 'x'));
    await a.ask(create(`${path}/y`));
    await a.ask(remove(`${path}/y`));
  }
  await a.ask(exists('/ended/none', WATCH));
  await a.ask(checkWatches('/ended/none', WATCHER_TYPE.children));
  await a.ask(checkWatches('/ended/none', WATCHER_TYPE.data));
  await a.ask(removeWatches('/ended/none', WATCHER_TYPE.data));
  await a.ask(create('/ended/none'));
  await talkAboutTheEndOfStandingWatches(talk);
  for (const type of [0, 6, -1, 99]) {
    await a.ask(checkWatches('/ended', type));
    await a.ask(removeWatches('/ended', type));
  }
  await a.ask(checkWatches(undefined, WATCHER_TYPE.any));
  await a.ask(removeWatches('', WATCHER_TYPE.any));
  await a.ask(removeWatches('ended', WATCHER_TYPE.any));
  await a.ask(closeSession);
}

async function talkAboutTheEndOfStandingWatches(talk: Conversation): Promise<void> {
  const a = await talk.connect('stander to the end');
  for (const [kind, mode] of Object.entries(ADD_WATCH_MODE)) {
    for (const [name, type] of Object.entries(WATCHER_TYPE)) {
      const path = `/ended/${kind}-${name}`;
      await a.ask(addWatch(path, mode));
      await a.ask(checkWatches(path, type));
      await a.ask(removeWatches(path, type));
      await a.ask(checkWatches(path, type));
      await a.ask(create(path));
      await a.ask(setData(path, 'x'));
    }
  }
  await a.ask(closeSession);
}

/** What a client says when it is back, for each case of what happened meanwhile. */
export async function talkAboutWatchesThatComeBack(talk: Conversation): Promise<void> {
  const a = await talk.connect('back');
  await a.ask(create('/back'));
  await a.ask(create('/back/changed'));
  await a.ask(create('/back/gone'));
  await a.ask(create('/back/same'));
  await a.ask(create('/back/parent'));
  await a.ask(getData('/back/same'));
  const seen = a.lastZxid;
  await a.ask(setData('/back/changed', '1'));
  await a.ask(remove('/back/gone'));
  await a.ask(create('/back/made'));
  await a.ask(create('/back/parent/child'));
  const b = await talk.connect('back again');
  await b.ask(setWatches(seen, {}));
  await b.ask(setWatches(seen, { data: ['/back/changed'] }));
  await b.ask(setWatches(seen, { data: ['/back/gone'] }));
  await b.ask(setWatches(seen, { data: ['/back/same'] }));
  await b.ask(setWatches(seen, { exist: ['/back/made'] }));
  await b.ask(setWatches(seen, { exist: ['/back/none'] }));
  await b.ask(setWatches(seen, { exist: ['/back/same'] }));
  await b.ask(setWatches(seen, { child: ['/back/parent'] }));
  await b.ask(setWatches(seen, { child: ['/back/gone'] }));
  await b.ask(setWatches(seen, { child: ['/back/same'] }));
  // Which of them stayed.
  await a.ask(setData('/back/changed', '2'));
  await a.ask(create('/back/gone'));
  await a.ask(setData('/back/same', '2'));
  await a.ask(setData('/back/made', '2'));
  await a.ask(create('/back/none'));
  await a.ask(create('/back/parent/child2'));
  await a.ask(create('/back/same/child'));
  await b.ask(ping);
  // Many at once, with an ordinary xid, and from the future or the past.
  await b.ask(
    setWatches(seen, {
      data: ['/back/changed', '/back/gone', '/back/missing'],
      exist: ['/back/made', '/back/missing'],
      child: ['/back/parent', '/back/missing'],
    }),
    { xid: 12 },
  );
  await b.ask(setWatches(a.lastZxid + 1000, { data: ['/back/changed'], child: ['/back/parent'] }));
  await a.ask(setData('/back/changed', '3'));
  await a.ask(create('/back/missing'));
  await b.ask(ping);
  await b.ask(setWatches(0, { data: ['/back/same'], child: ['/back/same'] }));
  await b.ask(setWatches(-1, { data: ['/back/same'] }));
  await b.ask(setWatches(seen, { data: ['', 'back', '/back/'], exist: ['//'], child: ['/back/..'] }));
  await talkAboutStandingWatchesThatComeBack(talk, seen);
  await a.ask(closeSession);
  await b.ask(closeSession);
}

async function talkAboutStandingWatchesThatComeBack(talk: Conversation, seen: number): Promise<void> {
  const a = await talk.connect('back to stand');
  const b = await talk.connect('back to move');
  await a.ask(setWatches2(seen, {}));
  await a.ask(
    setWatches2(seen, { persistent: ['/back/changed', '/back/parent'], persistentRecursive: ['/back/made'] }),
  );
  await a.ask(sync('/'));
  await b.ask(setData('/back/changed', '5'));
  await b.ask(create('/back/parent/child3'));
  await b.ask(create('/back/made/x'));
  await b.ask(setData('/back/made/x', '1'));
  await a.ask(ping);
  await a.ask(
    setWatches2(seen, {
      data: ['/back/same'],
      exist: ['/back/none'],
      child: ['/back/parent'],
      persistent: ['/back/none'],
      persistentRecursive: ['/back'],
    }),
  );
  await b.ask(setData('/back/none', '6'));
  await a.ask(ping);
  await a.ask(
    setWatches2(a.lastZxid, { data: ['/back/same'], exist: ['/back/later'], child: ['/back/parent'] }),
  );
  await b.ask(create('/back/later'));
  await b.ask(remove('/back/same/child'));
  await b.ask(remove('/back/same'));
  await a.ask(ping);
  await a.ask(closeSession);
  await b.ask(closeSession);
}
