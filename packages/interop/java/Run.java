package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Runs the checks, all at the same time, and prints a line for each: `ok NAME` or `failed NAME: why`.
 *
 * <pre>
 * java interop.Run SERVERS [--kill-leader] [--root PATH] [NAME…]
 * </pre>
 *
 * With `--kill-leader` it prints `kill leader now` as soon as every check is in the middle of its work, and waits for a
 * line on its input, which says that the leader is dead. Ends with 0 when all is ok, with 1 when something failed, with
 * 2 when it was not told what to do.
 */
final class Run {
  /** A check with everything that it waits for. */
  private static final long DEADLINE_MS = 120_000;

  private Run() {}

  public static void main(String[] arguments) throws Exception {
    String servers = null;
    String root = "/interop";
    boolean killsLeader = false;
    List<String> names = new ArrayList<>();
    for (int index = 0; index < arguments.length; index++) {
      String argument = arguments[index];
      if (argument.equals("--kill-leader")) killsLeader = true;
      else if (argument.equals("--root") && index + 1 < arguments.length) root = arguments[++index];
      else if (argument.startsWith("--")) refuse("there is no option " + argument);
      else if (servers == null) servers = argument;
      else names.add(argument);
    }
    if (servers == null) refuse("say which servers: host:port,host:port");

    List<Check> all =
        Stream.of(
                Locks.CHECKS,
                Leaders.CHECKS,
                Barriers.CHECKS,
                Counters.CHECKS,
                Caches.CHECKS,
                Queues.CHECKS,
                Nodes.CHECKS,
                Operations.CHECKS,
                PlainClient.CHECKS)
            .flatMap(List::stream)
            .toList();
    for (String name : names) {
      if (all.stream().noneMatch(check -> check.name().equals(name))) refuse("there is no check " + name);
    }
    List<Check> chosen = all.stream().filter(check -> names.isEmpty() || names.contains(check.name())).toList();
    int failed = run(chosen, servers, root, killsLeader);
    System.out.println((chosen.size() - failed) + " of " + chosen.size() + " are ok");
    // Threads of clients that could not be closed do not hold up the answer.
    System.exit(failed == 0 ? 0 : 1);
  }

  /** Returns how many failed. */
  private static int run(List<Check> checks, String servers, String root, boolean killsLeader) throws Exception {
    Middle middle = new Middle(killsLeader ? checks.size() : 0);
    List<FutureTask<Long>> results = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (Check check : checks) {
      FutureTask<Long> result = new FutureTask<>(() -> run(check, servers, root, middle));
      Thread thread = new Thread(result, check.name());
      thread.start();
      results.add(result);
      threads.add(thread);
    }
    if (killsLeader) {
      middle.whenAllArrived();
      System.out.println("kill leader now");
      awaitAnswer();
      middle.end();
    }
    int failed = 0;
    long deadlineMs = System.currentTimeMillis() + DEADLINE_MS;
    for (int index = 0; index < checks.size(); index++) {
      String name = checks.get(index).name();
      try {
        long leftMs = Math.max(0, deadlineMs - System.currentTimeMillis());
        System.out.println("ok " + name + " " + results.get(index).get(leftMs, TimeUnit.MILLISECONDS) + " ms");
      } catch (TimeoutException error) {
        failed++;
        String place = placeOf(threads.get(index).getStackTrace());
        System.out.println("failed " + name + ": not done after " + DEADLINE_MS + " ms" + place);
      } catch (Exception error) {
        failed++;
        System.out.println("failed " + name + ": " + describe(error.getCause() == null ? error : error.getCause()));
      }
    }
    return failed;
  }

  /** Milliseconds that it took. */
  private static long run(Check check, String servers, String root, Middle middle) throws Exception {
    long startedMs = System.currentTimeMillis();
    World world = new World(servers, root + "/" + check.name(), middle);
    try (world) {
      check.body().run(world);
      World.expect(world.hasArrived(), "a check comes to its middle");
    } finally {
      world.arrive();
    }
    return System.currentTimeMillis() - startedMs;
  }

  private static void awaitAnswer() throws IOException {
    String line = new BufferedReader(new InputStreamReader(System.in)).readLine();
    if (line == null) throw new IOException("the input ended before it said that the leader was killed");
  }

  /** In one line. */
  private static String describe(Throwable error) {
    return (error + placeOf(error.getStackTrace())).replace('\n', ' ');
  }

  /** Where in the checks it is. */
  private static String placeOf(StackTraceElement[] trace) {
    return Stream.of(trace)
        .filter(frame -> frame.getClassName().startsWith("interop."))
        .filter(frame -> !frame.getClassName().startsWith("interop.World"))
        .findFirst()
        .map(frame -> " (" + frame.getFileName() + ":" + frame.getLineNumber() + ")")
        .orElse("");
  }

  private static void refuse(String why) {
    System.err.println(why);
    System.exit(2);
  }
}
