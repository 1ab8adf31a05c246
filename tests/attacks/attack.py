"""What all attacks share: the server that is attacked, the honest client beside it, the limits that are
checked, and the table that comes out. README.md says what is measured and how.

A case is a method of a Case that calls attack() with an assault: a function that takes a connection of
the attacker's, and does its worst, by flood() where it is counted. It is called until the volume has
been sent, each time with a new connection, over TCP, a Unix socket and TLS in turn, and over each again
and again while the honest client's latency is taken.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from collections.abc import Callable

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

import latency  # noqa: E402
import report  # noqa: E402
import saker_e2e as e2e  # noqa: E402

import case_results  # noqa: E402
import frames  # noqa: E402
import transports  # noqa: E402
from peer import Peer, secure  # noqa: E402
from report import Row  # noqa: E402
from watch import Usage, Watcher  # noqa: E402

FULL = bool(os.environ.get("SAKER_ATTACKS_FULL"))
# CTest runs other tests beside these: what the honest client notices of the attack cannot be told then.
ALONE = os.environ.get("SAKER_ATTACKS_ALONE", "1") == "1"

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
# Of the one loop: chunks, coroutine frames, zlib, the receive buffer, which it keeps; and what a page of
# code costs that is run for the first time.
POOLS = 9 * MIB

# ---- CPU: what may be asked of the server, on this slow machine, with caches that others use too

CPU_PER_BYTE_NS = 15
CPU_PER_FRAME_NS = 2_500
CPU_PER_CALL_NS = 12_000
CPU_PER_CONNECTION_NS = {"tcp": 600_000, "unix": 600_000, "tls": 8_000_000}
CPU_PER_HONEST_CALL_NS = 250_000  # asleep in between: two wake-ups, cold caches
CPU_SLACK_NS = 60_000_000

# What is done in one go: unpacking and parsing a message of 4 MiB; a TLS handshake.
PACKED_MS = 20
HANDSHAKE_MS = 1

# A GOAWAY may get lost where the server closes while the attacker still sends. One in so many connections
# has to hear it.
DEAF_CONNECTIONS = 20


@dataclasses.dataclass
class Limits:
    """Of one attack: memory that it may hold, CPU that it may cost, and at once."""

    memory: int = CONNECTION
    why: str = "a connection"
    per_frame_ns: int = CPU_PER_FRAME_NS
    per_byte_ns: int = CPU_PER_BYTE_NS
    turn_ms: float = 0  # of a message that cannot be handled in parts: more than three quiet p99


@dataclasses.dataclass
class Volume:
    """What has been sent, and what came of it."""

    connections: int = 0
    frames: float = 0
    bytes: int = 0
    reactions: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    growth_bytes: int = 0  # of the server, the most under one connection's assault

    def add(self, peer: Peer, usage: Usage) -> None:
        self.connections += 1
        self.growth_bytes = max(self.growth_bytes, usage.growth_bytes)
        self.frames += peer.sent_frames
        self.bytes += peer.sent_bytes
        self.reactions[peer.reaction()] += 1

    def is_deaf(self) -> bool:
        """Not one of the connections heard why it was closed."""
        return set(self.reactions) == {"closed"}


Assault = Callable[[Peer], object]


def end_stream_1(peer: Peer) -> None:
    """Where all streams are taken."""
    peer.send(frames.rst_stream(1))


class Connections(enum.Enum):
    """Those that attack while latency is taken, again and again."""

    # One is kept: the assault is repeated on it.
    KEPT = enum.auto()
    # A new one each time, but seldom: an assault takes so long that a handshake now and then is no p99.
    SELDOM_NEW = enum.auto()
    # A new one each time, for it is taken from the attacker, or used up: over TLS he shakes hands all the time.
    ALWAYS_NEW = enum.auto()


KEPT, SELDOM_NEW, ALWAYS_NEW = Connections


def make_certificates(directory: pathlib.Path) -> list[str]:
    subprocess.run([ROOT / "tools/make-ca.sh", directory], check=True, capture_output=True)
    return ["--tls-cert", f"{directory}/server.pem", "--tls-key", f"{directory}/server.key"]


class Case(unittest.TestCase):
    """A server for each test; `flags` are what it is started with beyond the defaults."""

    # Keys that nobody here signs with take long to make.
    flags: tuple[str, ...] = ("--key", "ec-p256")
    has_metrics = True

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory(prefix="saker-attacks-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.certificates = make_certificates(cls.directory)

    def setUp(self) -> None:
        self.start()

    def start(self) -> None:
        cores = latency.server_cores() if ALONE else None
        self.server = self.start_server(cores)
        self.addCleanup(self.stop_server)
        tls, tcp, unix = self.server.addresses
        self.addresses = {"tcp": tcp, "unix": unix, "tls": tls}
        pid = self.server.process.pid
        if cores is not None:
            latency.free_workers(pid, set.union(*cores))
            self.addCleanup(os.sched_setaffinity, 0, os.sched_getaffinity(0))
            os.sched_setaffinity(0, cores[1])
        self.honest = latency.Honest(tcp)
        self.addCleanup(self.honest.close)
        if cores is not None:
            self.honest.go_first()
        self.measure = latency.Measure(self.honest, pid)
        at_rest = Watcher(pid)
        self.rest_bytes, self.rest_descriptors = at_rest.resident_bytes(), at_rest.descriptors()

    def start_server(self, cores: tuple[set[int], set[int]] | None) -> e2e.Server:
        return e2e.Server(
            "--threads", "1", *self.flags, *self.certificates,
            *(["--metrics", "127.0.0.1:0"] if self.has_metrics else []),
            "--listen-plaintext", "127.0.0.1:0",
            "--listen-plaintext", f"unix:{self.directory}/s.sock",
            listen=["127.0.0.1:0"],
            preexec=None if cores is None else lambda: latency.take_core(cores[0]),
        )  # fmt: skip

    def metrics(self, *names: str) -> float:
        """The sum of the series of all of them, in one look."""
        url = self.server.ready_lines[-1].removeprefix("metrics on ")
        with urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S) as response:
            text = response.read().decode()
        total = 0.0
        for name in names:
            series = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
            assert series, name
            total += sum(float(value) for value in series)
        return total

    def stop_server(self) -> None:
        if self.has_metrics:
            broken = self.metrics("saker_invariants_broken_total")
            assert broken == 0, f"{broken} states that cannot be"
        code = self.server.stop()
        assert code == e2e.EXIT_OK, f"the server ended with {code}: {self.server.stderr}"

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
        full: int,  # frames of the whole attack with --full
        quick: int,  # ... and without
        limits: Limits = Limits(),  # noqa: B008 - never changed
        over: tuple[str, ...] = ("tcp", "unix", "tls"),
        *,
        connections: Connections,
        makes_room: Assault = lambda peer: None,
    ) -> None:
        """`makes_room`: what a connection that lives has to do before a call of its own can be served."""
        for transport in over:
            with self.subTest(attack=name, transport=transport):
                once = functools.partial(self.once, transport, assault, makes_room)
                self.wear_down(name, transport, once, expected, full if FULL else quick, limits)
                if ALONE:
                    self.check_latency(transport, assault, connections, limits.turn_ms)

    def once(
        self, transport: str, assault: Assault, makes_room: Assault, volume: Volume, watcher: Watcher
    ) -> None:
        watcher.forget_peak()
        with self.connect(transport) as peer:
            assault(peer)
            volume.add(peer, watcher.usage())
            if peer.goaway is not None:
                self.assertTrue(peer.wait_closed(), f"{peer.reaction()}, but the connection is open")
            if peer.reaction() == "lives":
                self.check_life(peer, makes_room)

    def check_life(self, peer: Peer, makes_room: Assault) -> None:
        """A whole call on the same connection goes well."""
        makes_room(peer)
        self.assertTrue(peer.lives(), f"no answer on the same connection: {peer.reaction()}")

    def wear_down(
        self, name: str, transport: str, once: Callable[[Volume, Watcher], object], expected: str,
        least: int, limits: Limits,
    ) -> None:  # fmt: skip
        """The whole volume, with its row. Checks reactions, memory, CPU and the honest client's calls."""
        self.honest.round()
        volume = Volume()
        watcher = Watcher(self.server.process.pid, self.rest_bytes)
        while volume.frames < least or (volume.is_deaf() and volume.connections < DEAF_CONNECTIONS):
            once(volume, watcher)
            self.wait_until_alone(watcher)
        usage = Usage(volume.growth_bytes, watcher.usage().cpu_ns)
        calls = self.honest.round()["calls"]
        self.note(name, transport, volume, usage, limits)
        for reaction in volume.reactions:
            self.assertRegex(reaction, f"^(?:{expected})$", self.server.stderr)
        self.assertFalse(volume.is_deaf(), "no connection heard why it was closed")
        self.check_memory(usage, limits)
        allowed_ns = (
            limits.per_frame_ns * volume.frames
            + limits.per_byte_ns * volume.bytes
            + CPU_PER_CONNECTION_NS[transport] * volume.connections
            + CPU_PER_HONEST_CALL_NS * calls
            + CPU_SLACK_NS
        )
        self.assertLessEqual(usage.cpu_ns, allowed_ns, "CPU")

    def wait_until_alone(self, watcher: Watcher) -> None:
        """Until the server has seen its attacker leave: the next one is to find nothing of him."""
        gone = lambda: watcher.descriptors() <= self.rest_descriptors  # noqa: E731
        self.assertTrue(e2e.eventually(gone, pause_s=0.0005), "connections that are not closed")

    def note(
        self, name: str, transport: str, volume: Volume, usage: Usage, limits: Limits
    ) -> None:
        reactions = sorted(volume.reactions)
        report.rows.append(Row(
            name, transport,
            reactions[0] + (f" and {len(reactions) - 1} others" if len(reactions) > 1 else ""),
            f"{volume.frames:,.0f}", f"{volume.bytes / 1e6:.1f}", str(volume.connections),
            f"{usage.growth_bytes / MIB:.1f}", f"{(limits.memory + POOLS) / MIB:.1f}",
            f"{usage.cpu_ns / volume.frames:.0f}", f"{usage.cpu_ns / max(volume.bytes, 1):.1f}",
        ))  # fmt: skip

    def check_memory(self, usage: Usage, limits: Limits) -> None:
        allowed = limits.memory + POOLS
        self.assertLessEqual(usage.growth_bytes, allowed, f"memory; allowed: {limits.why}")

    def check_latency(
        self, transport: str, assault: Assault, connections: Connections, turn_ms: float
    ) -> None:
        """In the last row."""
        if connections is ALWAYS_NEW and transport == "tls":
            turn_ms = max(turn_ms, HANDSHAKE_MS)
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(self.connect(transport)) if connections is KEPT else None

            def once() -> None:
                with contextlib.nullcontext(kept) if kept else self.connect(transport) as peer:
                    assault(peer)
                if kept:
                    self.assertEqual(kept.reaction(), "lives", "the connection that is kept")

            figures = self.measure.under(once, turn_ms)
        report.rows[-1].note_latency(figures.cells)
        self.assertFalse(figures.is_late, f"p99 quiet, attacked (us), ratio: {figures.cells}")


def main() -> None:
    program = unittest.main(verbosity=2, testRunner=case_results.Runner, exit=False)
    report.print_all()
    sys.exit(not program.result.wasSuccessful())
