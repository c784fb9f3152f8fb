package interop;

import static interop.World.expect;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;

/** Elections: one leads, all know who, and another follows when it goes. */
final class Leaders {
  static final List<Check> CHECKS =
      List.of(new Check("LeaderLatch", Leaders::latch), new Check("LeaderSelector", Leaders::selector));

  private static final int CANDIDATES = 3;
  /** How long one leads: long enough that the ensemble's leader is likely to die meanwhile. */
  private static final long TURN_MS = 20;

  private Leaders() {}

  /** One of three leads; it resigns, and then the next one's session ends, and each time another leads. */
  private static void latch(World world) throws Exception {
    String path = world.path("latch");
    Map<LeaderLatch, CuratorFramework> clients = new HashMap<>();
    List<LeaderLatch> latches = new ArrayList<>();
    for (int index = 1; index <= CANDIDATES; index++) {
      CuratorFramework client = world.client();
      LeaderLatch latch = new LeaderLatch(client, path, "candidate-" + index);
      latch.start();
      latches.add(latch);
      clients.put(latch, client);
    }
    theLeader(world, latches);
    world.middle();
    LeaderLatch leader = theLeader(world, latches);
    leader.close();
    latches.remove(leader);
    LeaderLatch next = theLeader(world, latches);
    world.until("two take part", () -> next.getParticipants().size() == 2);
    world.expire(clients.get(next));
    world.until("another leads", () -> latches.stream().anyMatch(latch -> latch != next && latch.hasLeadership()));
    // The one that lost its session stands for election again with a new one.
    world.until("two take part again", () -> next.getParticipants().size() == 2);
    LeaderLatch last = theLeader(world, latches);
    expect(last != next, "whoever leads stays leader");
    for (LeaderLatch latch : latches) latch.close();
    world.until("no candidate is left", () -> World.childrenOf(clients.get(next), path).isEmpty());
  }

  /** The only one that leads, when all agree on it. */
  private static LeaderLatch theLeader(World world, List<LeaderLatch> latches) throws Exception {
    world.until(
        "one leads and all know it",
        () -> {
          List<LeaderLatch> leaders = latches.stream().filter(LeaderLatch::hasLeadership).toList();
          if (leaders.size() != 1) return false;
          for (LeaderLatch latch : latches) {
            if (!latch.getLeader().getId().equals(leaders.get(0).getId())) return false;
          }
          return true;
        });
    return latches.stream().filter(LeaderLatch::hasLeadership).findFirst().orElseThrow();
  }

  /** Three lead in turn, one at a time; each does so before the leader of the ensemble dies, and again afterwards. */
  private static void selector(World world) throws Exception {
    Room room = new Room(1);
    List<AtomicInteger> turns = new ArrayList<>();
    List<LeaderSelector> selectors = new ArrayList<>();
    for (int index = 1; index <= CANDIDATES; index++) {
      AtomicInteger turn = new AtomicInteger();
      LeaderSelector selector =
          new LeaderSelector(
              world.client(),
              world.path("selector"),
              new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) throws Exception {
                  room.enter();
                  try {
                    turn.incrementAndGet();
                    new CountDownLatch(1).await(TURN_MS, TimeUnit.MILLISECONDS);
                  } finally {
                    room.leave();
                  }
                }
              });
      selector.setId("candidate-" + index);
      selector.autoRequeue();
      selector.start();
      turns.add(turn);
      selectors.add(world.keep(selector));
    }
    world.until("each has led", () -> turns.stream().allMatch(turn -> turn.get() > 0));
    world.until("all take part", () -> selectors.get(0).getParticipants().size() == CANDIDATES);
    world.middle();
    List<Integer> before = turns.stream().map(AtomicInteger::get).toList();
    for (int index = 0; index < CANDIDATES; index++) {
      AtomicInteger turn = turns.get(index);
      int had = before.get(index);
      world.until("each leads again", () -> turn.get() > had);
    }
    room.wasNeverCrowded();
  }}
