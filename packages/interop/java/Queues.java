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
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

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

  /** Items go in and come out all the time. A consumer that goes gives its item back, so that none is lost. */
  private static void locked(World world) throws Exception {
    List<String> consumed = Collections.synchronizedList(new ArrayList<>());
    List<Party> parties = Collections.synchronizedList(new ArrayList<>());
    List<DistributedQueue<String>> consumers = new ArrayList<>();
    for (int index = 0; index < 2; index++) parties.add(world.party());
    for (Party party : parties) consumers.add(consumer(world, party.client, consumed));
    AtomicInteger items = new AtomicInteger();
    world.lanes(
        1,
        TURNS,
        opened -> {
          parties.add(opened);
          DistributedQueue<String> queue =
              world.keep(
                  QueueBuilder.builder(opened.client, null, TEXT, world.path("queue")).lockPath(world.path("locks")).buildQueue());
          queue.start();
          return party -> queue.put("item-" + items.getAndIncrement());
        });
    TreeSet<String> produced = new TreeSet<>();
    for (int item = 0; item < items.get(); item++) produced.add("item-" + item);
    if (parties.stream().anyMatch(party -> party.losses() > 0)) {
      // A lost reply makes Curator take its own claim of an item for another's; it ends with the session that made it.
      // While it is connected, so that it ends at once: nobody looks at the item again when a claim goes.
      for (Party party : parties) World.sync(party.client, world.path("queue"));
      for (DistributedQueue<String> one : consumers) one.close();
      for (Party party : parties) party.close();
    }
    CuratorFramework last = world.client();
    consumer(world, last, consumed);
    world.until("none is left", () -> World.childrenOf(last, world.path("queue")).isEmpty());
    world.until("all are consumed", () -> new TreeSet<>(List.copyOf(consumed)).equals(produced));
    // Whoever loses its connection cannot know whether an item was put or taken, and does it again.
    int doubtful = parties.stream().mapToInt(Party::losses).sum();
    expect(
        consumed.size() <= produced.size() + doubtful,
        consumed.size() + " were consumed of " + produced.size() + ", " + doubtful + " in doubt");
  }

  private static DistributedQueue<String> consumer(World world, CuratorFramework client, List<String> consumed)
      throws Exception {
    DistributedQueue<String> made =
        world.keep(
            QueueBuilder.builder(client, consumer(consumed), TEXT, world.path("queue"))
                .lockPath(world.path("locks"))
                .buildQueue());
    made.start();
    return made;
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
