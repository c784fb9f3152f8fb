package interop;

import static interop.World.expect;
import static interop.World.resultOf;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** Barriers: nobody passes too early, and everybody passes. */
final class Barriers {
  static final List<Check> CHECKS =
      List.of(
          new Check("DistributedBarrier", Barriers::barrier),
          new Check("DistributedDoubleBarrier", Barriers::doubleBarrier));

  private static final int MEMBERS = 3;

  private Barriers() {}

  /** Two wait while the leader dies; they pass when the barrier is taken away. */
  private static void barrier(World world) throws Exception {
    DistributedBarrier barrier = new DistributedBarrier(world.client(), world.path("barrier"));
    barrier.setBarrier();
    List<Future<Boolean>> waiting = new ArrayList<>();
    for (int index = 0; index < 2; index++) {
      Party party = world.party();
      DistributedBarrier same = new DistributedBarrier(party.client, world.path("barrier"));
      expect(!party.ask(() -> same.waitOnBarrier(50, TimeUnit.MILLISECONDS)), "a barrier holds up");
      waiting.add(party.start(() -> same.waitOnBarrier(World.PATIENCE_MS, TimeUnit.MILLISECONDS)));
    }
    world.middle();
    expect(waiting.stream().noneMatch(Future::isDone), "nobody has passed");
    barrier.removeBarrier();
    for (Future<Boolean> one : waiting) expect(resultOf(one), "all pass");
    expect(barrier.waitOnBarrier(0, TimeUnit.MILLISECONDS), "a barrier that is gone holds up nobody");
  }

  /** Nobody is in before all are; the leader dies while they are in; nobody gets out before all want to. */
  private static void doubleBarrier(World world) throws Exception {
    List<Party> parties = List.of(world.party(), world.party(), world.party());
    List<DistributedDoubleBarrier> barriers = new ArrayList<>();
    for (Party party : parties) {
      barriers.add(new DistributedDoubleBarrier(party.client, world.path("barrier"), MEMBERS));
    }
    List<Future<Boolean>> entering = new ArrayList<>();
    for (int index = 0; index < MEMBERS - 1; index++) entering.add(enter(parties.get(index), barriers.get(index)));
    world.until("two are at the door", () -> nodesOf(world, parties.get(2)) == MEMBERS - 1);
    expect(entering.stream().noneMatch(Future::isDone), "nobody is in before all are");
    entering.add(enter(parties.get(2), barriers.get(2)));
    for (Future<Boolean> one : entering) expect(resultOf(one), "all are in");
    // Not sooner: who loses the connection at the door is told so by Curator, and is not in.
    world.middle();
    List<Future<Boolean>> leaving = new ArrayList<>();
    for (int index = 0; index < MEMBERS - 1; index++) leaving.add(leave(parties.get(index), barriers.get(index)));
    world.until("some want to leave", () -> nodesOf(world, parties.get(2)) < MEMBERS + 1);
    expect(leaving.stream().noneMatch(Future::isDone), "nobody is out before all want to be");
    leaving.add(leave(parties.get(2), barriers.get(2)));
    for (Future<Boolean> one : leaving) expect(resultOf(one), "all are out");
  }

  /** How many nodes the barrier has: one for each that is in, and one that says that all are. */
  private static int nodesOf(World world, Party party) throws Exception {
    return World.childrenOf(party.client, world.path("barrier")).size();
  }

  private static Future<Boolean> enter(Party party, DistributedDoubleBarrier barrier) {
    return party.start(() -> barrier.enter(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
  }

  private static Future<Boolean> leave(Party party, DistributedDoubleBarrier barrier) {
    return party.start(() -> barrier.leave(World.PATIENCE_MS, TimeUnit.MILLISECONDS));
  }
}
