"""What the honest client notices of an attack: its windows, quiet and under attack in turn, and the rule
that they are held to. README.md says why it is what it is.

The server's core is its own; attackers, the test and the honest client share the others, the client
before all of them. Without root nobody is put before anybody.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import saker_e2e as e2e

HERE = pathlib.Path(__file__).resolve().parent

ROUNDS = 5
WINDOW_S = 0.5  # 400 calls of the honest client
WORST_RATIO = 3.0
# What comes once may be the machine's: what counts is there each time it is measured.
TRIALS = 3
# A window says nothing of the server when other programs kept its threads from running for longer.
MOST_WAITING = 0.01
RETAKES = 4


# ---- cores


def server_cores() -> tuple[set[int], set[int]] | None:
    """The server's core and those of all others; None: there is one only."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[-1]}, set(cores[:-1])) if len(cores) > 1 else None


def take_core(core: set[int]) -> None:
    """In a server's process, before it is a server."""
    os.sched_setaffinity(0, core)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def threads_of(pid: int) -> dict[int, str]:
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found[int(task.name)] = (task / "comm").read_text().strip()
    return found


def free_workers(pid: int, cores: set[int]) -> None:
    """Threads that sign run where there is room, as they would."""
    for thread, name in threads_of(pid).items():
        if name.startswith("saker-crypto"):
            os.sched_setaffinity(thread, cores)
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, thread, 0)


def waited_ns(pid: int) -> int:
    """How long the server's loops could have run and did not (schedstat)."""
    total = 0
    for thread, name in threads_of(pid).items():
        if name == "saker":
            with contextlib.suppress(OSError):
                total += int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[1])
    return total


# ---- the client


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

    def go_first(self) -> None:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(1))

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


# ---- the rule


@dataclasses.dataclass
class Latency:
    """Medians of the windows' p99, and of their ratios. `turn_ms`: what the server does in one go, where a
    message is such that it takes longer than three quiet p99."""

    quiet_ns: float
    attacked_ns: float
    ratio: float
    turn_ms: float

    @classmethod
    def of(cls, quiet: list[int], attacked: list[int], turn_ms: float = 0) -> Latency:
        ratio = statistics.median(b / max(a, 1) for a, b in zip(quiet, attacked))
        return cls(statistics.median(quiet), statistics.median(attacked), ratio, turn_ms)

    @property
    def is_late(self) -> bool:
        return self.ratio > WORST_RATIO and self.attacked_ns > self.turn_ms * 1e6

    @property
    def cells(self) -> list[str]:
        allowed_ns = max(WORST_RATIO * self.quiet_ns, self.turn_ms * 1e6)
        return [f"{self.quiet_ns / 1e3:.0f}", f"{self.attacked_ns / 1e3:.0f}", f"{allowed_ns / 1e3:.0f}",
                f"{self.ratio:.2f}"]  # fmt: skip


class Measure:
    """Of one server and the honest client beside it."""

    def __init__(self, honest: Honest, server: int) -> None:
        self._honest = honest
        self._server = server
        self.retaken = 0  # windows

    def window(self) -> int:
        """p99 of a window that other programs left alone, if there is one."""
        for _ in range(RETAKES):
            self._honest.round()
            before, began = waited_ns(self._server), time.monotonic_ns()
            time.sleep(WINDOW_S)
            p99 = self._honest.round()["p99"]
            waited = waited_ns(self._server) - before
            if waited <= MOST_WAITING * (time.monotonic_ns() - began):
                break
            self.retaken += 1
        return p99

    def windows(self, once: Callable[[], object]) -> tuple[list[int], list[int]]:
        """Quiet, and while once() is called again and again; in turn."""
        quiet: list[int] = []
        attacked: list[int] = []
        for _ in range(ROUNDS):
            quiet.append(self.window())
            with repeating(once):
                time.sleep(0.05)
                attacked.append(self.window())
        return quiet, attacked

    def under(self, once: Callable[[], object], turn_ms: float) -> Latency:
        for _ in range(TRIALS):
            figures = Latency.of(*self.windows(once), turn_ms)
            if not figures.is_late:
                break
        return figures


@contextlib.contextmanager
def repeating(once: Callable[[], object]):
    over = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not over.is_set():
                once()
        except BaseException as failure:  # for the main thread to raise
            failures.append(failure)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
