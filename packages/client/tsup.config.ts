import { defineConfig } from 'tsup';
import { build } from '../../tsup.base.ts';

export default defineConfig({
  ...build({ index: 'src/index.ts', core: 'src/core/index.ts', recipes: 'src/recipes/index.ts' }),
  // The recipes import the SDK by its public name, as users do.
  external: ['@zabra/client'],
});
