import type { Options } from 'tsup';
import { build } from '../../tsup.base.ts';

const options: Options = build({ index: 'src/index.ts', core: 'src/core/index.ts' });
export default options;
