package interop;

import static interop.World.bytes;
import static interop.World.expect;
import static interop.World.expectEqual;
import static interop.World.text;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache.StartMode;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.KeeperException;

/** Copies of a part of the tree, while another writes there: in the end they hold what the tree holds. */
@SuppressWarnings("deprecation")
final class Caches {
  static final List<Check> CHECKS =
      List.of(
          new Check("CuratorCache", Caches::curatorCache),
          new Check("TreeCache", Caches::treeCache),
          new Check("PathChildrenCache", Caches::pathChildrenCache),
          new Check("NodeCache", Caches::nodeCache),
          new Check("PersistentWatcher", Caches::persistentWatcher));

  private static final int TURNS = 12;

  private Caches() {}

  private static void curatorCache(World world) throws Exception {
    CuratorFramework client = world.client();
    String path = seed(world, client);
    CuratorCache cache = world.keep(CuratorCache.build(client, path));
    AtomicInteger created = new AtomicInteger();
    AtomicInteger changed = new AtomicInteger();
    AtomicInteger deleted = new AtomicInteger();
    AtomicInteger initialized = new AtomicInteger();
    cache
        .listenable()
        .addListener(
            CuratorCacheListener.builder()
                .forCreates(node -> created.incrementAndGet())
                .forChanges((before, after) -> changed.incrementAndGet())
                .forDeletes(node -> deleted.incrementAndGet())
                .forInitialized(initialized::incrementAndGet)
                .build());
    cache.start();
    world.until("it is initialized", () -> initialized.get() == 1);
    expectEqual(cache.size(), 3, "nodes at the start");
    Map<String, String> tree = write(world, path);
    world.until(
        "it holds what the tree holds",
        () -> tree.equals(mapOf(cache.stream().toList())));
    expectEqual(created.get() - deleted.get(), tree.size(), "nodes created less those deleted");
    expect(changed.get() > 0, "it told of changes");
  }

  private static void treeCache(World world) throws Exception {
    CuratorFramework client = world.client();
    String path = seed(world, client);
    TreeCache cache = world.keep(new TreeCache(client, path));
    cache.start();
    Map<String, String> tree = write(world, path);
    world.until(
        "it holds what the tree holds",
        () -> {
          Map<String, String> held = new TreeMap<>();
          collect(cache, path, held);
          return tree.equals(held);
        });
  }

  private static void collect(TreeCache cache, String path, Map<String, String> into) {
    ChildData data = cache.getCurrentData(path);
    if (data != null) into.put(path, text(data.getData()));
    Map<String, ChildData> children = cache.getCurrentChildren(path);
    if (children != null) children.keySet().forEach(name -> collect(cache, path + "/" + name, into));
  }

  private static void pathChildrenCache(World world) throws Exception {
    CuratorFramework client = world.client();
    String path = seed(world, client);
    PathChildrenCache cache = world.keep(new PathChildrenCache(client, path, true));
    cache.start(StartMode.BUILD_INITIAL_CACHE);
    expectEqual(cache.getCurrentData().size(), 1, "children at the start");
    Map<String, String> tree = write(world, path);
    tree.keySet().removeIf(found -> found.lastIndexOf('/') != path.length());
    world.until("it holds the children that there are", () -> tree.equals(mapOf(cache.getCurrentData())));
  }

  private static void nodeCache(World world) throws Exception {
    CuratorFramework client = world.client();
    String path = seed(world, client) + "/n0";
    NodeCache cache = world.keep(new NodeCache(client, path));
    cache.start(true);
    expectEqual(text(cache.getCurrentData().getData()), "seed", "the data at the start");
    Map<String, String> tree = write(world, world.path("tree"));
    world.until(
        "it holds what the node holds",
        () -> {
          ChildData held = cache.getCurrentData();
          return tree.containsKey(path)
              ? held != null && tree.get(path).equals(text(held.getData()))
              : held == null;
        });
  }

  /** Each watch, set once, tells of every change, before the leader's death and after it. */
  private static void persistentWatcher(World world) throws Exception {
    CuratorFramework writer = world.client();
    CuratorFramework watching = world.client();
    String path = world.path("tree");
    writer.create().creatingParentsIfNeeded().forPath(path);
    // Else their servers may tell them of this creation.
    World.sync(watching, path);
    PersistentWatcher deep = world.keep(new PersistentWatcher(watching, path, true));
    World.Events deepEvents = new World.Events();
    deep.getListenable().addListener(deepEvents);
    AtomicInteger resets = new AtomicInteger();
    deep.getResetListenable().addListener(resets::incrementAndGet);
    deep.start();
    World.Events flatEvents = new World.Events();
    // By a client of its own: ZooKeeper's 3.8.0 gives recursive watches the events of children that others asked for.
    CuratorFramework flat = world.client();
    World.sync(flat, path);
    flat.watchers().add().withMode(AddWatchMode.PERSISTENT).usingWatcher(flatEvents).forPath(path);
    world.until("the watch is set", () -> resets.get() > 0);
    for (String half : List.of("before", "after")) {
      String child = path + "/" + half;
      writer.create().forPath(child);
      writer.create().forPath(child + "/below");
      writer.setData().forPath(child, bytes("changed"));
      writer.delete().forPath(child + "/below");
      writer.delete().forPath(child);
      writer.setData().forPath(path, bytes(half));
      for (String event :
          List.of(
              "NodeCreated " + child,
              "NodeCreated " + child + "/below",
              "NodeDataChanged " + child,
              "NodeDeleted " + child + "/below",
              "NodeDeleted " + child,
              "NodeDataChanged " + path)) {
        expectEqual(deepEvents.next(), event, "the next event below");
      }
      for (String event :
          List.of(
              "NodeChildrenChanged " + path, "NodeChildrenChanged " + path, "NodeDataChanged " + path)) {
        expectEqual(flatEvents.next(), event, "the next event of the node and its children");
      }
      expect(deepEvents.rest().isEmpty() && flatEvents.rest().isEmpty(), "nothing is told twice");
      // Only what is done while it is connected is sure to be told: it is the watch that stays.
      int resetsBefore = resets.get();
      world.middle();
      World.sync(watching, path);
      World.sync(flat, path);
      expect(resets.get() >= resetsBefore, "resets are counted");
    }
  }

  /** A tree with a child and a grandchild; its path. */
  private static String seed(World world, CuratorFramework client) throws Exception {
    String path = world.path("tree");
    client.create().creatingParentsIfNeeded().forPath(path, bytes("root"));
    client.create().forPath(path + "/n0", bytes("seed"));
    client.create().forPath(path + "/n0/below", bytes("seed"));
    return path;
  }

  /** Creates, changes and deletes nodes until the middle is over and some more. Returns what is there then, by path. */
  private static Map<String, String> write(World world, String path) throws Exception {
    AtomicInteger turn = new AtomicInteger();
    world.lanes(
        1,
        TURNS,
        opened ->
            party -> {
              int number = turn.getAndIncrement();
              // A step of seven meets each of five nodes in each of three ways.
              String node = path + "/n" + (number * 7) % 5;
              switch (number % 3) {
                case 0 -> put(party.client, node, "n" + number);
                case 1 -> put(party.client, node + "/below", "b" + number);
                default -> remove(party.client, node);
              }
            });
    CuratorFramework reader = world.client();
    World.sync(reader, path);
    Map<String, String> tree = new TreeMap<>();
    read(reader, path, tree);
    return tree;
  }

  /** Whether it was there or not; a repetition after a lost reply does no harm. */
  private static void put(CuratorFramework client, String path, String data) throws Exception {
    client.create().orSetData().creatingParentsIfNeeded().forPath(path, bytes(data));
  }

  private static void remove(CuratorFramework client, String path) throws Exception {
    try {
      client.delete().deletingChildrenIfNeeded().forPath(path);
    } catch (KeeperException.NoNodeException gone) {
      World.expectEqual(gone.getPath(), path, "what is not there");
    }
  }

  private static void read(CuratorFramework client, String path, Map<String, String> into) throws Exception {
    into.put(path, text(client.getData().forPath(path)));
    for (String name : client.getChildren().forPath(path)) read(client, path + "/" + name, into);
  }

  private static Map<String, String> mapOf(List<ChildData> nodes) {
    Map<String, String> map = new TreeMap<>();
    for (ChildData node : nodes) map.put(node.getPath(), text(node.getData()));
    return map;
  }
}
