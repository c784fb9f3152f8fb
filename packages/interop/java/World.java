package interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

/**
 * What a check has: servers, a path of its own, clients that are closed after it, the middle of its work, and ways to
 * wait and to expect.
 */
final class World implements AutoCloseable {
  /** A statement of which one waits until it is true. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /** Everything that a check waits for comes within this. */
  static final long PATIENCE_MS = 45_000;
  /** Longer than an ensemble takes for a new leader, so that only those sessions expire that are made to. */
  static final int SESSION_MS = 20_000;
  private static final int ATTEMPTS = 150;
  private static final int BETWEEN_ATTEMPTS_MS = 200;
  /** What goes on while the middle is awaited goes on this fast: something is under way, and the CPU is free. */
  private static final long PACE_MS = 20;

  final String servers;
  private final String root;
  private final Middle middle;
  private final AtomicBoolean arrived = new AtomicBoolean();
  private final List<AutoCloseable> open = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger parties = new AtomicInteger();

  World(String servers, String root, Middle middle) {
    this.servers = servers;
    this.root = root;
    this.middle = middle;
  }

  String path(String name) {
    return root + "/" + name;
  }

  // The middle.

  /** Comes to the middle and waits until it is over. */
  void middle() throws InterruptedException {
    arrive();
    if (!middle.isOverWithin(PATIENCE_MS)) throw new AssertionError("the middle was never over");
  }

  void arrive() {
    if (arrived.compareAndSet(false, true)) middle.arrive();
  }

  boolean hasArrived() {
    return arrived.get();
  }

  /** Waits a moment for it. */
  boolean isOver() throws InterruptedException {
    return middle.isOverWithin(PACE_MS);
  }

  /** One turn of one lane's work; lanes are counted from 0. */
  interface Turn {
    void take(Party party) throws Exception;
  }

  /** What a lane does: made once, with its party. */
  interface Lane {
    Turn open(Party party) throws Exception;
  }

  /**
   * Several parties do the same at the same time: each takes `turns`, goes on until the middle is over, and takes
   * `turns` more. Returns the turns taken, by lane.
   */
  List<Integer> lanes(int count, int turns, Lane lane) throws Exception {
    AtomicInteger toArrive = new AtomicInteger(count);
    List<Future<Integer>> running = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      Party party = party();
      running.add(
          party.start(
              () -> {
                Turn turn = lane.open(party);
                int taken = 0;
                for (; taken < turns; taken++) turn.take(party);
                if (toArrive.decrementAndGet() == 0) arrive();
                for (; !middle.isOverWithin(PACE_MS); taken++) turn.take(party);
                for (int more = 0; more < turns; more++, taken++) turn.take(party);
                return taken;
              }));
    }
    List<Integer> taken = new ArrayList<>();
    for (Future<Integer> one : running) taken.add(resultOf(one));
    return taken;
  }

  // Clients.

  CuratorFramework client() {
    return client(builder -> builder);
  }

  /** A started client with settings of the check's own. */
  CuratorFramework client(UnaryOperator<CuratorFrameworkFactory.Builder> settings) {
    CuratorFramework made =
        settings
            .apply(
                CuratorFrameworkFactory.builder()
                    .connectString(servers)
                    .sessionTimeoutMs(SESSION_MS)
                    .connectionTimeoutMs(SESSION_MS)
                    .retryPolicy(new RetryNTimes(ATTEMPTS, BETWEEN_ATTEMPTS_MS)))
            .build();
    keep(made);
    made.start();
    return made;
  }

  Party party() {
    return keep(new Party(client(), root + " " + parties.incrementAndGet()));
  }

  /** A client without Curator, connected. */
  ZooKeeper plain(String connectString) throws Exception {
    Events events = new Events();
    ZooKeeper made = keep(new ZooKeeper(connectString, SESSION_MS, events));
    events.connected();
    return made;
  }

  /** Closed when the check has ended, last first. */
  <T extends AutoCloseable> T keep(T closeable) {
    open.add(closeable);
    return closeable;
  }

  /** Ends the client's session at once and behind its back: another connection takes it over and closes it. */
  void expire(CuratorFramework client) throws Exception {
    expire(client.getZookeeperClient().getZooKeeper());
  }

  void expire(ZooKeeper victim) throws Exception {
    long id = victim.getSessionId();
    byte[] password = victim.getSessionPasswd();
    // The victim comes back and takes its session from the thief, or the close is lost: again, until there is none.
    until("the session has ended", () -> !closeSession(id, password));
  }

  /** False when there was no such session. */
  private boolean closeSession(long id, byte[] password) throws Exception {
    CompletableFuture<KeeperState> state = new CompletableFuture<>();
    try (ZooKeeper thief =
        new ZooKeeper(
            servers,
            SESSION_MS,
            event -> {
              if (event.getState() != KeeperState.Disconnected) state.complete(event.getState());
            },
            id,
            password)) {
      return resultOf(state) != KeeperState.Expired;
    }
  }

  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>(open);
    Collections.reverse(all);
    for (AutoCloseable one : all) {
      try {
        one.close();
      } catch (Exception error) {
        System.out.println("warning: " + root + ": something did not close: " + error);
      }
    }
  }

  // Waiting and expecting.

  void until(String what, Condition condition) throws Exception {
    long deadlineMs = System.currentTimeMillis() + PATIENCE_MS;
    while (!condition.holds()) {
      if (System.currentTimeMillis() > deadlineMs) {
        throw new AssertionError("waited " + PATIENCE_MS + " ms until " + what);
      }
      Thread.sleep(PACE_MS);
    }
  }

  static void expect(boolean isTrue, String what) {
    if (!isTrue) throw new AssertionError("expected that " + what);
  }

  static void expectEqual(Object found, Object expected, String what) {
    if (!expected.equals(found)) {
      throw new AssertionError(what + ": expected " + expected + ", found " + found);
    }
  }

  /** An action that must be refused. */
  interface Refused {
    void run() throws Exception;
  }

  /** The exception that the action must end with. */
  static <E extends Exception> E expectRefusal(Class<E> kind, Refused action) throws Exception {
    try {
      action.run();
    } catch (Exception error) {
      if (kind.isInstance(error)) return kind.cast(error);
      throw error;
    }
    throw new AssertionError("expected a " + kind.getSimpleName() + ", and nothing was refused");
  }

  static <T> T resultOf(Future<T> future) throws Exception {
    try {
      return future.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
    } catch (ExecutionException error) {
      if (error.getCause() instanceof Exception cause) throw cause;
      if (error.getCause() instanceof Error cause) throw cause;
      throw error;
    }
  }

  /**
   * The client's server has a leader, and all that was committed before. Curator's own sync doesn't wait for the answer.
   */
  static void sync(CuratorFramework client, String path) throws Exception {
    CompletableFuture<Integer> code = new CompletableFuture<>();
    client.sync().inBackground((same, event) -> code.complete(event.getResultCode())).forPath(path);
    expectEqual(resultOf(code), Code.OK.intValue(), "the code of sync");
  }

  static void sync(ZooKeeper client, String path) throws Exception {
    expectEqual(codeOfSync(client, path), Code.OK.intValue(), "the code of sync");
  }

  private static int codeOfSync(ZooKeeper client, String path) throws Exception {
    CompletableFuture<Integer> code = new CompletableFuture<>();
    client.sync(path, (result, same, context) -> code.complete(result), null);
    return resultOf(code);
  }

  /**
   * There is a leader again, and this client's server has heard of it, so that its connection stays. Only a leader
   * answers sync; reads are answered by a server that has not noticed yet that its leader is dead.
   */
  void whenServed(ZooKeeper client) throws Exception {
    until("a leader answers", () -> codeOfSync(client, "/") == Code.OK.intValue());
  }

  /** None when there is no such node: containers go when they are empty. */
  static List<String> childrenOf(CuratorFramework client, String path) throws Exception {
    try {
      return client.getChildren().forPath(path);
    } catch (KeeperException.NoNodeException gone) {
      return List.of();
    }
  }

  /** The error of one operation of a transaction; 0 when it was none of its own. */
  static int codeOf(OpResult result) {
    return result instanceof OpResult.ErrorResult error ? error.getErr() : 0;
  }

  static byte[] bytes(Object text) {
    return String.valueOf(text).getBytes(UTF_8);
  }

  static String text(byte[] data) {
    return data == null ? "null" : new String(data, UTF_8);
  }

  static long numberAt(CuratorFramework client, String path) throws Exception {
    return Long.parseLong(text(client.getData().forPath(path)));
  }

  /** The events of watches, those of the connection left out. */
  static final class Events implements Watcher {
    private final BlockingQueue<WatchedEvent> queue = new LinkedBlockingQueue<>();
    private final CountDownLatch connected = new CountDownLatch(1);

    @Override
    public void process(WatchedEvent event) {
      if (event.getState() == KeeperState.SyncConnected || event.getState() == KeeperState.ConnectedReadOnly) {
        connected.countDown();
      }
      if (event.getType() != EventType.None) queue.add(event);
    }

    void connected() throws InterruptedException {
      if (!connected.await(PATIENCE_MS, TimeUnit.MILLISECONDS)) throw new AssertionError("never connected");
    }

    /** The next one, as `NodeCreated /a`. */
    String next() throws InterruptedException {
      WatchedEvent event = queue.poll(PATIENCE_MS, TimeUnit.MILLISECONDS);
      return event == null ? "nothing" : event.getType() + " " + event.getPath();
    }

    /** Those that have come and were not taken. */
    List<String> rest() {
      List<WatchedEvent> events = new ArrayList<>();
      queue.drainTo(events);
      return events.stream().map(event -> event.getType() + " " + event.getPath()).toList();
    }
  }
}
