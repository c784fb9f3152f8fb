"""Sessions as a kazoo program sees them, on an ensemble of three: sessions.py HOSTS"""

import os
import subprocess
import sys
import threading

from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

from stage import PATIENCE_S, ask, connect, run, say, wait


def main(hosts):
    servers = hosts.split(',')
    watcher = connect(hosts)
    watcher.create('/sessions', b'')
    closing(hosts, watcher)
    resuming(servers, watcher)
    expiry_of_the_absent(hosts, watcher)
    expiry_noticed(servers)
    strangers(hosts)
    another_server(hosts, watcher)
    restart_of_all(hosts, watcher)
    watcher.stop()


class States:
    """The states a client was told of; `hear(state)` waits until that has come once more."""

    def __init__(self, client):
        self.heard = []
        self._read = 0
        self._changed = threading.Condition()
        client.add_listener(self)

    def __call__(self, state):
        with self._changed:
            self.heard.append(state)
            self._changed.notify_all()

    def hear(self, state):
        with self._changed:
            if not self._changed.wait_for(lambda: state in self.heard[self._read :], PATIENCE_S):
                raise RuntimeError('waited %d s for %s, heard %s' % (PATIENCE_S, state, self.heard))
            self._read = self.heard.index(state, self._read) + 1
        return state


def gone(watcher, path):
    """An event that is set when the node goes."""
    event = threading.Event()
    if watcher.exists(path, watch=lambda _: event.set()) is None:
        event.set()
    return event


def closing(hosts, watcher):
    client = connect(hosts)
    client.create('/sessions/closing', b'', ephemeral=True)
    watcher.sync('/')
    went = gone(watcher, '/sessions/closing')
    client.stop()
    wait(went, 'the ephemeral node of a closed session to go')
    say('closing: its ephemeral node is gone')


def abandon(server, path, timeout):
    """A process that makes an ephemeral node and ends without a word; its session is left for us."""
    source = (
        'import os, sys; sys.path.insert(0, %r); from stage import connect; zk = connect(%r, timeout=%r);'
        'zk.create(%r, b"", ephemeral=True);'
        'print(zk.client_id[0], zk.client_id[1].hex(), flush=True); os._exit(0)'
    ) % (os.path.dirname(os.path.abspath(__file__)), server, timeout, path)
    words = subprocess.run([sys.executable, '-c', source], check=True, capture_output=True, text=True).stdout.split()
    return int(words[0]), bytes.fromhex(words[1])


def resuming(servers, watcher):
    session = abandon(servers[0], '/sessions/resumed', 10)
    client = connect(servers[1], client_id=session)
    say('resumed on another server:', client.client_id == session)
    say('its password has bytes:', len(session[1]))
    client.sync('/')
    stat = client.exists('/sessions/resumed')
    say('its ephemeral node is its own:', stat.ephemeralOwner == session[0])
    watcher.sync('/')
    went = gone(watcher, '/sessions/resumed')
    say('and is there:', not went.is_set())
    client.stop()
    wait(went, 'the ephemeral node of a resumed session that closed to go')
    say('until it closes')


def expiry_of_the_absent(hosts, watcher):
    abandon(hosts, '/sessions/absent', 2)
    watcher.sync('/')
    wait(gone(watcher, '/sessions/absent'), 'the ephemeral node of a client that died to go')
    say('expired: the ephemeral node of a client that died is gone')


def expiry_noticed(servers):
    """The session is closed by a second client that has its id and password; then the first one comes back."""
    client = connect(servers[0])
    states = States(client)
    session = client.client_id
    client.create('/sessions/expired', b'', ephemeral=True)
    thief = KazooClient(servers[1], client_id=session)
    thief.start(PATIENCE_S)
    say('a second client has the session:', thief.client_id == session)
    thief.stop()
    # The first one may have taken it back before the second could end it: then that is tried again.
    while KazooState.LOST not in states.heard:
        thief = KazooClient(servers[1], client_id=session)
        thief.start(PATIENCE_S)
        thief.stop()
    say('heard:', states.hear(KazooState.LOST), states.hear(KazooState.CONNECTED))
    say('another session:', client.client_id[0] != session[0])
    say('its ephemeral node:', client.retry(client.exists, '/sessions/expired'))
    client.stop()


def strangers(hosts):
    owner = connect(hosts)
    session = owner.client_id
    guess = KazooClient(hosts, client_id=(session[0], b'0123456789abcdef'), timeout=10)
    guess.start(PATIENCE_S)
    say('with a wrong password, the session:', guess.client_id[0] == session[0])
    guess.stop()
    say('its owner keeps it:', owner.retry(owner.exists, '/sessions') is not None, owner.client_id == session)
    unknown = KazooClient(hosts, client_id=(0x123456789ABCDE, b'0123456789abcdef'), timeout=10)
    unknown.start(PATIENCE_S)
    say('one that never was:', unknown.client_id[0] == 0x123456789ABCDE)
    unknown.stop()
    owner.stop()


def another_server(hosts, watcher):
    client = connect(hosts)
    states = States(client)
    session = client.client_id
    client.create('/sessions/moving', b'', ephemeral=True)
    address = '%s:%d' % client._connection._socket.getpeername()[:2]
    ask('kill ' + address)
    say('heard:', states.hear(KazooState.SUSPENDED), states.hear(KazooState.CONNECTED))
    moved = '%s:%d' % client._connection._socket.getpeername()[:2]
    say('on another server:', moved != address, 'in the same session:', client.client_id == session)
    say('its ephemeral node is there:', client.retry(client.exists, '/sessions/moving') is not None)
    say('it writes:', client.retry(client.create, '/sessions/moving-on', b''))
    ask('restart')
    client.stop()


def restart_of_all(hosts, watcher):
    client = connect(hosts)
    session = client.client_id
    client.create('/sessions/lasting', b'', ephemeral=True)
    ask('kill all')
    ask('restart')
    say('after a restart of all:', client.retry(client.exists, '/sessions/lasting') is not None)
    say('in the same session:', client.client_id == session)
    client.retry(client.sync, '/')
    went = threading.Event()
    if watcher.retry(watcher.exists, '/sessions/lasting', watch=lambda _: went.set()) is None:
        raise RuntimeError('the node is there for one client and not for another')
    client.stop()
    wait(went, 'the ephemeral node to go')
    say('closed')


run(main)
