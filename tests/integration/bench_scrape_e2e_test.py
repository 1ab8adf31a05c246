"""saker bench --server-metrics: what the server's process costs, by its metrics over HTTP, and servers that do not
tell."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import saker_e2e as e2e

Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


def cpu_text(seconds: float, more: str = "") -> bytes:
    return f"# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {seconds}\n{more}".encode()


def tell(handler: http.server.BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def metrics_server(answer: Answer) -> Iterator[str]:
    """Its URL; `answer` is given each request and its number, from 1."""
    lock = threading.Lock()
    asked = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            nonlocal asked
            with lock:
                asked += 1
                number = asked
            with contextlib.suppress(ConnectionError):
                answer(self, number)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


@e2e.once
class Scrape(e2e.TestCase):
    LOAD = ("-c", "2", "-m", "4", "--quiet")

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1", "--metrics", "127.0.0.1:0", listen=["127.0.0.1:0"])
        cls.addClassCleanup(cls.server.kill)
        cls.url = re.search(r"http://\S+", "\n".join(cls.server.ready_lines)).group(0)

    def bench(self, *arguments: str, **options: object) -> dict:
        return self.assert_json("bench", "echo", self.server.address, *self.LOAD, *arguments, **options)

    def total(self, name: str) -> float:
        text = urllib.request.urlopen(self.url, timeout=e2e.TIMEOUT_S).read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    # ---- servers that tell

    def test_figures_of_the_server(self) -> None:
        names = ("process_cpu_seconds_total", "process_context_switches_total", "exposer_scrapes_total")
        before = [self.total(name) for name in names]
        report = self.bench(
            "--rps", "500", "-z", "2500ms", "--warmup", "300ms", "--server-metrics", self.url
        )
        cpu, switches, scrapes = (self.total(name) - old for name, old in zip(names, before))
        server = report["server"]
        line = report["timeline"]
        self.assertEqual(report["warnings"], [w for w in report["warnings"] if "no figures" not in w])
        self.assertGreater(server["cpu_ns"], 0)
        self.assertLessEqual(server["cpu_ns"], cpu * 1e9 * 1.001)
        self.assertEqual(len(line["server_cpu_ns"]), len(line["calls"]))
        self.assertLessEqual(sum(line["server_cpu_ns"]), server["cpu_ns"])
        self.assertGreater(sum(line["server_cpu_ns"]), server["cpu_ns"] * 0.9)
        self.assertEqual(set(server["context_switches"]), {"voluntary", "involuntary"})
        self.assertGreater(sum(server["context_switches"].values()), 0)
        self.assertLessEqual(sum(server["context_switches"].values()), switches)
        self.assertGreater(server["peak_resident_bytes"], 1 << 20)
        # Ours among them: before, at the start, three meanwhile if nothing is slow, and at the end.
        self.assertGreaterEqual(scrapes, 4)
        self.assertLessEqual(scrapes, 20)

    def test_short_runs_have_them_too(self) -> None:
        report = self.bench("-n", "20000", "--server-metrics", self.url)
        self.assertGreater(report["server"]["cpu_ns"], 0)

    def test_flags(self) -> None:
        """What is asked for of the metrics may have a token in it."""
        report = self.bench("-n", "100", "--server-metrics", self.url + "?token=abc")
        for text in (report["environment"]["command"], report["environment"]["flags"]):
            self.assertIn(f" --server-metrics '{self.url}?...'", text)
        self.assertNotIn("token", json.dumps(report))

    def test_rounds(self) -> None:
        rounds = ("--server-metrics", self.url, "--round", "100ms")
        other = self.server.address.replace("127.0.0.1", "localhost")
        report = self.bench("--compare", other, "--rounds", "2", *rounds)
        for target in report["targets"]:
            self.assertEqual([cpu > 0 for cpu in target["rounds"]["server_cpu_ns"]], [True, True])
        self.bench("--find-max", "--assert", "errors==0", "--rps", "100", "--resolution", "50%", *rounds)

    def test_live(self) -> None:
        done = self.assert_run(
            "bench", "echo", self.server.address, "--rps", "200", "-z", "4s", "-c", "1",
            "--server-metrics", self.url,
        )  # fmt: skip
        self.assertRegex(done.stderr, r"(?m)^\ds .* client CPU \d+%  server CPU \d+%$")

    def test_a_server_that_tells_little(self) -> None:
        def answer(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            tell(handler, cpu_text(number * 0.25))

        with metrics_server(answer) as url:
            report = self.bench("-n", "1000", "--server-metrics", url)
        self.assertEqual(set(report["server"]), {"cpu_ns", "calls_per_core_second"})
        self.assertGreater(report["server"]["cpu_ns"], 0)

    def test_a_chunked_answer(self) -> None:
        def answer(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for byte in cpu_text(number, "process_resident_memory_bytes 4096\n"):
                handler.wfile.write(b"1\r\n%c\r\n" % byte)
            handler.wfile.write(b"0\r\n\r\n")

        with metrics_server(answer) as url:
            report = self.bench("-n", "1000", "--server-metrics", url)
        self.assertEqual(report["server"]["peak_resident_bytes"], 4096)

    # ---- servers that do not

    def test_before_the_run(self) -> None:
        def endless(handler: http.server.BaseHTTPRequestHandler, _: int) -> None:
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(b"x" * 65536 + b"\n")

        def slow(handler: http.server.BaseHTTPRequestHandler, _: int) -> None:
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(b"#")
                time.sleep(0.1)

        answers: list[tuple[Answer, str]] = [
            (lambda handler, _: tell(handler, b"", 404), "HTTP status 404"),
            (lambda handler, _: tell(handler, b"up 1\n"), "no process_cpu_seconds_total among"),
            (lambda handler, _: tell(handler, bytes(range(256)) * 64), "no metrics in Prometheus' text format"),
            (lambda handler, _: tell(handler, b"<html>up 1</html>"), "no metrics in Prometheus' text format"),
            (lambda handler, _: handler.wfile.write(b"\x00\r\n\r\n"), "no HTTP/1.1"),
            (lambda handler, _: handler.wfile.write(b"HTTP/1.1 200 OK\r\n"), "closed in the middle"),
            (endless, "more than 16 MiB"),
            (slow, "no whole answer within 5s"),
        ]
        with e2e.Server(listen=["127.0.0.1:0"]) as server:
            for answer, message in answers:
                with self.subTest(message), metrics_server(answer) as url:
                    self.refused(server.address, url, message)
            self.refused(server.address, f"http://{server.address}/", "no HTTP/1.1")
            with e2e.silent_server() as silent:
                self.refused(server.address, f"http://{silent}", "no whole answer within 5s")
            self.refused(server.address, f"http://{e2e.nobody()}", "nobody listens there")
            for url, message in (
                ("https://h:1/", "write http://HOST:PORT/metrics"),
                ("http://u:p@h:1/", "no user and password"),
                ("http://h:0/", "write http://HOST:PORT/metrics"),
            ):
                self.refused(server.address, url, message, lines=2)
            self.assert_run(
                "bench", "echo", server.address, "--server-metrics", self.url, "--server-pid", "1",
                code=e2e.EXIT_USAGE, stderr="--server-pid excludes --server-metrics",
            )  # fmt: skip
            self.assertEqual(server.stop(), 0)
            self.assertNotIn("OK", server.calls())

    def refused(self, address: str, url: str, message: str, lines: int = 1) -> None:
        """In one line, and where the flag itself is wrong with the hint that all flags have."""
        done = self.assert_run(
            "bench", "echo", address, "-n", "10", "--server-metrics", url, code=e2e.EXIT_USAGE, stderr=message
        )
        self.assertIn("--server-metrics", done.stderr)
        self.assertIn(url, done.stderr)
        self.assertEqual(done.stderr.count("\n"), lines, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_at_the_end(self) -> None:
        def gone(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            if number <= 2:
                return tell(handler, cpu_text(number))
            return tell(handler, b"", 503)

        def another(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            tell(handler, cpu_text(10 - number))

        def begun_later(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            tell(handler, cpu_text(number, f"process_start_time_seconds {1700000000 + number // 3 * 60}\n"))

        for answer, message in (
            (gone, "HTTP status 503"),
            (another, "another process answers than before"),
            (begun_later, "another process answers than before"),
        ):
            with self.subTest(message), metrics_server(answer) as url:
                report = self.bench("-z", "1200ms", "--rps", "200", "--server-metrics", url)
                warning = f"no figures of the server: {url}: {message}"
                self.assertEqual(len([w for w in report["warnings"] if w.startswith(warning)]), 1, report["warnings"])
                self.assertNotIn("server", report)
                self.assertNotIn("server_cpu_ns", report["timeline"])
                self.assertEqual(report["errors"], 0)

    def test_what_fails_meanwhile_is_left_out(self) -> None:
        def answer(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
            ends = number <= 3 or number >= 5
            tell(handler, cpu_text(number), 200 if ends else 500)

        with metrics_server(answer) as url:
            report = self.bench("-z", "2500ms", "--rps", "200", "--server-metrics", url)
        self.assertEqual([w for w in report["warnings"] if "no figures" in w], [])
        self.assertGreater(report["server"]["cpu_ns"], 1e9)


if __name__ == "__main__":
    e2e.main()
