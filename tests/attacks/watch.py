"""What an attack costs its victim: memory and CPU of a process, as /proc says."""

from __future__ import annotations

import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Usage:
    growth_bytes: int  # the most that was resident beyond what was at rest
    cpu_ns: int


class Watcher:
    """Of one process, from construction on. Forgets earlier peaks (proc(5), clear_refs). At rest: what is
    resident now, if nothing is said."""

    def __init__(self, pid: int, rest_bytes: int = 0) -> None:
        self._proc = pathlib.Path(f"/proc/{pid}")
        self.forget_peak()
        self._resident = rest_bytes or self.resident_bytes()
        self._cpu_ns = self.cpu_ns()

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", (self._proc / "status").read_text())
        assert found
        return int(found.group(1)) * 1024

    def cpu_ns(self) -> int:
        """Of all its threads, to the nanosecond; utime and stime count in steps of 10 ms."""
        total = 0
        for task in (self._proc / "task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:  # the thread has ended
                pass
        return total

    def descriptors(self) -> int:
        return sum(1 for _ in (self._proc / "fd").iterdir())

    def resident_bytes(self) -> int:
        return self._status("VmRSS")

    def peak_bytes(self) -> int:
        return self._status("VmHWM")

    def usage(self) -> Usage:
        growth = max(0, self.peak_bytes() - self._resident)
        return Usage(growth, self.cpu_ns() - self._cpu_ns)
