"""What the tests of our clients share: three commands against a hostile server, over TCP, a Unix socket and
TLS, and what is asserted of each: exit code and status, words, that it ends, memory, CPU."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import re
import unittest

import attack
import report
from attack import MIB
from hostile import Behaviour, Host, HostileServer, certificates, hostile_server
from victim import Victim, run_victim

OK, CANCELLED, UNKNOWN, DEADLINE, DENIED, EXHAUSTED, UNIMPLEMENTED = 0, 1, 2, 4, 7, 8, 12
INTERNAL, UNAVAILABLE = 13, 14
UNAUTHENTICATED = 16

STATUS_NAMES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
).split()

TRANSPORTS = ("tcp", "unix", "tls")
PROGRAMS = ("echo", "call", "bench")
DEADLINE_S = 4
SHORT = ("--deadline", "1s")  # where it is what ends the call
AT_ONCE = 3
MOST_PIECES = 60
PATIENCE_S = 60  # a client that is still there then never ends
PROTOS = ["--proto", "saker/echo/v1/echo.proto", "--proto", "saker/crypto/v1/crypto.proto",
          "--import-path", str(attack.ROOT / "proto")]  # fmt: skip
ECHO = "saker.echo.v1.Echo/Echo"

# What a bench says that ends with 2.
NEVER_CONNECTED = (
    r"saker: (0 of 1 connections to \S+ within the connect timeout|the connection to \S+ was lost: )"
)

# A client that has done nothing yet, and what any attack may add: output, one message packed and
# unpacked, windows.
MOST_RESIDENT = 32 * MIB + attack.MESSAGE * 3 + attack.OUTPUT_CAP
# A process, its libraries, its certificates; calls, and 4 seconds of waiting.
CPU_AT_START_NS = 200_000_000


@dataclasses.dataclass
class Costs:
    """What the client may make of what it is sent: an order of magnitude above what is measured."""

    memory: int = MOST_RESIDENT
    per_frame_ns: int = attack.CPU_PER_FRAME_NS
    per_byte_ns: int = attack.CPU_PER_BYTE_NS
    per_call_ns: int = 10 * attack.CPU_PER_CALL_NS

    def allowed_ns(self, server: HostileServer, transport: str) -> int:
        """In proportion to what the server has sent: linear passes, quadratic does not."""
        hosts = server.hosts
        return round(
            CPU_AT_START_NS
            + attack.CPU_PER_CONNECTION_NS[transport] * len(hosts)
            + self.per_call_ns * sum(len(host.opened) for host in hosts)
            + self.per_frame_ns * sum(host.sent_frames for host in hosts)
            + self.per_byte_ns * sum(host.sent_bytes for host in hosts)
        )


@dataclasses.dataclass
class Outcome:
    """How one program fared against one server."""

    transport: str
    program: str
    victim: Victim
    allowed_memory: int
    allowed_cpu_ns: int
    hosts: list[Host]

    def bench_statuses(self) -> dict[int, int]:
        """Calls by status, as the report says; none of them with another's reply."""
        output = self.victim.output
        report, _ = json.JSONDecoder().raw_decode(output[output.index("{\n") :])
        assert report["wrong_replies"] == 0, output
        return {item["code"]: item["calls"] for item in report["statuses"] if item["calls"]}

    def failed_statuses(self) -> set[int]:
        """Of a bench, or of `echo --count`: all that calls ended with but OK."""
        if self.program == "bench":
            return set(self.bench_statuses()) - {0}
        names = re.findall(r"^seq=\d+ ([A-Z_]+): ", self.victim.output, re.MULTILINE)
        return {STATUS_NAMES.index(name) for name in names}


def commands(address: str, method: str) -> dict[str, list[str]]:
    deadline = ["--deadline", f"{DEADLINE_S}s"]
    return {
        "echo": ["echo", address, *deadline],
        "call": ["call", address, method, *PROTOS, *deadline],
        "bench": ["bench", "echo", address, "-c", "1", "-m", "4", "-n", "8", *deadline,
                  "--connect-timeout", "3s", "--json"],
    }  # fmt: skip


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        certificates()

    def expect(
        self, name: str, behaviour: Behaviour, statuses: int | tuple[int, ...], words: str = "",
        programs: tuple[str, ...] = PROGRAMS, arguments: tuple[str, ...] = (),
        over: tuple[str, ...] = TRANSPORTS, costs: Costs = Costs(),  # noqa: B008 - never changed
        bench_arguments: tuple[str, ...] = (), method: str = ECHO, waits: bool = False,
        shakes_hands: bool = True, connects: bool = True, beside: tuple[int, ...] = (),
    ) -> list[Outcome]:  # fmt: skip
        """`statuses`: how calls may end; of several at least one, and no other but `beside` and those that go well, and
        then the exit code is 1. `connects` False: a bench may never get a connection; its exit code is 2. `words`: a
        regular expression that is found in what it says. `waits`: what takes its time, and all of it at once."""

        def run(transport: str, program: str) -> Outcome:
            with hostile_server(behaviour, transport, shakes_hands) as server:
                command = [*commands(server.address, method)[program], *server.flags, *arguments]
                command += bench_arguments if program == "bench" else ()
                victim = run_victim(*command, patience_s=PATIENCE_S)
            return Outcome(
                transport, program, victim, costs.memory, costs.allowed_ns(server, transport), server.hosts
            )

        pairs = [(transport, program) for transport in over for program in programs]
        with concurrent.futures.ThreadPoolExecutor(len(pairs) if waits else AT_ONCE) as pool:
            outcomes = list(pool.map(lambda pair: run(*pair), pairs))
        allowed = (statuses,) if isinstance(statuses, int) else statuses
        for outcome in outcomes:
            with self.subTest(name, transport=outcome.transport, program=outcome.program):
                self.note(name, outcome)
                if outcome.program == "bench" or "--count" in arguments:
                    self.check_several(outcome, {*allowed}, {*beside}, connects)
                else:
                    codes = {64 + status if status else 0 for status in allowed}
                    self.assertIn(outcome.victim.code, codes, outcome.victim.output)
                self.check(outcome, words)
        return outcomes

    def check_several(
        self, outcome: Outcome, statuses: set[int], beside: set[int], connects: bool
    ) -> None:
        victim = outcome.victim
        if not connects and victim.code == 2:
            self.assertRegex(victim.output, NEVER_CONNECTED)
            return
        failed = outcome.failed_statuses()
        self.assertEqual(victim.code, 1 if failed else 0, victim.output)
        self.assertLessEqual(failed, statuses | beside, victim.output)
        self.assertTrue(failed & statuses or OK in statuses, f"none ended as it should: {victim.output}")

    def check(self, outcome: Outcome, words: str) -> None:
        victim = outcome.victim
        self.assertLess(victim.seconds, PATIENCE_S)
        self.assertLess(victim.resident_bytes, outcome.allowed_memory, "memory")
        self.assertLess(victim.cpu_ns, outcome.allowed_cpu_ns, "CPU")
        self.assertRegex(victim.output, words or "^")

    @staticmethod
    def note(name: str, outcome: Outcome) -> None:
        victim = outcome.victim
        report.client_rows.append(report.ClientRow(
            name, outcome.transport, outcome.program, str(victim.code), f"{victim.seconds:.1f}",
            f"{victim.resident_bytes / MIB:.0f}", f"{outcome.allowed_memory / MIB:.0f}",
            f"{victim.cpu_ns / 1e6:.0f}", f"{outcome.allowed_cpu_ns / 1e6:.0f}",
        ))  # fmt: skip

    # ---- behaviours that many share

    def answer(self, name: str, made, statuses, words: str = "", settings=(), **more) -> list[Outcome]:
        """made(stream): bytes in place of a reply."""

        def behave(host: Host) -> None:
            host.welcome(*settings)
            while stream := host.next_request(whole=False):
                host.replied.add(stream)
                host.send(made(stream))

        return self.expect(name, behave, statuses, words, **more)

    def flood(
        self, name: str, once: bytes, statuses, words: str = "", before: bytes = b"",
        **more,
    ) -> list[Outcome]:  # fmt: skip
        """Behind the client's first call, for as long as it takes it; then, where it takes all, an honest
        server's replies."""

        def behave(host: Host) -> None:
            host.welcome()
            if not host.next_request():
                return
            host.send(before)
            for _ in range(MOST_PIECES):
                if not host.send(once):
                    return
            host.serve()

        return self.expect(name, behave, statuses, words, **more)
