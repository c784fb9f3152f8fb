import { connect } from '@zabra/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HeardEvents } from '../test/heard-events.ts';
import { placedClient } from '../test/placed-client.ts';
import { until } from '../test/until.ts';
import { type Ensemble, startEnsemble } from './index.ts';

/* A server without a quorum still has what it had: clients that agree to it may read that, and nothing else. */

const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const readOnly = { code: 'NOT_READ_ONLY', outcome: 'not-applied' };

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({
    links: true,
    config: { readOnlyMode: true, timing: { sessionTimeoutMinMs: 1000 } },
  });
});
afterAll(() => ensemble.close());

test('a server that is cut off serves reads to who agreed to it, and all of it when it is back', {
  timeout: 60_000,
}, async () => {
  const leader = await ensemble.leader();
  const cutOff = ensemble.ids.find((id) => id !== leader) ?? 0;
  const others = ensemble.ids.filter((id) => id !== cutOff);
  const onlyTo = { servers: ensemble.addressOf(cutOff), sessionTimeoutMs: 60_000 };
  await using here = await connect({ ...onlyTo, readOnly: true });
  await using elsewhere = await connect({ servers: others.map((id) => ensemble.addressOf(id)) });
  const { id } = here.session;
  await here.create('/shown', 'old');
  await here.create('/owned', '', { mode: 'ephemeral' });
  const { watch } = await here.get('/shown', { watch: true });

  for (const other of others) ensemble.cut(cutOff, other);
  await until('it is served without a quorum', () => here.state === 'connected-read-only');
  await elsewhere.set('/shown', 'new');
  expect(text((await here.get('/shown')).data)).toBe('old');
  expect(await here.children('/')).toContain('shown');
  await expect(here.set('/shown', 'newer')).rejects.toMatchObject(readOnly);
  await expect(here.create('/made')).rejects.toMatchObject(readOnly);
  await expect(here.transaction().set('/shown', 'newer').commit()).rejects.toMatchObject(readOnly);
  await expect(here.get('/shown', { linearizable: true })).rejects.toMatchObject(readOnly);
  await expect(here.sync()).rejects.toMatchObject(readOnly);
  expect(here.session.id).toBe(id);

  await using newcomer = await connect({ ...onlyTo, readOnly: true });
  expect(newcomer.state).toBe('connected-read-only');
  expect(newcomer.session.id).toBe(0n);
  expect(text((await newcomer.get('/shown')).data)).toBe('old');
  await expect(newcomer.create('/made')).rejects.toMatchObject(readOnly);
  await expect(connect({ ...onlyTo, connectTimeoutMs: 1500 })).rejects.toMatchObject({ code: 'UNREACHABLE' });

  for (const other of others) ensemble.heal(cutOff, other);
  await until('both have sessions', () => here.state === 'connected' && newcomer.state === 'connected');
  expect(await watch.event).toMatchObject({ type: 'changed', path: '/shown' });
  expect(text((await here.get('/shown')).data)).toBe('new');
  expect(here.session.id).toBe(id);
  expect(here.session.signal.aborted).toBe(false);
  expect((await here.exists('/owned'))?.ephemeralOwner).toBe(id);
  expect(newcomer.session.id).not.toBe(0n);
  await Promise.all([here.set('/shown', 'newer'), newcomer.create('/made')]);
  expect(await elsewhere.exists('/made', { linearizable: true })).not.toBeNull();
});

test('a session that ends while its server is cut off is followed by one that hears what it missed', {
  timeout: 60_000,
}, async () => {
  const leader = await ensemble.leader();
  const cutOff = ensemble.ids.find((id) => id !== leader) ?? 0;
  const others = ensemble.ids.filter((id) => id !== cutOff);
  const onlyTo = { servers: ensemble.addressOf(cutOff), sessionTimeoutMs: 2500 };
  await using here = await connect({ ...onlyTo, readOnly: true });
  await using elsewhere = await connect({ servers: others.map((id) => ensemble.addressOf(id)) });
  const old = here.session;
  await here.create('/ended', 'old');
  await here.create('/lost', '', { mode: 'ephemeral' });
  for (const other of others) ensemble.cut(cutOff, other);
  await until('the client gives its session up', () => old.signal.aborted);
  await until('it is served without one', () => here.state === 'connected-read-only');
  expect(here.session.id).toBe(0n);
  // Armed at what is of the past by now.
  const { watch } = await here.get('/ended', { watch: true });
  await using heard = new HeardEvents(here.watch('/ended', { recursive: true }));
  expect(await here.exists('/lost')).not.toBeNull();
  await until('the ensemble has ended it', async () => !(await elsewhere.children('/')).includes('lost'));
  await elsewhere.set('/ended', 'new');
  await elsewhere.create('/ended/child');
  for (const other of others) ensemble.heal(cutOff, other);
  await until('it has a session', () => here.state === 'connected');
  expect(here.session.id).not.toBe(old.id);
  expect(await watch.event).toMatchObject({ type: 'changed', path: '/ended' });
  await until('what it missed is told', () => heard.has('created /ended/child'));
  expect(heard.lines).toEqual(['changed /ended', 'created /ended/child']);
  expect(await here.exists('/lost')).toBeNull();
});

test('a client that agreed to it takes its session to a server with a quorum where it knows one', {
  timeout: 60_000,
}, async () => {
  const { zk, server } = await placedClient(ensemble, { readOnly: true, sessionTimeoutMs: 60_000 });
  await using _closing = zk;
  const { id } = zk.session;
  const cutOff = server();
  const others = ensemble.ids.filter((each) => each !== cutOff);
  await zk.create('/moving', '', { mode: 'ephemeral' });
  for (const other of others) ensemble.cut(cutOff, other);
  await until('it is served by another', () => server() !== cutOff && zk.state === 'connected');
  await zk.set('/moving', 'moved');
  expect((await zk.get('/moving')).stat.ephemeralOwner).toBe(id);
  for (const other of others) ensemble.heal(cutOff, other);
  await ensemble.whenServing();
});
