"""Runs classes of kazoo's own test suite, as Debian installs it, on an ensemble that runs already.

    python3 kazoo_suite.py host:port,host:port,... module.Class ...

Writes one JSON object per line: {"claim": ..., "error": null or text} for each test.
"""

import importlib
import json
import sys
import unittest

from kazoo.testing import harness


class Server:
    running = True

    def __init__(self, address):
        self.address = address


class Cluster(list):
    """What the harness asks of a cluster; the suite neither starts nor stops this one."""

    def start(self):
        pass


cluster = Cluster(Server(address) for address in sys.argv[1].split(","))
harness.get_global_cluster = lambda: cluster


class Lines(unittest.TestResult):
    def tell(self, test, error):
        print(json.dumps({"claim": test.id().rsplit(".", 2)[-1], "error": error}), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell(test, None)

    def addError(self, test, err):
        super().addError(test, err)
        self.tell(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell(test, self.failures[-1][1])


for name in sys.argv[2:]:
    module, kind = name.rsplit(".", 1)
    case = getattr(importlib.import_module("kazoo.tests." + module), kind)
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(Lines())
print(json.dumps({"done": True}), flush=True)
