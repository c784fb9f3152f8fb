import { ACL_OPEN } from '@zabra/model';
import type { Conversation } from './conversation.test-support.ts';
import {
  check,
  closeSession,
  create,
  create2,
  exists,
  getChildren,
  getData,
  getEphemerals,
  multi,
  multiRead,
  ping,
  remove,
  setAcl,
  setData,
  setWatches,
  sync,
  WATCH,
  whoAmI,
} from './conversation-requests.test-support.ts';

export async function talkAboutConnecting(talk: Conversation): Promise<void> {
  const withFlag = await talk.connect('flag', { readOnly: true, note: 'that may be read-only' });
  await withFlag.ask(closeSession);
  const without = await talk.connect('no flag', { readOnly: undefined, note: 'without the flag' });
  await without.ask(whoAmI);
  await without.ask(closeSession);
  const empty = await talk.connect('empty password', {
    password: new Uint8Array(0),
    note: 'without a password',
  });
  await empty.ask(closeSession);
  const short = await talk.connect('short password', {
    password: new Uint8Array(3),
    note: 'with 3 bytes of password',
  });
  await short.ask(closeSession);
  for (const timeoutMs of [
    0, -1, 1, 999, 1000, 1001, 9999, 10_000, 10_001, 100_000_000, 2147483647, -2147483648,
  ]) {
    const a = await talk.connect(`timeout ${timeoutMs}`, { timeoutMs, note: `for ${timeoutMs} ms` });
    a.leave();
  }
  for (const protocolVersion of [1, 7, -1]) {
    const a = await talk.connect(`version ${protocolVersion}`, {
      protocolVersion,
      note: `in version ${protocolVersion}`,
    });
    a.leave();
  }
  const ahead = await talk.connect('ahead', { lastZxidSeen: 2 ** 52, note: 'having seen the future' });
  ahead.leave();
  const negative = await talk.connect('negative zxid', { lastZxidSeen: -1, note: 'having seen zxid -1' });
  await negative.ask(closeSession);
}

export async function talkAboutSessions(talk: Conversation): Promise<void> {
  const a = await talk.connect('sam');
  await a.ask(create('/sessions'));
  await a.ask(create2('/sessions/e', { mode: 'ephemeral' }));
  await a.ask(getData('/sessions/e', WATCH));
  // Back on another connection: the first one ends at once, watches and proofs with it.
  const { sessionId, password } = a.session;
  const b = await talk.connect('sam again', {
    sessionId,
    password,
    lastZxidSeen: a.lastZxid,
    note: 'as sam',
  });
  await a.listen('the end', 1);
  await b.ask(exists('/sessions/e'));
  await b.ask(setData('/sessions/e', '1'));
  await b.ask(getEphemerals('/sessions'));
  // On another server.
  const c = await talk.connect('sam elsewhere', {
    to: 2,
    sessionId,
    password,
    lastZxidSeen: b.lastZxid,
    note: 'as sam, at server 2',
  });
  await c.ask(sync('/'));
  await b.listen('the end', 1, { quietMs: 1500 });
  await c.ask(exists('/sessions/e'));
  await c.ask(setData('/sessions/e', '2'));
  // With what is no password of it.
  for (const [name, bytes] of [
    ['a wrong password', new Uint8Array(16).fill(7)],
    ['zeros', new Uint8Array(16)],
    ['no password', new Uint8Array(0)],
    ['a longer password', Buffer.concat([password, Buffer.from([1])])],
  ] as const) {
    const d = await talk.connect(`thief with ${name}`, {
      to: 2,
      sessionId,
      password: bytes,
      note: `as sam with ${name}`,
    });
    d.leave();
  }
  await c.ask(ping, { quietMs: 1500 });
  const back = await talk.connect('sam at last', { sessionId, password, note: 'as sam' });
  await back.ask(exists('/sessions/e'));
  for (const unknown of [1n, -1n, 0x7fff_ffff_ffff_ffffn, 123456789012345n]) {
    const d = await talk.connect(`unknown ${unknown}`, {
      sessionId: unknown,
      password,
      note: `as session ${unknown}`,
    });
    d.leave();
  }
  await back.ask(closeSession);
  await back.listen('the end', 1);
  const over = await talk.connect('sam, too late', { sessionId, password, note: 'as sam, who is gone' });
  over.leave();
  const mute = await talk.connect('sam, too late, without the flag', {
    sessionId,
    password,
    readOnly: undefined,
    note: 'as sam, who is gone, without the flag',
  });
  mute.leave();
  await talkAboutExpiry(talk);
  await talkAboutXids(talk);
  await talkAboutOtherServers(talk);
}

async function talkAboutExpiry(talk: Conversation): Promise<void> {
  const heir = await talk.connect('heir');
  const mortal = await talk.connect('short-lived', { timeoutMs: 1000, note: 'for 1 s' });
  await mortal.ask(create('/sessions/mortal', { mode: 'ephemeral' }));
  await mortal.ask(create('/sessions/mortal-', { mode: 'ephemeral-sequential' }));
  await heir.ask(exists('/sessions/mortal', WATCH));
  mortal.leave();
  await heir.listen('the death of the short-lived', 1);
  await heir.ask(getChildren('/sessions'));
  await heir.ask(exists('/sessions/mortal'));
  const { sessionId, password } = mortal.session;
  const ghost = await talk.connect('ghost', { sessionId, password, note: 'as the short-lived' });
  ghost.leave();
  await heir.ask(closeSession);
  const silent = await talk.connect('silent', { timeoutMs: 1000, note: 'for 1 s' });
  await silent.listen('the end of who says nothing', 1);
}

async function talkAboutXids(talk: Conversation): Promise<void> {
  const a = await talk.connect('xena');
  await a.ask(ping);
  await a.ask(ping, { xid: 17, answeredWith: -2 });
  await a.ask(ping, { xid: 0, answeredWith: -2 });
  await a.ask(ping, { xid: -1, answeredWith: -2 });
  for (const xid of [0, 1, 1, 2147483647, -3, -100, -2147483648, -4, -8, -2])
    await a.ask(exists('/sessions'), { xid });
  await a.ask(setData('/sessions', 'x'), { xid: 0 });
  await a.ask(setData('/sessions', 'x'), { xid: -7 });
  await a.ask(multi(), { xid: 0 });
  await a.ask(create('/sessions/xid', { mode: 'ephemeral' }), { xid: -2 });
  await a.ask(closeSession, { xid: 0 });
  await a.listen('the end', 1);
}

async function talkAboutOtherServers(talk: Conversation): Promise<void> {
  const a = await talk.connect('one');
  const b = await talk.connect('two', { to: 2, note: 'at server 2' });
  const c = await talk.connect('three', { to: 3, note: 'at server 3' });
  await a.ask(create2('/sessions/far', { data: '1' }));
  await b.ask(sync('/sessions/far'));
  await b.ask(getData('/sessions/far', WATCH));
  await c.ask(setData('/sessions/far', '2'));
  await b.ask(sync('/'));
  await b.ask(getData('/sessions/far'));
  await a.ask(sync('/'));
  await a.ask(getData('/sessions/far'));
  await c.ask(remove('/sessions/far'));
  await c.ask(remove('/sessions/far'));
  await a.ask(closeSession);
  await b.ask(closeSession);
  await c.ask(closeSession);
}

/** The last of all: a real 3.8 that hears this serves nobody any more. */
export async function talkAboutALoneCheck(talk: Conversation): Promise<void> {
  const a = await talk.connect('lone check');
  await a.ask(check('/'), { quietMs: 1500 });
  await a.ask(ping, { quietMs: 1500 });
  a.leave();
}

/**
 * One server of three is left: it has no quorum, and serves those who agree what it has. A real 3.8 gives them no session
 * (its answer to their first frame is a reply with -119), so this is no part of the conversation that is compared.
 */
export async function talkAboutReadingOnly(talk: Conversation): Promise<void> {
  for (const id of [3, 2]) await talk.servers.kill(id);
  const a = await talk.connectWhenServed('reader', { readOnly: true, note: 'that may be read-only' });
  await a.ask(exists('/none'));
  await a.ask(getData('/nodes/a'));
  await a.ask(getChildren('/nodes', WATCH));
  await a.ask(multiRead(getData('/nodes/a')));
  await a.ask(ping);
  await a.ask(whoAmI);
  await a.ask(create('/read-only'));
  await a.ask(setData('/nodes/a', 'x'));
  await a.ask(setAcl('/nodes/a', ACL_OPEN));
  await a.ask(remove('/nodes/a'));
  await a.ask(multi(create('/read-only')));
  await a.ask(sync('/'));
  await a.ask(setWatches(0, { data: ['/nodes/a'] }));
  await a.ask(closeSession);
  const b = await talk.connect('no reader', { note: 'that may not be read-only' });
  b.leave();
  const c = await talk.connect('no reader either', { readOnly: undefined, note: 'without the flag' });
  c.leave();
}
