import type { Options } from 'tsup';
import { build } from '../../tsup.base.ts';

const options: Options = {
  ...build({ index: 'src/index.ts', core: 'src/core/index.ts', recipes: 'src/recipes/index.ts' }),
  // The recipes import the SDK by its public name, as users do.
  external: ['@zabra/client'],
};
export default options;
