import { data } from './data.ts';
import { smoke } from './smoke.ts';
import { wire } from './wire.ts';

/** `npm run bench -- NAME`: figures, never a pass or a fail. */
const BENCHES: Readonly<Record<string, () => Promise<void>>> = { data, smoke, wire };

const [name] = process.argv.slice(2);
const bench = name === undefined ? undefined : BENCHES[name];
if (bench === undefined) {
  process.stderr.write(
    `usage: npm run bench -- NAME, with NAME one of: ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exit(2);
}
await bench();
