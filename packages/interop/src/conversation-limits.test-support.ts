import { OPCODE } from '@zabra/jute';
import type { Conversation, Speaker } from './conversation.test-support.ts';
import { NO_OPERATIONS } from './conversation.test-support.ts';
import { framed } from './conversation-line.test-support.ts';
import {
  check,
  closeSession,
  create,
  create2,
  exists,
  getAllChildrenNumber,
  getChildren2,
  getData,
  multi,
  ping,
  reconfig,
  record,
  remove,
  setData,
} from './conversation-requests.test-support.ts';

export async function talkAboutQuotas(talk: Conversation): Promise<void> {
  const a = await talk.connect('quinn');
  await a.ask(create('/quota', { data: '12345' }));
  await a.ask(create('/zookeeper/quota/quota'));
  await a.ask(
    create('/zookeeper/quota/quota/zookeeper_limits', {
      data: 'count=3,bytes=-1=;byteHardLimit=20;countHardLimit=3',
    }),
  );
  await a.ask(create('/zookeeper/quota/quota/zookeeper_stats', { data: 'count=0,bytes=0' }));
  await a.ask(getData('/zookeeper/quota/quota/zookeeper_limits'));
  await a.ask(getData('/zookeeper/quota/quota/zookeeper_stats'));
  await a.ask(create('/quota/a', { data: '12345' }));
  await a.ask(getData('/zookeeper/quota/quota/zookeeper_stats'));
  await a.ask(setData('/quota/a', '1234567890123456'));
  await a.ask(setData('/quota/a', '1234567890123456', 9));
  await a.ask(setData('/quota/a', '123456789012345'));
  await a.ask(create('/quota/b', { data: '1' }));
  await a.ask(setData('/quota/a', '1'));
  await a.ask(create('/quota/b', { data: '1' }));
  await a.ask(create('/quota/c'));
  await a.ask(multi(create('/quota/c')));
  await a.ask(multi(check('/quota'), setData('/quota/a', '12345678901234567890')));
  await a.ask(remove('/quota/b'));
  await a.ask(create('/quota/c'));
  await a.ask(getChildren2('/quota'));
  await a.ask(getData('/zookeeper/quota/quota/zookeeper_stats'));
  await a.ask(setData('/zookeeper/quota/quota/zookeeper_limits', 'count=-1,bytes=-1'));
  await a.ask(create('/quota/d', { data: '1234567890123456789012345' }));
  await a.ask(setData('/zookeeper/quota/quota/zookeeper_limits', 'no quota'));
  await a.ask(remove('/zookeeper/quota/quota/zookeeper_limits'));
  await a.ask(create('/quota/e'));
  await a.ask(getAllChildrenNumber('/zookeeper'));
  await a.ask(closeSession);
}

export async function talkAboutReconfiguring(talk: Conversation): Promise<void> {
  const a = await talk.connect('rex');
  await a.ask(reconfig({ joining: 'server.9=127.0.0.1:1:2;3' }));
  await a.ask(reconfig({ leaving: '3' }));
  await a.ask(reconfig({ leaving: '3' }, 12345));
  await a.ask(reconfig({ newMembers: 'nonsense' }));
  await a.ask(reconfig({}));
  await a.ask(closeSession);
}

/** Numbers that are no operation, or none that a client has. */
export async function talkAboutUnknownOperations(talk: Conversation): Promise<void> {
  for (const [name, opcode] of Object.entries({
    ...NO_OPERATIONS,
    negative: -5,
    error: OPCODE.error,
    after: 108,
  })) {
    const a = await talk.connect(`unknown ${name}`);
    await a.askRaw(opcode, new Uint8Array(0), `an operation of type ${opcode}`, { quietMs: 1500 });
    await a.ask(ping, { quietMs: 1500 });
    a.leave();
  }
  const b = await talk.connect('reaper');
  await b.ask(create('/reaped'));
  await b.askRaw(OPCODE.deleteContainer, Buffer.from('/reaped'), 'deleteContainer "/reaped"', {
    quietMs: 1500,
  });
  await b.ask(exists('/reaped'));
  b.leave();
}

/** Each record, cut off in its middle, and with lengths that are none. */
export async function talkAboutBytes(talk: Conversation): Promise<void> {
  const a = await talk.connect('bytes');
  await a.ask(create('/bytes'));
  const whole: Readonly<Record<string, Uint8Array>> = {
    create: record((writer) => {
      writer.ustring('/bytes/x');
      writer.buffer(new Uint8Array(3));
      writer.int(1);
      writer.int(31);
      writer.ustring('world');
      writer.ustring('anyone');
      writer.int(0);
    }),
    delete: record((writer) => {
      writer.ustring('/bytes/x');
      writer.int(-1);
    }),
    exists: record((writer) => {
      writer.ustring('/bytes');
      writer.bool(false);
    }),
    setData: record((writer) => {
      writer.ustring('/bytes');
      writer.buffer(new Uint8Array(3));
      writer.int(-1);
    }),
    path: record((writer) => writer.ustring('/bytes')),
  };
  const shapes: readonly (readonly [keyof typeof OPCODE, string])[] = [
    ['create', 'create'],
    ['create2', 'create'],
    ['createContainer', 'create'],
    ['createTtl', 'create'],
    ['delete', 'delete'],
    ['setData', 'setData'],
    ['setAcl', 'path'],
    ['exists', 'exists'],
    ['getData', 'exists'],
    ['getChildren', 'exists'],
    ['getChildren2', 'exists'],
    ['getAcl', 'path'],
    ['sync', 'path'],
    ['getAllChildrenNumber', 'path'],
    ['getEphemerals', 'path'],
    ['addWatch', 'path'],
    ['checkWatches', 'path'],
    ['removeWatches', 'path'],
    ['setWatches', 'path'],
    ['setWatches2', 'path'],
    ['multi', 'path'],
    ['multiRead', 'path'],
  ];
  for (const [name, shape] of shapes) {
    const opcode = OPCODE[name];
    const bytes = whole[shape] ?? new Uint8Array(0);
    await a.askRaw(opcode, new Uint8Array(0), `${name} without a body`);
    await a.askRaw(opcode, bytes.subarray(0, bytes.length - 1), `${name} without its last byte`);
    await a.askRaw(opcode, Buffer.from('fffffffe', 'hex'), `${name} with a length of -2`);
    await a.askRaw(opcode, Buffer.from('7fffffff', 'hex'), `${name} with a length of 2^31 - 1`);
  }
  await a.askRaw(
    OPCODE.exists,
    Buffer.concat([whole.exists ?? new Uint8Array(0), Buffer.from('more')]),
    'exists with more behind it',
  );
  await a.askRaw(
    OPCODE.create,
    Buffer.concat([whole.create ?? new Uint8Array(0), Buffer.from('more')]),
    'create with more behind it',
  );
  await a.askRaw(OPCODE.ping, Buffer.from('more'), 'ping with more behind it', { answeredWith: -2 });
  await a.askRaw(OPCODE.whoAmI, Buffer.from('more'), 'whoAmI with more behind it');
  await a.askRaw(
    OPCODE.exists,
    record((writer) => {
      writer.buffer(Buffer.from('2f6279746573ff', 'hex'));
      writer.bool(false);
    }),
    'exists of what is no UTF-8',
  );
  await a.askRaw(
    OPCODE.exists,
    record((writer) => {
      writer.ustring('/bytes');
      writer.raw(Buffer.from([7]));
    }),
    'exists with a watch of 7',
  );
  await a.ask(setData('/bytes', 'x'));
  await a.ask(closeSession);
  await talkAboutFrames(talk);
}

async function talkAboutFrames(talk: Conversation): Promise<void> {
  const lone = async (name: string, talkTo: (speaker: Speaker) => Promise<void>): Promise<void> => {
    const speaker = await talk.connect(name);
    await talkTo(speaker);
    speaker.leave();
  };
  const length = (bytes: number): Uint8Array => {
    const four = Buffer.alloc(4);
    four.writeInt32BE(bytes);
    return four;
  };
  await lone('empty frame', (a) =>
    a.sayBytes(framed(new Uint8Array(0)), 'a frame of no bytes', { quietMs: 1500 }),
  );
  await lone('short frame', (a) =>
    a.sayBytes(framed(new Uint8Array(5)), 'a frame of 5 bytes', { quietMs: 1500 }),
  );
  await lone('negative frame', (a) => a.sayBytes(length(-1), 'a frame of -1 bytes', { quietMs: 1500 }));
  await lone('huge frame', (a) =>
    a.sayBytes(length(2147483647), 'a frame of 2^31 - 1 bytes', { quietMs: 1500 }),
  );
  await lone('word', (a) => a.sayBytes(Buffer.from('ruok'), 'ruok, too late', { quietMs: 1500 }));
  await lone('too much data', async (a) => {
    await a.ask(create('/much', { data: new Uint8Array(1_100_000) }));
    await a.ask(ping);
  });
  await lone('far too much data', async (a) => {
    await a.ask(create('/much', { data: new Uint8Array(6_000_000) }));
  });
  for (const name of ['auth', 'sasl'] as const)
    await lone(`${name} cut off`, async (a) => {
      await a.askRaw(OPCODE[name], new Uint8Array(0), `${name} without a body`, { quietMs: 1500 });
      await a.ask(ping, { quietMs: 1500 });
    });
  await lone('create2 after all', async (a) => {
    await a.ask(create2('/much', { data: 'little' }));
    await a.ask(remove('/much'));
  });
  for (const [note, bytes] of [
    ['with a frame of no bytes', framed(new Uint8Array(0))],
    ['with a frame of 10 bytes', framed(new Uint8Array(10))],
    ['with a frame of -1 bytes', length(-1)],
    ['with a frame of 2^31 - 1 bytes', length(2147483647)],
    ['with bytes at random', Buffer.from('16030100ff0100', 'hex')],
  ] as const) {
    const a = await talk.connect(`connects ${note}`, { bytes, note });
    a.leave();
  }
}
