import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * Where ZooKeeper's own programs are, once Debian's packages are installed: scripts/zookeeper-programs.sh does that, from
 * the same list that is read here.
 */

export const JAVA = '/usr/bin/java';
export const JAVAC = '/usr/bin/javac';
export const ZK_CLI = '/usr/share/zookeeper/bin/zkCli.sh';
/** The shell that comes with ZooKeeper's C client. */
export const CLI_MT = '/usr/lib/zookeeper/bin/cli_mt';
/** Debian's own, which finds kazoo; another one that comes first in PATH may not. */
export const PYTHON = '/usr/bin/python3';

/** Before a command that would outlive whoever started it, a JVM above all: the kernel ends it with its parent. */
export const ENDS_WITH_ITS_PARENT: readonly string[] = ['/usr/bin/setpriv', '--pdeathsig', 'KILL'];

const JARS = '/usr/share/java';
/** ZooKeeper's server and client; the jar's manifest names what they need. Logs go to stderr. */
export const ZOOKEEPER_CLASS_PATH: readonly string[] = [
  `${JARS}/zookeeper.jar`,
  `${JARS}/slf4j-simple.jar`,
  // For TLS; the manifest leaves a part of Netty out.
  `${JARS}/netty-codec.jar`,
  `${JARS}/netty-resolver.jar`,
];
export const CURATOR_CLASS_PATH: readonly string[] = [
  ...['client', 'framework', 'recipes'].map((part) => `${JARS}/curator-${part}.jar`),
  `${JARS}/guava.jar`,
  ...ZOOKEEPER_CLASS_PATH,
];

/**
 * What makes a JVM light: it compiles once and cheaply and collects on one thread. A ZooKeeper then costs half a second
 * of processor time to start.
 */
export const LIGHT_JVM: readonly string[] = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xmx512m',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

const LIST = fileURLToPath(new URL('../debian-packages.txt', import.meta.url));

/** The Debian packages of the list that are not installed. */
export function missingPackages(): readonly string[] {
  const lines = readFileSync(LIST, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const [name = '', file = ''] = line.split(' ');
      return isThere(file) ? [] : [name];
    });
}

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
