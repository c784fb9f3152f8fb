import type { Ensemble } from '../src/index.ts';

const PATIENCE_MS = 60_000;

/** Looks again and again until there is something to see; rejects, naming it, when that takes too long. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The digests of all servers, each different one once, taken when every server has applied the same zxid. */
export function digestsOf(ensemble: Ensemble): Promise<readonly string[]> {
  return until('all servers have applied the same', async () => {
    const servers = [...(await ensemble.status()).values()];
    const zxids = new Set(servers.map((server) => server?.digestZxid));
    return zxids.size === 1 && !zxids.has(undefined)
      ? [...new Set(servers.map((server) => server?.digest ?? ''))]
      : undefined;
  });
}
