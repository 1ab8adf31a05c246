"""saker bench report and compare: every form of a report, read by others' rules, and what is refused."""

from __future__ import annotations

import base64
import csv
import io
import json
import pathlib
import re
import struct
import zlib

import saker_e2e as e2e

FORMS = ("text", "json", "csv", "hgrm", "hdr-log", "ghz", "html")


def zigzag_numbers(data: bytes) -> list[int]:
    """LEB128 as HdrHistogram writes it: the ninth byte has eight bits."""
    numbers = []
    value = length = 0
    for byte in data:
        if length == 8:
            value |= byte << 56
        else:
            value |= (byte & 0x7F) << (7 * length)
            length += 1
            if byte & 0x80:
                continue
        numbers.append((value >> 1) ^ -(value & 1))
        value = length = 0
    return numbers


def hdr_counts(text: str) -> list[int]:
    """The counters of HdrHistogram's compressed V2 form, each at its index."""
    packed = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack_from(">II", packed)
    assert cookie == 0x1C849314 and length == len(packed) - 8, (hex(cookie), length)
    plain = zlib.decompress(packed[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack_from(">IIIIQQd", plain)
    assert (cookie, length) == (0x1C849313, len(plain) - 40)
    assert (offset, digits, lowest, highest, ratio) == (0, 3, 1, 2**42 - 1, 1.0)
    counts: list[int] = []
    for number in zigzag_numbers(plain[40:]):
        counts += [0] * -number if number < 0 else [number]
    return counts


def hdr_percentile(counts: list[int], percent: int) -> int:
    """The highest value of the bucket that holds it, by HdrHistogram's layout of 2,048 sub-buckets."""
    wanted = max(1, -(-sum(counts) * percent // 100))
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if seen >= wanted:
            bucket = max((index >> 10) - 1, 0)
            return ((index - (bucket << 10)) << bucket) + (1 << bucket) - 1
    raise AssertionError("too few counts")


class Report(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)

    def run_bench(self, *arguments: str, **options: object) -> dict:
        path = self.directory / "run.json"
        self.assert_run(
            "bench", "echo", self.server.address, "-o", str(path), *arguments, **options
        )
        return json.loads(path.read_text())

    def convert(self, form: str) -> str:
        """run.json in another form."""
        done = self.assert_run("bench", "report", f"{self.directory}/run.json", "--format", form)
        self.assertEqual(done.stderr, "")
        return done.stdout

    # ---- what a run leaves

    def test_report_has_everything(self) -> None:
        pid = self.server.process.pid
        report = self.run_bench(
            "--rps", "500", "-z", "2500ms", "-t", "2", "--server-pid", str(pid), "--quiet"
        )
        line = report["timeline"]
        self.assertEqual(line["interval_ns"], 1_000_000_000)
        columns = [values for key, values in line.items() if key != "interval_ns"]
        self.assertEqual({len(values) for values in columns}, {len(line["calls"])})
        self.assertEqual(sum(line["calls"]), report["calls"])
        self.assertEqual(sum(line["errors"]), report["errors"])
        self.assertEqual(max(line["max_ns"]), report["latency_ns"]["corrected"]["max"])
        self.assertLessEqual(sum(line["client_cpu_ns"]), report["client"]["cpu_ns"] * 1.01)
        for latency in report["latency_ns"].values():
            self.assertEqual(sum(latency["buckets"]["counts"]), latency["count"])
            self.assertEqual(latency["count"], report["calls"])
        server = report["server"]
        self.assertGreater(server["cpu_ns"], 0)
        self.assertGreater(server["peak_resident_bytes"], 1 << 20)
        self.assertLessEqual(sum(line["server_cpu_ns"]), server["cpu_ns"])
        for end in (report["client"], server):
            self.assertEqual(set(end["context_switches"]), {"voluntary", "involuntary"})
            rate = report["calls"] / end["cpu_ns"] * 1e9
            self.assertAlmostEqual(end["calls_per_core_second"], rate, delta=rate / 1000)
        self.assertGreater(report["started_at_unix_ms"], 1_700_000_000_000)
        self.assertIn("--rps 500 -z 2500ms", report["environment"]["command"])
        self.assertGreaterEqual(int(report["environment"]["cpus"]), 1)

    def test_forms_of_a_run(self) -> None:
        for form in FORMS:
            with self.subTest(form):
                done = self.assert_run(
                    "bench", "echo", self.server.address, "-n", "100", "--format", form
                )
                self.assertTrue(done.stdout.endswith("\n"))
        page = self.directory / "run.html"
        done = self.assert_run(
            "bench", "echo", self.server.address, "-n", "100", "--output", str(page)
        )
        self.assertIn("p99.99", done.stdout)
        self.assertTrue(page.read_text().startswith("<!doctype html>"))
        done = self.assert_run(
            "bench", "call", self.server.address, "saker.echo.v1.Echo/Echo", "-n", "10",
            "--report-format", "csv", "-o", "-",
        )  # fmt: skip
        self.assertTrue(done.stdout.startswith("start_s,"))

    @e2e.once
    def test_what_cannot_be_written_is_not_measured(self) -> None:
        with e2e.Server() as server:
            self.assert_run(
                "bench", "echo", server.address, "-o", "/nonexistent/x.json",
                code=e2e.EXIT_USAGE, stderr="can't write /nonexistent/x.json",
            )  # fmt: skip
            self.assert_run(
                "bench", "echo", server.address, "--server-pid", "2147483647",
                code=e2e.EXIT_USAGE, stderr="no such process",
            )  # fmt: skip
            self.assertEqual(server.stop(), 0)
            self.assertNotIn("OK", server.calls())

    # ---- other forms

    @e2e.once
    def test_text_and_json_are_those_of_the_run(self) -> None:
        path = self.directory / "run.json"
        text = self.assert_run(
            "bench", "echo", self.server.address, "-n", "500", "-o", str(path)
        ).stdout
        self.assertEqual(self.convert("text"), text)
        self.assertEqual(self.convert("json"), path.read_text())
        copy = self.directory / "copy.json"
        self.assert_run("bench", "report", str(path), "-o", str(copy))
        self.assertEqual(copy.read_bytes(), path.read_bytes())
        done = e2e.run("bench", "report", "-", "--format", "text", stdin=path.read_bytes())
        self.assertEqual((done.returncode, done.stdout), (0, text))

    def test_hdr_histogram(self) -> None:
        report = self.run_bench("--rps", "2000", "-z", "1s")
        lines = self.convert("hdr-log").splitlines()
        self.assertIn("#[Histogram log format version 1.3]", lines)
        for kind in ("corrected", "uncorrected"):
            latency = report["latency_ns"][kind]
            (line,) = (line for line in lines if line.startswith(f"Tag={kind},"))
            _, start, length, longest, histogram = line.split(",")
            self.assertEqual(float(start), 0)
            self.assertAlmostEqual(float(length), report["duration_ns"] / 1e9, places=3)
            self.assertAlmostEqual(float(longest), latency["max"] / 1e6, places=5)
            counts = hdr_counts(histogram)
            self.assertEqual(sum(counts), latency["count"])
            for key, percent in (("p50", 50), ("p90", 90), ("p99", 99)):
                found = min(hdr_percentile(counts, percent), latency["max"])
                self.assertEqual(found, latency[key])
        rows = [
            line.split() for line in self.convert("hgrm").splitlines() if re.match(r"\s+\d", line)
        ]
        latency = report["latency_ns"]["corrected"]
        self.assertEqual(float(rows[-1][0]), latency["max"] / 1e6)
        self.assertEqual(int(rows[-1][2]), latency["count"])
        at_half = next(row for row in rows if float(row[1]) == 0.5)
        self.assertAlmostEqual(float(at_half[0]) * 1e6, latency["p50"], delta=1)
        for column in (0, 1, 2):
            values = [float(row[column]) for row in rows]
            self.assertEqual(values, sorted(values))

    @e2e.once
    def test_csv(self) -> None:
        report = self.run_bench("--rps", "300", "-z", "2s")
        rows = list(csv.DictReader(io.StringIO(self.convert("csv"))))
        self.assertEqual(len(rows), len(report["timeline"]["calls"]))
        self.assertEqual(sum(int(row["calls"]) for row in rows), report["calls"])
        length = sum(float(row["length_s"]) for row in rows)
        self.assertAlmostEqual(length, report["duration_ns"] / 1e9, places=6)
        self.assertEqual([int(row["p99_ns"]) for row in rows], report["timeline"]["p99_ns"])
        self.assertEqual(rows[0]["server_cpu_ns"], "")

    @e2e.once
    def test_ghz(self) -> None:
        report = self.run_bench(
            "--size", "5MiB", "-c", "1", "-m", "1", "-n", "3", code=e2e.EXIT_FAILED
        )
        text = self.convert("ghz")
        self.assertEqual(int(re.search(r"^  Count:\t(\d+)$", text, re.M).group(1)), report["calls"])
        rate = float(re.search(r"^  Requests/sec:\t([\d.]+)$", text, re.M).group(1))
        self.assertAlmostEqual(rate, report["calls_per_second"], delta=0.01)
        bars = re.findall(r"^  [\d.]+ \[(\d+)\]\t\|∎*$", text, re.M)
        self.assertEqual(len(bars), 11)
        self.assertEqual(sum(map(int, bars)), 3)
        self.assertEqual(len(re.findall(r"^  (\d+) % in [\d.]+ (ns|µs|ms|s) $", text, re.M)), 7)
        self.assertRegex(text, r"(?m)^  \[ResourceExhausted\] +3 responses")

    @e2e.once
    def test_html(self) -> None:
        report = self.run_bench("-n", "1000")
        page = self.convert("html")
        self.assertEqual(e2e.document_of(page), report)
        self.assertIn("uPlot", page)
        self.assertIn("prefers-color-scheme", page)
        self.assertNotRegex(page, r"""(?:src|href)=["']?(?!data:)[\w/]""")

    # ---- comparing

    @e2e.once
    def test_compare(self) -> None:
        self.run_bench("--rps", "200", "-z", "5s", "--deadline", "10s")
        a = f"{self.directory}/run.json"
        done = self.assert_run("bench", "compare", a, a)
        self.assertIn("no regression beyond 5%", done.stdout)
        for name in ("rate", "p50", "p99", "p99.9", "client CPU"):
            self.assertRegex(done.stdout, rf"(?m)^  {re.escape(name)} .* 1\.000 .* same$")
        slow = json.loads(pathlib.Path(a).read_text())
        for whole, key in ((slow, "duration_ns"), (slow["timeline"], "interval_ns")):
            whole[key] *= 2
        b = self.write("slow.json", json.dumps(slow))
        done = self.assert_run("bench", "compare", a, b, code=e2e.EXIT_ASSERTION)
        self.assertIn("regressed beyond 5%: rate\n", done.stdout)
        self.assert_run("bench", "compare", a, b, "--tolerance", "60%")
        found = self.assert_json("bench", "compare", a, b, code=e2e.EXIT_ASSERTION)
        self.assertEqual(found["schema"], "saker.bench-compare/1")
        self.assertTrue(found["regressed"])
        self.assertAlmostEqual(found["figures"][0]["ratio"], 0.5, delta=0.01)
        self.assertEqual(self.assert_json("bench", "compare", b, a)["regressed"], False)

    @e2e.once
    def test_compare_refuses(self) -> None:
        report = self.run_bench("-n", "100")
        a = f"{self.directory}/run.json"
        done = self.assert_run("bench", "compare", a, a, code=e2e.EXIT_USAGE)
        self.assertIn("not comparable: A is too short", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        report["settings"]["payload_bytes"] = 64
        b = self.write("other.json", json.dumps(report))
        self.assert_run(
            "bench", "compare", a, b, code=e2e.EXIT_USAGE, stderr="payload: 16B in A, 64B in B"
        )
        done = self.assert_run("bench", "compare", a, b, "--force")
        self.assertIn("of what could be judged", done.stdout)
        self.assertIn("not comparable: payload", done.stdout)
        for tolerance in ("5", "-1%", "x%", "2000%"):
            self.assert_run(
                "bench", "compare", a, b, f"--tolerance={tolerance}",
                code=e2e.EXIT_USAGE, stderr="is not a share",
            )  # fmt: skip

    # ---- mistakes

    @e2e.once
    def test_what_is_no_report(self) -> None:
        good = self.run_bench("-n", "100")
        missing = dict(good)
        del missing["latency_ns"]
        for name, content, why in (
            ("none.json", None, "No such file"),
            ("text.json", "hello", "not JSON"),
            ("half.json", json.dumps(good)[:-5], "not JSON"),
            ("other.json", '{"count": 1}', "not a report of saker bench"),
            ("next.json", json.dumps(good | {"schema": "saker.bench/2"}), "saker.bench/2"),
            ("calls.json", json.dumps(good | {"calls": "many"}), "'calls' is no count"),
            ("missing.json", json.dumps(missing), "'latency_ns' is missing"),
        ):
            with self.subTest(name):
                path = f"{self.directory}/{name}"
                if content is not None:
                    self.write(name, content)
                for command in (["report", path], ["compare", path, path]):
                    done = self.assert_run(
                        "bench", *command, code=e2e.EXIT_USAGE, stderr=f"saker: {path}: "
                    )
                    self.assertIn(why, done.stderr)
                    self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1))
        path = f"{self.directory}/run.json"
        self.assert_run(
            "bench", "report", path, "--format", "xml", code=e2e.EXIT_USAGE,
            stderr="'xml' is none of text|json|csv|hgrm|hdr-log|ghz|html",
        )  # fmt: skip
        self.assert_run(
            "bench", "report", path, "-o", "/nonexistent/x", code=e2e.EXIT_USAGE, stderr="can't write"
        )


if __name__ == "__main__":
    e2e.main()
