import { describe, expect, test } from 'vitest';
import { missingPackages } from './programs.ts';

/**
 * `describe` for tests that run ZooKeeper's own programs. Where these are not installed the tests are left out and the
 * name says so; in CI (`CI=true`) that is a failure.
 */
export function describeWithPrograms(name: string, tests: () => void): void {
  const missing = missingPackages();
  if (missing.length === 0) {
    describe(name, tests);
    return;
  }
  const reason = `not installed: ${missing.join(', ')}; scripts/zookeeper-programs.sh installs them`;
  if (process.env.CI === 'true') {
    test(`${name}: ZooKeeper's programs are installed`, () => {
      expect.fail(reason);
    });
    return;
  }
  process.stderr.write(`SKIPPED: ${name}: ${reason}\n`);
  describe.skipIf(true)(`SKIPPED: ${name} (${reason})`, tests);
}
