import { defineConfig } from 'tsup';
import { build } from '../../tsup.base.ts';

// A command exports no types.
export default defineConfig({ ...build({ main: 'src/main.ts' }), dts: false });
