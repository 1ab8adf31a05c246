#!/usr/bin/env python3
"""Health and reflection of `saker serve` by other languages' own libraries: io.grpc:grpc-services of grpc-java, and
grpc-health-check of Node. They are packages of the peers `java` and `node`, which are built first.

    tests/interop/peers/stock_services.py [unittest options]"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import certificates  # noqa: E402
import peer as peers  # noqa: E402
import real_tools  # noqa: E402

SERVICES = {real_tools.ECHO, "saker.crypto.v1.Crypto", "grpc.health.v1.Health"}


class StockServices(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="saker-services."))
        tcp = cls.enterClassContext(real_tools.serve("127.0.0.1:0"))
        cls.enterClassContext(real_tools.serve(f"unix:{folder}/saker.sock"))
        cls.targets = (tcp, f"unix:{folder}/saker.sock")

    def told(self, peer: peers.Peer, command: list[str]) -> dict[str, list[str]]:
        done = subprocess.run(command, capture_output=True, text=True, timeout=real_tools.CALL_S, check=False,
                              env=os.environ | peer.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        return {name: values for name, *values in map(str.split, done.stdout.splitlines())}

    def test_java(self) -> None:
        java = peers.Java()
        for target in self.targets:
            told = self.told(java, [*java.java("ServicesClient"), target, real_tools.ECHO])
            for name in ("list", "list-v1alpha"):
                self.assertLessEqual(SERVICES, set(told.pop(name)))
            for name in ("check", "check-service", "watch", "watched-channel"):
                self.assertEqual(told.pop(name), ["SERVING"], name)
            self.assertEqual(told, {"check-unknown": ["NOT_FOUND"]})

    def test_node(self) -> None:
        node = peers.Node()
        for target in self.targets:
            told = self.told(node, ["node", str(node.source / "health.js"), target, real_tools.ECHO])
            serving = {name: ["SERVING"] for name in ("check", "check-service", "watch")}
            self.assertEqual(told, serving | {"check-unknown": ["NOT_FOUND"]})


def main() -> None:
    certificates.make(peers.BUILD / "tls")  # the class path of the Java programs has them
    for peer in (peers.Java(), peers.Node()):
        if missing := peer.missing():
            sys.exit(f"stock_services: not on this machine: {', '.join(missing)}")
        peer.build()
    unittest.main()


if __name__ == "__main__":
    main()
