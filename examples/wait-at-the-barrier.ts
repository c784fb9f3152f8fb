import { connect } from '@zabra/client';
import { Barrier } from '@zabra/client/recipes';
import { startEnsemble } from '@zabra/testing';

/*
 * Three services start while the database is still being migrated. Each waits at a barrier, so that none of them
 * ever meets the old schema.
 */
const named = process.env.ZABRA_SERVERS;
await using own = named ? null : await startEnsemble();
const servers = named ?? own?.servers ?? '';

await using zk = await connect(servers);
const barrier = new Barrier(zk, '/barriers/migration');
await barrier.close();
await zk.put('/schema', 'old', { parents: true });

const services = ['billing', 'orders', 'search'].map(startService);
await migrate();
await barrier.open();
await Promise.all(services);

/** A program of its own in real life; here it has at least a client of its own. */
async function startService(name: string): Promise<void> {
  await using zk = await connect(servers);
  await new Barrier(zk, '/barriers/migration').wait({ timeoutMs: 30_000 });
  // Others' writes show when this client's server has them; after a sync it has all that came before.
  await zk.sync('/schema');
  const { data } = await zk.get('/schema');
  console.log(`${name} starts with the ${new TextDecoder().decode(data)} schema`);
}

async function migrate(): Promise<void> {
  await zk.set('/schema', 'new');
  console.log('the migration is done');
}
