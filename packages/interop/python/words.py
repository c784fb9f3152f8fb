"""What kazoo asks a server by four letters on a connection of their own: words.py HOSTS"""

from stage import connect, run, say

NAMES = ['Mode: ', 'Zxid: 0x', 'Node count: ', 'zk_version\t', 'zk_server_state\t', 'clientPort=', 'zookeeper.version=']


def main(hosts):
    zk = connect(hosts)
    # A version has three numbers at least; which ones is the server's affair.
    say('version:', len(zk.server_version()) >= 3)
    say('ruok:', zk.command(b'ruok'))
    say('isro:', zk.command(b'isro'))
    for word in [b'srvr', b'stat', b'mntr', b'conf', b'envi']:
        answer = zk.command(word)
        say('%s:' % word.decode(), [name for name in NAMES if name in answer])
    zk.stop()


run(main)
