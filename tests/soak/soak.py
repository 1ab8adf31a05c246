"""./dev soak [--minutes M]: mixed load at full speed against one server, with clients that come and go all the
time. Fails when a reply is wrong, a call ends as it should not, memory grows, or anything stays behind.

Of the server, memory is what it has allocated (its metric saker_heap_allocated_bytes): it has keys, so its memory is
locked, and what was freed stays resident, up to the most that there ever was. A straight line is laid through the
samples; memory grows if the whole 95 % confidence interval of its slope lies above 1 MiB an hour, and a soak of half an
hour or more passes only if the whole of it lies below. Of the clients that last as long as the soak it is what they have for themselves: private dirty pages (/proc/PID/smaps_rollup), not those of
the program's file, which others use or not. They keep up to 1,000 rows of their reports, with a histogram each: memory
grows if it does so by more than these may need.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/integration"))

import load  # noqa: E402
import regression  # noqa: E402
import saker_e2e as e2e  # noqa: E402

MIB = 1 << 20
MOST_PER_HOUR = 1.0  # MiB
WARM_UP_S = 300  # of a long soak; of a short one a sixth
REPORT_MIB = 8  # Timeline::kMaxPoints (src/bench/timeline.h) rows of some 500 buckets
# Pools, caches and the allocator's arenas fill for minutes. A soak under this length can only tell what
# grows by the call: past MOST_GROWTH between its first and last third.
JUDGED_FROM_S = 600
MOST_GROWTH = 64.0  # MiB
# From here on a soak must show that memory does not grow; a shorter one that it has not been seen to.
PROVES_FROM_S = 1800
TOO_WIDE = "too wide to tell: run longer or on a quieter machine"


@dataclasses.dataclass
class Sample:
    at_s: float
    mib: float
    descriptors: int
    threads: int


def private_mib(pid: int) -> float:
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Private_Dirty:\s+(\d+) kB", rollup, re.MULTILINE).group(1)) / 1024


def sample(pid: int, at_s: float, mib: float) -> Sample:
    proc = pathlib.Path(f"/proc/{pid}")
    return Sample(at_s, mib, len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


class Subject:
    """A process that is sampled from beginning to end."""

    def __init__(self, name: str, pid: int, flat_descriptors: bool, most_growth: float | None = None,
                 memory: Callable[[], float] | None = None) -> None:  # fmt: skip
        self.name, self.pid = name, pid
        self.flat_descriptors = flat_descriptors  # nothing comes and goes here
        self.most_growth = most_growth  # MiB between thirds; none: judged by the slope
        self.memory = memory or (lambda: private_mib(pid))  # MiB
        self.samples: list[Sample] = []
        self.verdict = ""

    def take(self, at_s: float) -> None:
        try:
            self.samples.append(sample(self.pid, at_s, self.memory()))
        except OSError:
            pass  # it has ended, and its client's thread says so

    def judge(self, seconds: float) -> list[str]:
        """The cells of its row. `verdict` says "grows" or "not flat" where it fails."""
        warm_up = min(WARM_UP_S, seconds / 6)
        samples = [one for one in self.samples if one.at_s >= warm_up]
        if len(samples) < 5:
            self.verdict = "not flat: too few samples"
            return [self.name, str(len(samples)), "", "", "", "", "", self.verdict]
        hours, mib = [one.at_s / 3600 for one in samples], [one.mib for one in samples]
        line = regression.slope(hours, mib)
        third = len(mib) // 3
        first, last = statistics.median(mib[:third]), statistics.median(mib[-third:])
        self.verdict = verdict(line, last - first, seconds, self.most_growth)
        descriptors = [one.descriptors for one in samples]
        threads = [one.threads for one in samples]
        if self.flat_descriptors and min(descriptors) != max(descriptors):
            self.verdict = "descriptors not flat"
        if min(threads) != max(threads):
            self.verdict = "threads not flat"
        return [
            self.name, str(len(samples)), f"{first:.1f}", f"{last:.1f}",
            f"{line.value:+.2f} [{line.low:+.2f}, {line.high:+.2f}]",
            f"{min(descriptors)}-{max(descriptors)}", f"{min(threads)}-{max(threads)}", self.verdict,
        ]  # fmt: skip


def verdict(line: regression.Slope, growth: float, seconds: float, most_growth: float | None = None) -> str:
    if seconds < JUDGED_FROM_S:
        return "grows" if growth > MOST_GROWTH else "too short to say"
    if most_growth is not None:
        return "grows" if growth > most_growth else "no more than its report"
    if line.low > MOST_PER_HOUR:
        return "grows"
    if line.high < MOST_PER_HOUR:
        return "flat"
    return TOO_WIDE if seconds >= PROVES_FROM_S else "interval too wide to say"


def is_failure(said: str) -> bool:
    return any(word in said for word in ("grows", "not flat", TOO_WIDE))


class Soak:
    def __init__(self, directory: pathlib.Path, seconds: float) -> None:
        self.seconds = seconds
        subprocess.run([ROOT / "tools/make-ca.sh", directory], check=True, capture_output=True)
        self.server = e2e.Server(
            "--tls-cert", f"{directory}/server.pem", "--tls-key", f"{directory}/server.key",
            "--key", "ec-p256", "--key", "rsa-2048", "--metrics", "127.0.0.1:0", "--drain-timeout", "5s",
            "--listen-plaintext", "127.0.0.1:0", "--listen-plaintext", f"unix:{directory}/s.sock",
            listen=["127.0.0.1:0"],
        )  # fmt: skip
        tls, tcp, unix = self.server.addresses
        self.addresses = load.Addresses(tcp, unix, tls, ["--ca", f"{directory}/ca.pem", "--server-name", "localhost"])
        self.tally = load.Tally()
        self.rest: list[Sample] = []  # of the server, before and after
        self.resident: list[float] = []  # MiB, then

    def metric(self, name: str) -> float:
        url = self.server.ready_lines[-1].removeprefix("metrics on ")
        with urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S) as response:
            text = response.read().decode()
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def allocated_mib(self) -> float:
        return self.metric("saker_heap_allocated_bytes") / MIB

    def rest_sample(self) -> None:
        """What the server has while nobody is connected."""
        names = ("saker_connections_open", "saker_calls_open")
        if not e2e.eventually(lambda: all(self.metric(name) == 0 for name in names)):
            self.tally.fail("server", "connections or calls do not end")
        pid, mib = self.server.process.pid, self.allocated_mib()
        self.await_descriptors(pid)
        self.rest.append(sample(pid, 0, mib))
        self.resident.append(private_mib(pid))

    def await_descriptors(self, pid: int) -> None:
        """The server closes the connection of a scrape a moment after its client has."""
        if self.rest:
            e2e.eventually(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= self.rest[0].descriptors)
        else:
            time.sleep(1)

    def run(self) -> list[Subject]:
        for target in self.addresses.each():  # what is made for the first connection of a kind
            e2e.run("bench", "echo", *target, "-n", "100")
        self.rest_sample()
        clients = load.start(self.addresses, self.seconds, self.tally)
        try:
            e2e.eventually(lambda: all(one.process is not None for one in clients))
            subjects = [Subject("server", self.server.process.pid, False, memory=self.allocated_mib)]
            subjects += [
                Subject(one.name, one.process.pid, True, REPORT_MIB)
                for one in clients if one.lasts and one.name != "streams"
            ]  # fmt: skip
            self.watch(subjects)
        finally:
            for client in clients:
                client.end()
            for client in clients:
                client.join()
        self.rest_sample()
        return subjects

    def watch(self, subjects: list[Subject]) -> None:
        interval = min(1.0, self.seconds / 60)
        begin = time.monotonic()
        while (at := time.monotonic() - begin) < self.seconds:
            for subject in subjects:
                subject.take(at)
            if self.server.process.poll() is not None:
                self.tally.fail("server", "has ended")
                return
            time.sleep(interval)

    def end(self) -> None:
        before, after = self.rest
        if after.descriptors > before.descriptors:
            self.tally.fail("server", f"{after.descriptors} descriptors at the end, {before.descriptors} before")
        if after.threads > before.threads:
            self.tally.fail("server", f"{after.threads} threads at the end, {before.threads} before")
        if broken := self.metric("saker_invariants_broken_total"):
            self.tally.fail("server", f"{broken} states that cannot be")
        self.connections = self.metric("saker_connections_opened_total")
        self.bytes = self.metric("saker_bytes_received_total") + self.metric("saker_bytes_sent_total")
        code = self.server.stop()
        if code != e2e.EXIT_OK:
            self.tally.fail("server", f"exit code {code}: {self.server.stderr}")


TITLES = ["process", "samples", "MiB, first third", "last third", "MiB/h [95 %]", "descriptors", "threads", "memory"]


def print_table(rows: list[list[str]]) -> None:
    rows = [TITLES, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(TITLES))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def report(soak: Soak, subjects: list[Subject]) -> bool:
    print_table([subject.judge(soak.seconds) for subject in subjects])
    tally, (before, after) = soak.tally, soak.rest
    print(f"\nserver at rest: {before.mib:.1f} MiB ({soak.resident[0]:.1f} resident), {before.descriptors} descriptors, "
          f"{before.threads} threads before; {after.mib:.1f} MiB ({soak.resident[1]:.1f}), {after.descriptors}, "
          f"{after.threads} after")  # fmt: skip
    statuses = ", ".join(f"{name} {calls:,}" for name, calls in tally.statuses.most_common())
    print(f"{sum(tally.statuses.values()):,} calls: {statuses}; {tally.runs:,} runs of clients, "
          f"{soak.connections:,.0f} connections, {soak.bytes / 1e9:.1f} GB")  # fmt: skip
    if soak.seconds < JUDGED_FROM_S:
        print(f"Under {JUDGED_FROM_S // 60} minutes the slope says nothing: memory has only been held to "
              f"{MOST_GROWTH:.0f} MiB of growth.")  # fmt: skip
    bad = [f"{one.name}: {one.verdict}" for one in subjects if is_failure(one.verdict)]
    for problem in [*bad, *tally.problems[:20]]:
        print(f"FAILED: {problem}")
    return not bad and not tally.problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--minutes", type=float, default=45, help="of load; default 45")
    options = parser.parse_args()
    if not 0.2 <= options.minutes <= 7 * 24 * 60:
        parser.error("--minutes: from 0.2 to 10080")
    with tempfile.TemporaryDirectory(prefix="saker-soak-") as directory:
        soak = Soak(pathlib.Path(directory), options.minutes * 60)
        try:
            subjects = soak.run()
            soak.end()
        finally:
            soak.server.kill()
        return 0 if report(soak, subjects) else 1


if __name__ == "__main__":
    sys.exit(main())
