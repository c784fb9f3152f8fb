import { type ConnectOptions, createClient, type ZooKeeper } from '@zabra/client';
import type { Ensemble } from '../src/index.ts';

/** A client of the whole ensemble, and the server that it is connected to now. */
export interface PlacedClient {
  readonly zk: ZooKeeper;
  readonly server: () => number;
}

/** `at`: the servers one of which it is connected to first. A client chooses by chance, so that it may take a few. */
export async function placedClient(
  ensemble: Ensemble,
  options: Partial<ConnectOptions> = {},
  at: readonly number[] = ensemble.ids,
): Promise<PlacedClient> {
  for (;;) {
    const zk = createClient({ servers: ensemble.servers, ...options });
    let address = '';
    zk.session.on('connected', ({ server }) => {
      address = server;
    });
    await zk.session.whenConnected();
    // The event comes in a turn of its own.
    await zk.whoAmI();
    const server = (): number => ensemble.ids.find((id) => ensemble.addressOf(id) === address) ?? 0;
    if (at.includes(server())) return { zk, server };
    await zk.close();
  }
}
