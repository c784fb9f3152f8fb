"""Nodes, watches, ACLs, transactions and quotas as a kazoo program uses them: data.py HOSTS"""

import threading

from kazoo.client import KazooClient
from kazoo.security import ACL, Id, OPEN_ACL_UNSAFE, make_acl, make_digest_acl

from stage import connect, fails, run, say, stat_words, wait


def main(hosts):
    zk = connect(hosts)
    other = connect(hosts)
    nodes(zk)
    names(zk)
    errors(zk)
    sizes(zk)
    watches(zk, other)
    transactions(zk)
    acls(zk, other, hosts)
    quotas(zk)
    zk.stop()
    other.stop()
    say('state after stop:', zk.state)


def nodes(zk):
    say('create:', zk.create('/nodes', b'one'))
    data, stat = zk.get('/nodes')
    say('get:', data, stat_words(stat))
    say('set:', stat_words(zk.set('/nodes', b'longer')))
    say('set at version 1:', stat_words(zk.set('/nodes', b'', version=1)))
    say('get of nothing:', zk.get('/nodes')[0])
    say('exists:', stat_words(zk.exists('/nodes')), 'missing:', zk.exists('/none'))
    path, stat = zk.create('/nodes/stat', b'xyz', include_data=True)
    say('create with stat:', path, stat_words(stat))
    for _ in range(3):
        say('sequential:', zk.create('/nodes/s-', b'', sequence=True))
    zk.delete('/nodes/s-0000000002')
    say('sequential after a delete:', zk.create('/nodes/s-', b'', sequence=True))
    say('ephemeral:', zk.create('/nodes/e', b'', ephemeral=True), stat_words(zk.exists('/nodes/e')))
    say('ephemeral sequential:', zk.create('/nodes/es-', b'', ephemeral=True, sequence=True))
    say('owned by us:', zk.exists('/nodes/e').ephemeralOwner == zk.client_id[0])
    say('with parents:', zk.create('/nodes/a/b/c/d', b'deep', makepath=True))
    say('children:', sorted(zk.get_children('/nodes')))
    children, stat = zk.get_children('/nodes', include_data=True)
    say('children with stat:', len(children), stat_words(stat))
    say('children of the root:', sorted(zk.get_children('/')))
    say('ensure:', zk.ensure_path('/nodes/a/b/x'), sorted(zk.get_children('/nodes/a/b')))
    say('sync:', zk.sync('/nodes'))
    zk.delete('/nodes/a', recursive=True)
    say('deleted with its children:', zk.exists('/nodes/a'))
    results = [zk.create_async('/nodes/many-', b'%d' % index, sequence=True) for index in range(50)]
    say('created without waiting:', [result.get(30) for result in results][-1])


def names(zk):
    for name in ['Straße', '中文', 'a b', 'Ω≈ç', '~', 'ﬀ', 'a.b', '...', '\ud7ff']:
        path = '/nodes/' + name
        say('named', ascii(name), ascii(zk.create(path, name.encode('utf-8'))), zk.get(path)[0].decode('utf-8') == name)
    for name in ['a\x01b', 'a\x7fb', '\ue000', '\ufff0', '\U0001f600', 'x\x00y']:
        fails('named %s' % ascii(name), zk.create, '/nodes/' + name, b'')


def errors(zk):
    fails('create what exists', zk.create, '/nodes', b'')
    fails('create without parent', zk.create, '/nowhere/a', b'')
    fails('create below an ephemeral', zk.create, '/nodes/e/a', b'')
    fails('create the root', zk.create, '/', b'')
    fails('get what is missing', zk.get, '/none')
    fails('children of what is missing', zk.get_children, '/none')
    fails('set what is missing', zk.set, '/none', b'')
    fails('set another version', zk.set, '/nodes', b'', version=77)
    fails('delete what is missing', zk.delete, '/none')
    fails('delete another version', zk.delete, '/nodes/stat', version=77)
    fails('delete with children', zk.delete, '/nodes')
    fails('delete the root', zk.delete, '/')
    fails('delete what the servers keep', zk.delete, '/zookeeper/config')
    fails('get acls of what is missing', zk.get_acls, '/none')
    fails('set acls of another version', zk.set_acls, '/nodes', OPEN_ACL_UNSAFE, version=77)


def sizes(zk):
    big = bytes(range(256)) * 3516
    zk.create('/big', big)
    say('bytes:', len(big), zk.get('/big')[0] == big, stat_words(zk.exists('/big')))
    fails('2 MB', zk.create, '/bigger', b'x' * 2_000_000)
    fails('5 MB', zk.create, '/bigger', b'x' * 5_000_000)
    say('after that:', zk.retry(zk.exists, '/bigger'))
    zk.create('/wide')
    for start in range(0, 2000, 200):
        transaction = zk.transaction()
        for index in range(start, start + 200):
            transaction.create('/wide/child-of-a-wide-node-%04d' % index)
        transaction.commit()
    found = zk.get_children('/wide')
    say('children:', len(found), sorted(found) == ['child-of-a-wide-node-%04d' % index for index in range(2000)])
    say('wide:', stat_words(zk.exists('/wide')))


class Heard:
    """Events in the order in which they came; `after(n)` waits for n of them."""

    def __init__(self):
        self.events = []
        self._changed = threading.Condition()

    def __call__(self, event):
        with self._changed:
            self.events.append('%s %s %s' % (event.type, event.state, event.path))
            self._changed.notify_all()

    def after(self, count):
        with self._changed:
            self._changed.wait_for(lambda: len(self.events) >= count, 30)
            return self.events


def watches(zk, other):
    zk.create('/watched')
    heard = Heard()
    zk.exists('/watched/a', watch=heard)
    other.create('/watched/a', b'')
    say('created:', heard.after(1))
    heard = Heard()
    zk.get('/watched/a', watch=heard)
    zk.get_children('/watched', watch=heard)
    zk.get_children('/watched/a', watch=heard)
    other.set('/watched/a', b'new')
    say('changed:', heard.after(1))
    zk.get('/watched/a', watch=heard)
    other.create('/watched/a/b', b'')
    say('a child came:', heard.after(2))
    zk.get_children('/watched/a', watch=heard)
    other.delete('/watched/a', recursive=True)
    say('gone:', sorted(heard.after(5)))
    # A watch that fired is used up.
    other.create('/watched/a', b'')
    zk.sync('/watched')
    say('used up:', len(heard.events))
    heard = Heard()
    zk.exists('/watched/a', watch=heard)
    zk.set('/watched/a', b'by the watcher itself')
    say('own change:', heard.after(1))
    other.set_acls('/watched/a', OPEN_ACL_UNSAFE)
    heard = Heard()
    fails('a watch on what is missing', zk.get, '/watched/none', watch=heard)
    other.create('/watched/none', b'')
    zk.sync('/watched')
    say('a failed get watches nothing:', heard.events)
    standing_watches(zk, other)


def standing_watches(zk, other):
    seen = []
    arrived = threading.Event()

    @zk.DataWatch('/watched/data')
    def data_changed(data, stat, event):
        seen.append((data, event and event.type))
        if data == b'last':
            arrived.set()

    other.create('/watched/data', b'first')
    # Each change waits until the one before was seen, since a data watch skips what comes while it reads.
    while (b'first', 'CREATED') not in seen:
        zk.sync('/')
    other.set('/watched/data', b'last')
    wait(arrived, 'the data watch')
    say('data watch:', seen)

    listings = []
    all_there = threading.Event()

    @zk.ChildrenWatch('/watched/data')
    def children_changed(children):
        listings.append(sorted(children))
        if len(children) == 3:
            all_there.set()

    for name in 'abc':
        other.create('/watched/data/' + name, b'')
    wait(all_there, 'the children watch')
    say('children watch:', listings[0], listings[-1])


def transactions(zk):
    zk.create('/multi', b'')
    transaction = zk.transaction()
    transaction.create('/multi/a', b'1')
    transaction.create('/multi/a/b', b'')
    transaction.create('/multi/s-', b'', sequence=True)
    transaction.create('/multi/e', b'', ephemeral=True)
    transaction.set_data('/multi/a', b'2')
    transaction.check('/multi/a', version=1)
    transaction.delete('/multi/a/b', version=0)
    results = transaction.commit()
    say('transaction:', [stat_words(one) if hasattr(one, 'mzxid') else one for one in results])
    zxids = {zk.exists('/multi/' + name).czxid for name in ['a', 'e', 's-0000000001']}
    say('of one zxid:', len(zxids), sorted(zk.get_children('/multi')))
    for name, build in [
        ('a check', lambda t: t.check('/multi/a', version=9)),
        ('a create', lambda t: t.create('/multi/a', b'')),
        ('a delete', lambda t: t.delete('/multi/none')),
        ('a set', lambda t: t.set_data('/multi/a', b'', version=9)),
        ('a create without parent', lambda t: t.create('/none/none', b'')),
    ]:
        transaction = zk.transaction()
        transaction.create('/multi/never', b'')
        build(transaction)
        transaction.delete('/multi/a')
        say(name, 'undoes all:', [type(one).__name__ for one in transaction.commit()], zk.exists('/multi/never'))
    say('empty:', zk.transaction().commit())
    say('left as it was:', zk.get('/multi/a')[0], stat_words(zk.exists('/multi/a')))


def acl_words(acls):
    return sorted((acl.perms, acl.id.scheme, acl.id.id) for acl in acls)


def acls(zk, other, hosts):
    zk.create('/acl', b'')
    acls, stat = zk.get_acls('/acl')
    say('open:', acl_words(acls), stat_words(stat))
    ann = make_digest_acl('ann', 'secret', all=True)
    everyone_reads = make_acl('world', 'anyone', read=True)
    zk.create('/acl/ann', b'hers', acl=[ann, everyone_reads])
    say('everyone reads:', other.get('/acl/ann')[0])
    fails('a stranger sets', other.set, '/acl/ann', b'')
    fails('a stranger sets acls', other.set_acls, '/acl/ann', OPEN_ACL_UNSAFE)
    fails('a stranger creates below', other.create, '/acl/ann/x', b'')
    say('what a stranger sees:', acl_words(other.get_acls('/acl/ann')[0]))
    other.add_auth('digest', 'ann:wrong')
    fails('with another password', other.set, '/acl/ann', b'')
    other.add_auth('digest', 'ann:secret')
    say('with hers:', stat_words(other.set('/acl/ann', b'new')))
    say('what she sees:', acl_words(other.get_acls('/acl/ann')[0]))
    say('set acls:', stat_words(other.set_acls('/acl/ann', [ann], version=0)))
    fails('reading is over', zk.get, '/acl/ann')
    fails('children too', zk.get_children, '/acl/ann')
    fails('exists without a right to read', lambda: stat_words(zk.exists('/acl/ann')))
    other.create('/acl/ann/child', b'')
    fails('delete of a child', zk.delete, '/acl/ann/child')
    say('creator:', other.create('/acl/creator', b'', acl=[ACL(31, Id('auth', ''))]))
    say('its acls:', acl_words(other.get_acls('/acl/creator')[0]))
    fails('creator without identity', zk.create, '/acl/nobody', b'', acl=[ACL(31, Id('auth', ''))])
    fails('no acls', zk.create, '/acl/none', b'', acl=[ACL(31, Id('nothing', 'x'))])
    fails('a malformed digest', zk.create, '/acl/none', b'', acl=[ACL(31, Id('digest', 'x'))])
    fails('set acls to a scheme that is not there', zk.set_acls, '/acl', [ACL(31, Id('nothing', 'x'))])
    zk.create('/acl/here', b'', acl=[ACL(31, Id('ip', '127.0.0.1'))])
    zk.create('/acl/net', b'', acl=[ACL(31, Id('ip', '127.0.0.0/8'))])
    zk.create('/acl/elsewhere', b'', acl=[ACL(31, Id('ip', '10.1.2.3'))])
    say('by address:', zk.get('/acl/here')[0], zk.get('/acl/net')[0])
    fails('of another address', zk.get, '/acl/elsewhere')
    transaction = zk.transaction()
    transaction.create('/acl/x', b'')
    transaction.set_data('/acl/ann', b'')
    say('in a transaction:', [type(one).__name__ for one in transaction.commit()])
    third = KazooClient(hosts, auth_data=[('digest', 'ann:secret')])
    third.start(30)
    say('identity from the start:', third.get('/acl/ann')[0])
    fails('a scheme that is not there', third.add_auth, 'nothing', 'x')
    third.stop()


def quotas(zk):
    zk.create('/quota', b'12345')
    zk.create('/quota/a', b'678')
    zk.create('/zookeeper/quota/quota', b'')
    zk.create('/zookeeper/quota/quota/zookeeper_limits', b'count=4,bytes=100')
    zk.create('/zookeeper/quota/quota/zookeeper_stats', b'count=0,bytes=0')
    say('limits:', zk.get('/zookeeper/quota/quota/zookeeper_limits')[0])
    say('usage at first:', usage(zk))
    zk.create('/quota/b', b'9')
    say('usage:', usage(zk))
    zk.set('/quota/b', b'more than before')
    say('usage:', usage(zk))
    zk.delete('/quota/a')
    say('usage:', usage(zk))
    for name in ['c', 'd', 'e']:
        zk.create('/quota/' + name, b'')
    say('beyond a soft limit:', usage(zk))
    zk.delete('/zookeeper/quota/quota', recursive=True)
    say('quotas:', zk.get_children('/zookeeper/quota'))


def usage(zk):
    return zk.get('/zookeeper/quota/quota/zookeeper_stats')[0]


run(main)
