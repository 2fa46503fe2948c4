"""Consumers of one group, with any client: properties that must hold when members and brokers fail.

A client provides `Member`, with poll() -> numbers read, commit(), assigned() -> partitions and close();
and `produce(topic, numbers)`. Run with "member TOPIC GROUP", a script is one member in a process of its
own, to be killed: it prints every number that it has read, and again when it is committed.
"""

import json
import subprocess
import sys
import threading
import time

from claims import claim, have, run

PATIENCE = 60
PARTITIONS = 4


def until(what, is_true):
    end = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Reader:
    """A member in a thread of its own, and the outcome of each number that it read.

    Members of one group must not share a thread: poll() waits until all have joined.
    """

    def __init__(self, make_member, topic, group):
        self.committed = []
        # The commit failed with an unknown outcome.
        self.uncertain = set()
        self.count = 0
        self.is_over = False
        self.thread = threading.Thread(
            target=self._run, args=[make_member, topic, group], daemon=True
        )
        self.thread.start()

    def _run(self, make_member, topic, group):
        member = make_member(topic, group)
        while not self.is_over:
            numbers = member.poll()
            self.count = member.assigned()
            if not numbers:
                continue
            try:
                member.commit()
                self.committed += numbers
            except Exception:
                self.uncertain.update(numbers)
        member.close()

    def assigned(self):
        return self.count

    def close(self):
        self.is_over = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "it does not close"


class OtherProcess:
    """A member in a process of its own, which can be killed."""

    def __init__(self, topic, group):
        command = [sys.executable, sys.argv[0], sys.argv[1], "member", topic, group]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.committed = []
        self.read = []
        self.count = 0
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        for line in self.process.stdout:
            told = json.loads(line)
            self.count = told.get("assigned", self.count)
            self.read += told.get("read", [])
            self.committed += told.get("committed", [])

    @property
    def uncertain(self):
        return set(self.read) - set(self.committed)

    def assigned(self):
        return self.count

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()


def be_member(make_member, topic, group):
    def tell(**what):
        print(json.dumps(what), flush=True)

    member = make_member(topic, group)
    count = 0
    while True:
        numbers = member.poll()
        if member.assigned() != count:
            count = member.assigned()
            tell(assigned=count)
        if numbers:
            tell(read=numbers)
            member.commit()
            tell(committed=numbers)


def main(name, make_topic, make_member, produce):
    if sys.argv[2:3] == ["member"]:
        be_member(make_member, sys.argv[3], sys.argv[4])

    def reader(topic, group):
        return Reader(make_member, topic, group)

    def all_are_read(readers, numbers):
        return lambda: numbers <= set().union(*(set(r.committed) | r.uncertain for r in readers))

    def nothing_is_committed_twice(readers):
        committed = [number for reader in readers for number in reader.committed]
        assert len(committed) == len(set(committed)), sorted(committed)

    def split(left, right):
        half = PARTITIONS // 2
        return lambda: [left.assigned(), right.assigned()] == [half, half]

    def one_leaves():
        make_topic("left", PARTITIONS)
        one, other = reader("left", "left"), reader("left", "left")
        until("both have partitions", split(one, other))
        produce("left", range(100))
        until("all are read", all_are_read([one, other], set(range(100))))
        one.close()
        produce("left", range(100, 200))
        until("the other takes over", all_are_read([one, other], set(range(200))))
        assert other.assigned() == PARTITIONS
        nothing_is_committed_twice([one, other])
        other.close()

    one_leaves.__doc__ = f"{name}: two members share the partitions; one leaves, the other takes over"
    claim(one_leaves)

    def one_is_killed():
        make_topic("killed", PARTITIONS)
        killed = OtherProcess("killed", "killed")
        other = reader("killed", "killed")
        readers = [killed, other]
        until("both have partitions", split(killed, other))
        produce("killed", range(200))
        until("all are read", all_are_read(readers, set(range(200))))
        killed.kill()
        produce("killed", range(200, 400))
        until("the other takes over", all_are_read(readers, set(range(400))))
        assert other.assigned() == PARTITIONS
        nothing_is_committed_twice(readers)

        have(do="stop coordinator", group="killed")
        third = reader("killed", "killed")
        readers.append(third)
        produce("killed", range(400, 600))
        until("both have partitions at another coordinator", split(other, third))
        produce("killed", range(600, 800))
        until("they go on", all_are_read(readers, set(range(800))))
        nothing_is_committed_twice(readers)
        other.close()
        third.close()

        produce("killed", range(800, 801))
        last = reader("killed", "killed")
        until("one more goes on", all_are_read([last], {800}))
        assert set(last.committed) <= {800} | other.uncertain | third.uncertain, last.committed
        last.close()

    one_is_killed.__doc__ = (
        f"{name}: a member is killed, then the coordinator stops: nothing is lost, and nothing that was"
        " committed comes twice"
    )
    claim(one_is_killed)
    run()
