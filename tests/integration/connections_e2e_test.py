"""Ten thousand connections: idle ones, and ones that come, call and go. Memory and descriptors end where they began."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import subprocess
import unittest

import saker_e2e as e2e

CONNECTIONS = 1_000 if e2e.SANITIZED else 10_000
LOAD = os.environ.get("SAKER_IDLE_CONNECTIONS", str(e2e.ROOT / "build/release/bench/idle_connections"))
# What pools keep for the next connections.
KEPT_BYTES = 10 << 20
BYTES_A_CONNECTION = 4096
PR_CAPBSET_DROP, CAP_IPC_LOCK = 24, 14


def forbid_locked_memory() -> None:
    """What is locked never goes back to the system; a server that may not lock warns and gives it back."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))


def private_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        sizes = re.findall(r"^Private_\w+:\s+(\d+) kB", file.read(), re.MULTILINE)
    return sum(map(int, sizes)) * 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


class Connections(e2e.TestCase):
    def setUp(self) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY and most < CONNECTIONS + 200:
            self.skipTest(f"at most {most} descriptors")

    def load(self, server: e2e.Server, connections: int, seconds: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [LOAD, server.address, str(connections), "10", str(seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def cycle(self, server: e2e.Server, connections: int) -> None:
        fds = descriptors(server.process.pid)
        load = self.load(server, connections, 0)
        load.communicate(timeout=e2e.TIMEOUT_S * 4)
        self.assertEqual(load.returncode, 0)
        self.assertTrue(e2e.eventually(lambda: descriptors(server.process.pid) <= fds))

    def idle(self, server: e2e.Server) -> None:
        """Many connections that each made a few calls and rest; then they go."""
        pid = server.process.pid
        fds, memory = descriptors(pid), private_bytes(pid)
        load = self.load(server, CONNECTIONS, 8)
        with load:
            self.assertIn("idle", load.stdout.readline())
            self.assertEqual(descriptors(pid), fds + CONNECTIONS)
            if not e2e.SANITIZED:
                limit = memory + KEPT_BYTES + CONNECTIONS * BYTES_A_CONNECTION
                self.assertTrue(e2e.eventually(lambda: private_bytes(pid) <= limit), "idle")
            self.assert_run("echo", server.address)  # they do not stand in the way of a new one
        self.assertEqual(load.returncode, 0)
        self.assertTrue(e2e.eventually(lambda: descriptors(pid) <= fds))

    def assert_memory_within(self, server: e2e.Server, limit: int) -> None:
        pid = server.process.pid
        if not e2e.SANITIZED:
            within = e2e.eventually(lambda: private_bytes(pid) <= limit)
            self.assertTrue(within, f"{private_bytes(pid)} of {limit}")

    def test_idle_connections(self) -> None:
        with e2e.Server("--threads", "1", preexec=forbid_locked_memory) as server:
            self.cycle(server, 10)
            memory = private_bytes(server.process.pid)
            self.idle(server)
            self.assert_memory_within(server, memory + KEPT_BYTES)

    def test_locked_memory_serves_the_next_ones(self) -> None:
        with e2e.Server("--threads", "1") as server:
            self.idle(server)
            memory = private_bytes(server.process.pid)
            self.idle(server)
            # Connections that stay behind would take more than two KiB each.
            self.assert_memory_within(server, memory + CONNECTIONS * 1024)

    def test_connect_call_close(self) -> None:
        with e2e.Server("--threads", "2") as server:
            pid = server.process.pid
            for _ in range(3):
                self.cycle(server, CONNECTIONS // 10)
            fds, memory = descriptors(pid), private_bytes(pid)
            for _ in range(10):
                self.cycle(server, CONNECTIONS // 10)
            self.assertTrue(e2e.eventually(lambda: descriptors(pid) <= fds))
            self.assert_memory_within(server, memory + CONNECTIONS * 1024)


if __name__ == "__main__":
    e2e.main()
