import { createHash } from 'node:crypto';
import { ACL_OPEN, type Acl } from '@zabra/model';
import type { Conversation } from './conversation.test-support.ts';
import {
  addWatch,
  auth,
  check,
  closeSession,
  create,
  create2,
  exists,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  multi,
  multiRead,
  ping,
  remove,
  sasl,
  setAcl,
  setData,
  sync,
  WATCH,
  whoAmI,
} from './conversation-requests.test-support.ts';

/** The password of the user `super` with both. */
export const SUPER_PASSWORD = 'over-all';

const READ = 1;
const ALL = 31;

/** Of ZooKeeper's digest scheme. */
export function digestId(user: string, password: string): string {
  return `${user}:${createHash('sha1').update(`${user}:${password}`).digest('base64')}`;
}

export async function talkAboutAcls(talk: Conversation): Promise<void> {
  const a = await talk.connect('acl');
  await a.ask(create('/acl'));
  const one = (perms: number, scheme: string, id: string): readonly Acl[] => [{ perms, scheme, id }];
  const anna = digestId('anna', 'secret');
  const said: readonly (readonly Acl[] | undefined)[] = [
    undefined,
    [],
    ACL_OPEN,
    one(READ, 'world', 'anyone'),
    one(ALL, 'world', 'somebody'),
    one(ALL, 'world', ''),
    one(ALL, '', ''),
    one(ALL, 'no-such-scheme', 'x'),
    one(ALL, 'digest', anna),
    one(ALL, 'digest', 'anna'),
    one(ALL, 'digest', 'anna:b:c'),
    one(ALL, 'digest', ''),
    one(ALL, 'ip', '127.0.0.1'),
    one(ALL, 'ip', '10.0.0.0/8'),
    one(ALL, 'ip', '10.0.0.0/33'),
    one(ALL, 'ip', '10.0.0'),
    one(ALL, 'ip', '300.0.0.1'),
    one(ALL, 'ip', 'localhost'),
    one(ALL, 'auth', ''),
    one(ALL, 'super', 'super'),
    one(ALL, 'sasl', 'somebody'),
    one(ALL, 'x509', 'CN=somebody'),
    one(0, 'world', 'anyone'),
    one(32, 'world', 'anyone'),
    one(-1, 'world', 'anyone'),
    one(ALL | 64, 'world', 'anyone'),
    [...ACL_OPEN, ...ACL_OPEN],
    [...one(READ, 'world', 'anyone'), ...one(ALL, 'digest', anna)],
    [...ACL_OPEN, ...one(ALL, 'no-such-scheme', 'x')],
  ];
  for (const [index, acl] of said.entries()) {
    await a.ask(create(`/acl/n${index}`, { acl }));
    await a.ask(getAcl(`/acl/n${index}`));
  }
  await a.ask(create('/acl/set'));
  for (const acl of said.slice(0, 4)) await a.ask(setAcl('/acl/set', acl));
  await talk.settle();
  for (const acl of said.slice(4, 12)) await a.ask(setAcl('/acl/set', acl));
  await a.ask(closeSession);
}

export async function talkAboutWhoMayDoWhat(talk: Conversation): Promise<void> {
  const owner = await talk.connect('owner');
  const other = await talk.connect('other');
  await owner.ask(whoAmI);
  await owner.ask(auth('digest', 'anna:secret'));
  await owner.ask(whoAmI);
  await owner.ask(auth('digest', 'anna:secret'));
  await owner.ask(auth('digest', 'ben:b'));
  await owner.ask(whoAmI);
  await owner.ask(auth('ip', 'whatever'));
  await owner.ask(whoAmI);
  await owner.ask(create2('/may', { acl: ACL_OPEN }));
  await owner.ask(create2('/may/auth', { acl: [{ perms: ALL, scheme: 'auth', id: '' }] }));
  await owner.ask(getAcl('/may/auth'));
  await owner.ask(create2('/may/auth2', { acl: [{ perms: READ, scheme: 'auth', id: 'ignored' }] }));
  await owner.ask(getAcl('/may/auth2'));
  await owner.ask(
    setAcl('/may/auth2', [
      { perms: ALL, scheme: 'auth', id: '' },
      { perms: READ, scheme: 'world', id: 'anyone' },
    ]),
  );
  await owner.ask(getAcl('/may/auth2'));
  await owner.ask(create('/may/auth/child'));
  // The owner may, nobody else.
  await other.ask(whoAmI);
  for (const read of [exists, getData, getChildren, getChildren2]) await other.ask(read('/may/auth'));
  await other.ask(getAcl('/may/auth'));
  await other.ask(getAllChildrenNumber('/may/auth'));
  await other.ask(getAllChildrenNumber('/may'));
  await other.ask(setData('/may/auth', 'x'));
  await other.ask(setAcl('/may/auth', ACL_OPEN));
  await other.ask(create('/may/auth/x'));
  await other.ask(create('/may/auth/child'));
  await other.ask(remove('/may/auth/child'));
  await other.ask(remove('/may/auth/none'));
  await other.ask(exists('/may/auth/none'));
  await other.ask(getData('/may/auth/none'));
  await other.ask(getData('/may/auth/child'));
  await other.ask(sync('/may/auth'));
  await other.ask(addWatch('/may/auth', 0));
  await other.ask(multi(check('/may/auth')));
  await other.ask(multi(setData('/may/auth', 'x')));
  await other.ask(multi(remove('/may/auth/child')));
  await other.ask(multiRead(getData('/may/auth'), getChildren('/may/auth'), getData('/may')));
  await other.ask(getAcl('/may/auth2'));
  await owner.ask(exists('/may/auth'));
  await owner.ask(getData('/may/auth'));
  await owner.ask(setData('/may/auth', 'mine'));
  await owner.ask(remove('/may/auth/child'));
  await other.ask(ping);
  // Asked for by who might read it, and happening when he may not.
  await owner.ask(create('/may/seen'));
  await other.ask(getData('/may/seen', WATCH));
  await other.ask(addWatch('/may/seen', 1));
  await owner.ask(setAcl('/may/seen', [{ perms: ALL, scheme: 'auth', id: '' }]));
  await talk.settle();
  await owner.ask(setData('/may/seen', 'secret'));
  await other.ask(ping);
  await owner.ask(create('/may/seen/child'));
  await owner.ask(setAcl('/may/seen', ACL_OPEN));
  await owner.ask(setData('/may/seen', 'open'));
  await other.ask(ping);
  await talkAboutEachPermission(talk);
  await owner.ask(closeSession);
  await other.ask(closeSession);
}

async function talkAboutEachPermission(talk: Conversation): Promise<void> {
  const a = await talk.connect('perms');
  const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16 };
  for (const [name, perms] of Object.entries(permissions)) {
    const path = `/may/${name}`;
    await a.ask(create(path, { data: 'x' }));
    await a.ask(create(`${path}/child`));
    await a.ask(setAcl(path, [{ perms, scheme: 'world', id: 'anyone' }]));
    await talk.settle();
    await a.ask(exists(path));
    await a.ask(getData(path));
    await a.ask(getChildren(path));
    await a.ask(getAcl(path));
    await a.ask(setData(path, 'y'));
    await a.ask(create(`${path}/other`));
    await a.ask(remove(`${path}/child`));
    await a.ask(multi(check(path)));
    await a.ask(setAcl(path, ACL_OPEN));
  }
  await a.ask(closeSession);
}

export async function talkAboutProof(talk: Conversation): Promise<void> {
  const bad = [
    auth('no-such-scheme', 'x'),
    auth('', 'x'),
    auth(undefined, 'x'),
    auth('world', 'anyone'),
    auth('auth', ''),
    auth('super', 'super'),
    auth('sasl', 'x'),
    auth('x509', 'x'),
  ];
  for (const [index, proof] of bad.entries()) {
    const a = await talk.connect(`badly ${index}`);
    await a.ask(proof);
    await a.ask(ping, { quietMs: 2000 });
    a.leave();
  }
  const digests = ['anna', '', ':', 'anna:', ':secret', 'a:b:c', undefined];
  for (const [index, credentials] of digests.entries()) {
    const a = await talk.connect(`digest ${index}`);
    await a.ask(auth('digest', credentials));
    await a.ask(whoAmI);
    a.leave();
  }
  for (const token of [undefined, '', 'token']) {
    const a = await talk.connect(`sasl ${token}`);
    await a.ask(sasl(token));
    await a.ask(ping);
    a.leave();
  }
  const a = await talk.connect('proof');
  await a.ask(auth('digest', 'go:client'), { xid: 7 });
  await a.ask(whoAmI);
  await a.ask(create('/proof', { acl: [{ perms: ALL, scheme: 'digest', id: digestId('nobody', 'x') }] }));
  await a.ask(getData('/proof'));
  await a.ask(setAcl('/proof', ACL_OPEN));
  await a.ask(auth('digest', `super:${SUPER_PASSWORD}`));
  await a.ask(whoAmI);
  await a.ask(getData('/proof'));
  await a.ask(getAcl('/proof'));
  await a.ask(setData('/zookeeper/config', 'x'));
  await a.ask(setAcl('/proof', ACL_OPEN));
  await a.ask(remove('/zookeeper/config'));
  await a.ask(remove('/proof'));
  await a.ask(closeSession);
}
