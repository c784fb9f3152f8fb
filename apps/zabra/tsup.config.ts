import type { Options } from 'tsup';
import { build } from '../../tsup.base.ts';

// A command exports no types.
const options: Options = { ...build({ main: 'src/main.ts' }), dts: false };
export default options;
