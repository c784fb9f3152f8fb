import { OPCODE, writeMultiHeader } from '@zabra/jute';
import type { Conversation } from './conversation.test-support.ts';
import {
  check,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  exists,
  getChildren,
  getChildren2,
  getData,
  multi,
  multiRead,
  ping,
  record,
  remove,
  setData,
  WATCH,
} from './conversation-requests.test-support.ts';

export async function talkAboutTransactions(talk: Conversation): Promise<void> {
  const a = await talk.connect('tess');
  await a.ask(create('/multi', { data: 'top' }));
  await a.ask(multi());
  await a.ask(multi(check('/multi')));
  await a.ask(multi(check('/multi', 0), check('/multi', -1)));
  await a.ask(multi(check('/multi', 1)));
  await a.ask(multi(check('/none')));
  await a.ask(multi(create('/multi/a', { data: '1' }), setData('/multi/a', '2', 0), check('/multi/a', 1)));
  await a.ask(getData('/multi/a'));
  await a.ask(multi(create('/multi/b'), remove('/multi/b', 0), create('/multi/b')));
  await a.ask(multi(remove('/multi/a'), remove('/multi/b')));
  await a.ask(exists('/multi'));
  await a.ask(multi(create('/multi/s-', { mode: 'persistent-sequential' })));
  await a.ask(
    multi(
      create('/multi/s-', { mode: 'persistent-sequential' }),
      create('/multi/s-', { mode: 'persistent-sequential' }),
    ),
  );
  await a.ask(
    multi(
      create('/multi/parent'),
      create('/multi/parent/s-', { mode: 'ephemeral-sequential' }),
      create('/multi/e', { mode: 'ephemeral' }),
    ),
  );
  await a.ask(getChildren2('/multi'));
  await a.ask(multi(create2('/multi/two', { data: '2' })));
  await a.ask(multi(createContainer('/multi/container')));
  await a.ask(multi(createTtl('/multi/ttl'), createTtl('/multi/ttl-', { mode: 'ttl-sequential' })));
  await a.ask(multi(setData('/multi', undefined), setData('/multi', 'again', -1)));
  await talkAboutFailures(talk);
  await talkAboutReadsTogether(talk);
  await a.ask(closeSession);
}

/** The one that fails is the first, one in the middle, the last; for each reason. */
async function talkAboutFailures(talk: Conversation): Promise<void> {
  const a = await talk.connect('fay');
  await a.ask(create('/multi/f', { data: 'f' }));
  await a.ask(multi(check('/none'), create('/multi/f1'), remove('/multi/f')));
  await a.ask(multi(create('/multi/f1'), check('/multi/f', 9), remove('/multi/f')));
  await a.ask(multi(create('/multi/f1'), setData('/multi/f', 'x'), remove('/multi/f', 9)));
  await a.ask(multi(create('/multi/f1'), create('/multi/f1')));
  await a.ask(multi(create('/multi/f')));
  await a.ask(multi(create('/none/x')));
  await a.ask(multi(create('/multi/f/e', { mode: 'ephemeral' }), create('/multi/f/e/x')));
  await a.ask(multi(remove('/multi')));
  await a.ask(multi(create('/multi/f/x'), remove('/multi/f')));
  await a.ask(multi(remove('/multi/none')));
  await a.ask(multi(remove('/')));
  await a.ask(multi(setData('/none', 'x')));
  await a.ask(multi(setData('/multi/f', 'x', 5)));
  await a.ask(multi(create('/multi/acl', { acl: [] })));
  await a.ask(multi(create('/multi/bad//path')));
  await a.ask(multi(create('bad')));
  await a.ask(multi(create('/multi/bad', { mode: 9 })));
  await a.ask(multi(createTtl('/multi/bad', { ttlMs: 0 })));
  await a.ask(multi(check('bad')));
  await a.ask(multi(check('/multi//bad')));
  await a.ask(multi(setData('/multi/', 'x')));
  await a.ask(multi(remove('multi')));
  await a.ask(multi(remove('/none/x'), remove('/none/y'), check('/none')));
  await a.ask(getData('/multi/f'));
  await a.ask(getChildren2('/multi'));
  // Reads are not for it.
  await a.ask(multi(getData('/multi')));
  await a.ask(multi(create('/multi/f1'), getData('/multi')));
  await a.ask(multi(getChildren('/multi'), create('/multi/f1')));
  await a.ask(multi(exists('/multi')));
  await a.ask(multi(getChildren2('/multi')));
  const odd = (type: number): Uint8Array =>
    record((writer) => {
      writeMultiHeader(writer, { type, done: false, error: -1 });
      writer.ustring('/multi');
      writer.int(-1);
      writeMultiHeader(writer, { type: -1, done: true, error: -1 });
    });
  for (const type of [OPCODE.setAcl, OPCODE.sync, OPCODE.multi, OPCODE.closeSession, OPCODE.error, 0, 99])
    await a.askRaw(OPCODE.multi, odd(type), `multi of one operation of type ${type}`);
  await a.ask(exists('/multi/f1'));
  // What it does is seen at once, and by one zxid.
  await a.ask(multi(create('/multi/one'), create('/multi/one/two'), setData('/multi/one', 'x')));
  await a.ask(getData('/multi/one'));
  await a.ask(exists('/multi/one/two'));
  await a.ask(closeSession);
}

async function talkAboutReadsTogether(talk: Conversation): Promise<void> {
  const a = await talk.connect('rita');
  await a.ask(multiRead());
  await a.ask(multiRead(getData('/multi')));
  await a.ask(
    multiRead(
      getData('/multi'),
      getChildren('/multi'),
      getData('/none'),
      getChildren('/none'),
      getData('/multi/f'),
    ),
  );
  await a.ask(multiRead(getData('bad'), getChildren(''), getData(undefined)));
  await a.ask(multiRead(getData('/multi', WATCH), getChildren('/multi', WATCH)), { note: 'that watch' });
  await a.ask(setData('/multi', 'watched?'));
  await a.ask(create('/multi/watched'));
  await a.ask(ping);
  await a.ask(multiRead(exists('/multi')));
  await a.ask(multiRead(getChildren2('/multi')));
  await a.ask(multiRead(create('/multi/f1')));
  await a.ask(multiRead(getData('/multi'), remove('/multi/f')));
  await a.ask(multiRead(check('/multi')));
  await a.ask(closeSession);
}
