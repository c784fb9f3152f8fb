import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { loneServer } from '../test/lone-server.ts';

/** All that a server says to these bytes on a connection of their own. */
async function said(address: string | undefined, bytes: string | Uint8Array): Promise<string> {
  const [host, port] = address?.split(':') ?? [];
  const socket = connect({ host: host ?? '', port: Number(port) });
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

async function servingServer(...options: Parameters<typeof loneServer>): ReturnType<typeof loneServer> {
  const server = await loneServer(...options);
  await expect.poll(() => server.status().role).toBe('leader');
  return server;
}

test('a server answers the safe words and no others', async () => {
  await using server = await servingServer();
  const [address] = server.zookeeperAddresses;
  expect(await said(address, 'ruok')).toBe('imok');
  expect(await said(address, 'isro')).toBe('rw');
  // As telegraf and collectd send them.
  expect(await said(address, 'srvr\n')).toMatch(
    /^Zookeeper version: 3\.9\.\d+-zabra-[\s\S]*^Mode: standalone$/m,
  );
  expect(await said(address, 'mntr\r\n')).toMatch(/^zk_server_state\tstandalone$/m);
  expect(await said(address, 'conf')).toContain(`clientPort=${address?.split(':')[1]}\n`);
  expect(await said(address, 'dump')).toBe('dump is not executed because it is not in the whitelist.\n');
});

test('what is configured is answered', async () => {
  await using server = await servingServer({ zookeeper: { words: ['wchs'] } });
  const [address] = server.zookeeperAddresses;
  expect(await said(address, 'wchs')).toBe('0 connections watching 0 paths\nTotal watches:0\n');
  expect(await said(address, 'ruok')).toContain('not in the whitelist');
});

test('what a port refused is counted', async () => {
  await using server = await servingServer();
  const [address] = server.zookeeperAddresses;
  expect(await said(address, Uint8Array.of(0x7f, 0xff, 0xff, 0xff))).toBe('');
  expect(await said(address, 'mntr')).toMatch(/^zk_large_requests_rejected\t1$/m);
});
