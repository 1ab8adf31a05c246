"""What the tests of our clients share: three commands against a hostile server, over TCP and a Unix socket,
and what is asserted of each: exit code and status, words, time, memory."""

import unittest

import attack
from attack import MIB
from hostile import hostile_server, run_victim

CANCELLED, UNKNOWN, DEADLINE, DENIED, EXHAUSTED, UNIMPLEMENTED = 1, 2, 4, 7, 8, 12
INTERNAL, UNAVAILABLE = 13, 14
UNAUTHENTICATED = 16

# A client that has done nothing yet, and what any attack may add: output, one message packed and
# unpacked, windows.
MOST_RESIDENT = 32 * MIB + attack.MESSAGE * 3 + attack.OUTPUT_CAP
DEADLINE_S = 4
PATIENCE_S = 60  # a client that is still there then never ends
ECHO_PROTO = ["--proto", "saker/echo/v1/echo.proto", "--import-path", str(attack.ROOT / "proto")]


def commands(address: str) -> dict[str, list[str]]:
    deadline = ["--deadline", f"{DEADLINE_S}s"]
    return {
        "echo": ["echo", address, *deadline],
        "call": ["call", address, "saker.echo.v1.Echo/Echo", *ECHO_PROTO, *deadline],
        "bench": ["bench", "echo", address, "-c", "1", "-m", "4", "-n", "8", *deadline,
                  "--connect-timeout", "3s"],
    }  # fmt: skip


rows: list[list[str]] = []


class Case(unittest.TestCase):
    def expect(
        self, name: str, behaviour, statuses: int | tuple[int, ...], words: str = "",
        programs: tuple[str, ...] = ("echo", "call", "bench"), arguments: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """`statuses`: how the single call ends; what is left of a bench is an exit code of 1, or of 2
        where it never got a connection."""
        allowed = (statuses,) if isinstance(statuses, int) else statuses
        codes = {0 if status == 0 else 64 + status for status in allowed}
        for transport in ("tcp", "unix"):
            for program in programs:
                with self.subTest(name, transport=transport, program=program):
                    with hostile_server(behaviour, transport) as server:
                        command = commands(server.address)[program] + list(arguments)
                        victim = run_victim(*command, patience_s=PATIENCE_S)
                    is_bench = program == "bench"
                    failed = {0} if codes == {0} else {1, 2} | codes & {0}
                    self.assertIn(victim.code, failed if is_bench else codes, victim.output)
                    self.assertLess(victim.seconds, PATIENCE_S)
                    self.assertLess(victim.resident_bytes, MOST_RESIDENT)
                    if not is_bench:
                        self.assertIn(words, victim.output)
                    rows.append([
                        name, transport, program, str(victim.code), f"{victim.seconds:.1f} s",
                        f"{victim.resident_bytes / MIB:.0f} MiB", f"{victim.cpu_seconds:.2f} s",
                    ])  # fmt: skip

    @classmethod
    def tearDownClass(cls) -> None:
        while rows:
            print("  ".join(rows.pop(0)))
