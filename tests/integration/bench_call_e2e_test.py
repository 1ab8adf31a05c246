"""saker bench call: any unary method under load, by reflection and by files."""

from __future__ import annotations

import subprocess

import call_peer
import saker_e2e as e2e
from call_e2e_test import ECHO, PROTO, echo_message, payload


class BenchCall(e2e.TestCase):
    def bench(self, *arguments: str, code: int = e2e.EXIT_OK, **options: object) -> dict:
        return self.assert_json(
            "bench", "call", *arguments, "-c", "2", "-m", "4", "-n", "500", code=code, **options
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

    # ---- where messages come from

    def assert_good(self, *arguments: str, sent: int = 0, **options: object) -> None:
        """500 calls without an error, each with more than `sent` bytes."""
        report = self.bench(*arguments, **options)
        self.assertEqual((report["calls"], report["errors"]), (500, 0))
        self.assertGreater(report["bytes_sent"], 500 * sent)

    def test_formats(self) -> None:
        size = 1000
        text = "x" * size
        field = b"\x0a\xe8\x07" + text.encode()  # payload, of 1000 bytes
        prefixed = b"\xeb\x07" + field  # behind its length as a varint
        with e2e.Server() as server:
            call = (server.address, f"{ECHO}/Echo", "--check-reply", "parse")
            json_file = self.write("m.json", f'{{"payload": "{payload(text)}"}}')
            binary_file = self.write("m.bin", prefixed * 3)
            self.assert_good(*call, "--data", f'{{"payload": "{payload(text)}"}}', sent=size)
            self.assert_good(*call, "-d", f"@{json_file}", sent=size)
            self.assert_good(*call, "--format", "json", "-d", f"@{json_file}", sent=size)
            self.assert_good(*call, "--format", "text", "-d", f'payload: "{text}" \x1e payload: "{text}"', sent=size)
            self.assert_good(*call, "--format", "binary", "-d", f"@{binary_file}", sent=size)
            self.assert_good(*call, "--format", "binary", "-d", "@", stdin=prefixed, sent=size)

    def test_data_that_is_wrong(self) -> None:
        with e2e.Server() as server:
            call = ("bench", "call", server.address, f"{ECHO}/Echo", "-n", "1")
            cut = self.write("cut", b"\x09\x0a\x07")
            bad = self.write("bad", b"\x02\x0a\x07")
            for flags, message in (
                (["--data", f"@{self.directory}/none"], "/none: No such file or directory"),
                (["-d", f"@{self.directory}"], ": Is a directory"),
                (["-d", f"@{self.write('cut.json', '[')}"], "/cut.json: line 1, column 2: "),
                (["--format", "text", "-d", "sequence: x"], "-d: line 1, column 11: "),
                (["--format", "binary", "-d", f"@{cut}"], "the input ends inside a message"),
                (["--format", "binary", "-d", f"@{bad}"], "/bad: the bytes are no saker.echo.v1.EchoRequest"),
            ):
                with self.subTest(flags):
                    self.assert_refused(*call, *flags, stderr=message)
            self.assert_run(*call, "--format", "xml", code=e2e.EXIT_USAGE, stderr="--format")

    @e2e.once
    def test_schema_files(self) -> None:
        root, protoset = e2e.ROOT / "proto", f"{self.directory}/echo.protoset"
        subprocess.run(["protoc", f"-I{root}", f"--descriptor_set_out={protoset}", "--include_imports", PROTO], check=True)
        with e2e.Server("--no-reflection") as server:
            call = (server.address, f"{ECHO}/Echo")
            self.assert_good(*call, "--protoset", protoset)
            self.assert_good(*call, "--import-path", str(root), "--proto", "saker/echo/v1/echo.proto")
            refused = ("bench", "call", *call, "-n", "1")
            self.assert_refused(*refused, stderr="reflection")
            self.assert_refused(*refused, "--protoset", f"{self.directory}/none", stderr="/none: No such file")
            self.assert_refused(*refused, "--protoset", self.write("no.protoset", "x"), stderr="no.protoset")
            self.assert_refused(*refused, "--import-path", f"{self.directory}/none", "--proto", "a.proto",
                                stderr="/none: not a directory")  # fmt: skip


if __name__ == "__main__":
    e2e.main()
