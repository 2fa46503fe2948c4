"""What kazoo, a ZooKeeper client in Python, finds on an ensemble.

    python3 kazoo_claims.py host:port,host:port,...

Writes one JSON object per line: {"claim": ..., "error": null or text} for each claim, and
{"do": "kill" | "start", "address": "host:port"} to have that done to a server; a line on standard input
says that it is done.
"""

import faulthandler
import json
import os
import socket
import struct
import sys
import threading
import time
import traceback

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    AuthFailedError,
    BadArgumentsError,
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NewConfigNoQuorumError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.protocol.states import EventType
from kazoo.recipe.cache import TreeCache
from kazoo.retry import KazooRetry
from kazoo.security import OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, make_acl, make_digest_acl

HOSTS = sys.argv[1]
PATIENCE = 30

claims = []


def claim(function):
    claims.append(function)
    return function


def tell(**message):
    print(json.dumps(message), flush=True)


def have(do, address):
    tell(do=do, address=address)
    sys.stdin.readline()


def retry():
    return KazooRetry(max_tries=-1, delay=0.05, max_delay=0.2)


def connect(hosts=HOSTS, **options):
    options.setdefault("timeout", 10.0)
    client = KazooClient(hosts, connection_retry=retry(), command_retry=retry(), **options)
    client.start(timeout=PATIENCE)
    return client


def until(what, ask):
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline, "waited in vain until " + what
        time.sleep(0.005)


def raises(error, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except error as found:
        return found
    raise AssertionError("%s was not raised" % error.__name__)


def address_of(client):
    host, port = client._connection._socket.getpeername()[:2]
    return "%s:%d" % (host, port)


# --- znodes --------------------------------------------------------------------------------------


@claim
def znodes_are_created_read_changed_and_deleted(zk, at):
    assert zk.create(at + "/a", b"one") == at + "/a"
    path, stat = zk.create(at + "/b", b"two", include_data=True)
    assert (path, stat.version, stat.data_length) == (at + "/b", 0, 3)
    data, stat = zk.get(at + "/a")
    assert (data, stat.version, stat.czxid) == (b"one", 0, stat.mzxid)
    assert zk.set(at + "/a", b"three", version=0).version == 1
    raises(BadVersionError, zk.set, at + "/a", b"", version=0)
    assert zk.exists(at + "/a").data_length == 5
    assert zk.exists(at + "/nothing") is None
    assert sorted(zk.get_children(at)) == ["a", "b"]
    children, stat = zk.get_children(at, include_data=True)
    assert (len(children), stat.numChildren, stat.cversion) == (2, 2, 2)
    zk.delete(at + "/a", version=1)
    raises(NoNodeError, zk.delete, at + "/a")
    raises(NotEmptyError, zk.delete, at)
    raises(NodeExistsError, zk.create, at)
    raises(NoNodeError, zk.get, at + "/a")
    raises(NoNodeError, zk.create, at + "/no/parent")
    zk.create(at + "/deep/er/path", makepath=True)
    zk.delete(at + "/deep", recursive=True)
    assert zk.sync(at) == at


@claim
def ephemerals_and_sequences(zk, at):
    assert zk.create(at + "/s-", sequence=True) == at + "/s-0000000000"
    assert zk.create(at + "/e-", sequence=True, ephemeral=True) == at + "/e-0000000001"
    zk.create(at + "/e", ephemeral=True)
    session, _ = zk.client_id
    assert zk.exists(at + "/e").owner_session_id == session
    raises(NoChildrenForEphemeralsError, zk.create, at + "/e/x")
    other = connect()
    other.create(at + "/of-other", ephemeral=True)
    other.stop()
    until("the ephemeral of another goes", lambda: zk.exists(at + "/of-other") is None)


@claim
def odd_values_come_back_as_they_are(zk, at):
    for i, value in enumerate([b"", b"\0", bytes(range(256)), b"x" * 1_000_000]):
        zk.create("%s/%d" % (at, i), value)
        assert zk.get("%s/%d" % (at, i))[0] == value
    zk.create(at + "/grüße 日本", b"x")
    assert "grüße 日本" in zk.get_children(at)


@claim
def a_thousand_requests_on_the_way(zk, at):
    created = [zk.create_async("%s/%d" % (at, i), b"x") for i in range(1000)]
    assert [one.get(PATIENCE) for one in created] == ["%s/%d" % (at, i) for i in range(1000)]
    read = [zk.get_async("%s/%d" % (at, i)) for i in range(1000)]
    assert all(one.get(PATIENCE)[0] == b"x" for one in read)
    assert len(zk.get_children(at)) == 1000


@claim
def a_chroot_is_invisible_inside(zk, at):
    inside = connect(HOSTS + at)
    inside.create("/x", b"inside")
    assert inside.get_children("/") == ["x"]
    assert zk.get(at + "/x")[0] == b"inside"
    inside.stop()


# --- transactions --------------------------------------------------------------------------------


@claim
def a_transaction_happens_as_a_whole(zk, at):
    transaction = zk.transaction()
    transaction.create(at + "/a", b"one")
    transaction.create(at + "/a/s-", sequence=True)
    transaction.check(at + "/a", version=0)
    transaction.set_data(at + "/a", b"two", version=0)
    transaction.create(at + "/b")
    transaction.delete(at + "/b")
    results = transaction.commit()
    assert results[0] == at + "/a"
    assert results[1] == at + "/a/s-0000000000"
    assert results[2] is True
    assert results[3].version == 1
    assert zk.get(at + "/a")[0] == b"two"
    assert zk.get_children(at) == ["a"]


@claim
def or_not_at_all(zk, at):
    transaction = zk.transaction()
    transaction.create(at + "/a")
    transaction.check(at, version=99)
    transaction.delete(at + "/a")
    before, found, after = transaction.commit()
    assert isinstance(before, RolledBackError), before
    assert isinstance(found, BadVersionError), found
    assert isinstance(after, RuntimeInconsistency), after
    assert zk.exists(at + "/a") is None


# --- ACLs ----------------------------------------------------------------------------------------


@claim
def only_who_proves_who_he_is_may_read(zk, at):
    mine = make_digest_acl("user", "password", all=True)
    zk.create(at + "/x", b"secret", acl=[mine])
    raises(NoAuthError, zk.get, at + "/x")
    user = connect()
    user.add_auth("digest", "user:password")
    assert user.get(at + "/x")[0] == b"secret"
    acls, stat = user.get_acls(at + "/x")
    assert (acls, stat.aversion) == ([mine], 0)
    assert user.set_acls(at + "/x", READ_ACL_UNSAFE, version=0).aversion == 1
    zk.sync(at)  # its server may be behind that of the user
    assert zk.get(at + "/x")[0] == b"secret"
    raises(NoAuthError, zk.set, at + "/x", b"")
    user.stop()
    again = connect(auth_data=[("digest", "user:password")])
    again.create(at + "/mine", acl=[make_acl("auth", "", all=True)])
    assert again.get_acls(at + "/mine")[0] == [mine]
    again.stop()


@claim
def lists_that_cannot_be(zk, at):
    raises(InvalidACLError, zk.create, at + "/x", acl=[make_acl("nonsense", "x", all=True)])
    raises(InvalidACLError, zk.create, at + "/x", acl=[make_acl("auth", "", all=True)])
    raises(InvalidACLError, zk.create, at + "/x", acl=[make_acl("ip", "nowhere", all=True)])
    zk.create(at + "/x", acl=[make_acl("ip", "127.0.0.1", all=True)])
    assert zk.set(at + "/x", b"").version == 1


@claim
def an_unknown_scheme_is_refused_for_good(zk, at):
    client = connect()
    raises(AuthFailedError, client.add_auth, "nonsense", "x")
    client.stop()


# --- watches -------------------------------------------------------------------------------------


@claim
def each_read_can_watch_once(zk, at):
    seen = []
    note = lambda event: seen.append((event.type, event.path))
    zk.get(at, watch=note)
    zk.exists(at + "/x", watch=note)
    zk.get_children(at, watch=note)
    other = connect()
    other.set(at, b"1")
    other.create(at + "/x")
    other.set(at, b"2")
    other.delete(at + "/x")
    until("three events came", lambda: len(seen) == 3)
    zk.sync(at)
    other.stop()
    wanted = [
        (EventType.CHANGED, at),
        (EventType.CREATED, at + "/x"),
        (EventType.CHILD, at),
    ]
    assert sorted(seen) == sorted(wanted), seen


@claim
def data_watch_and_children_watch(zk, at):
    data, children = [], []
    zk.DataWatch(at + "/x", lambda value, stat: data.append(value))
    zk.ChildrenWatch(at, lambda names: children.append(sorted(names)))
    other = connect()
    other.create(at + "/x", b"1")
    until("it is created", lambda: data[-1:] == [b"1"] and children[-1:] == [["x"]])
    other.set(at + "/x", b"2")
    until("it is set", lambda: data[-1:] == [b"2"])
    other.delete(at + "/x")
    until("it is deleted", lambda: data[-1:] == [None] and children[-1:] == [[]])
    assert (data[0], children[0]) == (None, [])
    other.stop()


@claim
def a_tree_cache_follows(zk, at):
    cache = TreeCache(zk, at)
    ready = threading.Event()
    cache.listen(lambda event: event.event_type == 6 and ready.set())
    cache.start()
    other = connect()
    other.create(at + "/a/b/c", b"deep", makepath=True)
    until("the cache has it", lambda: cache.get_data(at + "/a/b/c") is not None)
    assert cache.get_data(at + "/a/b/c").data == b"deep"
    other.delete(at + "/a", recursive=True)
    until("the cache has lost it", lambda: cache.get_data(at + "/a") is None)
    cache.close()
    other.stop()


# --- recipes -------------------------------------------------------------------------------------


@claim
def a_lock_is_held_by_one(zk, at):
    other = connect()
    first, second = zk.Lock(at + "/lock", "first"), other.Lock(at + "/lock", "second")
    assert first.acquire(timeout=PATIENCE)
    assert first.contenders() == ["first"]
    assert not second.acquire(blocking=False)
    order = []
    waiter = threading.Thread(target=lambda: (second.acquire(timeout=PATIENCE), order.append("second")))
    waiter.start()
    until("it waits", lambda: len(first.contenders()) == 2)
    order.append("first")
    first.release()
    waiter.join(PATIENCE)
    assert order == ["first", "second"], order
    second.release()
    other.stop()


@claim
def a_lock_of_who_is_gone_is_free(zk, at):
    other = connect()
    assert other.Lock(at + "/lock").acquire(timeout=PATIENCE)
    mine = zk.Lock(at + "/lock")
    waiter = threading.Thread(target=lambda: mine.acquire(timeout=PATIENCE))
    waiter.start()
    until("it waits", lambda: len(mine.contenders()) == 2)
    other.stop()
    waiter.join(PATIENCE)
    assert mine.is_acquired
    mine.release()


@claim
def read_and_write_locks(zk, at):
    other = connect()
    one, two = zk.ReadLock(at + "/rw"), other.ReadLock(at + "/rw")
    assert one.acquire(timeout=PATIENCE) and two.acquire(timeout=PATIENCE)
    writer = other.WriteLock(at + "/rw")
    assert not writer.acquire(blocking=False)
    one.release()
    two.release()
    assert writer.acquire(timeout=PATIENCE)
    writer.release()
    other.stop()


@claim
def an_election_has_one_winner_at_a_time(zk, at):
    clients = [connect() for _ in range(3)]
    leading, most, led = [], [], []
    guard = threading.Lock()

    def lead(name):
        with guard:
            leading.append(name)
            most.append(len(leading))
        time.sleep(0.01)
        with guard:
            leading.remove(name)
            led.append(name)

    threads = [
        threading.Thread(target=client.Election(at + "/election", str(i)).run, args=(lead, i))
        for i, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (sorted(led), max(most)) == ([0, 1, 2], 1), (led, most)
    for client in clients:
        client.stop()


@claim
def a_counter_of_several_adds_up(zk, at):
    clients = [connect() for _ in range(3)]

    def count(client):
        counter = client.Counter(at + "/counter")
        for _ in range(20):
            counter += 1

    threads = [threading.Thread(target=count, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    zk.sync(at)  # its server may be behind those that the others write at
    assert zk.Counter(at + "/counter").value == 60
    for client in clients:
        client.stop()


@claim
def a_queue_keeps_its_order_and_its_priorities(zk, at):
    queue = zk.Queue(at + "/queue")
    for value in (b"one", b"two", b"three"):
        queue.put(value)
    queue.put(b"first", priority=1)
    assert len(queue) == 4
    assert [queue.get() for _ in range(5)] == [b"first", b"one", b"two", b"three", None]
    locking = zk.LockingQueue(at + "/locking")
    locking.put_all([b"a", b"b"])
    assert locking.get(PATIENCE) == b"a"
    assert locking.consume()
    assert locking.get(PATIENCE) == b"b"
    locking.consume()


@claim
def a_barrier_and_a_double_barrier(zk, at):
    barrier = zk.Barrier(at + "/barrier")
    barrier.create()
    passed = threading.Event()
    other = connect()
    waiter = threading.Thread(target=lambda: other.Barrier(at + "/barrier").wait(PATIENCE) and passed.set())
    waiter.start()
    assert not passed.is_set()
    assert barrier.remove()
    waiter.join(PATIENCE)
    assert passed.is_set()
    inside = []

    def enter_and_leave(client, name):
        double = client.DoubleBarrier(at + "/double", 2, name)
        double.enter()
        inside.append(name)
        until("both are inside", lambda: len(inside) == 2)
        double.leave()

    threads = [
        threading.Thread(target=enter_and_leave, args=(client, name))
        for client, name in ((zk, "one"), (other, "two"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(inside) == ["one", "two"]
    other.stop()


@claim
def a_party_knows_who_is_there(zk, at):
    other = connect()
    here, there = zk.Party(at + "/party", "here"), other.Party(at + "/party", "there")
    here.join()
    there.join()
    assert len(here) == 2
    assert sorted(here) == ["here", "there"]
    assert len(zk.ShallowParty(at + "/party", "visitor")) == 2
    other.stop()
    until("the other has left", lambda: len(here) == 1)
    here.leave()


@claim
def a_semaphore_lets_so_many_in(zk, at):
    clients = [connect() for _ in range(3)]
    one, two, three = [client.Semaphore(at + "/semaphore", max_leases=2) for client in clients]
    assert one.acquire(timeout=PATIENCE) and two.acquire(timeout=PATIENCE)
    assert not three.acquire(blocking=False)
    one.release()
    assert three.acquire(timeout=PATIENCE)
    assert len(three.lease_holders()) == 2
    for client in clients:
        client.stop()


# --- sessions ------------------------------------------------------------------------------------


def end_session(session, password):
    """Takes it over and closes it, unless its owner, thrown out, is back before the second half."""
    hello = struct.pack(">iqiqi16s?", 0, 0, 10000, session, 16, password, False)
    close = struct.pack(">ii", 1, -11)
    host, port = HOSTS.split(",")[0].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"".join(struct.pack(">i", len(f)) + f for f in (hello, close)))
        connection.settimeout(PATIENCE)
        while connection.recv(4096):
            pass


@claim
def an_expired_session_is_lost_and_another_begins(zk, at):
    states = []
    client = connect()
    client.add_listener(lambda state: states.append(state) and None)
    client.create(at + "/e", ephemeral=True)
    expired = client.client_id

    def lost():
        if client.connected and client.client_id == expired:
            end_session(*expired)
        return KazooState.LOST in states

    until("the session is lost", lost)
    until("another begins", lambda: client.connected and states[-1] == KazooState.CONNECTED)
    assert client.client_id[0] != expired[0]
    assert client.exists(at + "/e") is None
    client.stop()


@claim
def a_session_outlives_the_server_it_was_at(zk, at):
    states, data = [], []
    client = connect()
    client.add_listener(lambda state: states.append(state) and None)
    client.create(at + "/e", ephemeral=True)
    client.create(at + "/x", b"before")
    client.DataWatch(at + "/x", lambda value, stat: data.append(value))
    session = client.client_id
    address = address_of(client)
    have("kill", address)
    until("the client is connected again", lambda: states[-1:] == [KazooState.CONNECTED])
    assert KazooState.SUSPENDED in states and KazooState.LOST not in states, states
    assert client.client_id == session
    assert address_of(client) != address
    assert client.exists(at + "/e").owner_session_id == session[0]
    zk.retry(zk.set, at + "/x", b"after")
    until("the watch goes on", lambda: data[-1:] == [b"after"])
    have("start", address)
    client.stop()


@claim
def a_session_that_is_silent_expires(zk, at):
    client = connect(timeout=1.0)
    client.create(at + "/e", ephemeral=True)
    gone = threading.Event()
    zk.sync(at)
    zk.exists(at + "/e", watch=lambda event: event.type == EventType.DELETED and gone.set())
    # Its socket is closed under it and its thread ends: to the servers, a client that died.
    client._connection._socket.close()
    client._stopped.set()
    assert gone.wait(PATIENCE)
    assert zk.exists(at + "/e") is None


# --- reconfig: the first three are those of kazoo's own TestReconfig -----------------------------


SUPER = [("digest", "super:test")]


def ports_that_refuse(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    return sockets, [one.getsockname()[1] for one in sockets]


@claim
def reconfig_needs_the_super_user(zk, at):
    raises(
        NoAuthError,
        zk.reconfig,
        joining="server.999=0.0.0.0:1234:2345:observer;3456",
        leaving=None,
        new_members=None,
    )


@claim
def an_observer_joins_and_leaves(zk, at):
    client = connect(auth_data=SUPER)
    sockets, ports = ports_that_refuse(3)
    joining = "server.100=0.0.0.0:%d:%d:observer;0.0.0.0:%d" % tuple(ports)
    data, _ = client.reconfig(joining=joining, leaving=None, new_members=None)
    assert joining.encode("utf8") in data
    data, _ = client.reconfig(joining=None, leaving="100", new_members=None)
    assert joining.encode("utf8") not in data
    curver = int(data.decode().split("\n")[-1].split("=")[1], base=16)
    raises(
        BadVersionError,
        client.reconfig,
        joining=joining,
        leaving=None,
        new_members=None,
        from_config=curver + 1,
    )
    for one in sockets:
        one.close()
    client.stop()


@claim
def what_is_not_a_server_is_refused(zk, at):
    client = connect(auth_data=SUPER)
    raises(BadArgumentsError, client.reconfig, "some thing", None, None)
    client.stop()


@claim
def a_voter_may_join_that_never_comes_but_not_a_majority_of_them(zk, at):
    client = connect(auth_data=SUPER)
    seen = threading.Event()
    before, _ = client.get("/zookeeper/config", watch=lambda event: seen.set())
    sockets, ports = ports_that_refuse(9)
    lines = [
        "server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d" % (200 + i, *ports[3 * i : 3 * i + 3])
        for i in range(3)
    ]
    raises(NewConfigNoQuorumError, client.reconfig, ",".join(lines), None, None)
    data, _ = client.reconfig(lines[0], None, None)
    assert lines[0].encode("utf8") in data
    assert seen.wait(PATIENCE)
    members = before.decode().rsplit("\n", 1)[0].replace("\n", ",")
    data, _ = client.reconfig(None, None, members)
    assert data.split(b"version")[0] == before.split(b"version")[0]
    for one in sockets:
        one.close()
    client.stop()


@claim
def a_voter_leaves_and_comes_back(zk, at):
    client = connect(auth_data=SUPER)
    before, _ = client.get("/zookeeper/config")
    line = [one for one in before.decode().split("\n") if one.startswith("server.3=")][0]
    data, _ = client.reconfig(None, "3", None)
    assert b"server.3=" not in data
    data, _ = client.reconfig(line, None, None)
    assert data.split(b"version")[0] == before.split(b"version")[0]
    client.stop()


# --- the server itself ---------------------------------------------------------------------------


@claim
def four_letter_words(zk, at):
    assert zk.command(b"ruok") == "imok"
    assert zk.server_version()[:2] == (3, 9), zk.server_version()
    values = dict(line.split("\t", 1) for line in zk.command(b"mntr").splitlines())
    assert values["zk_server_state"] in ("leader", "follower")
    assert int(values["zk_znode_count"]) > 0
    assert int(values["zk_num_alive_connections"]) > 0
    assert "Mode: " in zk.command(b"srvr")
    assert zk.command(b"isro") == "rw"


@claim
def bad_paths_are_refused(zk, at):
    raises(BadArgumentsError, zk.create, at + "/a\x01b")


def main():
    # Where it hangs, if it does.
    faulthandler.dump_traceback_later(3 * PATIENCE, exit=True)
    zk = connect()
    for i, function in enumerate(claims):
        at = "/kazoo-%d" % i
        error = None
        try:
            zk.retry(zk.create, at)
            function(zk, at)
        except Exception:
            error = traceback.format_exc(limit=-3)
        tell(claim=function.__name__.replace("_", " "), error=error)
    zk.stop()
    tell(done=True)
    # Threads of a client that we have let die would go on.
    os._exit(0)


main()
