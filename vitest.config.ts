import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      '*.test.ts',
      'packages/**/*.test.ts',
      'apps/**/*.test.ts',
      'examples/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    // Most tests wait for processes of their own; one worker less than cores, which is the default, leaves half of two idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A worker keeps what it has loaded for its next file.
    isolate: false,
    // On a crowded machine a test of real processes may run out of its time; one that fails of itself fails twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
};
export default config;
