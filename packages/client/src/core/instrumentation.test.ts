import { expect, test } from 'vitest';
import { connected, data, held, refused, settled } from './fake-network.test-support.ts';
import type { Instrumentation } from './instrumentation.ts';

function noted(): { readonly notes: unknown[]; readonly instrumentation: Instrumentation } {
  const notes: unknown[] = [];
  const instrumentation: Instrumentation = {
    request: (info) => {
      notes.push(info);
      return { end: (result) => notes.push(result) };
    },
    session: ({ type }) => notes.push(type),
    recipe: (info) => notes.push(info),
  };
  return { notes, instrumentation };
}

test('each attempt of a request is told with how it ended, and the events of the session', async () => {
  const { notes, instrumentation } = noted();
  const { world, zk, stream } = await connected({ instrumentation });
  const call = held(zk.namespace('/app').get('/a'));
  await world.advance(20);
  await stream.breakOff();
  await world.advance(60);
  const again = await world.attach();
  await world.advance(5);
  await again.say(refused(1, 'NO_NODE', 130));
  await expect(call).rejects.toMatchObject({ code: 'NO_NODE' });
  await settled();
  const request = { op: 'get', path: '/a' };
  expect(notes).toEqual([
    'connected',
    { ...request, attempt: 1 },
    { code: 'CONNECTION_LOSS', durationMs: 20 },
    'suspended',
    'connected',
    { ...request, attempt: 2 },
    { code: 'NO_NODE', durationMs: 5, zxid: 130n },
  ]);
});

test('what instrumentation throws goes to the logger and hurts nobody', async () => {
  const errors: string[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (message: string) => errors.push(message),
  };
  const broken = () => {
    throw new Error('broken');
  };
  const instrumentation = { request: broken, session: broken };
  const { world, zk, stream } = await connected({ instrumentation, logger });
  const call = held(zk.get('/a'));
  await world.turn();
  await stream.say(data(1, [1]));
  expect((await call).path).toBe('/a');
  expect(errors).toEqual(['instrumentation threw', 'instrumentation threw']);
});

test('nothing of it runs inside the client', async () => {
  const order: string[] = [];
  const { zk } = await connected({ instrumentation: { request: () => void order.push('told') } });
  held(zk.get('/a'));
  order.push('called');
  await settled();
  expect(order).toEqual(['called', 'told']);
});

test('recipes tell through their surroundings', async () => {
  const { notes, instrumentation } = noted();
  const { zk } = await connected({ instrumentation });
  zk.surroundings.recipe({ recipe: 'mutex', path: '/lock', event: 'acquired', durationMs: 3 });
  await settled();
  expect(notes.at(-1)).toEqual({ recipe: 'mutex', path: '/lock', event: 'acquired', durationMs: 3 });
});
