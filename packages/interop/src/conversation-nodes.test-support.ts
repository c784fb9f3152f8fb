import { ACL_OPEN } from '@zabra/model';
import type { Conversation, Speaker } from './conversation.test-support.ts';
import {
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  ping,
  remove,
  setAcl,
  setData,
  sync,
} from './conversation-requests.test-support.ts';

/** What is there before anybody made anything. */
export async function talkAboutTheBeginning(talk: Conversation): Promise<void> {
  const a = await talk.connect('beginner');
  await a.ask(exists('/'));
  await a.ask(getData('/'));
  await a.ask(getChildren2('/'));
  await a.ask(getAcl('/'));
  await a.ask(getAllChildrenNumber('/'));
  await a.ask(getChildren2('/zookeeper'));
  await a.ask(getData('/zookeeper'));
  await a.ask(getAcl('/zookeeper'));
  await a.ask(getData('/zookeeper/config'));
  await a.ask(getAcl('/zookeeper/config'));
  await a.ask(getChildren2('/zookeeper/quota'));
  await a.ask(getData('/zookeeper/quota'));
  await a.ask(getAcl('/zookeeper/quota'));
  await a.ask(sync('/'));
  await a.ask(sync('/is/not/there'));
  await a.ask(ping);
  // What cannot go.
  for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
    await a.ask(remove(path));
    await a.ask(create(path));
  }
  await a.ask(setData('/zookeeper/config', 'mine'));
  await a.ask(create('/zookeeper/config/below'));
  await a.ask(create('/zookeeper/mine', { data: 'mine' }));
  await a.ask(remove('/zookeeper/mine'));
  await a.ask(setData('/zookeeper', 'z'));
  await a.ask(setData('/', 'root'));
  await a.ask(getData('/'));
  await a.ask(closeSession);
}

export async function talkAboutNodes(talk: Conversation): Promise<void> {
  const a = await talk.connect('ann');
  await a.ask(create('/nodes', { data: 'top' }));
  await a.ask(create('/nodes', { data: 'top' }));
  await a.ask(create2('/nodes/a', { data: 'first' }));
  await a.ask(create2('/nodes/a', { data: 'first' }));
  await a.ask(create('/missing/a'));
  await a.ask(create('/nodes/a/below/far'));
  await talkAboutData(a);
  await talkAboutKinds(a);
  await talkAboutVersions(a);
  await talkAboutReads(a);
  await a.ask(closeSession);
  const b = await talk.connect('ann after ann');
  await b.ask(getChildren2('/nodes/kinds'));
  await b.ask(closeSession);
}

async function talkAboutData(a: Speaker): Promise<void> {
  await a.ask(create2('/nodes/null', { data: undefined }));
  await a.ask(getData('/nodes/null'));
  await a.ask(create2('/nodes/empty', { data: '' }));
  await a.ask(getData('/nodes/empty'));
  await a.ask(setData('/nodes/empty', undefined));
  await a.ask(getData('/nodes/empty'));
  await a.ask(setData('/nodes/null', ''));
  await a.ask(getData('/nodes/null'));
  await a.ask(create2('/nodes/bytes', { data: Uint8Array.from({ length: 256 }, (_, byte) => byte) }));
  await a.ask(getData('/nodes/bytes'));
  await a.ask(create('/nodes/large', { data: new Uint8Array(1_000_000) }));
  await a.ask(getData('/nodes/large'));
  await a.ask(exists('/nodes/large'));
  await a.ask(setData('/nodes/large', 'small'));
  await a.ask(create('/nodes/ünïcödé-日本', { data: 'ünïcödé' }));
  await a.ask(getData('/nodes/ünïcödé-日本'));
  await a.ask(create('/nodes/with space and %41', { data: '%' }));
  await a.ask(getChildren('/nodes'));
}

async function talkAboutKinds(a: Speaker): Promise<void> {
  await a.ask(create('/nodes/kinds'));
  await a.ask(create2('/nodes/kinds/plain', { mode: 'persistent' }));
  await a.ask(create2('/nodes/kinds/ephemeral', { mode: 'ephemeral' }));
  await a.ask(create('/nodes/kinds/e', { mode: 'ephemeral' }));
  await a.ask(create2('/nodes/kinds/s-', { mode: 'persistent-sequential' }));
  await a.ask(create('/nodes/kinds/s-', { mode: 'persistent-sequential' }));
  await a.ask(create('/nodes/kinds/', { mode: 'persistent-sequential' }));
  await a.ask(create2('/nodes/kinds/es-', { mode: 'ephemeral-sequential' }));
  await a.ask(create('/nodes/kinds/es-', { mode: 'ephemeral-sequential' }));
  await a.ask(remove('/nodes/kinds/s-0000000003'));
  await a.ask(create('/nodes/kinds/s-', { mode: 'persistent-sequential' }));
  await a.ask(create('/nodes/kinds/container', { mode: 'container' }));
  await a.ask(create2('/nodes/kinds/container2', { mode: 'container' }));
  await a.ask(createContainer('/nodes/kinds/container3', { data: 'c' }));
  await a.ask(getData('/nodes/kinds/container3'));
  await a.ask(create2('/nodes/kinds/container3/child'));
  await a.ask(createTtl('/nodes/kinds/ttl', { data: 't' }));
  await a.ask(createTtl('/nodes/kinds/ttl-', { mode: 'ttl-sequential' }));
  await a.ask(exists('/nodes/kinds/ttl'));
  await a.ask(create2('/nodes/kinds/ttl/child'));
  await a.ask(getChildren2('/nodes/kinds'));
  // Below an ephemeral.
  await a.ask(create('/nodes/kinds/e/child'));
  await a.ask(create('/nodes/kinds/e/child', { mode: 'ephemeral-sequential' }));
  // What is no kind.
  for (const mode of [7, 8, 42, -1, -2147483648]) await a.ask(create('/nodes/kinds/x', { mode }));
  await a.ask(create2('/nodes/kinds/x', { mode: 9 }));
  // What is no TTL.
  for (const ttlMs of [0, -1, -5, 0xff_ffff_ffff + 1, Number.MAX_SAFE_INTEGER])
    await a.ask(createTtl('/nodes/kinds/x', { ttlMs }));
  await a.ask(createTtl('/nodes/kinds/longest', { ttlMs: 0xff_ffff_ffff }));
  await a.ask(getChildren('/nodes/kinds'));
  await a.ask(getEphemerals('/nodes'));
  await a.ask(getEphemerals('/nodes/kinds/e'));
  await a.ask(getEphemerals('/nodes/kinds/es-'));
  await a.ask(getEphemerals('/'));
  await a.ask(getEphemerals(''));
  await a.ask(getEphemerals(' '));
  await a.ask(getEphemerals(undefined));
  await a.ask(getEphemerals('/elsewhere'));
  await a.ask(getEphemerals('nodes'));
}

/** Kinds that do not go with their record. Nothing else is asked of what is made here. */
export async function talkAboutKindsAndRecords(talk: Conversation): Promise<void> {
  const a = await talk.connect('kit');
  await a.ask(create('/odd'));
  await a.ask(create('/odd/x5', { mode: 'ttl' }));
  await a.ask(create2('/odd/x6', { mode: 'ttl-sequential' }));
  for (const mode of [0, 1, 2, 3, 5, 6] as const) await a.ask(createContainer(`/odd/c${mode}`, { mode }));
  await a.ask(createContainer('/odd/c7', { mode: 7 }));
  for (const mode of [0, 1, 2, 3, 4] as const) await a.ask(createTtl(`/odd/t${mode}`, { mode, ttlMs: 1000 }));
  await a.ask(createTtl('/odd/t7', { mode: 7 }));
  await a.ask(multi(create('/odd/m5', { mode: 'ttl' })));
  await a.ask(multi(createContainer('/odd/m1', { mode: 'ephemeral' })));
  await a.ask(multi(create('/odd/m4', { mode: 'container' })));
  await a.ask(closeSession);
}

async function talkAboutVersions(a: Speaker): Promise<void> {
  await a.ask(create2('/nodes/v', { data: '0' }));
  await a.ask(setData('/nodes/v', '1', 0));
  await a.ask(setData('/nodes/v', '2', 0));
  await a.ask(setData('/nodes/v', '2', 1));
  await a.ask(setData('/nodes/v', '3', -1));
  await a.ask(setData('/nodes/v', '4', -2));
  await a.ask(setData('/nodes/v', '4', 7));
  await a.ask(setData('/nodes/v', '4', -2147483648));
  await a.ask(setAcl('/nodes/v', ACL_OPEN, 0));
  await a.ask(setAcl('/nodes/v', ACL_OPEN, 0));
  await a.ask(setAcl('/nodes/v', ACL_OPEN, 1));
  await a.ask(setAcl('/nodes/v', ACL_OPEN, -1));
  await a.ask(setAcl('/nodes/v', ACL_OPEN, -2));
  await a.ask(getData('/nodes/v'));
  await a.ask(remove('/nodes/v', 0));
  await a.ask(remove('/nodes/v', 2147483647));
  await a.ask(remove('/nodes/v', 3));
  await a.ask(remove('/nodes/v', 3));
  await a.ask(getChildren2('/nodes'));
  await a.ask(create2('/nodes/v', { data: 'again' }));
  await a.ask(create('/nodes/v/child'));
  await a.ask(remove('/nodes/v'));
  await a.ask(remove('/nodes/v', 5));
  await a.ask(exists('/nodes/v'));
  await a.ask(remove('/nodes/v/child', 0));
  await a.ask(exists('/nodes/v'));
  await a.ask(remove('/nodes/v'));
}

async function talkAboutReads(a: Speaker): Promise<void> {
  await a.ask(exists('/nodes/a'));
  await a.ask(getData('/nodes/a'));
  await a.ask(getChildren('/nodes/a'));
  await a.ask(getChildren2('/nodes/a'));
  await a.ask(getAcl('/nodes/a'));
  await a.ask(getAllChildrenNumber('/nodes/a'));
  await a.ask(getAllChildrenNumber('/nodes/kinds'));
  await a.ask(getAllChildrenNumber('/'));
  await a.ask(exists('/nodes/none'));
  await a.ask(getData('/nodes/none'));
  await a.ask(getChildren('/nodes/none'));
  await a.ask(getChildren2('/nodes/none'));
  await a.ask(getAcl('/nodes/none'));
  await a.ask(getAllChildrenNumber('/nodes/none'));
  await a.ask(setData('/nodes/none', 'x'));
  await a.ask(setAcl('/nodes/none', ACL_OPEN));
  await a.ask(remove('/nodes/none'));
  await a.ask(remove('/none/none'));
  await a.ask(sync('/nodes'));
}

/** Several faults at once: which of them is told says in which order they are looked for. */
export async function talkAboutTheOrderOfChecks(talk: Conversation): Promise<void> {
  const a = await talk.connect('orla');
  await a.ask(create('/order'));
  await a.ask(create('/order/e', { mode: 'ephemeral' }));
  await a.ask(create('/order/full'));
  await a.ask(create('/order/full/child'));
  await a.ask(create('/order/guarded', { acl: [{ perms: 17, scheme: 'world', id: 'anyone' }] }));
  const closed = { acl: [] } as const;
  await a.ask(create('/none/x', { ...closed, mode: 9 }));
  await a.ask(createTtl('/none/x', { ...closed, ttlMs: 0 }));
  await a.ask(create('/none/x', closed));
  await a.ask(create('none', closed));
  await a.ask(create('/none/x/../y'));
  await a.ask(create('/order/guarded/..'));
  await a.ask(create('/order/guarded/x', closed));
  await a.ask(create('/order/e/..'));
  await a.ask(create('/order/full/child', closed));
  await a.ask(create('/order/e/x', closed));
  await a.ask(create('/order/guarded/\u0001'));
  await a.ask(create('/order/e/x', { mode: 'container' }));
  await a.ask(remove('/order/full', 9));
  await a.ask(remove('/order/none', 9));
  await a.ask(remove('/order/guarded/none', 9));
  await a.ask(setData('/order/guarded', 'x', 9));
  await a.ask(setData('/order/none', 'x', 9));
  await a.ask(setAcl('/order/none', [], 9));
  await a.ask(setAcl('/order/full', [], 9));
  await a.ask(setAcl('/order//x', []));
  await a.ask(setAcl('/order/x', []));
  await a.ask(remove('/order/e'));
  await a.ask(closeSession);
}

/** Each way in which a path can be none, with each operation. */
export async function talkAboutIllegalPaths(talk: Conversation): Promise<void> {
  const a = await talk.connect('ilse');
  await a.ask(create('/paths'));
  const illegal = [
    undefined,
    '',
    'paths',
    'paths/x',
    '//',
    '/paths/',
    '//paths',
    '/paths//x',
    '/paths/.',
    '/paths/..',
    '/./paths',
    '/paths/../paths',
    '/paths/\u0000',
    '/paths/a\u0000b',
    '/paths/\u0001',
    '/paths/\u001f',
    '/paths/\u007f',
    '/paths/\u009f',
    '/paths/\ue000',
    '/paths/\uf8ff',
    '/paths/\ufff0',
    '/paths/\uffff',
    '/paths/\u{1f600}',
  ];
  for (const path of illegal) await a.ask(create(path));
  for (const path of illegal) await a.ask(create(path, { mode: 'persistent-sequential' }));
  for (const path of illegal) await a.ask(remove(path));
  for (const path of illegal) await a.ask(setData(path, 'x'));
  const some = illegal.slice(0, 14);
  for (const path of some) await a.ask(create2(path, { mode: 'ephemeral' }));
  for (const path of some) await a.ask(setAcl(path, ACL_OPEN));
  for (const read of [exists, getData, getChildren, getChildren2, getAcl, getAllChildrenNumber, sync])
    for (const path of some) await a.ask(read(path));
  for (const path of some) await a.ask(getEphemerals(path));
  // Legal, though it looks odd.
  for (const path of [
    '/paths/...',
    '/paths/.a',
    '/paths/a.',
    '/paths/ ',
    '/paths/\u00a0',
    '/paths/\uf900',
    '/paths/\uffef',
  ])
    await a.ask(create(path));
  await a.ask(getChildren('/paths'));
  await a.ask(create(`/paths/${'n'.repeat(1000)}`));
  await a.ask(create(`/paths/${'n'.repeat(5000)}`));
  await a.ask(closeSession);
}
