import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingPackages } from '@zabra/interop/programs';

/** Whether there is a real ZooKeeper to compare with: installed when it can be. Prints what is missing otherwise. */
export function zooKeeperIsThere(): boolean {
  const script = fileURLToPath(new URL('../scripts/zookeeper-programs.sh', import.meta.url));
  execFileSync('bash', [script], { stdio: ['ignore', 'inherit', 'inherit'] });
  const missing = missingPackages();
  if (missing.length > 0)
    process.stdout.write(
      `SKIPPED: a real ZooKeeper to compare with (not installed: ${missing.join(', ')})\n`,
    );
  return missing.length === 0;
}
