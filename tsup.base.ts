import type { Options } from 'tsup';

/**
 * One way to build every package: ESM for Node 20 and up, types beside it.
 *
 * `__ZABRA_MUTANT__` is the switch by which the simulator plants known flaws in the sources; it is
 * defined away here, so that no built package holds one.
 */
export function build(entry: Record<string, string>): Options {
  return {
    entry,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    clean: true,
    splitting: true,
    treeshake: true,
    minifySyntax: true,
    define: { 'globalThis.__ZABRA_MUTANT__': 'undefined' },
    dts: { compilerOptions: { ignoreDeprecations: '6.0', composite: false, noCheck: true } },
  };
}
