import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateSources } from './sources.ts';

// `npm run generate`: writes src/gen anew from protos/.
const packageDir = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(`${packageDir}src/gen`, { recursive: true });
for (const [path, text] of generateSources()) {
  writeFileSync(`${packageDir}${path}`, text);
  console.log(`packages/proto/${path}`);
}
