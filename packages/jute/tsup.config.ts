import type { Options } from 'tsup';
import { build } from '../../tsup.base.ts';

const options: Options = build({ index: 'src/index.ts' });
export default options;
