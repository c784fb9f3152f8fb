package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.KeeperException;

/** Queues: what was put in comes out, in its order. */
@SuppressWarnings("deprecation")
final class Queues {
  static final List<Check> CHECKS =
      List.of(
          new Check("SimpleDistributedQueue", Queues::simple),
          new Check("DistributedQueue", Queues::locked),
          new Check("DistributedPriorityQueue", Queues::byPriority));

  private static final int ITEMS = 10;
  private static final int TURNS = 5;
  private static final Pattern ITEM = Pattern.compile("item-\\d+");

  private Queues() {}

  /** What lies in one queue outlives the leader; who waits at another one gets what comes after its death. */
  private static void simple(World world) throws Exception {
    CuratorFramework producer = world.client();
    Party consumer = world.party();
    SimpleDistributedQueue full = new SimpleDistributedQueue(producer, world.path("full"));
    for (int item = 0; item < ITEMS; item++) full.offer(bytes("item-" + item));
    expectEqual(text(full.peek()), "item-0", "the first to come out");
    SimpleDistributedQueue awaited = new SimpleDistributedQueue(consumer.client, world.path("awaited"));
    expect(awaited.poll() == null, "there is nothing");
    Future<byte[]> next = consumer.start(() -> awaited.poll(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
    world.until("it waits for something", () -> producer.checkExists().forPath(world.path("awaited")) != null);
    world.middle();
    expect(!next.isDone(), "there is still nothing");
    new SimpleDistributedQueue(producer, world.path("awaited")).offer(bytes("late"));
    expectEqual(text(World.resultOf(next)), "late", "what it waited for");
    SimpleDistributedQueue emptied = new SimpleDistributedQueue(consumer.client, world.path("full"));
    for (int item = 0; item < ITEMS; item++) expectEqual(text(emptied.take()), "item-" + item, "the next to come out");
    expect(emptied.poll() == null, "there is nothing more");
  }

  /** Items go in and come out all the time. None is lost. */
  private static void locked(World world) throws Exception {
    List<String> consumed = Collections.synchronizedList(new ArrayList<>());
    List<Party> parties = Collections.synchronizedList(new ArrayList<>());
    for (int index = 0; index < 2; index++) parties.add(world.party());
    for (Party party : List.copyOf(parties)) startConsumer(world, party.client, consumed);
    AtomicInteger items = new AtomicInteger();
    world.lanes(
        1,
        TURNS,
        opened -> {
          parties.add(opened);
          DistributedQueue<String> queue =
              world.keep(
                  QueueBuilder.builder(opened.client, null, TEXT, world.path("queue"))
                      .lockPath(world.path("locks"))
                      // One at a time, so that a lost connection leaves one in doubt.
                      .putInBackground(false)
                      .buildQueue());
          queue.start();
          return party -> queue.put("item-" + items.getAndIncrement());
        });
    TreeSet<String> produced = new TreeSet<>();
    for (int item = 0; item < items.get(); item++) produced.add("item-" + item);
    // A lost reply makes Curator take its own claim of an item for another's, so that it stays, or put an item twice.
    CuratorFramework reader = world.client();
    Supplier<Integer> doubtful = () -> parties.stream().mapToInt(Party::losses).sum();
    world.until("no more than those in doubt are left", () -> left(world, reader).size() <= doubtful.get());
    TreeSet<String> found = new TreeSet<>(left(world, reader));
    found.addAll(List.copyOf(consumed));
    expectEqual(found, produced, "what was consumed or is left");
    expect(
        consumed.size() <= produced.size() + doubtful.get(),
        consumed.size() + " were consumed of " + produced.size() + ", " + doubtful.get() + " in doubt");
  }

  /** The items that are in the queue. */
  private static List<String> left(World world, CuratorFramework reader) throws Exception {
    World.sync(reader, world.path("queue"));
    List<String> items = new ArrayList<>();
    for (String name : reader.getChildren().forPath(world.path("queue"))) {
      try {
        // Within what Curator puts around an item.
        Matcher item = ITEM.matcher(text(reader.getData().forPath(world.path("queue") + "/" + name)));
        expect(item.find(), "there is an item in " + name);
        items.add(item.group());
      } catch (KeeperException.NoNodeException taken) {
        expect(taken.getPath().endsWith(name), "it was taken meanwhile");
      }
    }
    return items;
  }

  private static void startConsumer(World world, CuratorFramework client, List<String> consumed) throws Exception {
    world
        .keep(
            QueueBuilder.builder(client, consumer(consumed), TEXT, world.path("queue"))
                .lockPath(world.path("locks"))
                .buildQueue())
        .start();
  }

  /** What was put in without a consumer comes out by priority, then by age. */
  private static void byPriority(World world) throws Exception {
    String path = world.path("queue");
    try (DistributedPriorityQueue<String> queue =
        QueueBuilder.builder(world.client(), null, TEXT, path).buildPriorityQueue(0)) {
      queue.start();
      queue.put("third", 9);
      queue.put("fourth", 9);
      queue.put("second", 5);
      queue.put("first", -5);
      queue.flushPuts(World.PATIENCE_MS, TimeUnit.MILLISECONDS);
    }
    world.middle();
    List<String> consumed = Collections.synchronizedList(new ArrayList<>());
    world
        .keep(QueueBuilder.builder(world.client(), consumer(consumed), TEXT, path).buildPriorityQueue(0))
        .start();
    world.until("all are consumed", () -> consumed.size() == 4);
    expectEqual(consumed, List.of("first", "second", "third", "fourth"), "the order");
  }

  private static QueueConsumer<String> consumer(List<String> consumed) {
    return new QueueConsumer<>() {
      @Override
      public void consumeMessage(String message) {
        consumed.add(message);
      }

      @Override
      public void stateChanged(CuratorFramework client, ConnectionState state) {}
    };
  }

  private static final QueueSerializer<String> TEXT =
      new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
          return bytes(item);
        }

        @Override
        public String deserialize(byte[] data) {
          return text(data);
        }
      };
}
