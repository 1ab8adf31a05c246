"""What all attacks share: the server that is attacked, the honest client beside it, the limits that are
checked, and the table that comes out. README.md says what is measured and how.

A case is a method of a Case that calls attack() with an assault: a function that takes a new connection
of the attacker's, and does its worst, by flood() where it is counted. It is called until the volume has
been sent, over TCP, a Unix socket and TLS, and then, over TCP, again and again while the honest
client's latency is taken.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

import saker_e2e as e2e  # noqa: E402

import case_results  # noqa: E402
import transports  # noqa: E402
from peer import Peer, secure  # noqa: E402
from watch import Watcher  # noqa: E402

FULL = bool(os.environ.get("SAKER_ATTACKS_FULL"))
# CTest runs other tests beside these: what the honest client notices of the attack cannot be told then.
ALONE = os.environ.get("SAKER_ATTACKS_ALONE", "1") == "1"
ROUNDS = 5
WINDOW_S = 1.5 if FULL else 0.4

MIB = 1 << 20
KIB = 1 << 10

# ---- memory: docs/limits.md, in bytes of one connection

# Unfinished frame 16 KiB and block 32 KiB, HPACK tables 2 x 4 KiB, head cache 6 KiB, value memo 10 KiB,
# the connection and its stream objects; TLS records both ways.
CONNECTION = 160 * KIB
OUTPUT_CAP = 512 * KIB  # output_cap_bytes
ASSEMBLY = 16 * MIB  # max_connection_memory_bytes
PENDING = 16 * MIB  # max_unsent_bytes
UNREAD = 16 * MIB  # max_unread_bytes
WINDOW = 16 * MIB  # max_window_bytes
MESSAGE = 4 * MIB  # max_receive_message_bytes
STREAMS = 1024  # max_concurrent_streams
CALL = 3 * KIB  # a stream, its call slot and its chunk of small pieces
METADATA = 32 * KIB  # max_header_list_bytes of 16 KiB, as names and values that are strings
# What pools keep (4 MiB of chunks a loop), what the allocator rounds up, and what a page of code costs
# that is run for the first time.
SLACK = 8 * MIB

# ---- CPU: what may be asked of the server, on this slow machine, with caches that others use too

CPU_PER_BYTE_NS = 15
CPU_PER_FRAME_NS = 2_500
CPU_PER_CALL_NS = 12_000
CPU_PER_CONNECTION_NS = {"tcp": 600_000, "unix": 600_000, "tls": 8_000_000}
CPU_PER_HONEST_CALL_NS = 250_000  # asleep in between: two wake-ups, cold caches
CPU_SLACK_NS = 60_000_000

# ---- latency

WORST_RATIO = 3.0
# A ratio counts only where the difference to the worst quiet window is more than what scheduling explains:
# on two cores that attacker, server, honest client and other programs share, whoever is due waits for
# several time slices of 3 to 4 ms.
SCHEDULING_NS = 25_000_000
# ... and what comes once may be the machine's: what counts is there each time it is measured.
LATENCY_TRIALS = 3


@dataclasses.dataclass
class Limits:
    """Of one attack: memory that it may hold, CPU that it may cost."""

    memory: int = CONNECTION
    why: str = "a connection"
    per_frame_ns: int = CPU_PER_FRAME_NS
    per_byte_ns: int = CPU_PER_BYTE_NS


@dataclasses.dataclass
class Volume:
    """What has been sent, and what came of it."""

    connections: int = 0
    frames: float = 0
    bytes: int = 0
    reactions: set[str] = dataclasses.field(default_factory=set)

    def add(self, peer: Peer) -> None:
        self.connections += 1
        self.frames += peer.sent_frames
        self.bytes += peer.sent_bytes
        self.reactions.add(peer.reaction())


Assault = Callable[[Peer], object]


@dataclasses.dataclass
class Latency:
    """Of the honest client's calls: medians of the windows' p99, and of the ratios."""

    cells: list[str]
    late: bool

    @classmethod
    def of(cls, quiet: list[int], attacked: list[int]) -> Latency:
        ratio = statistics.median(b / max(a, 1) for a, b in zip(quiet, attacked))
        before, during = statistics.median(quiet), statistics.median(attacked)
        cells = [f"{before / 1e3:.0f}", f"{during / 1e3:.0f}", f"{ratio:.2f}"]
        return cls(cells, ratio > WORST_RATIO and during - max(quiet) > SCHEDULING_NS)


class Honest:
    """honest.py as a process."""

    def __init__(self, address: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "honest.py"), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the honest client cannot even start")

    def round(self) -> dict:
        """How the calls since the last round went."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        result = json.loads(self.process.stdout.readline())
        if result["error"]:
            raise AssertionError(f"the honest client's call failed: {result}")
        return result

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(e2e.TIMEOUT_S)


table: list[list[str]] = []
TITLES = ["attack", "over", "frames", "MB", "conns", "reaction", "memory MiB", "of", "CPU ns/frame",
          "ns/byte", "quiet p99 us", "attacked", "ratio"]  # fmt: skip


def print_table() -> None:
    rows = [TITLES, *table]
    widths = [max(len(row[i]) for row in rows) for i in range(len(TITLES))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


def make_certificates(directory: pathlib.Path) -> list[str]:
    subprocess.run([ROOT / "tools/make-ca.sh", directory], check=True, capture_output=True)
    return ["--tls-cert", f"{directory}/server.pem", "--tls-key", f"{directory}/server.key"]


class Case(unittest.TestCase):
    """One server for all attacks of a class; `flags` are what it is started with beyond the defaults."""

    flags: tuple[str, ...] = ()
    has_metrics = True

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory(prefix="saker-attacks-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.server = e2e.Server(
            "--threads", "1", *cls.flags, *make_certificates(cls.directory),
            *(["--metrics", "127.0.0.1:0"] if cls.has_metrics else []),
            "--listen-plaintext", "127.0.0.1:0",
            "--listen-plaintext", f"unix:{cls.directory}/s.sock",
            listen=["127.0.0.1:0"],
        )  # fmt: skip
        cls.addClassCleanup(cls.stop_server)
        tls, tcp, unix = cls.server.addresses
        cls.addresses = {"tcp": tcp, "unix": unix, "tls": tls}
        cls.honest = Honest(tcp)
        cls.addClassCleanup(cls.honest.close)

    @classmethod
    def metrics(cls, name: str) -> float:
        """The sum of a metric's series."""
        url = cls.server.ready_lines[-1].removeprefix("metrics on ")
        with urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S) as response:
            text = response.read().decode()
        series = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        assert series, name
        return sum(float(value) for value in series)

    @classmethod
    def stop_server(cls) -> None:
        if cls.has_metrics:
            broken = cls.metrics("saker_invariants_broken_total")
            assert broken == 0, f"{broken} states that cannot be"
        code = cls.server.stop()
        assert code == e2e.EXIT_OK, f"the server ended with {code}: {cls.server.stderr}"

    def connect(self, transport: str = "tcp") -> Peer:
        address = self.addresses[transport]
        plain = transports.of(address).connect(address, e2e.TIMEOUT_S)
        return Peer(secure(plain) if transport == "tls" else plain)

    # ---- an attack

    def attack(
        self,
        name: str,
        assault: Assault,
        expected: str,  # a regular expression that each reaction matches as a whole
        frames: int,  # of the whole attack with --full
        quick: int,  # ... and without
        limits: Limits = Limits(),  # noqa: B008 - never changed
        over: tuple[str, ...] = ("tcp", "unix", "tls"),
        latency: bool = True,
    ) -> None:
        rows = []
        for transport in over:
            with self.subTest(attack=name, transport=transport):
                volume = self.wear_down(transport, assault, frames if FULL else quick, limits)
                rows.append([name, transport, *self.row])
                table.append(rows[-1])
                for reaction in volume.reactions:
                    self.assertRegex(reaction, f"^(?:{expected})$", self.server.stderr)
        if latency and rows and ALONE:
            with self.subTest(attack=name, measure="latency"):
                once = lambda: self.once(over[0], assault)  # noqa: E731
                for _ in range(LATENCY_TRIALS):
                    figures = self.latency_under(once)
                    if not figures.late:
                        break
                rows[0][-3:] = figures.cells
                self.assertFalse(figures.late, f"p99 quiet, attacked (us), ratio: {figures.cells}")

    def once(self, transport: str, assault: Assault) -> Volume:
        volume = Volume()
        self.add_one(volume, transport, assault)
        return volume

    def add_one(self, volume: Volume, transport: str, assault: Assault) -> None:
        with self.connect(transport) as peer:
            assault(peer)
            volume.add(peer)

    def wear_down(self, transport: str, assault: Assault, frames: int, limits: Limits) -> Volume:
        """The whole volume. Notes its row, checks memory, CPU and the honest client's calls."""
        self.honest.round()
        volume = Volume()
        watcher = Watcher(self.server.process.pid)
        while volume.frames < frames:
            self.add_one(volume, transport, assault)
        usage = watcher.usage()
        calls = self.honest.round()["calls"]
        # A peer that was just told to go may keep its place until the server has seen it leave.
        allowed_memory = 2 * limits.memory + SLACK
        reactions = sorted(volume.reactions)
        self.row = [
            f"{volume.frames:,.0f}", f"{volume.bytes / 1e6:.1f}", str(volume.connections),
            reactions[0] + (f" and {len(reactions) - 1} others" if len(reactions) > 1 else ""),
            f"{usage.growth_bytes / MIB:.1f}", f"{allowed_memory / MIB:.1f}",
            f"{usage.cpu_ns / volume.frames:.0f}", f"{usage.cpu_ns / volume.bytes:.1f}", "", "", "",
        ]  # fmt: skip
        self.assertLessEqual(usage.growth_bytes, allowed_memory, f"memory; allowed: {limits.why}")
        allowed_ns = (
            limits.per_frame_ns * volume.frames
            + limits.per_byte_ns * volume.bytes
            + CPU_PER_CONNECTION_NS[transport] * volume.connections
            + CPU_PER_HONEST_CALL_NS * calls
            + CPU_SLACK_NS
        )
        self.assertLessEqual(usage.cpu_ns, allowed_ns, "CPU")
        return volume

    def latency_under(self, once: Callable[[], object]) -> Latency:
        """Quiet and attacked windows in turn; p99 of both and the median of the ratios."""
        quiet: list[int] = []
        attacked: list[int] = []
        for _ in range(ROUNDS):
            self.honest.round()
            time.sleep(WINDOW_S)
            quiet.append(self.honest.round()["p99"])
            over = threading.Event()
            failures: list[BaseException] = []
            thread = threading.Thread(target=self._repeat, args=(once, over, failures))
            thread.start()
            time.sleep(0.05)
            self.honest.round()
            time.sleep(WINDOW_S)
            attacked.append(self.honest.round()["p99"])
            over.set()
            thread.join()
            self.assertEqual(failures, [])
        return Latency.of(quiet, attacked)

    @staticmethod
    def _repeat(once: Callable[[], object], over: threading.Event, failures: list) -> None:
        try:
            while not over.is_set():
                once()
        except BaseException as failure:  # for the main thread to raise
            failures.append(failure)


def main() -> None:
    program = unittest.main(verbosity=2, testRunner=case_results.Runner, exit=False)
    print_table()
    sys.exit(not program.result.wasSuccessful())
