"""Stands in line for a lock again and again, and counts a node up by one each time it holds it, not atomically.

contender.py HOSTS LOCK COUNTER FOLDER NAME TOTAL ends with status 0 once the counter has reached TOTAL, with 3 when
somebody else held the lock at the same time.
"""

import os

from kazoo.client import KazooState

from stage import connect, run, say


def main(hosts, path, counter, folder, name, total):
    zk = connect(hosts)

    def lost(state):
        if state == KazooState.LOST:
            os.write(2, b'%s lost its session\n' % name.encode())
            os._exit(1)

    zk.add_listener(lost)
    # The nodes of other programs' locks are contenders too.
    lock = zk.Lock(path, name, extra_lock_patterns=['-lock-'])
    held = os.path.join(folder, 'held')
    journal = os.path.join(folder, 'journal')
    say('ready')
    while True:
        with lock:
            try:
                with open(held, 'x') as file:
                    file.write(name)
            except FileExistsError:
                say('BROKEN: %s found %r' % (name, open(held).read()))
                os._exit(3)
            count = int(zk.retry(zk.get, counter)[0])
            if count < int(total):
                zk.retry(zk.set, counter, b'%d' % (count + 1))
                with open(journal, 'a') as file:
                    file.write(name + '\n')
            os.unlink(held)
        if count >= int(total):
            break
    zk.remove_listener(lost)
    zk.stop()


run(main)
