"""kill -9 of a server and of clients, in the middle of calls of every kind."""

import fault
from fault import e2e

HELD = 200
ROUNDS = 5


class ServerKilled(fault.Case):
    def test_each_call_ends_once_as_unavailable(self) -> None:
        server = self.serve()
        held = [self.hold(target, HELD) for target in (server.tcp, server.unix)]
        loads = self.mixed(server)
        for load in loads:
            load.let_run(0.5)
        server.kill()
        for one in held:
            self.assertEqual(one.finish(), {"UNAVAILABLE": HELD, "again": 0})
        for load in loads:
            self.assert_statuses(load.finish(), ["OK", "UNAVAILABLE"])
            self.assertIn("the server was away", " ".join(load.report["warnings"]))

    def test_clients_go_on_with_its_successor(self) -> None:
        first = self.serve()
        load = self.full_speed(first.tcp, "--connect-timeout", "30s")
        load.let_run(0.5)
        first.kill()
        self.assertNotEqual(first.process.returncode, 0)
        second = self.serve(port=int(first.tcp.rsplit(":", 1)[1]))
        self.assertTrue(e2e.eventually(lambda: second.metric("saker_bytes_received_total") > 1e5))
        statuses = load.interrupt()
        self.assert_statuses(statuses, ["OK", "UNAVAILABLE"])
        # Calls that were in flight when the load was interrupted may be CANCELLED.
        self.assert_statuses(self.stop(second), ["OK"], ["CANCELLED"])


class ClientKilled(fault.Case):
    def clients(self, server: fault.Server) -> list:
        """In mid-call: all kinds of load, and streams that wait."""
        loads = self.mixed(server)
        held = [self.hold(target, HELD) for target in (server.tcp, server.unix)]
        for load in loads:
            load.let_run(0.3)
        return [*loads, *held]

    def kill_round(self, server: fault.Server) -> None:
        for client in self.clients(server):
            client.kill()

    def test_nothing_of_them_stays_behind(self) -> None:
        server = self.serve()
        self.kill_round(server)  # what is kept for the next ones is there from now on
        before = server.level()
        honest = self.honest(server.tcp, 4)
        for _ in range(ROUNDS):
            self.kill_round(server)
        self.finish_honest(honest)
        self.assert_level(server, before)
        calls = self.stop(server)
        self.assert_statuses(calls, ["OK", "CANCELLED"])
        self.assertGreaterEqual(calls["CANCELLED"], 2 * HELD * (ROUNDS + 1))


if __name__ == "__main__":
    fault.main()
