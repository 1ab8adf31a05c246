"""Victim: `saker ARGUMENTS` that has ended, with what it took."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import attack

LOOK_EVERY_S = 0.005


@dataclasses.dataclass
class Victim:
    code: int
    output: str
    seconds: float
    resident_bytes: int
    cpu_ns: int


def peak_bytes(pid: int) -> int:
    """0 once it has ended."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def run_victim(*arguments: str, patience_s: float) -> Victim:
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [attack.e2e.SAKER, *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=attack.e2e.environment(),
        )  # fmt: skip
        killer = threading.Timer(patience_s, process.kill)
        killer.start()
        peak, ended = 0, 0
        while not ended:
            peak = max(peak, peak_bytes(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0 if ended else LOOK_EVERY_S)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        # What came after the last look. ru_maxrss begins with what this process had when it started the other:
        # only what is beyond that tells anything.
        if usage.ru_maxrss * 1024 > peak_bytes(os.getpid()):
            peak = max(peak, usage.ru_maxrss * 1024)
        output.seek(0)
        return Victim(
            process.returncode, output.read(), time.monotonic() - began, peak,
            round((usage.ru_utime + usage.ru_stime) * 1e9),
        )  # fmt: skip
