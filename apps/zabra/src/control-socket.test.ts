import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../test/zabra-process.ts';
import {
  askSupervisor,
  type ControlReply,
  controlPath,
  isAnswering,
  listenForControl,
} from './control-socket.ts';

const listening: Server[] = [];
afterEach(async () => {
  await Promise.all(listening.splice(0).map((server) => once(server.close(), 'close')));
});

async function listen(path: string): Promise<boolean> {
  const answer = async ({ id }: { readonly id: number }): Promise<ControlReply> => ({
    ok: true,
    line: `server ${id}`,
  });
  const server = await listenForControl(path, answer);
  listening.push(...(server === undefined ? [] : [server]));
  return server !== undefined;
}

test('a supervisor answers, and nobody but its owner may ask', async () => {
  const path = controlPath(temporaryDirectory());
  expect(await listen(path)).toBe(true);
  expect(await askSupervisor(path, { command: 'restart', id: 2 })).toEqual({ ok: true, line: 'server 2' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(path.length).toBeLessThan(100);
});

test('a directory has one supervisor at a time', async () => {
  const path = controlPath(temporaryDirectory());
  expect(await listen(path)).toBe(true);
  expect(await listen(path)).toBe(false);
  expect(await isAnswering(path)).toBe(true);
});

test('a socket that a killed supervisor left behind is taken over', async () => {
  const path = controlPath(temporaryDirectory());
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(statSync(path).isSocket()).toBe(true);
  expect(await isAnswering(path)).toBe(false);
  expect(await listen(path)).toBe(true);
  expect(await isAnswering(path)).toBe(true);
});
