import type { Options } from 'tsup';
import { build } from '../../tsup.base.ts';

const options: Options = build({ index: 'src/index.ts', 'server-main': 'src/server-main.ts' });
export default options;
