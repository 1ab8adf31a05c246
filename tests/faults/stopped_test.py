"""SIGSTOP: a server, or a client, that is there and does nothing. Deadlines end what waits for it; once it
goes on, so does everything that was not ended."""

from __future__ import annotations

import signal
import time

import fault
from fault import e2e

STOPPED_S = 10
CLIENTS_STOPPED_S = 4
# Of a connection, less than half of what max_concurrent_streams and the limit on young streams (500) allow to
# be ended in ten seconds.
STREAMS = 25
HELD = 100


class Stopped(fault.Case):
    def test_a_server_for_ten_seconds(self) -> None:
        server = self.serve()
        before = self.warm_up(server)
        held = self.hold(server.tcp, HELD)
        deadline = ["-m", str(STREAMS), "--deadline", "1s", "--connect-timeout", "30s"]
        deadlined = [
            self.full_speed(server.tcp, *deadline, "--size", "4KiB"),
            self.full_speed(server.unix, *deadline),
            self.full_speed(server.tls, *deadline, *server.ca),
        ]
        patient = self.full_speed(server.tcp, "--connect-timeout", "30s")
        for load in (*deadlined, patient):
            load.let_run(0.3)
        server.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        server.send_signal(signal.SIGCONT)
        again = server.metric("saker_calls_total")
        self.assertTrue(e2e.eventually(lambda: server.metric("saker_calls_total") > again + 1000))
        for load in deadlined:
            statuses = load.interrupt()
            self.assert_statuses(statuses, ["OK", "DEADLINE_EXCEEDED"])
            self.assertGreaterEqual(statuses["DEADLINE_EXCEEDED"], 4 * STREAMS)
        self.assert_statuses(patient.interrupt(), ["OK"])  # without a deadline it has only waited
        self.assertIsNone(held.process.poll())
        held.kill()
        self.assert_level(server, before)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"], ["DEADLINE_EXCEEDED"])

    def stop_clients(self, server: fault.Server) -> None:
        held = self.hold(server.unix, HELD)
        loads = self.mixed(server)
        for load in loads:
            load.let_run(0.3)
        stopped = [held.process, *(load.process for load in loads)]
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        self.finish_honest(self.honest(server.tcp, CLIENTS_STOPPED_S))
        for process in stopped:
            process.send_signal(signal.SIGCONT)
        again = server.metric("saker_calls_total")
        self.assertTrue(e2e.eventually(lambda: server.metric("saker_calls_total") > again + 1000))
        for load in loads:
            self.assert_statuses(load.interrupt(), ["OK"])
        self.assertIsNone(held.process.poll())
        held.kill()

    def test_clients(self) -> None:
        """Their replies wait within their limits; others do not wait for them."""
        server = self.serve()
        self.stop_clients(server)  # the most that waits at a time is what stays with the allocator
        before = server.level()
        self.stop_clients(server)
        self.assert_level(server, before)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"])


if __name__ == "__main__":
    fault.main()
