package interop;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The moment in which the leader is killed: every check has come to the middle of its work, and none has finished it.
 *
 * <p>A check that has come there may wait or work on until the leader is dead, which {@link #isOverWithin} says; what it
 * does afterwards meets the servers that are left.
 */
final class Middle {
  private final CountDownLatch awaited;
  private final CountDownLatch over = new CountDownLatch(1);

  /** `checks` come to it. With none it is over from the start. */
  Middle(int checks) {
    awaited = new CountDownLatch(checks);
    if (checks == 0) over.countDown();
  }

  /** One check is there, or will never be. */
  void arrive() {
    awaited.countDown();
  }

  void whenAllArrived() throws InterruptedException {
    awaited.await();
  }

  void end() {
    over.countDown();
  }

  /** Whether it is over, after at most so many milliseconds. */
  boolean isOverWithin(long ms) throws InterruptedException {
    return over.await(ms, TimeUnit.MILLISECONDS);
  }
}
