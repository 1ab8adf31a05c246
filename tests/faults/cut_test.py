"""The path between client and server is cut in mid-call: packets are lost, and nothing is closed. Keepalive
tells both; a cut that is mended in time is noticed by nobody."""

from __future__ import annotations

import subprocess
import time

import fault
import network
from fault import e2e

CALLS = 100
KEEPALIVE_MS = 3000
# The server lets clients ping as often as these do.
KEEPALIVE = ("--keepalive-time", "3s", "--keepalive-timeout", "3s", "--keepalive-min-ping-interval", "100ms")


class Cut(fault.Case):
    def setUp(self) -> None:
        super().setUp()
        try:
            self.path = network.VethPair()
        except network.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.path.close)

    def serve_far(self, *arguments: str) -> fault.Server:
        return self.serve(*arguments, host="0.0.0.0", enter=self.path.far.enter,
                          preexec=self.path.far.join)  # fmt: skip

    def target(self, address: str) -> str:
        return address.replace("0.0.0.0", network.FAR)

    def echo_works(self, server: fault.Server) -> bool:
        done = subprocess.run(
            [*self.path.near.enter, e2e.SAKER, "echo", self.target(server.tcp), "--deadline", "5s"],
            capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == e2e.EXIT_OK

    def killed_client(self, server: fault.Server) -> fault.Level:
        """One that was killed leaves what is kept for the next; then the level."""
        self.hold(self.target(server.tcp), CALLS, enter=self.path.near.enter).kill()
        return server.level()

    def cut_while_held(self, server: fault.Server, side: network.Namespace) -> None:
        before = self.killed_client(server)
        held = self.hold(
            self.target(server.tcp), CALLS, keepalive_ms=KEEPALIVE_MS, enter=self.path.near.enter
        )
        honest = self.honest(f"unix:{self.directory}/s.sock", 6)
        time.sleep(1.5 * KEEPALIVE_MS / 1000)  # its pings are answered
        self.assertIsNone(held.process.poll())
        self.path.cut(side)
        self.assertEqual(held.finish(), {"UNAVAILABLE": CALLS, "again": 0})
        self.finish_honest(honest)
        self.assert_level(server, before)  # while the path is still cut
        self.path.mend(side)
        self.assertTrue(e2e.eventually(lambda: self.echo_works(server)))

    def test_keepalive_ends_the_calls_on_both_sides(self) -> None:
        server = self.serve_far(*KEEPALIVE)
        for name, side in (("client's side", self.path.near), ("server's side", self.path.far)):
            with self.subTest(name):
                self.cut_while_held(server, side)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"], ["UNAVAILABLE"])

    def test_deadlines_end_calls_and_the_client_comes_back(self) -> None:
        server = self.serve_far(*KEEPALIVE)
        self.warm_up(server, self.mixed_nearby(server))
        before = self.killed_client(server)
        load = self.full_speed(
            self.target(server.tcp), "--deadline", "500ms", "--size", "16KiB", "--connect-timeout", "30s",
            enter=self.path.near.enter,
        )  # fmt: skip
        load.let_run(1)
        self.path.cut(self.path.near)
        time.sleep(2)
        self.path.mend(self.path.near)
        mended = server.metric("saker_calls_total")
        self.assertTrue(e2e.eventually(lambda: server.metric("saker_calls_total") > mended + 1000))
        self.assert_statuses(load.interrupt(), ["OK", "DEADLINE_EXCEEDED"], ["UNAVAILABLE"])
        self.assert_level(server, before)
        self.stop(server)

    def test_a_short_cut_loses_no_call(self) -> None:
        server = self.serve_far()
        self.warm_up(server, self.mixed_nearby(server))
        before = self.killed_client(server)
        held = self.hold(self.target(server.tcp), CALLS, enter=self.path.near.enter)
        load = self.full_speed(self.target(server.tcp), "--size", "16KiB", enter=self.path.near.enter)
        for side in (self.path.near, self.path.far):
            load.let_run(0.5)
            self.path.cut(side)
            time.sleep(0.7)
            self.path.mend(side)
        mended = server.metric("saker_calls_total")
        self.assertTrue(e2e.eventually(lambda: server.metric("saker_calls_total") > mended + 100))
        self.assert_statuses(load.interrupt(), ["OK"])
        self.assertIsNone(held.process.poll())
        held.kill()
        self.assert_level(server, before)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"])


if __name__ == "__main__":
    fault.main()
