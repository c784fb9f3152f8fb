package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.expectRefusal;
import static interop.World.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.ZooKeeper.States;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.Stat;

/**
 * ZooKeeper's own Java client, without Curator. It retries nothing: what may fail is asked before the leader dies, or
 * when there is another one.
 */
final class PlainClient {
  static final List<Check> CHECKS =
      List.of(
          new Check("plain.session", PlainClient::session),
          new Check("plain.expiry", PlainClient::expiry),
          new Check("plain.unknownSession", PlainClient::unknownSession),
          new Check("plain.watches", PlainClient::watches),
          new Check("plain.multi", PlainClient::multi),
          new Check("plain.counts", PlainClient::counts),
          new Check("plain.identities", PlainClient::identities),
          new Check("plain.reconfig", PlainClient::reconfig),
          new Check("plain.readOnly", PlainClient::readOnly),
          new Check("plain.chroot", PlainClient::chroot),
          new Check("plain.updateServerList", PlainClient::updateServerList),
          new Check("plain.pipeline", PlainClient::pipeline));

  private PlainClient() {}

  /** A session that its client left is taken up at another server by who knows id and password, ephemerals and all. */
  private static void session(World world) throws Exception {
    String first = world.servers.split(",")[0];
    ZooKeeper left = world.plain(first);
    String path = make(left, world.path("ephemeral"), CreateMode.EPHEMERAL);
    long id = left.getSessionId();
    byte[] password = left.getSessionPasswd();
    expectEqual(password.length, 16, "the length of the password");
    // The client believes to be expired and says nothing to the server.
    left.getTestable().injectSessionExpiration();
    world.middle();
    World.Events events = new World.Events();
    ZooKeeper taken = world.keep(new ZooKeeper(othersThan(world, first), World.SESSION_MS, events, id, password));
    events.connected();
    expectEqual(taken.getSessionId(), id, "the session");
    world.whenServed(taken);
    expectEqual(taken.exists(path, false).getEphemeralOwner(), id, "the owner of the ephemeral");
    taken.close();
    ZooKeeper other = world.plain(world.servers);
    world.whenServed(other);
    expect(other.exists(path, false) == null, "ephemerals go with their session");
  }

  /** Whose session ends hears of it, by the state Expired, and all its requests fail with it. */
  private static void expiry(World world) throws Exception {
    CountDownLatch expired = new CountDownLatch(1);
    World.Events connection = new World.Events();
    ZooKeeper victim =
        world.keep(
            new ZooKeeper(
                world.servers,
                World.SESSION_MS,
                event -> {
                  connection.process(event);
                  if (event.getState() == KeeperState.Expired) expired.countDown();
                }));
    connection.connected();
    String path = make(victim, world.path("ephemeral"), CreateMode.EPHEMERAL);
    ZooKeeper other = world.plain(world.servers);
    World.Events events = new World.Events();
    World.sync(other, path);
    other.exists(path, events);
    world.middle();
    world.expire(victim);
    expect(expired.await(World.PATIENCE_MS, TimeUnit.MILLISECONDS), "it hears that its session has ended");
    expectRefusal(KeeperException.SessionExpiredException.class, () -> victim.exists("/", false));
    expectEqual(events.next(), "NodeDeleted " + path, "what the other hears");
  }

  /** A session that there is not, or with another password, is refused as one that has expired. */
  private static void unknownSession(World world) throws Exception {
    ZooKeeper known = world.plain(world.servers);
    world.middle();
    byte[] wrong = known.getSessionPasswd().clone();
    wrong[3] ^= 1;
    for (long id : new long[] {known.getSessionId(), 0x1234567812345L}) {
      CountDownLatch expired = new CountDownLatch(1);
      world.keep(
          new ZooKeeper(
              world.servers,
              World.SESSION_MS,
              event -> { if (event.getState() == KeeperState.Expired) expired.countDown(); },
              id,
              wrong));
      expect(expired.await(World.PATIENCE_MS, TimeUnit.MILLISECONDS), "it hears that there is no such session");
    }
    world.whenServed(known);
    expect(known.exists("/", false) != null, "the session that there is lives on");
  }

  private static void watches(World world) throws Exception {
    ZooKeeper client = world.plain(world.servers);
    ZooKeeper writer = world.plain(world.servers);
    String path = make(writer, world.path("node"), CreateMode.PERSISTENT);
    World.sync(client, path);
    World.Events missing = new World.Events();
    World.Events removed = new World.Events();
    World.Events kept = new World.Events();
    World.Events deep = new World.Events();
    expect(client.exists(path + "/missing", missing) == null, "there is none");
    client.getData(path, removed, null);
    client.getChildren(path, removed);
    client.getData(path, kept, null);
    // Of a session of its own: ZooKeeper keeps one kind of watch for a session and a path, the last one that was set.
    ZooKeeper follower = world.plain(world.servers);
    World.sync(follower, path);
    follower.addWatch(path, deep, AddWatchMode.PERSISTENT_RECURSIVE);
    expectRefusal(
        KeeperException.NoWatcherException.class,
        () -> client.removeWatches(path, missing, WatcherType.Children, false));
    client.removeWatches(path, removed, WatcherType.Any, false);
    expectEqual(
        new TreeSet<>(List.of(removed.next(), removed.next())),
        new TreeSet<>(List.of("DataWatchRemoved " + path, "ChildWatchRemoved " + path)),
        "what it hears");
    world.middle();
    for (ZooKeeper each : List.of(writer, client, follower)) world.whenServed(each);
    writer.setData(path, bytes("b"), -1);
    writer.create(path + "/missing", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    expectEqual(kept.next(), "NodeDataChanged " + path, "the event of the watch that was kept");
    expectEqual(missing.next(), "NodeCreated " + path + "/missing", "the event of what was missing");
    expectEqual(deep.next(), "NodeDataChanged " + path, "the first event of the recursive watch");
    expectEqual(deep.next(), "NodeCreated " + path + "/missing", "its second event");
    follower.removeAllWatches(path, WatcherType.Any, false);
    writer.setData(path, bytes("c"), -1);
    World.sync(follower, path);
    expectEqual(text(follower.getData(path, false, null)), "c", "the data");
    expectEqual(deep.next(), "PersistentWatchRemoved " + path, "what the recursive watch hears in the end");
    expectEqual(deep.rest(), List.of(), "what it hears of the last change");
    expectEqual(removed.rest(), List.of(), "what the removed watch hears");
  }

  private static void multi(World world) throws Exception {
    ZooKeeper client = world.plain(world.servers);
    String path = make(client, world.path("node"), CreateMode.PERSISTENT);
    List<Op> refused =
        List.of(
            Op.create(path + "/a", bytes("a"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.check(path, 3),
            Op.delete(path + "/a", -1));
    for (String half : List.of("before", "after")) {
      KeeperException error = expectRefusal(KeeperException.BadVersionException.class, () -> client.multi(refused));
      List<Integer> codes = error.getResults().stream().map(World::codeOf).toList();
      expectEqual(codes, List.of(0, Code.BADVERSION.intValue(), Code.RUNTIMEINCONSISTENCY.intValue()), "the codes");
      List<OpResult> results =
          client.multi(
              List.of(
                  Op.create(path + "/" + half, bytes(half), Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
                  Op.setData(path + "/" + half, bytes("set"), 0),
                  Op.create(path + "/n-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL),
                  Op.check(path, 0)));
      expectEqual(((OpResult.CreateResult) results.get(0)).getPath(), path + "/" + half, "the path created");
      expectEqual(((OpResult.SetDataResult) results.get(1)).getStat().getVersion(), 1, "the version set");
      List<OpResult> read =
          client.multi(
              List.of(Op.getData(path + "/" + half), Op.getData(path + "/none"), Op.getChildren(path + "/" + half)));
      expectEqual(text(((OpResult.GetDataResult) read.get(0)).getData()), "set", "the data");
      expectEqual(World.codeOf(read.get(1)), Code.NONODE.intValue(), "the code of what is not there");
      expectEqual(((OpResult.GetChildrenResult) read.get(2)).getChildren(), List.of(), "children");
      world.middle();
      world.whenServed(client);
    }
  }

  private static void counts(World world) throws Exception {
    ZooKeeper client = world.plain(world.servers);
    String path = make(client, world.path("node"), CreateMode.PERSISTENT);
    for (String name : List.of("/a", "/a/b", "/a/c")) make(client, path + name, CreateMode.PERSISTENT);
    make(client, path + "/a/e1", CreateMode.EPHEMERAL);
    make(client, path + "/e2", CreateMode.EPHEMERAL);
    world.middle();
    world.whenServed(client);
    expectEqual(client.getAllChildrenNumber(path), 5, "nodes below");
    expectEqual(
        new TreeSet<>(client.getEphemerals()),
        new TreeSet<>(List.of(path + "/a/e1", path + "/e2")),
        "ephemerals of the session");
    expectEqual(client.getEphemerals(path + "/a"), List.of(path + "/a/e1"), "those below");
    Stat stat = new Stat();
    List<String> names = client.getChildren(path, false, stat);
    Collections.sort(names);
    expectEqual(names, List.of("a", "e2"), "children");
    expectEqual(List.of(stat.getNumChildren(), stat.getCversion()), List.of(2, 2), "their number and version");
  }

  /** The address, what it said, and, where the property `interop.certificate` names one, what its certificate says. */
  private static void identities(World world) throws Exception {
    ZooKeeper client = world.plain(world.servers);
    client.addAuthInfo("digest", bytes("bob:secret"));
    world.middle();
    world.whenServed(client);
    World.sync(client, "/");
    List<String> who =
        client.whoAmI().stream().map(one -> one.getAuthScheme() + ":" + one.getUser()).sorted().toList();
    List<String> expected = new ArrayList<>(List.of("digest:bob", "ip:127.0.0.1"));
    String certificate = System.getProperty("interop.certificate");
    if (certificate != null) expected.add("x509:" + certificate);
    expectEqual(who, expected, "who it is");
  }

  /** Membership does not change by this way while it is not allowed to; the answer says so and the session lives. */
  private static void reconfig(World world) throws Exception {
    World.Events events = new World.Events();
    ZooKeeperAdmin client = world.keep(new ZooKeeperAdmin(world.servers, World.SESSION_MS, events));
    events.connected();
    world.middle();
    world.whenServed(client);
    expectRefusal(
        KeeperException.ReconfigDisabledException.class,
        () -> client.reconfigure("server.9=127.0.0.1:1:2;3", null, null, -1, null));
    expect(client.exists("/", false) != null, "the session lives");
  }

  /** Who would be content to read only reads and writes while there is a quorum. */
  private static void readOnly(World world) throws Exception {
    World.Events events = new World.Events();
    ZooKeeper client = world.keep(new ZooKeeper(world.servers, World.SESSION_MS, events, true));
    events.connected();
    world.middle();
    world.until("it has a server that writes", () -> client.getState() == States.CONNECTED);
    world.whenServed(client);
    make(client, world.path("node"), CreateMode.PERSISTENT);
    expect(client.exists(world.path("node"), false) != null, "it is written");
  }

  private static void chroot(World world) throws Exception {
    ZooKeeper whole = world.plain(world.servers);
    String chroot = make(whole, world.path("root"), CreateMode.PERSISTENT);
    ZooKeeper part = world.plain(world.servers + chroot);
    World.Events events = new World.Events();
    expect(part.exists("/node", events) == null, "there is none");
    world.middle();
    world.whenServed(part);
    world.whenServed(whole);
    make(part, "/node", CreateMode.EPHEMERAL);
    expectEqual(events.next(), "NodeCreated /node", "the event");
    expectEqual(part.getChildren("/", false), List.of("node"), "children of the root");
    World.sync(whole, chroot);
    expectEqual(whole.getChildren(chroot, false), List.of("node"), "what all see");
    expect(part.exists("/zookeeper", false) == null, "what lies outside is not there");
  }

  /** Told of other servers, it moves there with its session. */
  private static void updateServerList(World world) throws Exception {
    String first = world.servers.split(",")[0];
    String others = othersThan(world, first);
    ZooKeeper client = world.plain(first);
    String path = make(client, world.path("ephemeral"), CreateMode.EPHEMERAL);
    long id = client.getSessionId();
    client.updateServerList(others);
    world.middle();
    world.until(
        "it is with another server",
        () -> Arrays.stream(others.split(",")).anyMatch(server -> client.toString().contains("/" + server + " ")));
    world.whenServed(client);
    expectEqual(client.getSessionId(), id, "the session");
    expectEqual(client.exists(path, false).getEphemeralOwner(), id, "the owner of the ephemeral");
  }

  /** Many at once while the leader dies: each is answered once, in order, and what was said to be done is done. */
  private static void pipeline(World world) throws Exception {
    ZooKeeper client = world.plain(world.servers);
    String parent = make(client, world.path("parent"), CreateMode.PERSISTENT);
    List<Integer> answered = Collections.synchronizedList(new ArrayList<>());
    List<String> done = Collections.synchronizedList(new ArrayList<>());
    int asked = 0;
    for (boolean isEnding = false; !isEnding; ) {
      isEnding = world.isOver();
      for (int number = 0; number < 20; number++) {
        int which = asked++;
        client.create(
            parent + "/n" + which,
            bytes(which),
            Ids.OPEN_ACL_UNSAFE,
            CreateMode.PERSISTENT,
            (code, path, context, name) -> {
              if (code == Code.OK.intValue()) done.add(path.substring(parent.length() + 1));
              answered.add(which);
            },
            null);
      }
      int all = asked;
      world.until("all are answered", () -> answered.size() == all);
      world.arrive();
      world.whenServed(client);
    }
    expectEqual(answered, IntStream.range(0, asked).boxed().toList(), "which were answered");
    expect(done.size() >= 20, "those asked of an ensemble with a leader are done");
    World.sync(client, parent);
    TreeSet<String> missing = new TreeSet<>(done);
    missing.removeAll(client.getChildren(parent, false));
    expectEqual(missing, new TreeSet<String>(), "what was said to be done and is not");
  }

  /** The servers but this one; the same one when there is no other. */
  private static String othersThan(World world, String server) {
    List<String> others = new ArrayList<>(List.of(world.servers.split(",")));
    if (others.size() > 1) others.remove(server);
    return String.join(",", others);
  }

  /** The node with all above it, which may be there. */
  private static String make(ZooKeeper client, String path, CreateMode mode) throws Exception {
    for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
      String above = path.substring(0, slash);
      if (client.exists(above, false) != null) continue;
      try {
        client.create(above, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
      } catch (KeeperException.NodeExistsException made) {
        expectEqual(made.getPath(), above, "what another made");
      }
    }
    return client.create(path, bytes("a"), Ids.OPEN_ACL_UNSAFE, mode);
  }
}
