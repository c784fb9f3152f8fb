import { createClient, ZkError } from '@zabra/client';
import { expect, test } from 'vitest';
import { SILENT } from '../core/surroundings.ts';
import { inBackground } from './background.ts';

test.each([
  { name: 'a failure is told to the logger', code: 'NO_AUTH' as const, told: ['the removal of /a failed'] },
  { name: 'a lost session is not', code: 'SESSION_EXPIRED' as const, told: [] },
  { name: 'a session that was taken over is not', code: 'SESSION_MOVED' as const, told: [] },
  { name: 'a closed client is not', code: 'CLIENT_CLOSED' as const, told: [] },
])('of what fails in the background, $name', async ({ code, told }) => {
  const heard: string[] = [];
  const logger = { ...SILENT, warn: (message: string) => heard.push(message) };
  const failing = Promise.reject(new ZkError(code));
  inBackground(createClient({ servers: '127.0.0.1:1', logger }), 'the removal of /a', failing);
  await failing.catch(() => {});

  expect(heard).toEqual(told);
});
