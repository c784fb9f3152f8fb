package interop;

import static interop.World.expect;
import static interop.World.expectEqual;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;

/** Numbers that many change. */
final class Counters {
  static final List<Check> CHECKS =
      List.of(
          new Check("SharedCount", Counters::shared),
          new Check("DistributedAtomicLong", Counters::atomic));

  private static final int LANES = 3;
  private static final int TURNS = 4;

  private Counters() {}

  /** Each hears what the other sets; what was read before another's change can't be overwritten. */
  private static void shared(World world) throws Exception {
    SharedCount left = world.keep(new SharedCount(world.client(), world.path("count"), 1));
    SharedCount right = world.keep(new SharedCount(world.client(), world.path("count"), 2));
    left.start();
    right.start();
    AtomicInteger heard = new AtomicInteger();
    right.addListener(
        new SharedCountListener() {
          @Override
          public void countHasChanged(SharedCountReader count, int value) {
            heard.set(value);
          }

          @Override
          public void stateChanged(CuratorFramework client, ConnectionState state) {}
        });
    expectEqual(right.getCount(), 1, "the second to start finds what the first one made");
    VersionedValue<Integer> old = right.getVersionedValue();
    left.setCount(3);
    world.until("the other hears of 3", () -> right.getCount() == 3 && heard.get() == 3);
    expect(!right.trySetCount(old, 4), "an old version is not overwritten");
    world.middle();
    left.setCount(5);
    world.until("the other hears of 5", () -> right.getCount() == 5 && heard.get() == 5);
    VersionedValue<Integer> current = right.getVersionedValue();
    right.setCount(6);
    world.until("the first hears of 6", () -> left.getCount() == 6);
    expect(!left.trySetCount(current, 7), "an old version is not overwritten after it either");
    expectEqual(left.getCount(), 6, "the count");
  }

  /** Three add, one of them by way of a lock when others are too quick: nothing that was said to be added is lost. */
  private static void atomic(World world) throws Exception {
    String path = world.path("number");
    List<Party> parties = Collections.synchronizedList(new ArrayList<>());
    AtomicBoolean first = new AtomicBoolean(true);
    RetryNTimes patient = new RetryNTimes(1000, 2);
    PromotedToLock lock =
        PromotedToLock.builder().lockPath(world.path("lock")).retryPolicy(patient).build();
    CuratorFramework client = world.client();
    DistributedAtomicLong reader = new DistributedAtomicLong(client, path, patient);
    expect(reader.initialize(100L), "the first one initializes");
    expect(!reader.initialize(200L), "the second one does not");
    List<Integer> taken =
        world.lanes(
            LANES,
            TURNS,
            opened -> {
              boolean isPromoted = first.getAndSet(false);
              parties.add(opened);
              DistributedAtomicLong number =
                  isPromoted
                      ? new DistributedAtomicLong(opened.client, path, new RetryNTimes(1, 1), lock)
                      : new DistributedAtomicLong(opened.client, path, patient);
              return party -> {
                AtomicValue<Long> added = number.increment();
                expect(added.succeeded(), "one is added");
                expectEqual(added.postValue(), added.preValue() + 1, "what it was and what it is");
              };
            });
    long added = taken.stream().mapToLong(Integer::longValue).sum();
    // Curator does not know its own write by which a lost reply kept it from adding, and adds once more.
    int doubtful = parties.stream().mapToInt(Party::losses).sum();
    World.sync(client, path);
    long found = reader.get().postValue() - 100;
    expect(found >= added, found + " are no fewer than the " + added + " that were added");
    expect(found <= added + doubtful, found + " are at most " + added + " and " + doubtful + " in doubt");
    expect(!reader.compareAndSet(-1L, 0L).succeeded(), "another number is not replaced");
    expect(reader.compareAndSet(found + 100, 7L).succeeded(), "the right number is replaced");
    expectEqual(reader.get().postValue(), 7L, "the number");
  }
}
