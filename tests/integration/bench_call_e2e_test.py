"""saker bench call: any unary method under load, by reflection and by files."""

from __future__ import annotations

import call_peer
import saker_e2e as e2e
from call_e2e_test import ECHO, PROTO, echo_message


class BenchCall(e2e.TestCase):
    def bench(self, *arguments: str, code: int = e2e.EXIT_OK) -> dict:
        return self.assert_json(
            "bench", "call", *arguments, "-c", "2", "-m", "4", "-n", "500", code=code
        )

    def test_unary(self) -> None:
        with e2e.Server() as server:
            messages = echo_message("one") + echo_message("x" * 50_000)
            for check in ("status", "parse"):
                report = self.bench(
                    server.address, f"{ECHO}/Echo", "-d", messages, "--check-reply", check
                )
                self.assertEqual((report["calls"], report["errors"]), (500, 0))
            self.assertGreater(report["bytes_received"], 250 * 50_000)
            report = self.bench(
                server.address, "grpc.health.v1.Health/Check", "--check-reply", "same", "-t", "2"
            )
            self.assertEqual((report["calls"], report["errors"]), (500, 0))

    def test_wrong_replies_are_counted(self) -> None:
        with e2e.Server() as server:  # an echo tells the time, hence is never the same
            report = self.bench(
                server.address, f"{ECHO}/Echo", "--check-reply", "same", code=e2e.EXIT_FAILED
            )
            self.assertGreater(report["wrong_replies"], 0)

    @e2e.once
    def test_another_server_and_files(self) -> None:
        with call_peer.peer() as address:
            report = self.bench(address, "peer.v1.Peer/Mirror", "-d", '{"text": "x"}')
            self.assertEqual((report["calls"], report["errors"]), (500, 0))
            report = self.bench(address, "peer.v1.Peer/Fail", code=e2e.EXIT_FAILED)
            self.assertEqual(report["errors"], 500)
        with e2e.Server("--no-reflection") as server:
            report = self.bench(server.address, f"{ECHO}/Echo", "--proto", PROTO)
            self.assertEqual((report["calls"], report["errors"]), (500, 0))


if __name__ == "__main__":
    e2e.main()
