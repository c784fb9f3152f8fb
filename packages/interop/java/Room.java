package interop;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts who is inside of what a lock guards; remembers the worst it saw. */
final class Room {
  private final int places;
  private final AtomicInteger inside = new AtomicInteger();
  private final AtomicInteger most = new AtomicInteger();

  Room(int places) {
    this.places = places;
  }

  void enter() {
    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
  }

  void leave() {
    inside.decrementAndGet();
  }

  int inside() {
    return inside.get();
  }

  void wasNeverCrowded() {
    if (most.get() > places) throw new AssertionError(most + " were inside at once, " + places + " may be");
    if (most.get() == 0) throw new AssertionError("nobody was ever inside");
  }
}
