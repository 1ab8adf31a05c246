"""SIGTERM in the middle of load: no accepted call is lost, and nothing waits longer than it must."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import saker_e2e as e2e


class Drain(e2e.TestCase):
    def test_no_call_of_our_client_is_lost(self) -> None:
        for threads in ("1", "2"):
            with e2e.Server("--threads", threads) as server:
                bench = e2e.start(
                    "bench", "echo", server.address, "-c", "4", "-m", "50", "-z", "20s",
                    "--connect-timeout", "1s", "--json",
                )  # fmt: skip
                e2e.let_run(bench, 1.0)
                self.assertEqual(server.stop(), 0, server.stderr)
                out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
            report = json.loads(out)
            statuses = {status["name"]: status["calls"] for status in report["statuses"]}
            self.assertGreater(statuses["OK"], 100)
            # What the server handled is what the client was told.
            self.assertEqual(server.calls(), {"OK": statuses["OK"]})
            self.assertEqual(set(statuses), {"OK", "UNAVAILABLE"})
            self.assertEqual(report["wrong_replies"], 0)
            self.assertIn("the server was away", " ".join(report["warnings"]))

    @e2e.once
    @unittest.skipUnless(shutil.which("h2load"), "no h2load (nghttp2-client)")
    def test_no_call_of_h2load_is_lost(self) -> None:
        body = self.write("body", b"\0\0\0\0\x12\x0a\x10" + b"0123456789abcdef")
        with e2e.Server("--threads", "1") as server:
            load = subprocess.Popen(
                ["h2load", "-n", "50000000", "-c", "10", "-m", "100", "-d", body,
                 "-H", "content-type: application/grpc", "-H", "te: trailers",
                 f"http://{server.address}/saker.echo.v1.Echo/Echo"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            time.sleep(2.0)  # it has connected and is at it
            self.assertEqual(server.stop(), 0, server.stderr)
            out, _ = load.communicate(timeout=e2e.TIMEOUT_S)
        found = re.search(r"(\d+) succeeded", out)
        self.assertIsNotNone(found, out)
        succeeded = int(found.group(1))
        self.assertGreater(succeeded, 100)
        self.assertEqual(server.calls(), {"OK": succeeded})

    def test_a_stream_in_flight_is_waited_for(self) -> None:
        with e2e.Server() as server:
            client = e2e.start_stream(server.address, 40, "100ms")
            begin = time.monotonic()
            self.assertEqual(server.stop(), 0, server.stderr)
            self.assertGreater(time.monotonic() - begin, 0.5)
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(client.returncode, 0, out + err)
        self.assertIn("40 ok", out)

    def test_drain_timeout(self) -> None:
        with e2e.Server("--drain-timeout", "300ms") as server:
            client = e2e.start_stream(server.address, 1000, "100ms")
            begin = time.monotonic()
            self.assertEqual(server.stop(), 0, server.stderr)
            self.assertLess(time.monotonic() - begin, 5)
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(client.returncode, e2e.EXIT_FAILED, out + err)
        self.assertIn("UNAVAILABLE", err)

    def test_no_new_connections(self) -> None:
        with e2e.Server() as server:
            client = e2e.start_stream(server.address, 15, "100ms")
            server.send_signal()
            self.assertTrue(e2e.eventually(lambda: "draining" in server.stderr))
            self.assertTrue(e2e.eventually(lambda: self.is_refused(server)))
            client.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(client.returncode, 0)
            self.assertEqual(server.wait(), 0)

    def is_refused(self, server: e2e.Server) -> bool:
        try:
            server.connect().close()
        except ConnectionError:
            return True
        return False

    def test_idle_and_silent_connections_are_not_waited_for(self) -> None:
        with e2e.Server() as server:
            with server.connect():
                self.assert_run("echo", server.address)
                begin = time.monotonic()
                self.assertEqual(server.stop(signal.SIGINT), 0)
                self.assertLess(time.monotonic() - begin, 8)

    def test_a_second_signal_ends_at_once(self) -> None:
        # Whoever ends at once joins no thread, and ThreadSanitizer need not complain of it.
        tsan_options = os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"
        server = e2e.Server("--drain-timeout", "1h", env={"TSAN_OPTIONS": tsan_options})
        client = e2e.start_stream(server.address, 1000, "100ms")
        server.send_signal()
        self.assertTrue(e2e.eventually(lambda: "draining" in server.stderr))
        self.assertEqual(server.stop(), e2e.EXIT_INTERRUPTED)
        client.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(client.returncode, e2e.EXIT_FAILED)

    @e2e.once
    def test_nothing_is_left_behind(self) -> None:
        path = self.directory / "s.sock"
        with e2e.Server(listen=[f"unix:{path}"]) as server:
            self.assertTrue(path.exists())
            descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
            for _ in range(20):
                self.assert_run("echo", server.address)
            self.assertTrue(
                e2e.eventually(
                    lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) == descriptors
                )
            )
            self.assertEqual(server.stop(), 0)
        self.assertFalse(path.exists())


if __name__ == "__main__":
    e2e.main()
