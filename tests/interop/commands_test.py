#!/usr/bin/env python3
"""The program's own commands against other implementations' servers: `saker echo`, `saker bench echo` and `saker call`, over each
transport, every reply checked.

    commands_test.py --bin-dir build/release/tests/interop --saker build/release/saker
"""
import argparse
import json
import pathlib
import subprocess
import sys
import unittest

import harness

PEERS = ("grpc_cpp", "grpc_python")
# gRPC's default limit of a message is 4 MiB; what is around the payload takes a few bytes of it.
LARGEST = 4 * 1024 * 1024 - 64


class Commands(unittest.TestCase):
    saker = ""
    implementations = {}

    def run_saker(self, *arguments, expected=0):
        done = subprocess.run([self.saker, *arguments], capture_output=True, text=True, check=False,
                              timeout=60 * harness.SLOWNESS)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        return done.stdout

    def each_server(self):
        """The address of a server of each implementation on each transport, one after the other."""
        for peer in PEERS:
            for transport in harness.available_transports():
                if transport.name == "vsock" and peer == "grpc_python":
                    continue  # it has no VSOCK
                with self.subTest(peer=peer, transport=transport.name):
                    server = harness.Server(self.implementations[peer], transport.listen())
                    try:
                        yield server.address
                    finally:
                        server.kill()

    def test_echo(self):
        for address in self.each_server():
            report = json.loads(self.run_saker("echo", address, "--payload", "hello", "--json"))
            self.assertEqual(report["calls"][0]["payload"], "hello", report)
            self.run_saker("echo", address, "--size", str(LARGEST), "--deadline", "30s")
            # RESOURCE_EXHAUSTED
            self.run_saker("echo", address, "--size", str(LARGEST + 100), expected=64 + 8)

    def test_bench(self):
        for address in self.each_server():
            calls = 2000
            report = json.loads(self.run_saker("bench", "echo", address, "-n", str(calls), "-c", "3", "-m", "20",
                                               "--deadline", "30s", "--json"))
            self.assertEqual((report["calls"], report["errors"]), (calls, 0), report)
            self.assertGreater(report["latency_ns"]["corrected"]["p50"], 0)

    def test_call(self):
        """By a .proto file, and by the reflection of gRPC C++."""
        root = pathlib.Path(__file__).resolve().parent.parent.parent / "proto"
        proto = ["--proto", "saker/echo/v1/echo.proto", "--import-path", str(root)]
        for peer, sources in (("grpc_cpp", ([], proto)), ("grpc_python", (proto,))):
            server = harness.Server(self.implementations[peer], "127.0.0.1:0")
            try:
                for source in sources:
                    with self.subTest(peer=peer, source=source):
                        self.check_call(server.address, source)
            finally:
                server.kill()

    def check_call(self, address, source):
        self.assertIn("saker.echo.v1.Echo\n", self.run_saker("list", *([] if source else [address]), *source))
        call = ["call", address, *source, "-d"]
        reply = json.loads(self.run_saker(*call, '{"payload": "aGk="}', "saker.echo.v1.Echo/Echo"))
        self.assertEqual(reply["payload"], "aGk=")
        replies = self.run_saker(*call, '{"sequence": 1}{"sequence": 2}', "saker.echo.v1.Echo/EchoStream")
        self.assertEqual(replies.count('"sequence"'), 2, replies)
        report = json.loads(self.run_saker("bench", *call, "{}", "saker.echo.v1.Echo/Echo", "-n", "500", "-c", "2",
                                           "-m", "4", "--check-reply", "parse", "--json"))
        self.assertEqual((report["calls"], report["errors"]), (500, 0), report)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--saker", required=True)
    arguments = parser.parse_args()
    Commands.saker = arguments.saker
    Commands.implementations = harness.implementations(arguments.bin_dir)
    for peer in PEERS:
        if why := harness.missing(peer, Commands.implementations[peer]):
            print(f"skipped: {why}")
            return 126
    return 0 if unittest.main(argv=[sys.argv[0]], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
