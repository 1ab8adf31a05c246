"""The soak's load: `saker bench` processes that last as long as the soak, others that come and go, and a
client of gRPC Python's for streams and cancellations (churn.py). Every reply is checked by its client."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence

import saker_e2e as e2e

HERE = pathlib.Path(__file__).resolve().parent
# After a signal, for a client to say how it went.
END_S = e2e.TIMEOUT_S


@dataclasses.dataclass
class Tally:
    """What came of all calls. `problems` must be empty."""

    statuses: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    runs: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def add(self, name: str, statuses: dict[str, int], allowed: Iterable[str], wrong: int) -> None:
        with self.lock:
            self.runs += 1
            self.statuses.update(statuses)
            if wrong:
                self.problems.append(f"{name}: {wrong} wrong replies")
            if others := {k: v for k, v in statuses.items() if k not in allowed}:
                self.problems.append(f"{name}: calls ended {others}")

    def fail(self, name: str, why: str) -> None:
        with self.lock:
            self.problems.append(f"{name}: {why}")


@dataclasses.dataclass
class Addresses:
    """Of one server; `trust`: the flags that TLS needs."""

    tcp: str
    unix: str
    tls: str
    trust: list[str]

    def each(self) -> list[list[str]]:
        return [[self.tcp], [self.unix], [self.tls, *self.trust]]


class Client:
    """One process after another, from `commands`, until end(); a single one that lasts if there is only one."""

    def __init__(self, name: str, commands: Iterable[Sequence[str]], tally: Tally,
                 allowed: Sequence[str] = ("OK",), lasts: bool = False) -> None:  # fmt: skip
        self.name, self.lasts = name, lasts
        self._commands, self._tally, self._allowed = iter(commands), tally, allowed
        self._over = threading.Event()
        self._lock = threading.Lock()  # for process
        self.process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _start(self, command: Sequence[str]) -> bool:
        with self._lock:
            if self._over.is_set():
                return False
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            return True

    def _work(self) -> None:
        for command in self._commands:
            if not self._start(command):
                return
            out, err = self.process.communicate()
            try:
                self._judge(out, err)
            except (ValueError, KeyError) as why:  # no report at all
                # One that was told to end before it minded signals has nothing to say.
                if not (self._over.is_set() and self.process.returncode == -signal.SIGINT):
                    self._tally.fail(self.name, f"{command}: exit code {self.process.returncode}, {why}: {err}")
            if self.lasts and not self._over.is_set():
                self._tally.fail(self.name, f"ended by itself: {err}")
            if self.lasts:
                return

    def _judge(self, out: str, err: str) -> None:
        if self._over.is_set() and self.process.returncode == e2e.EXIT_INTERRUPTED and not out:
            return  # it was still connecting
        report = json.loads(out)
        statuses = {status["name"]: status["calls"] for status in report["statuses"]}
        self._tally.add(self.name, statuses, self._allowed, report["wrong_replies"])
        if report["unfinished"] and self.process.returncode != e2e.EXIT_INTERRUPTED:
            self._tally.fail(self.name, f"{report['unfinished']} calls did not end: {err}")

    def end(self) -> None:
        with self._lock:
            self._over.set()
            if self.process is not None:
                self.process.send_signal(signal.SIGINT)

    def join(self) -> None:
        self._thread.join(END_S)
        if self._thread.is_alive():
            self._tally.fail(self.name, "does not end")
            self.process.kill()
            self._thread.join()


def bench(kind: str, *arguments: str) -> list[str]:
    return [e2e.SAKER, "bench", kind, *arguments, "--json"]


ECDSA = ("--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256")
RSA = ("--key", "rsa-2048", "--algorithm", "RSA_PSS_SHA256")
ALL_DAY = ("-z", "1000h")


def start(at: Addresses, seconds: float, tally: Tally) -> list[Client]:
    """All clients. Those that come and go make so many calls that they stay a few seconds: one that stops by
    the clock may leave calls behind on a slow machine."""
    share = min(1.0, seconds / 60)
    sizes = (("16", "50", 50_000), ("1KiB", "50", 30_000), ("16KiB", "20", 10_000), ("256KiB", "4", 1_000),
             ("1MiB", "2", 300))  # fmt: skip

    def calls(most: int) -> tuple[str, str]:
        return "-n", str(max(10, int(most * share)))

    tls = (at.tls, *at.trust)
    call = ("saker.echo.v1.Echo/Echo", "-d", '{"payload":"c29ha2Vk"}')

    def lasting(name: str, command: list[str]) -> Client:
        return Client(name, [command], tally, lasts=True)

    def coming(name: str, commands: Iterable[list[str]], *allowed: str) -> Client:
        return Client(name, itertools.cycle(commands), tally, ("OK", *allowed))

    return [
        lasting("echo, TCP", bench("echo", at.tcp, "-c", "4", "-m", "25", *ALL_DAY)),
        lasting("echo 4 KiB, TLS", bench("echo", *tls, "-c", "2", "-m", "10", "--size", "4KiB", *ALL_DAY)),
        lasting("sign, Unix", bench("sign", at.unix, "-c", "2", "-m", "5", *ECDSA, *ALL_DAY)),
        lasting("call, TCP", bench("call", at.tcp, *call, "--check-reply", "parse", "-c", "2", "-m", "10",
                                   *ALL_DAY)),
        coming("sizes", [
            bench("echo", *target, "-c", "4", "-m", streams, "--size", size, *calls(most))
            for size, streams, most in sizes for target in at.each()]),
        coming("connections", [bench("echo", *target, "-c", "20", "-m", "1", "-n", "100") for target in at.each()]),
        coming("deadlines", [
            bench("echo", *target, "-c", "2", "-m", "10", "--rps", "150", "--deadline", "1ms", *calls(600))
            for target in at.each()], "DEADLINE_EXCEEDED"),
        coming("signatures", [
            bench("sign", *target, "-c", "2", "-m", "2", *key, *calls(1_000)) for target in at.each() for key in (ECDSA, RSA)]),
        Client("streams", [[sys.executable, "-B", str(HERE / "churn.py"), at.tcp, at.unix, at.tls, at.trust[1]]],
               tally, ("OK", "CANCELLED", "DEADLINE_EXCEEDED"), lasts=True),
    ]  # fmt: skip
