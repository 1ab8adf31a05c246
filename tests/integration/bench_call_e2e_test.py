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

    def test_templates(self) -> None:
        data = '{"sequence": {{seq}}, "payload": "{{randbytes 10 20}}"} {"sequence": {{random 5 9}}}'
        with e2e.Server() as server:
            for more in ([], ["-t", "2", "--check-reply", "parse"]):
                report = self.bench(server.address, f"{ECHO}/Echo", "-d", data, *more)
                self.assertEqual((report["calls"], report["errors"]), (500, 0))
            mistakes = (
                ('{"sequence": {{sequence}}}', "at character 14, '{{sequence}}': known: seq"),
                ('{} {"sequence": {{random 5}}}', "line 1, column 4: at character 14, "),
                ('{"sequence": {{random -1 5}}}', "sequence"),
                ('{"payload": "{{randbytes 9 2}}"}', "the first number is above the second"),
            )
            for data, message in mistakes:
                self.assert_run(
                    "bench", "call", server.address, f"{ECHO}/Echo", "-d", data,
                    code=e2e.EXIT_USAGE, stderr=message,
                )  # fmt: skip
            self.assert_run(
                "bench", "call", server.address, f"{ECHO}/Echo", "-d", '{"sequence": {{seq}}}',
                "--check-reply", "same", code=e2e.EXIT_USAGE, stderr="requests that vary",
            )  # fmt: skip

    @e2e.once
    def test_each_call_has_its_own_data(self) -> None:
        with call_peer.peer() as address:
            data = '{"text": "{{uuid}}-{{seq}}"}'
            call_peer.MIRRORED.clear()
            report = self.bench(address, "peer.v1.Peer/Mirror", "-d", data, "--check-reply", "parse")
            self.assertEqual((report["calls"], report["errors"]), (500, 0))
        texts = [message[2:].decode() for message in call_peer.MIRRORED]
        numbers = sorted(int(text.rpartition("-")[2]) for text in texts)
        self.assertEqual(numbers, list(range(500)))
        self.assertEqual(len({text.rpartition("-")[0] for text in texts}), 500)

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
