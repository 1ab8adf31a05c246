"""saker bench of streaming methods: what is a call, what is a message, and how streams end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import signal
import time
from collections.abc import Iterator

import grpc
import saker_e2e as e2e
from call_e2e_test import ECHO, PROTO, echo_message

STREAMS = ("EchoStream", "EchoCollect", "EchoExpand")


@contextlib.contextmanager
def wayward_server() -> Iterator[str]:
    """An Echo service whose EchoStream never ends, and whose others say what nobody asked for."""

    def never_ends(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        for request in requests:
            yield request
        while context.is_active():
            time.sleep(0.05)

    def collect(requests: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
        return b"\x08\x07" if list(requests) else b""

    def expand(request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
        yield request

    methods = {
        "EchoStream": grpc.stream_stream_rpc_method_handler(never_ends),
        "EchoCollect": grpc.stream_unary_rpc_method_handler(collect),
        "EchoExpand": grpc.unary_stream_rpc_method_handler(expand),
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("saker.echo.v1.Echo", methods)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class EchoStreams(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)

    def bench(self, method: str, *arguments: str, code: int = 0) -> dict:
        return self.assert_json(
            "bench", "echo", self.server.address, "--method", method, *arguments, code=code
        )

    def test_ping_pong(self) -> None:
        """Each message is a call; a stream has as many of them as it may."""
        for more in ([], ["-t", "2"], ["--rps", "5k"], ["--size", "100KiB", "--messages", "3"]):
            with self.subTest(more):
                report = self.bench("EchoStream", "-c", "2", "-m", "3", "-n", "1000", *more)
                self.assertEqual((report["calls"], report["errors"]), (1000, 0))
                self.assertEqual((report["messages"], report["unfinished"]), (1000, 0))
                self.assertEqual(report["method"], "/saker.echo.v1.Echo/EchoStream")
                self.assertEqual(report["settings"]["stream"], "bidi")
                self.assertEqual(report["latency_ns"]["corrected"]["count"], 1000)
                self.assertNotIn("message", report["latency_ns"])
                self.assertNotIn("streams", " ".join(report["warnings"]))

    def test_messages_of_a_stream(self) -> None:
        with e2e.Server("--threads", "1") as server:
            self.assert_json(
                "bench", "echo", server.address, "--method", "EchoStream", "-c", "1", "-m", "1",
                "-n", "100", "--messages", "7",
            )  # fmt: skip
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.calls(), {"OK": 15})  # 14 of 7 messages, 1 of 2

    def test_collect(self) -> None:
        for messages in (1, 100, 5000):
            report = self.bench(
                "EchoCollect", "-c", "2", "-m", "2", "-n", "20", "--messages", str(messages)
            )
            self.assertEqual((report["calls"], report["errors"]), (20, 0))
            self.assertEqual(report["messages"], 20 * messages)
            self.assertEqual(report["settings"]["stream"], "client")
            self.assertEqual(report["settings"]["messages_per_stream"], messages)
            self.assertGreater(report["messages_per_second"], report["calls_per_second"] * 0.99)

    def test_expand(self) -> None:
        for messages in (1, 100, 5000):
            report = self.bench(
                "EchoExpand", "-c", "2", "-m", "2", "-n", "20", "--messages", str(messages)
            )
            self.assertEqual((report["calls"], report["errors"]), (20, 0))
            self.assertEqual(report["messages"], 20 * messages)
            self.assertEqual(report["settings"]["stream"], "server")
            gaps = report["latency_ns"]["message"]
            self.assertEqual(gaps["count"], 20 * messages)
            self.assertLessEqual(gaps["max"], report["latency_ns"]["corrected"]["max"])

    def test_text(self) -> None:
        done = self.assert_run(
            "bench", "echo", self.server.address, "--method", "EchoExpand", "-n", "10"
        )
        self.assertRegex(done.stdout, r"\n  messages +1,000   [\d,]+ messages/s\n")
        self.assertRegex(done.stdout, r"\n  latency +per message\n")

    def test_open_loop_counts_from_the_schedule(self) -> None:
        """One stream: what was due while the server stood still waited for it."""
        latency = e2e.latency_over_a_stop("--method", "EchoStream")
        self.assertGreater(latency["corrected"]["p90"], 100e6)
        self.assertLess(latency["uncorrected"]["p90"], 100e6)

    # ---- how streams end

    def test_they_end_on_time(self) -> None:
        for method in STREAMS:
            for more in ([], ["--warmup", "100ms"]):
                with self.subTest(method, more=more), e2e.Server("--threads", "1") as server:
                    report = self.assert_json(
                        "bench", "echo", server.address, "--method", method, "-c", "2", "-m", "4",
                        "-z", "500ms", *more,
                    )  # fmt: skip
                    self.assertGreaterEqual(report["duration_ns"], 250e6)  # the first turn may be late, the end is not
                    self.assertLess(report["duration_ns"], 1400e6)
                    self.assertEqual((report["errors"], report["unfinished"]), (0, 0))
                    self.assertNotIn("streams", " ".join(report["warnings"]))
                    self.assertEqual(server.stop(), 0)
                    self.assertEqual(set(server.calls()), {"OK"})

    def test_long_ones_are_closed_at_the_end(self) -> None:
        for method in ("EchoStream", "EchoCollect"):
            report = self.bench(method, "--messages", "10000000", "-c", "1", "-m", "4", "-z", "500ms")
            self.assertGreater(report["messages"], 10)
            self.assertEqual((report["errors"], report["unfinished"]), (0, 0))

    def test_what_does_not_end_is_cut_off(self) -> None:
        begin = time.monotonic()
        report = self.bench(
            "EchoExpand", "--messages", "10000000", "--size", "1KiB", "-c", "1", "-m", "2",
            "-z", "1s", code=e2e.EXIT_FAILED,
        )  # fmt: skip
        self.assertLess(time.monotonic() - begin, 4 + e2e.TIMEOUT_S / 10)
        self.assertEqual((report["calls"], report["unfinished"]), (0, 2))
        self.assertGreater(report["messages"], 2)

    def test_interrupt(self) -> None:
        for method in STREAMS:
            bench = e2e.start(
                "bench", "echo", self.server.address, "--method", method, "-z", "1h", "--json"
            )
            e2e.let_run(bench, 0.7)
            bench.send_signal(signal.SIGINT)
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(bench.returncode, e2e.EXIT_INTERRUPTED, err)
            report = json.loads(out)
            self.assertGreater(report["calls"], 0)
            self.assertEqual((report["errors"], report["unfinished"]), (0, 0))

    def test_server_killed_in_mid_run(self) -> None:
        for method in STREAMS:
            with self.subTest(method):
                server = e2e.Server()
                bench = e2e.start(
                    "bench", "echo", server.address, "--method", method, "-c", "2", "-m", "5",
                    "-z", "10s", "--connect-timeout", "500ms", "--json",
                )  # fmt: skip
                e2e.let_run(bench, 0.7)
                begin = time.monotonic()
                server.kill()
                out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
                self.assertLess(time.monotonic() - begin, 8)
                self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
                self.assertGreaterEqual(json.loads(out)["errors"], 1)

    @e2e.once
    def test_a_server_that_does_otherwise(self) -> None:
        with wayward_server() as address:
            load = ["-c", "1", "-m", "2", "-n", "10", "--messages", "50", "--json"]
            for method, wrong in (
                ("EchoCollect", "another number of messages"),
                ("EchoExpand", "another number of messages"),
            ):
                done = self.assert_run(
                    "bench", "echo", address, "--method", method, *load, code=e2e.EXIT_FAILED
                )
                report = json.loads(done.stdout)
                self.assertEqual((report["calls"], report["wrong_replies"]), (10, 10))
                self.assertRegex(" ".join(report["warnings"]), wrong)
            done = self.assert_run("bench", "echo", address, "--method", "EchoStream", *load)
            report = json.loads(done.stdout)
            self.assertEqual((report["calls"], report["errors"]), (10, 0))
            self.assertIn("2 streams did not end", " ".join(report["warnings"]))

    def test_mistakes(self) -> None:
        for arguments, message in (
            (["--method", "EchoTwice"], "is none of Echo, EchoStream"),
            (["--messages", "5"], "Echo is no streaming method"),
            (["--method", "EchoStream", "--messages", "0"], "--messages"),
        ):
            self.assert_run(
                "bench", "echo", self.server.address, *arguments,
                code=e2e.EXIT_USAGE, stderr=message,
            )  # fmt: skip


class CallStreams(e2e.TestCase):
    def bench(self, *arguments: str, code: int = e2e.EXIT_OK) -> dict:
        return self.assert_json("bench", "call", *arguments, "-c", "1", "-m", "3", code=code)

    def test_each_kind(self) -> None:
        expand = '{"payload": "eHh4", "expandCount": 20}'
        with e2e.Server() as server:
            for check in ("status", "parse"):
                for method, data, messages in (
                    ("EchoStream", echo_message("one") + echo_message("two"), 60),
                    ("EchoCollect", echo_message("one"), 60 * 100),
                    ("EchoExpand", expand, 60 * 20),
                ):
                    report = self.bench(
                        server.address, f"{ECHO}/{method}", "-d", data, "-n", "60",
                        "--check-reply", check,
                    )  # fmt: skip
                    self.assertEqual((report["calls"], report["errors"]), (60, 0), method)
                    self.assertEqual(report["messages"], messages, method)
            report = self.bench(
                server.address, f"{ECHO}/EchoStream", "-d", '{"sequence": {{seq}}}', "-n", "60"
            )
            self.assertEqual((report["calls"], report["errors"]), (60, 0))

    def test_some_messages_of_a_stream_that_goes_on(self) -> None:
        expand = '{"expandCount": 1000000, "expandIntervalNs": 1000000}'
        with e2e.Server() as server:
            report = self.bench(
                server.address, f"{ECHO}/EchoExpand", "-d", expand, "-n", "6", "--messages", "5",
                "--proto", PROTO,
            )  # fmt: skip
            self.assertEqual((report["calls"], report["errors"]), (6, 0))
            self.assertEqual(report["messages"], 30)

    def test_wrong_replies_are_counted(self) -> None:
        with e2e.Server() as server:  # an echo tells the time, hence is never the same
            for method in ("EchoStream", "EchoCollect"):
                report = self.bench(
                    server.address, f"{ECHO}/{method}", "--check-reply", "same", "-n", "60",
                    code=e2e.EXIT_FAILED,
                )  # fmt: skip
                self.assertGreater(report["wrong_replies"], 0)
            self.assert_run(
                "bench", "call", server.address, f"{ECHO}/Echo", "--messages", "3",
                code=e2e.EXIT_USAGE, stderr="saker.echo.v1.Echo.Echo is no streaming method",
            )  # fmt: skip

    @e2e.once
    def test_replies_that_stay_the_same(self) -> None:
        with wayward_server() as address:
            report = self.bench(
                address, f"{ECHO}/EchoExpand", "-d", echo_message("one") + echo_message("two"),
                "--proto", PROTO, "--check-reply", "same", "-n", "60",
            )  # fmt: skip
            self.assertEqual((report["calls"], report["errors"]), (60, 0))


if __name__ == "__main__":
    e2e.main()
