package interop;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;

/**
 * Somebody with a session and a thread of their own, as one process among many would have. Curator's locks belong to
 * the thread that took them, so everything that one party does runs on its thread, in order.
 */
final class Party implements AutoCloseable {
  /** An action without a result. */
  interface Action {
    void run() throws Exception;
  }

  final CuratorFramework client;
  private final ExecutorService thread;
  private final AtomicInteger losses = new AtomicInteger();

  Party(CuratorFramework client, String name) {
    this.client = client;
    thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread made = new Thread(task, name);
              made.setDaemon(true);
              return made;
            });
    client
        .getConnectionStateListenable()
        .addListener((same, state) -> { if (state == ConnectionState.SUSPENDED) losses.incrementAndGet(); });
  }

  /** How often this party lost its connection. */
  int losses() {
    return losses.get();
  }

  <T> Future<T> start(Callable<T> task) {
    return thread.submit(task);
  }

  Future<?> begin(Action action) {
    return thread.submit(() -> { action.run(); return null; });
  }

  <T> T ask(Callable<T> task) throws Exception {
    return World.resultOf(start(task));
  }

  void act(Action action) throws Exception {
    World.resultOf(begin(action));
  }

  @Override
  public void close() {
    thread.shutdownNow();
    client.close();
  }
}
