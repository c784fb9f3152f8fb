import { ServerCredentials, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { RawStream } from '../test/raw-stream.ts';
import { ClientListener, PeerListener } from './grpc-listener.ts';

const FRAME_BYTES_MAX = 1024;

test.each(['clients', 'elect', 'follow'] as const)(
  'a stream for %s that comes before the data was read is refused, not kept waiting',
  async (who) => {
    const listener =
      who === 'clients'
        ? new ClientListener(FRAME_BYTES_MAX, () => {
            throw new Error('nobody asks for the status');
          })
        : new PeerListener(FRAME_BYTES_MAX);
    const address = await listener.listen('127.0.0.1:0', ServerCredentials.createInsecure());
    // It never hangs up by itself.
    using stream = who === 'clients' ? RawStream.toClients(address).read() : RawStream.toPeers(address, who);
    const { code, details } = await stream.status();
    expect(code).toBe(status.UNAVAILABLE);
    expect(details).toContain('still reads its data directory');
    listener.close();
  },
);
