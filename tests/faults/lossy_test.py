"""A path that is slow and loses packets: every call ends OK with the right bytes, only later. TUN devices
carry the packets, on any kernel; netem_test.py is the same with the kernel's netem."""

from __future__ import annotations

import subprocess

import fault
import network
from fault import e2e

ONE_WAY_MS = 20
LOSS = 0.02
KEEPALIVE_MS = 1000


class LossyPath:
    """The cases. make_path() says over what, `elsewhere` where they run if there is no such path here."""

    elsewhere = ""

    def setUp(self) -> None:
        super().setUp()
        try:
            self.path = self.make_path()
            self.addCleanup(self.path.close)
            self.path.impair(ONE_WAY_MS, LOSS)
        except network.Unavailable as why:
            self.skipTest(f"{why}{self.elsewhere}")
        far = self.path.far
        self.server = self.serve(
            "--keepalive-time", "1s", "--keepalive-timeout", "5s", "--keepalive-min-ping-interval", "100ms",
            host="0.0.0.0", enter=far.enter, preexec=far.join,
        )  # fmt: skip
        self.target = self.server.tcp.replace("0.0.0.0", network.FAR)
        self.near = self.path.near.enter

    def test_calls_are_late_and_right(self) -> None:
        before = self.warm_up(self.server, self.mixed_nearby(self.server))
        loads = [
            self.start("echo", self.target, "-c", "2", "-m", "10", "-n", calls, "--size", size, enter=self.near)
            for size, calls in (("16", "1000"), ("16KiB", "150"))
        ]
        held = self.hold(self.target, 50, keepalive_ms=5 * KEEPALIVE_MS, enter=self.near)  # three losses in a row end none
        stream = subprocess.run(
            [*self.near, e2e.SAKER, "echo", self.target, "--stream", "--count", "50", "--size", "4KiB",
             "--deadline", "30s"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(stream.returncode, e2e.EXIT_OK, stream.stderr)
        for load in loads:
            self.assert_statuses(load.finish(), ["OK"])
            self.assertGreaterEqual(load.report["latency_ns"]["corrected"]["min"], 2e6 * ONE_WAY_MS)
        self.assertIsNone(held.process.poll())
        held.kill()
        self.path.impair(0, 0)  # the killed client's kernel says so once, and then after ever longer pauses
        self.assert_level(self.server, before)
        self.assert_statuses(self.stop(self.server), ["OK", "CANCELLED"])

    def test_a_path_that_loses_all_is_one_that_is_cut(self) -> None:
        before = self.server.level()
        held = self.hold(self.target, 50, keepalive_ms=KEEPALIVE_MS, enter=self.near)
        self.path.impair(ONE_WAY_MS, 1)
        self.assertEqual(held.finish(), {"UNAVAILABLE": 50, "again": 0})
        self.assert_level(self.server, before)
        self.stop(self.server)


class OverTun(LossyPath, fault.Case):
    def make_path(self) -> network.TunPair:
        return network.TunPair()

    def tearDown(self) -> None:
        print(f"{self.path.carried} packets carried, {self.path.lost} lost")


if __name__ == "__main__":
    fault.main()
