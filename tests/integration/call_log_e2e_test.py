"""Call records: what they say, that none is missing, and what a full disk does."""

import calendar
import json
import re
import time
import urllib.request

import grpc
import saker_e2e as e2e

ECHO = "saker.echo.v1.Echo/Echo"
CALLS = 20_000 if e2e.SANITIZED else 200_000
FIELDS = {
    "time", "level", "message", "method", "peer", "transport", "status", "duration_us",
    "request_bytes", "reply_bytes",
}  # fmt: skip
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class CallLog(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory / "log"

    def serve(self, *arguments: str, file: str | None = None) -> e2e.Server:
        server = e2e.Server(
            "--log-level", "debug", "--log-file", file or str(self.path), "--threads", "2",
            "--metrics", "127.0.0.1:0", *arguments,
            listen=["127.0.0.1:0", f"unix:{self.directory}/s"],
        )  # fmt: skip
        self.addCleanup(server.kill)
        return server

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def records(self) -> list[dict]:
        return [line for line in self.lines() if line["message"] == "call"]

    def metric(self, server: e2e.Server, name: str) -> int:
        url = re.search(r"http://\S+", "\n".join(server.ready_lines)).group(0)
        text = urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()
        return int(float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1)))

    def test_logged_and_dropped_are_all_calls(self) -> None:
        server = self.serve("--log-format", "json")
        for target, calls in ((server.addresses[0], CALLS), (server.addresses[1], CALLS // 2)):
            report = self.assert_json("bench", "echo", target, "-n", str(calls))
            self.assertEqual((report["calls"], report["errors"]), (calls, 0))
        logged = self.metric(server, "saker_log_records_total")
        dropped = self.metric(server, "saker_log_records_dropped_total")
        self.assertEqual(server.stop(), 0)
        records = self.records()
        self.assertEqual(logged + dropped, CALLS + CALLS // 2)
        self.assertEqual(len(records), logged)
        for record in records:
            self.assertEqual(set(record), FIELDS, record)
            self.assertEqual((record["method"], record["status"]), (ECHO, "OK"), record)
        by_transport = {r["transport"]: r["peer"] for r in records}
        self.assertEqual(set(by_transport), {"tcp", "unix"})
        self.assertRegex(by_transport["tcp"], r"^ipv4:127\.0\.0\.1:\d+$")
        self.assertRegex(by_transport["unix"], r"^unix:")

    def test_a_record(self) -> None:
        server = self.serve("--log-format", "json")
        before = time.time_ns()
        self.assert_run(
            "echo", server.address, "--size", "1000", "-H", f"traceparent: {TRACEPARENT}"
        )
        after = time.time_ns()
        self.assertEqual(server.stop(), 0)
        (record,) = self.records()
        self.assertEqual(set(record), FIELDS | {"traceparent"})
        self.assertEqual(record["traceparent"], TRACEPARENT)
        self.assertEqual(record["level"], "debug")
        seconds, nanoseconds = re.fullmatch(r"(.{19})\.(\d{9})Z", record["time"]).groups()
        moment = time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")
        received_ns = calendar.timegm(moment) * 10**9 + int(nanoseconds)
        self.assertLess(before - 10**7, received_ns)
        self.assertLess(received_ns, after + 10**7)
        self.assertGreater(record["duration_us"], 0)
        self.assertLess(record["duration_us"], (after - before) / 1000)
        for size in (record["request_bytes"], record["reply_bytes"]):
            self.assertTrue(1000 < size < 1100, record)

    def test_text(self) -> None:
        server = self.serve()
        self.assert_run("echo", server.addresses[1])
        self.assertEqual(server.stop(), 0)
        record = next(line for line in self.path.read_text().splitlines() if " call " in line)
        self.assertRegex(
            record,
            r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z debug call method=saker\.echo\.v1\.Echo/Echo "
            r"peer=unix:\S* transport=unix status=OK duration_us=\d+\.\d{3} request_bytes=\d+ "
            r"reply_bytes=\d+$",
        )

    def test_statuses_and_unknown_methods(self) -> None:
        server = self.serve("--log-format", "json")
        with grpc.insecure_channel(server.address) as channel:
            with self.assertRaises(grpc.RpcError):
                channel.unary_unary('/no."Such/A')(
                    b"", timeout=e2e.TIMEOUT_S, metadata=[("traceparent", '","status":"OK"}{')]
                )
        self.assertEqual(server.stop(), 0)
        (record,) = self.records()
        self.assertEqual((record["method"], record["status"]), ("other", "UNIMPLEMENTED"))

    def test_off_below_debug(self) -> None:
        server = e2e.Server("--log-level", "info", "--log-format", "json", "--log-file", str(self.path))
        self.addCleanup(server.kill)
        self.assert_run("echo", server.address, "--count", "10")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.records(), [])
        self.assertIn("served 10 calls: OK 10", self.lines()[-1]["message"])
        self.assertEqual(server.stderr, "")

    def test_full_disk(self) -> None:
        server = self.serve("--log-format", "json", file="/dev/full")
        report = self.assert_json("bench", "echo", server.address, "-n", "20000")
        self.assertEqual((report["calls"], report["errors"]), (20000, 0))
        records = self.metric(server, "saker_log_records_total")
        self.assertEqual(records + self.metric(server, "saker_log_records_dropped_total"), 20000)
        self.assertTrue(
            e2e.eventually(lambda: self.metric(server, "saker_log_lines_lost_total") >= records)
        )
        self.assertEqual(self.metric(server, "saker_log_lines_written_total"), 0)
        self.assert_run("echo", server.addresses[1], "--count", "10")
        self.assertEqual(server.stop(), 0)
        reports = [line for line in server.stderr.splitlines() if "cannot write the log" in line]
        self.assertEqual(len(reports), 1, server.stderr)
        self.assertIn("/dev/full: No space left on device", reports[0])

    def test_file_that_cannot_be_opened(self) -> None:
        path = str(self.directory / "no" / "log")
        self.assert_run(
            "serve", "--log-file", path, "--listen", "127.0.0.1:0", code=e2e.EXIT_USAGE,
            stderr=f"cannot write the log to {path}: No such file or directory",
        )  # fmt: skip


if __name__ == "__main__":
    e2e.main()
