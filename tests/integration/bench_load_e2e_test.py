"""saker bench: rates that change, and the search for the highest one."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time

import saker_e2e as e2e


class SlowProxy:
    """Passes connections on to a server; what clients send, it keeps for 5 ms a piece."""

    DELAY_S = 0.005

    def __init__(self, server: e2e.Server) -> None:
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.accept)]

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = self.server.connect()
            self.sockets += [client, server]
            for source, sink, delay in ((client, server, self.DELAY_S), (server, client, 0.0)):
                thread = threading.Thread(target=self.relay, args=(source, sink, delay))
                self.threads.append(thread)
                thread.start()

    def relay(self, source: socket.socket, sink: socket.socket, delay: float) -> None:
        try:
            while piece := source.recv(65536):
                time.sleep(delay)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self) -> str:
        self.threads[0].start()
        return e2e.tcp_address_of(self.listener)

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.threads[0].join()
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads[1:]:
            thread.join()
        for each in self.sockets:
            each.close()


class Load(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)

    def bench(self, *arguments: str, code: int = 0) -> dict:
        return self.assert_json("bench", "echo", self.server.address, *arguments, code=code)


class Schedule(Load):
    PLAN = "ramp 100..500 1s; hold 500ms; step 200,600 500ms"
    CALLS = (300, 250, 100, 300)

    def test_phases(self) -> None:
        for more in (["-t", "1"], ["-t", "3", "-c", "3"], ["-t", "2", "--warmup", "300ms"]):
            with self.subTest(more):
                report = self.bench("--schedule", self.PLAN, *more)
                phases = report["phases"]
                names = [phase["phase"] for phase in phases]
                self.assertEqual(names, ["ramp 100..500", "hold 500", "step 200", "step 600"])
                for phase, calls in zip(phases, self.CALLS):
                    self.assertAlmostEqual(phase["calls"] + phase["unfinished"], calls, delta=1)
                    rate = calls / phase["duration_ns"] * 1e9
                    self.assertAlmostEqual(phase["offered_rate"], rate, delta=3)
                    self.assertGreater(phase["achieved_rate"], 0)
                    self.assertEqual(phase["errors"], 0)
                    latency = phase["corrected_latency_ns"]
                    values = [latency[name] for name in ("p50", "p99", "p99_9", "max")]
                    self.assertEqual(values, sorted(values))
                    self.assertEqual(latency["count"], phase["calls"])
                begins = [phase["begin_ns"] / 1e9 for phase in phases]
                self.assertEqual(begins, [0, 1, 1.5, 2])
                self.assertAlmostEqual(report["calls"] + report["unfinished"], 950, delta=1)
                self.assertEqual(report["calls"], sum(phase["calls"] for phase in phases))
                self.assertEqual(report["settings"]["schedule"], self.PLAN)
                self.assertEqual(report["settings"]["loop"], "open")
                self.assertAlmostEqual(report["settings"]["intended_rate"], 380)

    def test_poisson(self) -> None:
        report = self.bench(
            "--schedule", "step 200,2k 500ms", "--arrivals", "poisson", "-t", "2", "-c", "2"
        )
        for phase, calls in zip(report["phases"], (100, 1000)):
            self.assertAlmostEqual(phase["calls"], calls, delta=6 * calls**0.5)

    def test_text(self) -> None:
        done = self.assert_run(
            "bench", "echo", self.server.address, "--schedule", "ramp 0..1k 500ms; hold 500ms"
        )
        self.assertRegex(done.stdout, r"open loop at 750 calls/s on average")
        self.assertRegex(done.stdout, r"\n  phase +length +offered/s +achieved/s +p50 ")
        self.assertRegex(done.stdout, r"\n  ramp 0\.\.1k +500ms +500 +\d+ ")
        self.assertRegex(done.stdout, r"\n  hold 1k +500ms +1,000 +")

    def test_a_server_that_falls_behind_is_seen_where_it_did(self) -> None:
        """It stands still at the end of the first phase, so that the second one has its calls."""
        with e2e.Server("--threads", "1") as server:
            bench = e2e.start(
                "bench", "echo", server.address, "--schedule", "hold 100 3s; hold 4s", "--json"
            )
            e2e.let_run(bench, 0.7)
            server.send_signal(signal.SIGSTOP)
            time.sleep(3.3)
            server.send_signal(signal.SIGCONT)
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, 0, err)
        first, second = json.loads(out)["phases"]
        self.assertAlmostEqual(first["offered_rate"], 100, delta=1)
        self.assertLess(first["achieved_rate"], 90)
        self.assertGreater(second["achieved_rate"], 101)
        self.assertGreater(first["corrected_latency_ns"]["max"], 500e6)

    def test_an_interrupted_one_has_the_phases_that_it_saw(self) -> None:
        bench = e2e.start(
            "bench", "echo", self.server.address, "--schedule", "hold 100 1h; hold 200 1h", "--json"
        )
        e2e.let_run(bench, 0.7)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, e2e.EXIT_INTERRUPTED, err)
        (phase,) = json.loads(out)["phases"]
        self.assertLess(phase["duration_ns"], 60e9)
        self.assertGreater(phase["calls"], 0)


@e2e.once
class FindMax(Load):
    QUICK = ("--find-max", "--round", "200ms", "--resolution", "20%")

    def test_a_limit_that_is_known(self) -> None:
        """One call in flight that takes 5 ms: there is no more than 200 a second."""
        with SlowProxy(self.server) as address:
            report = self.assert_json(
                "bench", "echo", address, *self.QUICK, "--rps", "50", "-c", "1", "-m", "1",
                "--assert", "errors==0,p50<60ms",
            )  # fmt: skip
        self.assertEqual(report["schema"], "saker.bench.find-max/1")
        self.assertGreater(report["knee_rate"], 0)
        self.assertLess(report["knee_rate"], 250)
        self.assertGreater(report["first_broken_rate"], report["knee_rate"])
        self.assertLessEqual(report["first_broken_rate"], report["knee_rate"] * 1.2 + 1)
        rates = [row["rate"] for row in report["curve"]]
        self.assertEqual(rates, sorted(rates))
        rows = {row["rate"]: row for row in report["curve"]}
        self.assertTrue(rows[report["knee_rate"]]["holds"])
        broken = rows[report["first_broken_rate"]]
        self.assertFalse(broken["holds"])
        self.assertTrue(broken["why_broken"])
        for row in report["curve"]:
            self.assertIn(row["rounds"], (2, 3))
            self.assertGreater(row["achieved_rate"], 0)
            self.assertGreater(row["corrected_latency_ns"]["p99"], 0)
        self.assertEqual(report["assertions"], ["errors==0", "p50<60ms"])
        self.assertEqual(report["settings"]["round_ns"], 200_000_000)

    def test_text(self) -> None:
        done = self.assert_run(
            "bench", "echo", self.server.address, *self.QUICK, "--rps", "2k", "-m", "4",
            "--assert", "p99<10s,errors==0",
        )  # fmt: skip
        self.assertIn("search for the highest rate", done.stdout)
        self.assertIn("with p99<10s, errors==0", done.stdout)
        self.assertRegex(done.stdout, r"\n +rate +achieved/s +p50 +p99 +p99.9  verdict\n")
        self.assertRegex(done.stdout, r"\n  highest rate  [\d,.]+ calls/s; [\d,.]+ does not hold\n")

    def test_forms(self) -> None:
        path = self.directory / "knee.json"
        limits = ("--rps", "500", "-m", "4", "--assert", "p99<10s,errors==0")
        quick = ("--find-max", "--round", "100ms", "--resolution", "50%")
        text = self.assert_run(
            "bench", "echo", self.server.address, *quick, *limits, "-o", str(path)
        ).stdout
        report = json.loads(path.read_text())
        of_file = self.assert_run("bench", "report", str(path)).stdout
        self.assertEqual(of_file, text)
        csv = self.assert_run("bench", "report", str(path), "--format", "csv").stdout
        self.assertEqual(len(csv.splitlines()), len(report["curve"]) + 1)
        page = self.assert_run("bench", "report", str(path), "--format", "html").stdout
        self.assertIn("Rates that were tried", page)
        self.assertEqual(e2e.document_of(page), report)
        self.assert_run(
            "bench", "report", str(path), "--format", "ghz",
            code=e2e.EXIT_USAGE, stderr="it has the forms text, json, csv or html only",
        )  # fmt: skip
        self.assert_run(
            "bench", "compare", str(path), str(path),
            code=e2e.EXIT_USAGE, stderr="a report of schema saker.bench.find-max/1",
        )  # fmt: skip

    def test_nothing_holds(self) -> None:
        report = self.bench(*self.QUICK, "--assert", "p50<1ns", code=e2e.EXIT_ASSERTION)
        self.assertIsNone(report["knee_rate"])
        self.assertAlmostEqual(report["first_broken_rate"], 1000 / 64)
        self.assertEqual(len(report["curve"]), 7)
        self.assertIn("p50<1ns broken", report["curve"][0]["why_broken"])

    def test_the_generator_says_that_it_is_the_limit(self) -> None:
        report = self.bench(
            *self.QUICK, "--rps", "50k", "--resolution", "50%", "--assert", "errors==0,p99<1s"
        )
        broken = [r for r in report["curve"] if r["rate"] == report["first_broken_rate"]][0]
        warned = any("the generator was the limit" in text for text in report["warnings"])
        self.assertEqual(broken["generator_limited"], warned)

    def test_interrupt(self) -> None:
        bench = e2e.start(
            "bench", "echo", self.server.address, "--find-max", "--assert", "errors==0", "--json",
            "--round", "500ms", "--rps", "10",
        )  # fmt: skip
        e2e.let_run(bench, 2)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, e2e.EXIT_INTERRUPTED, err)
        if out:  # a round had ended
            self.assertIn("interrupted", " ".join(json.loads(out)["warnings"]))

    def test_a_server_that_goes_away(self) -> None:
        server = e2e.Server()
        bench = e2e.start(
            "bench", "echo", server.address, "--find-max", "--assert", "errors==0", "--json",
            "--round", "300ms", "--rps", "10", "--connect-timeout", "500ms",
        )  # fmt: skip
        e2e.let_run(bench, 2)
        server.kill()
        out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertIn(bench.returncode, (e2e.EXIT_FAILED, e2e.EXIT_USAGE), err)
        if bench.returncode == e2e.EXIT_FAILED:
            self.assertIn("before its time", " ".join(json.loads(out)["warnings"]))


if __name__ == "__main__":
    e2e.main()
