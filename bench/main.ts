import { data } from './data.ts';
import { smoke } from './smoke.ts';
import { wire } from './wire.ts';

/** `npm run bench -- NAME`: figures, never a pass or a fail. */
const BENCHES: Readonly<Record<string, (rows?: string) => Promise<void>>> = { data, smoke, wire };

const [name, rows] = process.argv.slice(2);
const bench = name === undefined ? undefined : BENCHES[name];
if (bench === undefined) {
  process.stderr.write(
    `usage: npm run bench -- NAME, with NAME one of: ${Object.keys(BENCHES).join(', ')}; wire ROWS: those rows whose names have ROWS in them\n`,
  );
  process.exit(2);
}
await bench(rows);
