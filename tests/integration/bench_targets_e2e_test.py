"""saker bench --compare: the same load to several targets in rounds that take turns."""

from __future__ import annotations

import csv
import io
import json
import signal

import saker_e2e as e2e


class Targets(e2e.TestCase):
    QUICK = ("--round", "200ms", "--rounds", "3", "-c", "2", "-m", "4", "--quiet")

    @classmethod
    def setUpClass(cls) -> None:
        listen = [e2e.TRANSPORT.listen(), e2e.TRANSPORT.listen()]
        cls.server = e2e.Server("--threads", "1", listen=listen)
        cls.addClassCleanup(cls.server.kill)
        cls.addresses = ",".join(cls.server.addresses)

    def compare(self, *arguments: str, **options: object) -> dict:
        return self.assert_json(
            "bench", "echo", "--compare", self.addresses, *self.QUICK, *arguments, **options
        )

    def test_rounds_take_turns(self) -> None:
        pid = str(self.server.process.pid)
        report = self.compare("--server-pid", pid)
        self.assertEqual(report["schema"], "saker.bench.targets/1")
        self.assertEqual([t["target"] for t in report["targets"]], self.server.addresses)
        for target in report["targets"]:
            rounds = target["rounds"]
            self.assertEqual({len(column) for column in rounds.values()}, {3})
            self.assertEqual(sum(rounds["calls"]), target["calls"])
            self.assertEqual(target["corrected_latency_ns"]["count"], target["calls"])
            self.assertEqual(target["errors"], 0)
            self.assertGreater(target["duration_ns"], 0.3e9)
            self.assertLess(target["duration_ns"], 6e9)
        first, second = report["targets"]
        self.assertNotIn("beside_first", first)
        ratios = {ratio["figure"]: ratio for ratio in second["beside_first"]}
        self.assertEqual(
            list(ratios), ["rate", "p50", "p99", "p99.9", "client CPU", "server CPU"]
        )
        for ratio in ratios.values():
            low, high = ratio["interval_95"]
            self.assertLessEqual(low, ratio["ratio"] * 1.0001)
            self.assertGreaterEqual(high, ratio["ratio"] * 0.9999)
        pairs = zip(first["rounds"]["calls_per_second"], second["rounds"]["calls_per_second"])
        product = 1.0
        for one, other in pairs:
            product *= other / one
        self.assertAlmostEqual(ratios["rate"]["ratio"], product ** (1 / 3), places=6)

    def test_open_loop_and_other_commands(self) -> None:
        report = self.compare("--rps", "500")
        for target in report["targets"]:
            for calls, rate in zip(target["rounds"]["calls"], target["rounds"]["calls_per_second"]):
                self.assertAlmostEqual(calls, 100, delta=1)
                self.assertGreater(rate, 50)  # the last reply may be late
                self.assertLess(rate, 560)
        self.assertEqual(report["settings"]["intended_rate"], 500)
        report = self.assert_json(
            "bench", "call", "--compare", self.addresses, "saker.echo.v1.Echo/EchoStream",
            *self.QUICK,
        )  # fmt: skip
        self.assertEqual(report["method"], "/saker.echo.v1.Echo/EchoStream")
        report = self.assert_json(
            "bench", "sign", "--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256",
            "--compare", self.addresses, *self.QUICK,
        )
        self.assertEqual(len(report["targets"]), 2)

    def test_forms(self) -> None:
        path = self.directory / "targets.json"
        text = self.assert_run(
            "bench", "echo", "--compare", self.addresses, *self.QUICK, "-o", str(path)
        ).stdout
        first, second = self.server.addresses
        self.assertIn(f"\n  {second} beside {first}\n", text)
        self.assertRegex(text, r"\n  rate +\d\.\d{3} +\d\.\d{3} \.\. \d+\.\d{3}\n")
        self.assertEqual(self.assert_run("bench", "report", str(path)).stdout, text)
        table = self.assert_run("bench", "report", str(path), "--format", "csv").stdout
        rows = list(csv.DictReader(io.StringIO(table)))
        self.assertEqual([row["target"] for row in rows], [first] * 3 + [second] * 3)
        self.assertEqual([row["round"] for row in rows], ["1", "2", "3"] * 2)
        page = self.assert_run("bench", "report", str(path), "--format", "html").stdout
        self.assertEqual(e2e.document_of(page), json.loads(path.read_text()))

    def test_target_is_the_first(self) -> None:
        first, second = self.server.addresses
        for arguments, env in (([first], None), ([], {"SAKER_TARGET": first})):
            report = self.assert_json(
                "bench", "echo", *arguments, "--compare", second, *self.QUICK, env=env
            )
            self.assertEqual([t["target"] for t in report["targets"]], [first, second])

    @e2e.once
    def test_several_transports(self) -> None:
        listen = ["127.0.0.1:0", f"unix:{self.directory}/a,b.sock"]
        with e2e.Server("--threads", "1", listen=listen) as server:
            report = self.assert_json(
                "bench", "echo", "--compare", ",".join(server.addresses), *self.QUICK
            )
        self.assertEqual([t["transport"] for t in report["targets"]], ["tcp", "unix"])
        # At full speed the generator may well be the bottleneck, and says so.
        others = [text for text in report["warnings"] if "bottleneck" not in text]
        self.assertEqual(others, [])

    def test_assertions_are_about_all_rounds_of_a_target(self) -> None:
        report = self.compare("--assert", "p50<1ns,errors==0", code=e2e.EXIT_ASSERTION)
        for target in report["targets"]:
            (broken,) = target["broken_assertions"]
            self.assertIn("p50<1ns broken", broken)

    @e2e.once
    def test_all_targets_must_be_there(self) -> None:
        nobody = e2e.nobody()
        done = self.assert_run(
            "bench", "echo", self.server.address, "--compare", nobody, *self.QUICK,
            "--connect-timeout", "300ms", code=e2e.EXIT_USAGE, stderr=nobody,
        )  # fmt: skip
        self.assertEqual(done.stderr.count("\n"), 1)

    @e2e.once
    def test_ended_early(self) -> None:
        for kill in (False, True):
            other = e2e.Server("--threads", "1")
            bench = e2e.start(
                "bench", "echo", self.server.address, "--compare", other.address, "--json",
                "--round", "300ms", "--rounds", "1000", "--rps", "10", "--connect-timeout", "500ms",
            )  # fmt: skip
            e2e.let_run(bench, 2)
            if kill:
                other.kill()
            else:
                bench.send_signal(signal.SIGINT)
            out, err = bench.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(
                bench.returncode, e2e.EXIT_FAILED if kill else e2e.EXIT_INTERRUPTED, err
            )
            warnings = " ".join(json.loads(out)["warnings"])
            self.assertIn("the rounds ended before their time", warnings)
            self.assertIn(other.address if kill else "interrupted", warnings)
            other.kill()


if __name__ == "__main__":
    e2e.main()
