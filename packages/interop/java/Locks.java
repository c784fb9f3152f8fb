package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.numberAt;
import static interop.World.resultOf;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;

/** Locks of all kinds: never more inside than may be, everyone gets in, nothing is left behind. */
final class Locks {
  static final List<Check> CHECKS =
      List.of(
          new Check(
              "InterProcessMutex",
              world -> count(world, client -> new InterProcessMutex(client, world.path("lock")))),
          new Check(
              "InterProcessSemaphoreMutex",
              world -> count(world, client -> new InterProcessSemaphoreMutex(client, world.path("lock")))),
          new Check(
              "InterProcessReadWriteLock.writeLock",
              world -> count(world, client -> new InterProcessReadWriteLock(client, world.path("lock")).writeLock())),
          new Check(
              "InterProcessMultiLock",
              world ->
                  count(
                      world,
                      client ->
                          new InterProcessMultiLock(client, List.of(world.path("left"), world.path("right"))))),
          new Check("InterProcessMutex.held", Locks::held),
          new Check("InterProcessMutex.expired", Locks::expired),
          new Check("InterProcessMutex.revoked", Locks::revoked),
          new Check("InterProcessReadWriteLock", Locks::readersAndWriters),
          new Check("InterProcessMultiLock.held", Locks::several),
          new Check("InterProcessSemaphoreV2", Locks::semaphore));

  private static final int LANES = 3;
  private static final int TURNS = 4;

  private Locks() {}

  private interface Factory {
    InterProcessLock lock(CuratorFramework client);
  }

  /** Three read a number and write the next one, each under the lock: no number is written twice. */
  private static void count(World world, Factory factory) throws Exception {
    CuratorFramework reader = world.client();
    String counter = world.path("counter");
    reader.create().creatingParentsIfNeeded().forPath(counter, bytes(0));
    Room room = new Room(1);
    List<Integer> taken =
        world.lanes(
            LANES,
            TURNS,
            opened -> {
              InterProcessLock lock = factory.lock(opened.client);
              return party -> {
                lock.acquire();
                try {
                  room.enter();
                  // Written without a version: two holders would both write the same number.
                  party.client.setData().forPath(counter, bytes(numberAt(party.client, counter) + 1));
                  room.leave();
                } finally {
                  lock.release();
                }
              };
            });
    room.wasNeverCrowded();
    World.sync(reader, counter);
    long turns = taken.stream().mapToLong(Integer::longValue).sum();
    expectEqual(numberAt(reader, counter), turns, "what was counted under the lock");
  }

  /** Held while the leader dies, entered again by its owner, and by nobody else before it is released. */
  private static void held(World world) throws Exception {
    Party holder = world.party();
    Party other = world.party();
    InterProcessMutex mine = new InterProcessMutex(holder.client, world.path("lock"));
    InterProcessMutex theirs = new InterProcessMutex(other.client, world.path("lock"));
    holder.act(mine::acquire);
    expect(!other.ask(() -> theirs.acquire(50, TimeUnit.MILLISECONDS)), "a held lock is not to be had");
    Future<Boolean> waiting = other.start(() -> theirs.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
    world.until("two stand in line", () -> mine.getParticipantNodes().size() == 2);
    world.middle();
    holder.act(mine::acquire);
    holder.act(mine::release);
    expectEqual(mine.getParticipantNodes().size(), 2, "those in line");
    expect(!waiting.isDone(), "whoever waits has not got what another holds");
    holder.act(mine::release);
    expect(resultOf(waiting), "whoever waits gets what was released");
    other.act(theirs::release);
    CuratorFramework witness = world.client();
    world.until("nobody is left in line", () -> World.childrenOf(witness, world.path("lock")).isEmpty());
  }

  /** A holder whose session ends has no lock; the next one gets it. */
  private static void expired(World world) throws Exception {
    Party holder = world.party();
    Party other = world.party();
    InterProcessMutex theirs = new InterProcessMutex(other.client, world.path("lock"));
    holder.act(new InterProcessMutex(holder.client, world.path("lock"))::acquire);
    Future<Boolean> waiting = other.start(() -> theirs.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
    world.until("two stand in line", () -> theirs.getParticipantNodes().size() == 2);
    world.middle();
    expect(!waiting.isDone(), "a session that lives keeps its lock");
    world.expire(holder.client);
    expect(resultOf(waiting), "the lock of an ended session passes on");
    other.act(theirs::release);
  }

  /** The holder hears that another asks for the lock, and gives it. */
  private static void revoked(World world) throws Exception {
    Party holder = world.party();
    CuratorFramework other = world.client();
    CountDownLatch asked = new CountDownLatch(1);
    InterProcessMutex mine = new InterProcessMutex(holder.client, world.path("lock"));
    mine.makeRevocable(forLock -> asked.countDown());
    holder.act(mine::acquire);
    world.middle();
    String node = mine.getParticipantNodes().iterator().next();
    expectEqual(asked.getCount(), 1L, "nobody has asked yet");
    Revoker.attemptRevoke(other, node);
    expect(asked.await(World.PATIENCE_MS, TimeUnit.MILLISECONDS), "the holder is asked");
    holder.act(mine::release);
  }

  /** Readers share, a writer waits for both of them, keeps readers out, and becomes a reader without letting go. */
  private static void readersAndWriters(World world) throws Exception {
    List<Party> parties = List.of(world.party(), world.party(), world.party());
    List<InterProcessReadWriteLock> locks = new ArrayList<>();
    for (Party party : parties) locks.add(new InterProcessReadWriteLock(party.client, world.path("lock")));
    Party first = parties.get(0);
    Party second = parties.get(1);
    Party writer = parties.get(2);
    first.act(locks.get(0).readLock()::acquire);
    second.act(locks.get(1).readLock()::acquire);
    InterProcessMutex write = locks.get(2).writeLock();
    expect(!writer.ask(() -> write.acquire(50, TimeUnit.MILLISECONDS)), "readers keep a writer out");
    Future<Boolean> waiting = writer.start(() -> write.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
    world.until("the writer stands in line", () -> !write.getParticipantNodes().isEmpty());
    world.middle();
    first.act(locks.get(0).readLock()::release);
    World.sync(first.client, world.path("lock"));
    expectEqual(locks.get(0).readLock().getParticipantNodes().size(), 1, "readers that are left");
    expect(!waiting.isDone(), "one reader is enough to keep a writer out");
    second.act(locks.get(1).readLock()::release);
    expect(resultOf(waiting), "the writer gets in when the last reader is gone");
    InterProcessMutex late = locks.get(0).readLock();
    expect(!first.ask(() -> late.acquire(50, TimeUnit.MILLISECONDS)), "a writer keeps readers out");
    writer.act(locks.get(2).readLock()::acquire);
    writer.act(write::release);
    expect(
        first.ask(() -> late.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS)),
        "a writer that reads lets others read");
    first.act(late::release);
    writer.act(locks.get(2).readLock()::release);
  }

  /** Two locks as one: whoever holds both keeps others from either. */
  private static void several(World world) throws Exception {
    Party holder = world.party();
    Party other = world.party();
    List<String> paths = List.of(world.path("left"), world.path("right"));
    InterProcessMultiLock both = new InterProcessMultiLock(holder.client, paths);
    InterProcessMutex right = new InterProcessMutex(other.client, paths.get(1));
    holder.act(both::acquire);
    world.middle();
    expect(both.isAcquiredInThisProcess(), "both are held");
    expect(!other.ask(() -> right.acquire(50, TimeUnit.MILLISECONDS)), "neither is to be had");
    holder.act(both::release);
    expect(other.ask(() -> right.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS)), "each is to be had again");
    InterProcessMultiLock blocked = new InterProcessMultiLock(holder.client, paths);
    expect(!holder.ask(() -> blocked.acquire(50, TimeUnit.MILLISECONDS)), "with one taken, both are not to be had");
    other.act(right::release);
    // The left one, which it had for a moment, was given back.
    expect(holder.ask(() -> blocked.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS)), "both are to be had again");
    holder.act(blocked::release);
  }

  /** Two permits: one is held throughout, for the other one three stand in line again and again. */
  private static void semaphore(World world) throws Exception {
    String path = world.path("permits");
    CuratorFramework client = world.client();
    InterProcessSemaphoreV2 permits = new InterProcessSemaphoreV2(client, path, 2);
    Lease held = permits.acquire();
    Lease second = permits.acquire(World.PATIENCE_MS, TimeUnit.MILLISECONDS);
    expect(second != null, "there are two permits");
    expect(permits.acquire(50, TimeUnit.MILLISECONDS) == null, "there is no third permit");
    permits.returnLease(second);
    Room room = new Room(1);
    world.lanes(
        LANES,
        TURNS,
        opened -> {
          InterProcessSemaphoreV2 same = new InterProcessSemaphoreV2(opened.client, path, 2);
          return party -> {
            Lease lease = same.acquire();
            try {
              room.enter();
              party.client.checkExists().forPath(path);
              room.leave();
            } finally {
              same.returnLease(lease);
            }
          };
        });
    room.wasNeverCrowded();
    // A permit is given back in the background when the first attempt met no server.
    world.until("one permit is out", () -> permits.getParticipantNodes().size() == 1);
    permits.returnLease(held);
    expectEqual(permits.acquire(2, World.PATIENCE_MS, TimeUnit.MILLISECONDS).size(), 2, "permits to be had");
  }
}
