"""What every report of saker bench says of itself: versions, machine, pinning, all flags, and what the run
cost both ends, in each form that has room for it."""

from __future__ import annotations

import json
import os
import re

import saker_e2e as e2e
import tls_case

ENDS = ("client", "server")


@e2e.once
class Facts(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)
        cls.pid = str(cls.server.process.pid)

    def run_bench(self, command: str, *arguments: str) -> tuple[dict, str]:
        """The document, and the text beside it."""
        path = self.directory / "run.json"
        text = self.assert_run(
            "bench", command, self.server.address, "-o", str(path), "--quiet", *arguments
        ).stdout
        return json.loads(path.read_text()), text

    def convert(self, form: str) -> str:
        return self.assert_run("bench", "report", f"{self.directory}/run.json", "--format", form).stdout

    def check_text(self, text: str, report: dict) -> None:
        facts = report["environment"]
        words = re.sub(r"\s+", " ", text)
        self.assertIn(f" with saker {facts['saker']} (", words)
        for name in ("build", "compiler", "protobuf", "openssl", "kernel", "cpu"):
            self.assertIn(facts[name], words)
        self.assertIn(f"CPUs {facts['affinity']} of {facts['cpus']} flags {facts['flags']}", words)

    def check_load(self, load: dict, calls: int) -> None:
        rate = calls / load["cpu_ns"] * 1e9
        self.assertAlmostEqual(load["calls_per_core_second"], rate, delta=rate / 1000)
        self.assertEqual(set(load["context_switches"]), {"voluntary", "involuntary"})
        self.assertGreater(load["peak_resident_bytes"], 1 << 20)
        self.assertLess(load["peak_resident_bytes"], 1 << 36)

    # ---- forms

    def test_run(self) -> None:
        report, text = self.run_bench("echo", "-z", "300ms", "--server-pid", self.pid)
        self.check_text(text, report)
        for end in ENDS:
            self.check_load(report[end], report["calls"])
            rate = f"{round(report[end]['calls_per_core_second']):,} calls a core-second"
            self.assertRegex(text, rf"(?m)^  {end} CPU .*, {rate}$")
            switches = report[end]["context_switches"]
            self.assertRegex(
                text,
                rf"(?m)^  {end} memory .*B   at most, waited {switches['voluntary']:,} times?, "
                rf"preempted {switches['involuntary']:,} times?$",
            )
        self.assertEqual(self.convert("text"), text)
        for form in ("hgrm", "hdr-log"):
            lines = self.convert(form).splitlines()
            for name, value in report["environment"].items():
                self.assertIn(f"#[{name}: {value}]", lines)

    def test_pinning(self) -> None:
        cpu = min(os.sched_getaffinity(0))
        whole = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        self.addCleanup(os.sched_setaffinity, 0, whole)
        report, text = self.run_bench("echo", "-n", "100")
        self.assertEqual(report["environment"]["affinity"], str(cpu))
        self.assertIn(f", CPUs {cpu} of ", text)

    def test_find_max(self) -> None:
        report, text = self.run_bench(
            "echo", "-c", "1", "-m", "1", "--find-max", "--rps", "500", "--round", "100ms",
            "--resolution", "50%", "--assert", "p50<10s", "--server-pid", self.pid,
        )  # fmt: skip
        self.check_text(text, report)
        self.assertIn(
            "--find-max --round 100ms --resolution 50% --rps 500 --arrivals constant",
            report["environment"]["flags"],
        )
        for point in report["curve"]:
            for end in ENDS:
                self.check_load(point[end], point["calls"])
        for end in ENDS:
            self.assertRegex(text, rf"(?m)^  {end} +[\d.]+m?s +[\d,]+ +[\d.]+MiB +[\d,]+ +[\d,]+$")
        self.assertEqual(self.convert("text"), text)

    def test_compare(self) -> None:
        address = self.server.address
        report, text = self.run_bench(
            "echo", "--compare", f"{address},{address}", "--round", "100ms", "--rounds", "2",
            "--server-pid", self.pid, "--assert", "p50<10s",
        )  # fmt: skip
        self.check_text(text, report)
        self.assertIn(
            f"--compare {address},{address} --round 100ms --rounds 2", report["environment"]["flags"]
        )
        self.assertIn("--assert 'p50<10s'", report["environment"]["flags"])
        for target in report["targets"]:
            for end in ENDS:
                self.check_load(target[end], target["calls"])
                self.assertIn(f"  {address} {end} ", text)
        self.assertEqual(self.convert("text"), text)

    # ---- flags

    def flags_of(self, command: str, *arguments: str) -> str:
        return self.run_bench(command, *arguments)[0]["environment"]["flags"]

    def test_flags(self) -> None:
        config = self.write("config.json", "{}")
        self.assertEqual(
            self.flags_of("echo", "-n", "10"),
            "-c 10 -m 100 -t 1 -n 10 --method Echo --size 16 --connect-timeout 10s",
        )
        given = (
            "-c 2 -m 3 -t 2 -z 200ms --rps 500 --arrivals poisson --warmup 10ms --method EchoStream --size 5 "
            f"--messages 4 --balance round_robin --service-config {config} --deadline 9s --connect-timeout 8s "
            f"--busy-poll 1us --churn 50 --churn-every 7s --assert 'errors==0,p99<10s' --server-pid {self.pid}"
        )
        self.assertEqual(self.flags_of("echo", *given.replace("'", "").split()), given)
        flags = self.flags_of("echo", "--schedule", "hold 100 100ms")
        self.assertIn(" --schedule 'hold 100 100ms' --arrivals constant ", flags)

    def test_flags_of_sign(self) -> None:
        flags = self.flags_of(
            "sign", "--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256", "-n", "10", "--verify-every", "3"
        )
        self.assertIn(" -n 10 --algorithm ECDSA_P256_SHA256 --key ec-p256 --verify-every 3 ", flags)
        flags = self.flags_of("sign", "--mix", "ECDSA_P256_SHA256@ec-p256=7", "-n", "10")
        self.assertIn(" --mix ECDSA_P256_SHA256@ec-p256=7 --verify-every 1 ", flags)

    def test_flags_of_call(self) -> None:
        method = "saker.echo.v1.Echo/Echo"
        flags = self.flags_of("call", method, "-d", '{"sequence": 1}', "-n", "10", "--check-reply", "parse")
        self.assertIn(f" -n 10 {method} -d '{{\"sequence\": 1}}' --check-reply parse ", flags)
        flags = self.flags_of("call", method, "-d", '{"payload": "' + 400 * "A" + '"}', "-n", "10")
        self.assertRegex(flags, r"A{100,}\.\.\.' --check-reply status ")


@e2e.once
class FactsOfTls(tls_case.TlsCase):
    def test_flags(self) -> None:
        server = self.serve()
        report = self.assert_json(
            "bench", "echo", server.address, "-n", "10", "--ca", str(self.own / "ca.pem"), "--server-name", "localhost"
        )
        self.assertRegex(report["transport"], r"\+tls$")
        self.assertIn(
            f" --tls --ca {self.own}/ca.pem --server-name localhost ", report["environment"]["flags"]
        )
        report = self.assert_json("bench", "echo", server.address, "-n", "10", "--skip-verify")
        self.assertIn(" --tls --skip-verify ", report["environment"]["flags"])


if __name__ == "__main__":
    e2e.main()
