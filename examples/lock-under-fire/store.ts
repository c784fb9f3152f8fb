import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * The store's program: one number, read with GET and replaced with PUT. It compares nothing and locks nothing; it only
 * refuses a fencing token smaller than the greatest it has seen, also seen with a read: whoever has read under a newer
 * lock must not have the number changed under its hands by the holder before.
 */
let number = 0;
let greatestToken = 0n;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const token = BigInt(String(request.headers['fencing-token']));
  if (token < greatestToken) {
    response.writeHead(409).end();
    return;
  }
  greatestToken = token;
  if (request.method === 'PUT') number = Number(body);
  response.end(String(number));
});
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('disconnect', () => process.exit());
