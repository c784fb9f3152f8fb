package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/** Nodes that stay as long as somebody wants them, and go by themselves when nobody does. */
final class Nodes {
  static final List<Check> CHECKS =
      List.of(
          new Check("PersistentNode", Nodes::persistent),
          new Check("PersistentTtlNode", Nodes::persistentTtl),
          new Check("GroupMember", Nodes::group),
          new Check("containers", Nodes::containers),
          new Check("ttl", Nodes::ttl),
          new Check("protection", Nodes::protection));

  private static final long TTL_MS = 400;
  /** Two come in the time of one TTL. */
  private static final int TOUCHES = 5;
  private static final int LANES = 2;
  private static final int TURNS = 5;

  private Nodes() {}

  /** An ephemeral node that comes again whoever removes it, and whichever session it belonged to. */
  private static void persistent(World world) throws Exception {
    CuratorFramework owner = world.client();
    CuratorFramework other = world.client();
    String path = world.path("node");
    PersistentNode node = world.keep(new PersistentNode(owner, CreateMode.EPHEMERAL, false, path, bytes("first")));
    node.start();
    expect(node.waitForInitialCreate(World.PATIENCE_MS, TimeUnit.MILLISECONDS), "it is created");
    World.sync(other, path);
    Stat before = other.checkExists().forPath(path);
    expectEqual(before.getEphemeralOwner(), sessionOf(owner), "the owner");
    world.middle();
    node.setData(bytes("second"));
    world.until("its data is the new data", () -> text(other.getData().forPath(path)).equals("second"));
    expectEqual(other.checkExists().forPath(path).getCzxid(), before.getCzxid(), "the node of a session that lives");
    other.delete().forPath(path);
    world.until("it is there again", () -> other.checkExists().forPath(path) != null);
    expectEqual(text(other.getData().forPath(path)), "second", "the data");
    long session = sessionOf(owner);
    world.expire(owner);
    world.until(
        "it is there for the new session",
        () -> {
          Stat now = other.checkExists().forPath(path);
          return now != null && now.getEphemeralOwner() != session;
        });
    expectEqual(other.checkExists().forPath(path).getEphemeralOwner(), sessionOf(owner), "the owner");
    node.close();
    World.sync(other, path);
    expect(other.checkExists().forPath(path) == null, "it goes when nobody wants it");
  }

  private static long sessionOf(CuratorFramework client) throws Exception {
    return client.getZookeeperClient().getZooKeeper().getSessionId();
  }

  /** A node that its owner keeps alive by touching it, with no session: it outlives its TTL and goes after its owner. */
  private static void persistentTtl(World world) throws Exception {
    CuratorFramework other = world.client();
    String path = world.path("node");
    PersistentTtlNode node = world.keep(new PersistentTtlNode(world.client(), path, TTL_MS, bytes("mine")));
    node.start();
    expect(node.waitForInitialCreate(World.PATIENCE_MS, TimeUnit.MILLISECONDS), "it is created");
    world.middle();
    // It comes again when the servers had no leader for longer than its TTL.
    world.until("it is there", () -> other.checkExists().forPath(path) != null);
    String touched = path + "/" + PersistentTtlNode.DEFAULT_CHILD_NODE_NAME;
    world.until(
        "it is touched again and again",
        () -> {
          Stat stat = other.checkExists().forPath(touched);
          return stat != null && stat.getVersion() >= TOUCHES;
        });
    expectEqual(text(other.getData().forPath(path)), "mine", "the data");
    node.close();
    world.until("it goes when nobody touches it", () -> other.checkExists().forPath(path) == null);
  }

  /** Members see each other, and see who leaves. */
  private static void group(World world) throws Exception {
    List<GroupMember> members = new ArrayList<>();
    for (String name : List.of("a", "b", "c")) {
      byte[] data = bytes("I am " + name);
      GroupMember member = world.keep(new GroupMember(world.client(), world.path("group"), name, data));
      member.start();
      members.add(member);
    }
    allSee(world, members, Set.of("a", "b", "c"));
    world.middle();
    allSee(world, members, Set.of("a", "b", "c"));
    expectEqual(text(members.get(0).getCurrentMembers().get("c")), "I am c", "the data of a member");
    members.remove(2).close();
    allSee(world, members, Set.of("a", "b"));
  }

  private static void allSee(World world, List<GroupMember> members, Set<String> names) throws Exception {
    for (GroupMember member : members) {
      world.until("all see " + names, () -> member.getCurrentMembers().keySet().equals(names));
    }
  }

  /** A container is removed when its last child has gone, and not before. */
  private static void containers(World world) throws Exception {
    CuratorFramework client = world.client();
    String container = world.path("container");
    client.createContainers(container);
    client.create().creatingParentContainersIfNeeded().forPath(container + "/child/below");
    Stat stat = client.checkExists().forPath(container);
    expectEqual(stat.getEphemeralOwner(), 0L, "the owner that a container shows");
    world.middle();
    expectEqual(client.getChildren().forPath(container + "/child"), List.of("below"), "children");
    client.delete().forPath(container + "/child/below");
    world.until("both containers are gone", () -> client.checkExists().forPath(container) == null);
  }

  /** A node with a TTL goes when nobody writes it for so long, and stays while it has children. */
  private static void ttl(World world) throws Exception {
    CuratorFramework client = world.client();
    String parent = world.path("ttl");
    client.create().creatingParentsIfNeeded().forPath(parent);
    String node =
        client.create().withTtl(TTL_MS).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(parent + "/node", bytes("a"));
    String kept = parent + "/kept";
    client
        .transaction()
        .forOperations(
            client.transactionOp().create().withTtl(TTL_MS).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(kept),
            client.transactionOp().create().forPath(kept + "/child"));
    String numbered =
        client.create().withTtl(TTL_MS).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath(parent + "/n-");
    expectEqual(numbered, parent + "/n-0000000002", "the third child");
    world.middle();
    world.until(
        "those without children are gone", () -> client.getChildren().forPath(parent).equals(List.of("kept")));
    expect(client.checkExists().forPath(node) == null, "the node is gone");
    client.delete().forPath(kept + "/child");
    world.until("the other one goes as well", () -> client.getChildren().forPath(parent).isEmpty());
  }

  /** With protection a create whose reply was lost is found again: no more nodes than creates, and as told. */
  private static void protection(World world) throws Exception {
    String parent = world.path("protected");
    CuratorFramework reader = world.client();
    reader.create().creatingParentsIfNeeded().forPath(parent);
    Set<String> told = Collections.synchronizedSet(new TreeSet<>());
    world.lanes(
        LANES,
        TURNS,
        opened ->
            party ->
                told.add(
                    party
                        .client
                        .create()
                        .withProtection()
                        .withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                        .forPath(parent + "/n-")));
    World.sync(reader, parent);
    Set<String> found = new TreeSet<>();
    for (String name : reader.getChildren().forPath(parent)) found.add(parent + "/" + name);
    expectEqual(found, told, "what was created");
    KeeperException refused =
        World.expectRefusal(
            KeeperException.NoChildrenForEphemeralsException.class,
            () -> reader.create().forPath(found.iterator().next() + "/child"));
    expectEqual(refused.code(), KeeperException.Code.NOCHILDRENFOREPHEMERALS, "the code");
  }
}
