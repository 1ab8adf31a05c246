"""Thousands of signals a second for server and client. One without a handler interrupts no system call, but
SIGSTOP with SIGCONT after it does (signal(7): epoll_wait() and others fail with EINTR), and SIGHUP has the
server read its files again."""

from __future__ import annotations

import signal
import subprocess
import threading
import time

import fault
from fault import e2e

ROUNDS = 1000
SIGHUP_EVERY = 200  # rounds


class Storm:
    """Of signals for these processes, until stop()."""

    def __init__(self, victims: list[subprocess.Popen], server: subprocess.Popen) -> None:
        self.rounds = 0
        self._victims = victims
        self._server = server  # who minds SIGHUP
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow)
        self._thread.start()

    def _blow(self) -> None:
        while not self._over.is_set():
            for victim in self._victims:
                for number in (signal.SIGWINCH, signal.SIGURG, signal.SIGSTOP, signal.SIGCONT):
                    victim.send_signal(number)
            self.rounds += 1
            if self.rounds % SIGHUP_EVERY == 0:
                self._server.send_signal(signal.SIGHUP)
            time.sleep(0.0002)  # else nobody else ever runs

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


class Signals(fault.Case):
    def test_a_storm_of_interrupted_system_calls(self) -> None:
        audit = self.directory / "audit.log"
        server = self.serve("--audit", str(audit))
        before = self.warm_up(server)
        loads = self.mixed(server)
        # An open loop: this client sleeps and wakes all the time.
        honest = self.honest(server.unix, 3)
        held = self.hold(server.tcp, 100)
        for load in loads:
            load.let_run(0.5)
        victims = [server.process, held.process, honest.process, *(load.process for load in loads)]
        begin = time.monotonic()
        storm = Storm(victims, server.process)
        try:
            raged = e2e.eventually(lambda: storm.rounds >= ROUNDS)
            print(f"{storm.rounds} rounds of 4 signals for each of {len(victims)} processes "
                  f"in {time.monotonic() - begin:.1f} s")  # fmt: skip
            self.assertTrue(raged)
            self.finish_honest(honest)
        finally:
            storm.stop()
        for load in loads:
            self.assert_statuses(load.interrupt(), ["OK"])
        self.assertIsNone(held.process.poll())
        held.kill()
        self.assert_level(server, before)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"])
        summary = self.assert_json("audit", "verify", str(audit))
        self.assertTrue(summary["whole"])
        self.assertGreaterEqual(summary["records"], loads[-1].report["calls"])

    def test_calls_end_and_servers_drain_under_it(self) -> None:
        """The end of a server, too, comes when it is asked for."""
        server = self.serve()
        held = self.hold(server.unix, 100)
        load = self.full_speed(server.tcp)
        load.let_run(0.3)
        storm = Storm([server.process, held.process], server.process)
        try:
            self.assertTrue(e2e.eventually(lambda: storm.rounds >= ROUNDS / 10))
            self.assertEqual(server.metric("saker_invariants_broken_total"), 0)
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), e2e.EXIT_OK, server.stderr)
        finally:
            storm.stop()
        self.assertEqual(held.finish(), {"UNAVAILABLE": 100, "again": 0})
        self.assert_statuses(load.finish(), ["OK", "UNAVAILABLE"])


if __name__ == "__main__":
    fault.main()
