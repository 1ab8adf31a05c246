"""saker bench: what it measures, what it prints, and how it ends."""

import json
import os
import pty
import re
import select
import signal
import time

import saker_e2e as e2e
import tls_case

SCHEMA = {
    "schema": str, "target": str, "transport": str, "method": str, "settings": dict,
    "duration_ns": int, "calls_per_second": float, "calls": int, "errors": int,
    "wrong_replies": int, "unfinished": int, "statuses": list, "bytes_sent": int,
    "bytes_received": int, "latency_ns": dict, "timeline": dict, "client": dict, "environment": dict,
    "warnings": list, "broken_assertions": list,
}  # fmt: skip
PERCENTILES = ("p50", "p90", "p99", "p99_9", "p99_99", "max", "mean")


class Bench(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)

    def bench(self, *arguments: str, code: int = 0) -> dict:
        return self.assert_json("bench", "echo", self.server.address, *arguments, code=code)

    # ---- the report

    def test_json(self) -> None:
        report = self.bench("-c", "3", "-m", "7", "-n", "5000", "--size", "1KiB", "--quiet")
        for key, kind in SCHEMA.items():
            self.assertIsInstance(report[key], kind, key)
        self.assertEqual(report["schema"], "saker.bench/1")
        self.assertEqual(report["target"], self.server.address)
        self.assertEqual(report["transport"], e2e.TRANSPORT.name)
        self.assertEqual(report["method"], "/saker.echo.v1.Echo/Echo")
        self.assertEqual(report["calls"], 5000)
        self.assertEqual((report["errors"], report["unfinished"]), (0, 0))
        self.assertEqual(report["statuses"], [{"name": "OK", "code": 0, "calls": 5000}])
        self.assertEqual(report["settings"]["connections"], 3)
        self.assertEqual(report["settings"]["streams_per_connection"], 7)
        self.assertEqual(report["settings"]["payload_bytes"], 1024)
        self.assertGreater(report["bytes_sent"], 5000 * 1024)
        self.assertGreater(report["bytes_received"], 5000 * 1024)
        for kind in ("corrected", "uncorrected"):
            latency = report["latency_ns"][kind]
            values = [latency[name] for name in ("min", "p50", "p90", "p99", "p99_9", "max")]
            self.assertEqual(values, sorted(values))
            self.assertGreater(latency["min"], 0)
            for name in PERCENTILES:
                self.assertIn(name, latency)
        rate = report["calls"] / report["duration_ns"] * 1e9
        self.assertAlmostEqual(report["calls_per_second"], rate, delta=rate / 1000)
        self.assertEqual(len(report["client"]["thread_cpu_ns"]), 1)
        self.assertGreater(report["client"]["thread_cpu_ns"][0], 0)
        for fact in (
            "saker", "compiler", "build", "kernel", "cpu", "cpus", "affinity", "command", "flags"
        ):  # fmt: skip
            self.assertTrue(report["environment"][fact], fact)

    def test_text(self) -> None:
        done = self.assert_run("bench", "echo", self.server.address, "-n", "1000")
        self.assertIn("1,000", done.stdout)
        self.assertIn("p99.99", done.stdout)

    @e2e.once
    def test_live_block_on_a_terminal(self) -> None:
        for quiet in ([], ["--quiet"]):
            master, slave = pty.openpty()
            process = e2e.subprocess.Popen(
                [e2e.SAKER, "bench", "echo", self.server.address, "--duration", "2500ms", *quiet],
                stdin=e2e.subprocess.DEVNULL,
                stdout=e2e.subprocess.DEVNULL,
                stderr=slave,
            )
            os.close(slave)
            text = b""
            while select.select([master], [], [], e2e.TIMEOUT_S)[0]:
                try:
                    text += os.read(master, 65536)
                except OSError:  # EIO: the other end has closed
                    break
            os.close(master)
            self.assertEqual(process.wait(e2e.TIMEOUT_S), 0)
            if quiet:
                self.assertEqual(text, b"")
            else:
                shown = text.decode()
                self.assertRegex(shown, r"\[#+\.+\] +\d+%  1s left")
                self.assertRegex(shown, r"last second +[\d,]+/s( +[\d.]+[num]?s){5}")
                self.assertRegex(shown, r"run +[\d,]+/s( +[\d.]+[num]?s){5}")
                self.assertRegex(shown, r"CPU: client \d+% \(run \d+%\)\x1b\[K")
                self.assertRegex(shown, r"[\d,]+ calls, 0 errors\x1b\[K")
                self.assertTrue(shown.endswith("\x1b[6A\r\x1b[J"))

    @e2e.once
    def test_lines_where_there_is_no_terminal(self) -> None:
        arguments = ("bench", "echo", self.server.address, "--rps", "100", "-z", "2500ms")
        lines = self.assert_run(*arguments).stderr.splitlines()
        self.assertGreaterEqual(len(lines), 1)
        for line in lines:
            self.assertRegex(line, r"^\d+s  [\d,]+/s((  (p[\d.]+|max) [\d.]+[num]?s){5})?  0 errors  client CPU \d+%$")
        self.assertEqual(self.assert_run(*arguments, "--quiet").stderr, "")
        with self.subTest("errors are named"):
            done = self.assert_run(*arguments, "--size", "5MiB", "--rps", "20", "-c", "1", "-m", "1", code=e2e.EXIT_FAILED)
            shown = r"^\d+s  .*[1-9]\d* errors? \(run: RESOURCE_EXHAUSTED [1-9]\d*\)  client CPU \d+%$"
            self.assertRegex(done.stderr, re.compile(shown, re.MULTILINE))

    # ---- the load

    def test_count_is_exact(self) -> None:
        for arguments in (
            ["-n", "1"],
            ["-n", "12345"],
            ["-c", "5", "-t", "3", "-m", "1", "--count", "1000"],
            ["-n", "3000", "--warmup", "200ms"],
            ["-n", "500", "--rps", "5000"],
            ["--connections", "3", "--threads", "3", "--streams", "100", "-n", "2"],
        ):
            with self.subTest(arguments=arguments):
                report = self.bench(*arguments)
                self.assertEqual(report["calls"], int(arguments[arguments.index("-n") + 1])
                                 if "-n" in arguments else 1000)  # fmt: skip

    def test_duration_and_warmup(self) -> None:
        begin = time.monotonic()
        report = self.bench("-z", "500ms", "--warmup", "500ms")
        self.assertGreaterEqual(time.monotonic() - begin, 1.0)
        self.assertGreaterEqual(report["duration_ns"], 250e6)  # the first turn may be late, the end is not
        self.assertLess(report["duration_ns"], 1400e6)
        self.assertEqual(report["settings"]["warmup_ns"], 500_000_000)
        self.assertEqual(report["unfinished"], 0)

    def test_open_loop(self) -> None:
        for arrivals in ("constant", "poisson"):
            with self.subTest(arrivals):
                report = self.bench(
                    "--rps", "2000", "--arrivals", arrivals, "-z", "1s", "-c", "4", "-t", "2",
                    "--warmup", "100ms",
                )  # fmt: skip
                self.assertEqual(report["settings"]["loop"], "open")
                self.assertEqual(report["settings"]["arrivals"], arrivals)
                tolerance = 1 if arrivals == "constant" else 300
                self.assertAlmostEqual(
                    report["calls"] + report["unfinished"], 2000, delta=tolerance
                )
                corrected = report["latency_ns"]["corrected"]["mean"]
                self.assertGreaterEqual(corrected, report["latency_ns"]["uncorrected"]["mean"])

    def test_open_loop_counts_from_the_schedule(self) -> None:
        """A server that stands still for 500 ms is seen in the corrected latencies."""
        latency = e2e.latency_over_a_stop()
        # One call in flight: only one sees the stop itself, some 25 wait because of it.
        self.assertGreater(latency["corrected"]["p90"], 100e6)
        self.assertLess(latency["uncorrected"]["p90"], 100e6)
        self.assertGreater(latency["uncorrected"]["max"], 300e6)

    @e2e.once
    def test_transports(self) -> None:
        listen = [f"unix:{self.directory}/s", f"unix-abstract:saker-bench-{os.getpid()}"]
        with e2e.Server(listen=listen) as server:
            for address in server.addresses:
                report = self.assert_json("bench", "echo", address, "-n", "1000")
                self.assertEqual((report["calls"], report["transport"]), (1000, "unix"))

    def test_large_payloads(self) -> None:
        report = self.bench("--size", "1MiB", "-c", "2", "-m", "2", "-n", "40")
        self.assertEqual((report["calls"], report["errors"]), (40, 0))

    def test_target_from_the_environment(self) -> None:
        env = {"SAKER_TARGET": self.server.address}
        self.assertEqual(self.assert_json("bench", "echo", "-n", "10", env=env)["calls"], 10)

    # ---- how it ends

    def test_assertions(self) -> None:
        good = ["--assert", "errors==0,p99<10s", "--assert", "calls>=1000"]
        self.assertEqual(self.bench("-n", "1000", *good)["broken_assertions"], [])
        report = self.bench(
            "-n", "1000", "--assert", "p50<1ns", "--assert", "calls==1000", code=e2e.EXIT_ASSERTION
        )
        self.assertEqual(len(report["broken_assertions"]), 1)
        self.assertTrue(report["broken_assertions"][0].startswith("p50<1ns broken"))
        done = self.assert_run(
            "bench", "echo", self.server.address, "-n", "10", "--assert", "rps>1000000000", code=99
        )
        self.assertIn("rps>1000000000 broken", done.stdout)

    def test_errors(self) -> None:
        too_large = ["--size", "5MiB", "-c", "1", "-m", "1", "-n", "3"]
        report = self.bench(*too_large, code=e2e.EXIT_FAILED)
        self.assertEqual((report["calls"], report["errors"]), (3, 3))
        self.assertEqual(report["statuses"][0]["name"], "RESOURCE_EXHAUSTED")
        self.assertIn("the first error: RESOURCE_EXHAUSTED", " ".join(report["warnings"]))
        self.bench(*too_large, "--assert", "errors<=3", code=0)
        self.bench(*too_large, "--assert", "errors<1%", code=e2e.EXIT_ASSERTION)

    def test_deadline(self) -> None:
        with e2e.Server() as server:
            bench = e2e.start(
                "bench", "echo", server.address, "-c", "1", "-m", "10", "-z", "4s",
                "--deadline", "200ms", "--json",
            )  # fmt: skip
            e2e.let_run(bench, 0.7)
            server.send_signal(signal.SIGSTOP)
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            server.send_signal(signal.SIGCONT)
        self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
        statuses = {status["name"] for status in json.loads(out)["statuses"]}
        self.assertEqual(statuses, {"OK", "DEADLINE_EXCEEDED"})

    def test_calls_that_hang_are_told_of(self) -> None:
        with e2e.Server() as server:
            bench = e2e.start(
                "bench", "echo", server.address, "-c", "1", "-m", "10", "-z", "5s", "--json"
            )
            e2e.let_run(bench, 0.7)
            server.send_signal(signal.SIGSTOP)
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            server.send_signal(signal.SIGCONT)
        self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
        report = json.loads(out)
        self.assertEqual((report["unfinished"], report["errors"]), (10, 0))
        self.assertIn("still in flight", " ".join(report["warnings"]))

    @e2e.once
    def test_requests_that_take_long_to_make(self) -> None:
        """The time begins when they are there: 800 MiB take far longer than the run."""
        flags = "-c", "1", "-m", "400", "--size", "2MiB", "-z", "50ms", "--json", "--quiet"
        done = e2e.run("bench", "echo", self.server.address, *flags)
        report = json.loads(done.stdout)
        self.assertGreaterEqual(report["calls"] + report["unfinished"], 400, done.stderr)

    @e2e.once
    def test_requests_that_do_not_fit(self) -> None:
        self.assert_run(
            "bench", "echo", self.server.address, "-c", "100", "-m", "100", "--size", "1GiB",
            code=e2e.EXIT_USAGE, stderr="10,000 calls of 1GiB take 19.5TiB of memory, and there are ",
        )  # fmt: skip

    def test_interrupt(self) -> None:
        bench = e2e.start("bench", "echo", self.server.address, "-t", "2", "-z", "1h", "--json")
        e2e.let_run(bench, 0.7)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, e2e.EXIT_INTERRUPTED, err)
        report = json.loads(out)
        self.assertGreater(report["calls"], 0)
        self.assertEqual((report["errors"], report["unfinished"]), (0, 0))

    def test_connect_timeout(self) -> None:
        with e2e.silent_server() as target:
            begin = time.monotonic()
            self.assert_run(
                "bench", "echo", target, "--connect-timeout", "300ms",
                code=e2e.EXIT_USAGE, stderr="0 of 10 connections",
            )  # fmt: skip
            self.assertLess(time.monotonic() - begin, 5)

    def test_server_killed_in_mid_run(self) -> None:
        for arguments in (["-z", "10s"], ["-n", "100000000"], ["--rps", "1000", "-z", "10s"]):
            with self.subTest(arguments=arguments):
                server = e2e.Server()
                bench = e2e.start(
                    "bench", "echo", server.address, "-c", "2", "-m", "10", "--json",
                    "--connect-timeout", "500ms", *arguments,
                )  # fmt: skip
                e2e.let_run(bench, 0.7)
                begin = time.monotonic()
                server.kill()
                out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
                report = json.loads(out)
                self.assertGreaterEqual(report["errors"], 1)
                self.assertLess(report["errors"], 5000, "no storm of calls that fail at once")
                self.assertIn("the server was away for 500ms", " ".join(report["warnings"]))

    def test_server_that_comes_back(self) -> None:
        address = e2e.nobody()
        server = e2e.Server(listen=[address])
        bench = e2e.start("bench", "echo", address, "-c", "2", "-z", "4s", "--json")
        e2e.let_run(bench, 0.7)
        server.kill()
        with e2e.Server(listen=[address]) as server:
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(bench.returncode, e2e.EXIT_FAILED, err)
            self.assertEqual(server.stop(), 0)
            self.assertGreater(server.calls()["OK"], 0)
        self.assertTrue(re.search("UNAVAILABLE", out))

    # ---- flags

    def test_rounds_of_a_comparison(self) -> None:
        compare = ("bench", "echo", "--compare", f"{self.server.address},{self.server.address}")
        for rounds in ("1", "10001", "x"):
            self.assert_run(
                *compare, "--rounds", rounds, code=e2e.EXIT_USAGE,
                stderr=f"--rounds: '{rounds}' is not a whole number from 2 to 10000",
            )  # fmt: skip
        # 10,000 is allowed: it begins, and is interrupted.
        bench = e2e.start(*compare, "--rounds", "10000", "--round", "100ms", "--json")
        e2e.let_run(bench, 1.5)
        bench.send_signal(signal.SIGINT)
        _, err = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, e2e.EXIT_INTERRUPTED, err)

    def test_key_version(self) -> None:
        sign = ("bench", "sign", self.server.address, "--algorithm", "ECDSA_P256_SHA256", "-n", "50", "--key", "ec-p256")
        report = self.assert_json(*sign, "--key-version", "1")
        self.assertEqual((report["calls"], report["errors"]), (50, 0))
        self.assert_refused(*sign, "--key-version", "2", stderr='NOT_FOUND: key "ec-p256" has no version 2')
        self.assert_run(*sign, "--key-version", "0", code=e2e.EXIT_USAGE, stderr="--key-version: ")

    def test_plaintext(self) -> None:
        self.assertEqual(self.bench("--plaintext", "-n", "50")["errors"], 0)
        self.assert_run("bench", "echo", self.server.address, "--plaintext", "--tls",
                        code=e2e.EXIT_USAGE, stderr="--plaintext excludes --tls")  # fmt: skip
        self.assert_refused("bench", "echo", self.server.address, "--tls", "-n", "1", "--connect-timeout", "1s",
                            stderr="the server speaks HTTP/2 without TLS")  # fmt: skip


class BenchTls(tls_case.TlsCase):
    SIGN = ("--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256")

    def commands(self, server: e2e.Server) -> list[list[str]]:
        return [
            ["bench", "echo", server.address, "-n", "50"],
            ["bench", "sign", server.address, "-n", "50", *self.SIGN],
            ["bench", "call", server.address, tls_case.ECHO, "-n", "50"],
        ]

    def test_trust(self) -> None:
        server = self.serve()
        for command in self.commands(server):
            with self.subTest(command[1]):
                for flags in (self.trust, ["--ca", str(self.ca / "ca.pem")], ["--tls", "--skip-verify"]):
                    report = self.assert_json(*command, *flags, "--server-name", "localhost")
                    self.assertEqual((report["calls"], report["errors"]), (50, 0))
                soon = ("--connect-timeout", "2s")
                for flags in (["--tls"], [*self.trust, "--server-name", "other.example"]):
                    self.assert_refused(*command, *flags, *soon, stderr="TLS")
        self.assert_refused("bench", "echo", server.address, "--ca", f"{self.directory}/none",
                            stderr="/none: No such file or directory")  # fmt: skip

    def test_own_certificate(self) -> None:
        server = self.serve_mutual()
        pem, key = str(self.ca / "client.pem"), str(self.ca / "client.key")
        for command in self.commands(server):
            with self.subTest(command[1]):
                report = self.assert_json(*command, *self.client)
                self.assertEqual((report["calls"], report["errors"]), (50, 0))
                self.assert_refused(*command, *self.trust, "--connect-timeout", "2s", stderr="TLS")
        # With `sign`, --key is the key that signs.
        for command in self.commands(server)[::2]:
            report = self.assert_json(*command, *self.trust, "--cert", pem, "--key", key)
            self.assertEqual(report["errors"], 0)
        echo = self.commands(server)[0]
        self.assert_run(*echo, "--cert", pem, code=e2e.EXIT_USAGE, stderr="--tls-cert requires --tls-key")
        self.assert_refused(*echo, *self.trust, "--tls-cert", f"{self.directory}/none", "--tls-key", key,
                            stderr="/none: No such file or directory")  # fmt: skip


if __name__ == "__main__":
    e2e.main()
