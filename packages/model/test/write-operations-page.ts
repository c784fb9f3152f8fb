import { writeFileSync } from 'node:fs';
import { operationsPage } from './operations-page.ts';

// `npm run docs:operations`: writes docs/operations.md anew from the operation table.
const page = new URL('../../../docs/operations.md', import.meta.url);
writeFileSync(page, operationsPage());
console.log('docs/operations.md');
