package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.expectRefusal;
import static interop.World.numberAt;
import static interop.World.text;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.framework.api.CuratorEvent;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;

/** What Curator does without a recipe. */
final class Operations {
  static final List<Check> CHECKS =
      List.of(
          new Check("crud", Operations::crud),
          new Check("background", Operations::background),
          new Check("transactions", Operations::transactions),
          new Check("transactions.transfers", Operations::transfers),
          new Check("acl.digest", Operations::digest),
          new Check("watches.oneShot", Operations::watches),
          new Check("namespace", Operations::namespace),
          new Check("ensembleTracker", Operations::configuration));

  private static final int LANES = 2;
  private static final int TURNS = 5;
  private static final int TOTAL = 1000;

  private Operations() {}

  private static void crud(World world) throws Exception {
    CuratorFramework client = world.client();
    String path = world.path("a/b");
    Stat stat = new Stat();
    client.create().storingStatIn(stat).creatingParentsIfNeeded().forPath(path, bytes("one"));
    expectEqual(stat, client.checkExists().forPath(path), "the Stat that create answers");
    expectEqual(client.setData().withVersion(0).forPath(path, bytes("two!")).getDataLength(), 4, "the length");
    expectRefusal(
        KeeperException.BadVersionException.class, () -> client.setData().withVersion(0).forPath(path, bytes("three")));
    expectRefusal(KeeperException.NodeExistsException.class, () -> client.create().forPath(path));
    expectRefusal(KeeperException.NotEmptyException.class, () -> client.delete().forPath(world.path("a")));
    expectRefusal(KeeperException.NoNodeException.class, () -> client.getData().forPath(world.path("none")));
    client.create().forPath(world.path("null"), null);
    client.create().forPath(world.path("empty"), new byte[0]);
    client.create().forPath(world.path("名前"), bytes("naïve"));
    byte[] large = new byte[1_000_000];
    Arrays.fill(large, (byte) 7);
    client.create().forPath(world.path("large"), large);
    world.middle();
    Stat read = new Stat();
    expectEqual(text(client.getData().storingStatIn(read).forPath(path)), "two!", "the data");
    expectEqual(read.getVersion(), 1, "the version");
    expect(client.getData().forPath(world.path("null")) == null, "null stays null");
    expectEqual(client.getData().forPath(world.path("empty")).length, 0, "the length of nothing");
    expectEqual(text(client.getData().forPath(world.path("名前"))), "naïve", "the data");
    expect(Arrays.equals(client.getData().forPath(world.path("large")), large), "a large node is as it was written");
    expectEqual(
        new TreeSet<>(client.getChildren().forPath(world.path("a").replaceAll("/a$", ""))),
        new TreeSet<>(Set.of("a", "null", "empty", "名前", "large")),
        "children");
    client.create().orSetData().forPath(path, bytes("four"));
    client.delete().quietly().forPath(world.path("none"));
    client.delete().guaranteed().deletingChildrenIfNeeded().forPath(world.path("a"));
    expect(client.checkExists().forPath(world.path("a")) == null, "a subtree is gone");
  }

  /** Requests of one session are done and answered in the order in which they were asked. */
  private static void background(World world) throws Exception {
    CuratorFramework client = world.client();
    String parent = world.path("parent");
    client.create().creatingParentsIfNeeded().forPath(parent);
    for (String half : List.of("before", "after")) {
      BlockingQueue<CuratorEvent> events = new LinkedBlockingQueue<>();
      for (int number = 0; number < 50; number++) {
        client
            .create()
            .withMode(CreateMode.PERSISTENT_SEQUENTIAL)
            .inBackground((same, event) -> events.add(event), number)
            .forPath(parent + "/" + half + "-");
      }
      String last = "";
      for (int number = 0; number < 50; number++) {
        CuratorEvent event = events.poll(World.PATIENCE_MS, TimeUnit.MILLISECONDS);
        expect(event != null, "every request is answered");
        expectEqual(event.getResultCode(), KeeperException.Code.OK.intValue(), "the code");
        expectEqual(event.getContext(), number, "which request is answered");
        expect(event.getName().compareTo(last) > 0, "numbers grow");
        last = event.getName();
      }
      world.middle();
      World.sync(client, parent);
    }
    expectEqual(client.getChildren().forPath(parent).size(), 100, "nodes created");
  }

  /** All or nothing. */
  private static void transactions(World world) throws Exception {
    CuratorFramework client = world.client();
    String parent = world.path("parent");
    client.create().creatingParentsIfNeeded().forPath(parent, bytes("0"));
    for (String half : List.of("before", "after")) {
      String node = parent + "/" + half;
      List<CuratorTransactionResult> results =
          client
              .transaction()
              .forOperations(
                  client.transactionOp().check().forPath(parent),
                  client.transactionOp().create().forPath(node, bytes("created")),
                  client.transactionOp().setData().withVersion(0).forPath(node, bytes("set")),
                  client.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(node + "-n-"),
                  client.transactionOp().create().forPath(node + "/below"),
                  client.transactionOp().delete().forPath(node + "/below"));
      expectEqual(results.get(1).getResultPath(), node, "the path created");
      expectEqual(results.get(2).getResultStat().getVersion(), 1, "the version set");
      expect(results.get(3).getResultPath().matches(".*-n-\\d{10}"), "a number is told");
      Stat stat = client.checkExists().forPath(node);
      expectEqual(stat.getCzxid(), stat.getMzxid(), "one zxid for all");
      KeeperException refused =
          expectRefusal(
              KeeperException.BadVersionException.class,
              () ->
                  client
                      .transaction()
                      .forOperations(
                          client.transactionOp().setData().forPath(node, bytes("lost")),
                          client.transactionOp().delete().withVersion(7).forPath(node),
                          client.transactionOp().create().forPath(node + "/lost")));
      List<Integer> codes = refused.getResults().stream().map(World::codeOf).toList();
      expectEqual(codes, List.of(0, -103, -2), "the codes of what was refused");
      expectEqual(text(client.getData().forPath(node)), "set", "the data");
      world.middle();
      World.sync(client, parent);
    }
  }

  /** Two move amounts between two accounts with versions read before: the sum is always the same. */
  private static void transfers(World world) throws Exception {
    CuratorFramework reader = world.client();
    String left = world.path("left");
    String right = world.path("right");
    reader.create().creatingParentsIfNeeded().forPath(left, bytes(TOTAL));
    reader.create().forPath(right, bytes(0));
    List<Party> parties = Collections.synchronizedList(new ArrayList<>());
    List<Integer> taken =
        world.lanes(
            LANES,
            TURNS,
            opened -> {
              parties.add(opened);
              return party -> {
                while (!transfer(party.client, left, right)) expect(!Thread.interrupted(), "there is time");
              };
            });
    // A transfer whose reply was lost looks like one that another was quicker than, and is done once more.
    int doubtful = parties.stream().mapToInt(Party::losses).sum();
    World.sync(reader, left);
    long moved = numberAt(reader, right);
    long turns = taken.stream().mapToLong(Integer::longValue).sum();
    expectEqual(numberAt(reader, left) + moved, (long) TOTAL, "the sum");
    expect(moved >= turns && moved <= turns + doubtful, moved + " were moved in " + turns + " turns");
    expectEqual(
        reader.checkExists().forPath(left).getVersion(), reader.checkExists().forPath(right).getVersion(), "versions");
  }

  /** False when another was quicker. */
  private static boolean transfer(CuratorFramework client, String left, String right) throws Exception {
    Stat leftStat = new Stat();
    Stat rightStat = new Stat();
    long leftHas = Long.parseLong(text(client.getData().storingStatIn(leftStat).forPath(left)));
    long rightHas = Long.parseLong(text(client.getData().storingStatIn(rightStat).forPath(right)));
    try {
      client
          .transaction()
          .forOperations(
              client.transactionOp().setData().withVersion(leftStat.getVersion()).forPath(left, bytes(leftHas - 1)),
              client.transactionOp().setData().withVersion(rightStat.getVersion()).forPath(right, bytes(rightHas + 1)));
      return true;
    } catch (KeeperException.BadVersionException quicker) {
      expect(quicker.getResults().size() == 2, "each operation has a result");
      return false;
    }
  }

  /** Only who knows the password may; it is shown again to every server that the client comes to. */
  private static void digest(World world) throws Exception {
    CuratorFramework owner =
        world.client(
            builder ->
                builder
                    .authorization("digest", bytes("ann:secret"))
                    .aclProvider(
                        new ACLProvider() {
                          @Override
                          public List<ACL> getDefaultAcl() {
                            return Ids.OPEN_ACL_UNSAFE;
                          }

                          @Override
                          public List<ACL> getAclForPath(String path) {
                            return path.equals(world.path("mine")) ? Ids.CREATOR_ALL_ACL : getDefaultAcl();
                          }
                        }));
    CuratorFramework stranger = world.client(builder -> builder.authorization("digest", bytes("ann:wrong")));
    String path = world.path("mine");
    owner.create().creatingParentsIfNeeded().forPath(path, bytes("secret"));
    Id ann = new Id("digest", DigestAuthenticationProvider.generateDigest("ann:secret"));
    expectEqual(owner.getACL().forPath(path), List.of(new ACL(Perms.ALL, ann)), "the ACL");
    world.middle();
    expectEqual(text(owner.getData().forPath(path)), "secret", "what the owner reads");
    World.sync(stranger, path);
    expectRefusal(KeeperException.NoAuthException.class, () -> stranger.getData().forPath(path));
    expectRefusal(KeeperException.NoAuthException.class, () -> stranger.setData().forPath(path, bytes("x")));
    expectRefusal(KeeperException.NoAuthException.class, () -> stranger.create().forPath(path + "/x"));
    expectRefusal(
        KeeperException.NoAuthException.class, () -> stranger.setACL().withACL(Ids.OPEN_ACL_UNSAFE).forPath(path));
    List<ACL> shared = List.of(new ACL(Perms.ALL, ann), new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE));
    expectRefusal(
        KeeperException.BadVersionException.class, () -> owner.setACL().withVersion(5).withACL(shared).forPath(path));
    owner.setACL().withVersion(0).withACL(shared).forPath(path);
    World.sync(stranger, path);
    expectEqual(text(stranger.getData().forPath(path)), "secret", "what anyone reads now");
    expectEqual(stranger.checkExists().forPath(path).getAversion(), 1, "the version of the ACL");
  }

  /** A watch set before the leader's death fires once for the first change after it. */
  private static void watches(World world) throws Exception {
    CuratorFramework client = world.client();
    CuratorFramework writer = world.client();
    String path = world.path("node");
    client.create().creatingParentsIfNeeded().forPath(path, bytes("a"));
    World.Events data = new World.Events();
    World.Events exists = new World.Events();
    World.Events children = new World.Events();
    client.getData().usingWatcher(data).forPath(path);
    client.checkExists().usingWatcher(exists).forPath(path + "/child");
    client.getChildren().usingWatcher(children).forPath(path);
    world.middle();
    expectEqual(data.rest().size() + exists.rest().size() + children.rest().size(), 0, "events without a change");
    for (int times = 0; times < 2; times++) {
      writer.setData().forPath(path, bytes("b" + times));
      writer.create().forPath(path + "/child" + (times == 0 ? "" : times));
    }
    expectEqual(data.next(), "NodeDataChanged " + path, "the event of the data");
    expectEqual(exists.next(), "NodeCreated " + path + "/child", "the event of the node that was not there");
    expectEqual(children.next(), "NodeChildrenChanged " + path, "the event of the children");
    World.sync(client, path);
    expectEqual(client.getChildren().forPath(path).size(), 2, "children");
    expectEqual(data.rest().size() + exists.rest().size() + children.rest().size(), 0, "events told twice");
  }

  private static void namespace(World world) throws Exception {
    CuratorFramework whole = world.client();
    CuratorFramework part = whole.usingNamespace(world.path("space").substring(1));
    World.Events events = new World.Events();
    part.checkExists().usingWatcher(events).forPath("/node");
    world.middle();
    part.create().creatingParentsIfNeeded().forPath("/node", bytes("a"));
    expectEqual(events.next(), "NodeCreated /node", "the event");
    expectEqual(text(whole.getData().forPath(world.path("space/node"))), "a", "what all see");
  }

  /** The client reads who the servers are and what it may connect to; both must be true. */
  private static void configuration(World world) throws Exception {
    CuratorFramework client = world.client();
    byte[] told = client.getConfig().forEnsemble();
    world.middle();
    Set<String> known = Set.of(world.servers.split(","));
    for (QuorumServer server : client.getCurrentConfig().getAllMembers().values()) {
      InetSocketAddress address = server.clientAddr;
      if (address == null) continue;
      String name = address.getHostString() + ":" + address.getPort();
      expect(known.contains(name), name + " of " + text(told) + " is one of " + known);
    }
    expectEqual(client.getConfig().forEnsemble().length, told.length, "the length of the configuration");
  }
}
