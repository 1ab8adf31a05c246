#!/usr/bin/python3
"""Runs every case for every pair of implementations with Saker on one side, over every transport.

    interop_test.py --bin-dir DIR --peer grpc_cpp|grpc_python|saker [unittest arguments]

One server and one client process serve all cases of a pair and transport that do not ask for their own. A table of case by
pair ends the run.
"""
import argparse
import faulthandler
import itertools
import sys
import time
import unittest

import cases_of_messages, cases_of_status, cases_of_compression, cases_of_life  # in the table's order
import harness
import interop_pb2 as pb
from case import CASES, INTEROP, OK


class Pair(unittest.TestCase):
    """One client implementation, one server implementation, one transport."""

    client_name = server_name = transport = None
    implementations = None
    marks = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(cls.implementations[cls.server_name],
                                    cls.transport.listen())
        cls.addClassCleanup(cls.server.kill)
        cls.client = harness.Client(cls.implementations[cls.client_name], cls.server.address)
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def tearDownClass(cls):
        code = cls.client.close()
        if code:
            raise RuntimeError(f"the {cls.client_name} client ended with {code}")
        cls.server.terminate()
        code, _ = cls.server.wait()
        if code:
            raise RuntimeError(f"the {cls.server_name} server ended with {code}")

    # ---- for cases

    def start_server(self, address=None, **options):
        server = harness.Server(self.implementations[self.server_name],
                                address or self.transport.listen(), **options)
        self.addCleanup(self.stop_server, server)
        return server

    def start_client(self, target):
        client = harness.Client(self.implementations[self.client_name], target)
        self.addCleanup(lambda: self.assertEqual(client.close(), 0))
        return client

    def stop_server(self, server):
        """A server that a case has left running ends well, too: sanitizers speak by exit code."""
        if server.process.poll() is None:
            server.terminate()
            self.assertEqual(server.wait()[0], 0)
        server.kill()

    def unused_address(self):
        """An address where nobody listens and a server may."""
        return self.transport.nobody()

    def call(self, path, kind, requests, **options):
        return self.client.start(path, kind, requests, **options).wait()

    def start_unary(self, request, **options):
        return self.client.start(INTEROP + "Unary", pb.UNARY, [request], **options)

    def unary(self, request, **options):
        return self.start_unary(request, **options).wait()

    def check(self, outcome, code, replies=None):
        self.assertEqual(outcome.code, code, f"status {outcome.code}: {outcome.message!r}")
        if replies is not None:
            self.assertEqual(outcome.reply_count, replies)

    def new_mark(self):
        return f"mark {next(self.marks)}"

    def await_mark(self, mark, is_so, client=None):
        """Until the server tells of the calls with this mark what is expected."""
        request = pb.Mark(mark=mark).SerializeToString()
        give_up_at = time.monotonic() + 5 * harness.SLOWNESS
        while True:
            outcome = (client or self.client).start(INTEROP + "Watch", pb.UNARY,
                                                    [request]).wait()
            self.check(outcome, OK, replies=1)
            marked = pb.Marked.FromString(outcome.replies[0])
            if is_so(marked):
                return
            self.assertLess(time.monotonic(), give_up_at, f"{mark} is {marked}")
            time.sleep(0.01)


def keeps_one(client, transport):
    """gRPC 1.51 has VSOCK by descriptor only: one connection, which is never made again."""
    return transport.name == "vsock" and client != "saker"


def make_pair(client, server, transport, implementations):
    """A class whose tests are the cases that make sense for this pair."""
    members = {"client_name": client, "server_name": server, "transport": transport,
               "implementations": implementations}
    for test in CASES:
        if test.applies(client, server) and not (test.reconnects and keeps_one(client, transport)):
            members["test_" + test.__name__] = test
    return type(f"{client}_to_{server}_over_{transport.name}", (Pair,), members)


class TableResult(unittest.TextTestResult):
    """Keeps what became of each case."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = {}

    def stopTest(self, test):
        name = test.id().rpartition(".test_")[2]
        failed = any(test is other for other, _ in self.failures + self.errors)
        self.outcomes[name, type(test).__name__] = "FAIL" if failed else "ok"
        super().stopTest(test)

    def print_table(self):
        pairs = sorted({pair for _, pair in self.outcomes})
        print("\n" + "\n".join(f"  {chr(ord('A') + at)}  {pair}" for at, pair in enumerate(pairs)))
        width = max((len(name) for name, _ in self.outcomes), default=0)
        print(f"\n{'case':{width}}  " + " ".join(f"{chr(ord('A') + at):4}"
                                                 for at in range(len(pairs))))
        for test in CASES:
            name = test.__name__
            row = [self.outcomes.get((name, pair), "-") for pair in pairs]
            if any(cell != "-" for cell in row):
                print(f"{name:{width}}  " + " ".join(f"{cell:4}" for cell in row))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("-k", dest="patterns", action="append", help="only tests whose name has this")
    parser.add_argument("-v", dest="verbosity", action="store_const", const=2, default=1)
    arguments = parser.parse_args()
    # Before CTest's own limit: says where it hangs.
    faulthandler.dump_traceback_later(230 * harness.SLOWNESS, exit=True)
    implementations = harness.implementations(arguments.bin_dir)
    if why := harness.missing(arguments.peer, implementations[arguments.peer]):
        print(f"skipped: {why}")
        return 126
    pairs = sorted({("saker", arguments.peer), (arguments.peer, "saker")})
    loader = unittest.TestLoader()
    if arguments.patterns:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in arguments.patterns]
    suite = unittest.TestSuite(
        loader.loadTestsFromTestCase(make_pair(client, server, transport, implementations))
        for client, server in pairs for transport in harness.available_transports()
        if not (transport.name == "vsock" and "grpc_python" in (client, server)))
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=TableResult,
                                     verbosity=arguments.verbosity)
    result = runner.run(suite)
    result.print_table()
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
