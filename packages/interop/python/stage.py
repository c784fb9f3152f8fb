"""What the programs beside this one share: how they say what they saw, and how they ask for a server to be killed."""

import faulthandler
import os
import sys
import threading

from kazoo.client import KazooClient
from kazoo.retry import KazooRetry

PATIENCE_S = 60
_printing = threading.Lock()


def say(*words):
    """A line of what was seen. It holds nothing that differs between two runs: no zxid, no session id, no time."""
    with _printing:
        print(*words, flush=True)


def ask(request):
    """Has the test do something to the servers: 'kill leader', 'restart'. Returns once that is done."""
    say('@' + request)
    answer = sys.stdin.readline()
    if answer != 'done\n':
        raise RuntimeError('asked to %s, heard %r' % (request, answer))


def connect(hosts, **options):
    """A client that goes on asking while the ensemble has no leader."""
    patient = KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5, deadline=PATIENCE_S)
    options.setdefault('timeout', 10)
    client = KazooClient(hosts, connection_retry=patient.copy(), command_retry=patient.copy(), **options)
    client.start(timeout=PATIENCE_S)
    return client


def wait(event, what):
    if not event.wait(PATIENCE_S):
        raise RuntimeError('waited %d s for %s' % (PATIENCE_S, what))


def fails(what, call, *args, **options):
    """Says with which error a call fails, or what it returned."""
    try:
        returned = call(*args, **options)
    except Exception as error:
        say(what, 'fails:', type(error).__name__)
    else:
        say(what, 'returned:', returned)


def stat_words(stat):
    """Of a Stat, what two servers agree on."""
    return 'version=%d cversion=%d aversion=%d bytes=%d children=%d owned=%s changed=%s' % (
        stat.version,
        stat.cversion,
        stat.aversion,
        stat.dataLength,
        stat.numChildren,
        stat.ephemeralOwner != 0,
        stat.mzxid != stat.czxid,
    )


def run(main):
    """Runs the program with the servers named on its command line; ends it with its threads, whatever happens."""
    # A thread that hangs, of kazoo or ours, would keep the process: after the deadline all stacks are printed, then it ends.
    faulthandler.dump_traceback_later(2 * PATIENCE_S, exit=True)
    status = 1
    try:
        main(*sys.argv[1:])
        status = 0
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
