package interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.StandardLockInternalsDriver;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

/**
 * Counts with others, of whatever client, under one lock, until there is enough.
 *
 * <pre>
 * java interop.Contender SERVERS LOCK_PATH COUNTER_PATH FOLDER NAME TOTAL
 * </pre>
 *
 * Prints `ready` when it is connected. Each turn: takes the lock, creates FOLDER/held, which nobody else may have
 * there, reads the counter, writes the next number without a version, appends NAME to FOLDER/journal. Ends with 0 when
 * the counter has reached TOTAL, with 3 when another was inside, with 1 when its session was lost or nothing answered.
 */
final class Contender {
  private static final int SESSION_MS = 10_000;
  private static final int ATTEMPTS = 300;
  private static final int BETWEEN_ATTEMPTS_MS = 100;
  private static final long PATIENCE_MS = 60_000;

  /** Knows kazoo's `…__lock__0000000007` beside Curator's `…-lock-0000000007`: both in one line, by number. */
  private static final class Line extends StandardLockInternalsDriver {
    private static final String KAZOO = "__lock__";

    @Override
    public String fixForSorting(String node, String lockName) {
      int at = node.lastIndexOf(KAZOO);
      return at < 0 ? super.fixForSorting(node, lockName) : node.substring(at + KAZOO.length());
    }
  }

  private Contender() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 6) {
      System.err.println("say SERVERS LOCK_PATH COUNTER_PATH FOLDER NAME TOTAL");
      System.exit(2);
    }
    String counter = arguments[2];
    Path held = Path.of(arguments[3], "held");
    Path journal = Path.of(arguments[3], "journal");
    byte[] name = arguments[4].getBytes(UTF_8);
    byte[] line = (arguments[4] + "\n").getBytes(UTF_8);
    long total = Long.parseLong(arguments[5]);
    try (CuratorFramework client =
        CuratorFrameworkFactory.builder()
            .connectString(arguments[0])
            .sessionTimeoutMs(SESSION_MS)
            .connectionTimeoutMs(SESSION_MS)
            .retryPolicy(new RetryNTimes(ATTEMPTS, BETWEEN_ATTEMPTS_MS))
            .build()) {
      client.getConnectionStateListenable().addListener((same, state) -> endWhenLost(state));
      client.start();
      client.checkExists().forPath(counter);
      System.out.println("ready");
      InterProcessMutex mutex = new InterProcessMutex(client, arguments[1], new Line());
      for (long number = 0; number < total; ) {
        if (!mutex.acquire(PATIENCE_MS, TimeUnit.MILLISECONDS)) {
          throw new IOException("the lock was not to be had in " + PATIENCE_MS + " ms");
        }
        hold(held, name);
        number = Long.parseLong(new String(client.getData().forPath(counter), UTF_8));
        if (number < total) {
          client.setData().forPath(counter, String.valueOf(number + 1).getBytes(UTF_8));
          Files.write(journal, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        Files.delete(held);
        mutex.release();
      }
    }
  }

  private static void hold(Path held, byte[] name) throws IOException {
    try {
      Files.write(held, name, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException another) {
      System.out.println("BROKEN: " + new String(name, UTF_8) + " found " + Files.readString(held));
      System.exit(3);
    }
  }

  private static void endWhenLost(ConnectionState state) {
    if (state != ConnectionState.LOST) return;
    System.err.println("the session is lost, and the lock with it");
    System.exit(1);
  }
}
