"""kazoo's recipes, all at once, while the leader is killed in the middle of each: recipes.py HOSTS

Every recipe runs in a thread of its own with clients of its own. In its middle it waits for all the others; then the
leader is killed once, and each goes on.
"""

import threading
import time

from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.party import ShallowParty

from stage import PATIENCE_S, ask, connect, run, say, wait

TURNS = 12


def main(hosts):
    scenes = [
        lock,
        read_write_lock,
        semaphore,
        election,
        barrier,
        double_barrier,
        counter,
        queue,
        locking_queue,
        party,
        watches,
        tree_cache,
    ]
    middle = Middle(len(scenes))
    lines = {}
    failures = []

    def play(scene):
        stage = Stage(hosts, '/' + scene.__name__, middle)
        try:
            lines[scene.__name__] = scene(stage)
        except Exception as error:
            failures.append('%s: %r' % (scene.__name__, error))
            middle.give_up()
            raise
        finally:
            stage.close()

    threads = [threading.Thread(target=play, args=(scene,), daemon=True) for scene in scenes]
    for thread in threads:
        thread.start()
    for thread, scene in zip(threads, scenes):
        thread.join(2 * PATIENCE_S)
        if thread.is_alive():
            failures.append('%s: does not end' % scene.__name__)
    if failures:
        raise RuntimeError('; '.join(failures))
    for scene in scenes:
        say('%s:' % scene.__name__.replace('_', ' '), lines[scene.__name__])


class Middle:
    """Where all recipes meet, and the leader is killed."""

    def __init__(self, parties):
        self._barrier = threading.Barrier(parties, action=lambda: ask('kill leader'))

    def reach(self):
        self._barrier.wait(PATIENCE_S)

    def give_up(self):
        self._barrier.abort()


class Stage:
    def __init__(self, hosts, path, middle):
        self.path = path
        self.middle = middle
        self._hosts = hosts
        self._clients = []

    def clients(self, count):
        made = [connect(self._hosts) for _ in range(count)]
        self._clients.extend(made)
        return made

    def reach_middle(self, *clients):
        """Once the new leader leads. What kazoo waits for with a watch of its own it does not wait for again after it
        lost a connection, so those who wait in that way are not to do so before."""
        self.middle.reach()
        for client in clients:
            client.retry(client.ensure_path, '/middle')
            client.retry(client.set, '/middle', b'')

    def close(self):
        for client in self._clients:
            client.stop()
            client.close()


class Room:
    """Who is inside, and how many were at most."""

    def __init__(self):
        self._lock = threading.Lock()
        self.inside = 0
        self.most = 0
        self.visits = 0

    def __enter__(self):
        with self._lock:
            self.inside += 1
            self.visits += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_):
        with self._lock:
            self.inside -= 1


def together(*jobs):
    """Runs all at once; raises what one of them raised."""
    errors = []

    def attempt(job):
        try:
            job()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=attempt, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
        if thread.is_alive():
            raise RuntimeError('one of them waits for ever')
    if errors:
        raise errors[0]


def lock(stage):
    room = Room()

    def contender(index, zk):
        def take_turns():
            own = zk.Lock(stage.path, 'contender %d' % index)
            for turn in range(TURNS):
                with own, room:
                    # The others stand in line while the leader goes.
                    if index == 0 and turn == TURNS // 2:
                        stage.middle.reach()

        return take_turns

    together(*[contender(index, zk) for index, zk in enumerate(stage.clients(3))])
    (zk,) = stage.clients(1)
    left = fresh(zk).get_children(stage.path)
    return '%d turns, %d at a time, %d left in line' % (room.visits, room.most, len(left))


def read_write_lock(stage):
    """In steps, since a reader of kazoo 2.8 also waits for a writer behind itself, which waits for the reader."""
    one, two, three = stage.clients(3)
    first, second, writer = one.ReadLock(stage.path), two.ReadLock(stage.path), three.WriteLock(stage.path)
    story = []

    def read(own):
        with own:
            story.append('in: reader')
            both_in.wait(PATIENCE_S)

    def write():
        with writer:
            story.append('in: writer')
            readers = [threading.Thread(target=read, args=(own,), daemon=True) for own in (first, second)]
            for reader in readers:
                reader.start()
            in_line(3)
            stage.middle.reach()
            story.append('out: writer')
        for reader in readers:
            reader.join(PATIENCE_S)

    def in_line(count):
        until(lambda: len(one.retry(one.get_children, stage.path)) == count, '%d in line' % count)

    both_in = threading.Barrier(2)
    first.acquire()
    second.acquire()
    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    in_line(3)
    story.append('out: two readers')
    first.release()
    second.release()
    writing.join(PATIENCE_S)
    return story


def semaphore(stage):
    room = Room()
    both_in = threading.Barrier(2)

    def holder(index, zk):
        def take_turns():
            own = zk.Semaphore(stage.path, 'holder %d' % index, max_leases=2)
            for turn in range(TURNS // 2):
                with own, room:
                    if turn == 0 and index < 2:
                        both_in.wait(PATIENCE_S)
                    if index == 0 and turn == TURNS // 4:
                        stage.middle.reach()

        return take_turns

    together(*[holder(index, zk) for index, zk in enumerate(stage.clients(4))])
    return '%d turns, %d at a time' % (room.visits, room.most)


def fresh(client):
    """The client, once its server has what the others' servers had."""
    client.retry(client.sync, '/')
    return client


def until(look, what):
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            raise RuntimeError('waited %d s for %s' % (PATIENCE_S, what))
        time.sleep(0.01)


def election(stage):
    room = Room()
    order = []

    def candidate(index, zk):
        def stand():
            def lead():
                with room:
                    order.append(index)
                    if len(order) == 2:
                        stage.middle.reach()

            zk.Election(stage.path, 'candidate %d' % index).run(lead)

        return stand

    together(*[candidate(index, zk) for index, zk in enumerate(stage.clients(4))])
    return '%s led, %d at a time' % (sorted(order), room.most)


def barrier(stage):
    waiter, opener = stage.clients(2)
    own = opener.Barrier(stage.path)
    own.create()
    stage.reach_middle(waiter, opener)
    theirs = waiter.Barrier(stage.path)
    closed = theirs.wait(0)
    passed = []
    together(lambda: passed.append(theirs.wait(PATIENCE_S)), own.remove)
    return 'closed: %s, opened: %s, when there is none: %s' % (closed, passed[0], theirs.wait(0))


def double_barrier(stage):
    clients = stage.clients(3)
    room = Room()
    entered = threading.Barrier(3, action=lambda: stage.reach_middle(*clients))
    seen = []

    def member(zk):
        def take_part():
            own = zk.DoubleBarrier(stage.path, 3)
            own.enter()
            with room:
                entered.wait(PATIENCE_S)
                seen.append(own.participating)
            own.leave()

        return take_part

    together(*[member(zk) for zk in clients])
    return '%d entered together: %s, left behind: %s' % (
        room.most,
        seen,
        fresh(clients[0]).get_children(stage.path),
    )


def counter(stage):
    busy, calm = stage.clients(2)
    own = calm.Counter(stage.path, default=100)
    for _ in range(TURNS):
        own += 2
    stage.reach_middle(busy, calm)

    def add(zk):
        def count():
            for _ in range(TURNS):
                shared = zk.Counter(stage.path, default=100)
                shared -= 1

        return count

    together(add(busy), add(calm))
    fresh(calm)
    return own.value


def queue(stage):
    giver, taker = stage.clients(2)
    own = giver.Queue(stage.path)
    for index in range(6):
        own.put(b'item %d' % index)
    own.put(b'first', priority=1)
    theirs = fresh(taker).Queue(stage.path)
    taken = [theirs.get() for _ in range(3)]
    stage.reach_middle(giver, taker)
    own.put(b'late')
    own.put(b'urgent', priority=0)
    # It keeps the list that it read before, so that what came later would wait behind it.
    anew = fresh(taker).Queue(stage.path)
    taken += [anew.get() for _ in range(6)]
    return '%s, then %s' % (b' '.join(taken), anew.get())


def locking_queue(stage):
    one, two = stage.clients(2)
    first, second = one.LockingQueue(stage.path), two.LockingQueue(stage.path)
    first.put_all([b'a', b'b', b'c'])
    taken = [first.get(PATIENCE_S), second.get(PATIENCE_S)]
    stage.reach_middle(one, two)
    held = [first.holds_lock(), second.holds_lock()]
    # One is done with its item; the other gives it back and takes it again.
    done = [first.consume(), second.release()]
    taken.append(second.get(PATIENCE_S))
    done.append(second.consume())
    taken.append(first.get(PATIENCE_S))
    done.append(first.consume())
    return '%s, held %s, done %s, %d left' % (taken, held, done, len(first))


def party(stage):
    one, two = stage.clients(2)
    guests = [one.Party(stage.path, 'ann'), two.Party(stage.path, 'bob')]
    shallow = ShallowParty(two, stage.path + '-shallow', 'cleo')
    for guest in [*guests, shallow]:
        guest.join()
    fresh(one)
    before = sorted(guests[0])
    stage.reach_middle(one, two)
    after = sorted(guests[0])
    guests[1].leave()
    fresh(one)
    return '%s, %s, then %s; %s' % (before, after, list(guests[0]), list(shallow))


def watches(stage):
    watcher, writer = stage.clients(2)
    writer.create(stage.path, b'start')
    fresh(watcher)
    values = []
    listings = []

    @watcher.DataWatch(stage.path)
    def data_changed(data, stat):
        values.append(data)

    @watcher.ChildrenWatch(stage.path)
    def children_changed(children):
        listings.append(sorted(children))

    def change(index):
        writer.retry(writer.set, stage.path, b'%d' % index)
        writer.retry(writer.ensure_path, '%s/%d' % (stage.path, index))

    change(0)
    until(lambda: values[-1] == b'0' and listings[-1] == ['0'], 'the changes before')
    # It writes on while the leader goes.
    reach = threading.Thread(target=stage.middle.reach, daemon=True)
    reach.start()
    for index in range(1, 10):
        change(index)
    reach.join(PATIENCE_S)
    change(10)
    until(lambda: values[-1] == b'10' and len(listings[-1]) == 11, 'the changes after')
    numbers = [int(value) for value in values if value != b'start']
    return 'in order %s, last %s, children %d' % (numbers == sorted(numbers), values[-1], len(listings[-1]))


def tree_cache(stage):
    reader, writer = stage.clients(2)
    writer.create(stage.path + '/a/b', b'deep', makepath=True)
    cache = TreeCache(fresh(reader), stage.path)
    initialized = threading.Event()

    def heard(event):
        if event.event_type == TreeEvent.INITIALIZED:
            initialized.set()

    faults = []
    cache.listen(heard)
    cache.listen_fault(faults.append)
    cache.start()
    wait(initialized, 'the cache')
    before = cache.get_data(stage.path + '/a/b').data
    writer.set(stage.path + '/a/b', b'changed')
    until(lambda: cache.get_data(stage.path + '/a/b').data == b'changed', 'a change')
    stage.reach_middle(writer)
    writer.retry(writer.create, stage.path + '/a/c', b'new')
    writer.retry(writer.delete, stage.path + '/a/b')

    def after():
        node = cache.get_data(stage.path + '/a/c')
        return node and (node.data, sorted(cache.get_children(stage.path + '/a')))

    until(lambda: after() == (b'new', ['c']), 'the changes after')
    at_last = after()
    cache.close()
    return '%s at first, %s at last, faults %s' % (before, at_last, faults)


run(main)
