"""Processes, pinning and accounting for bench/run: nothing here knows what is measured."""
import dataclasses
import glob
import os
import re
import statistics
import subprocess
import tempfile
import time

SERVER_CPU, LOAD_CPU = 0, 1


@dataclasses.dataclass
class Result:
    row: str
    what: str
    figure: str
    peer: str
    ratio: str
    target: str
    verdict: str  # "ok", "short", "" where there is no target


def cpu_ns(pid, thread=None):
    """CPU time of a process, with threads that have ended, or of its living threads with that name, in nanoseconds."""
    if thread is None:
        try:
            return time.clock_gettime_ns((~pid << 3) | 2)  # the clock that clock_getcpuclockid(3) names
        except OSError:
            return 0  # a process that ended
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*"):
        try:
            with open(path + "/comm", encoding="utf-8") as file:
                if file.read().strip() != thread:
                    continue
            with open(path + "/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except OSError:
            pass  # a thread that ended
    return total


def pin_threads(pid, prefix, theirs, others):
    """Threads whose names begin so to one core, the others of the process to another."""
    for task in glob.glob(f"/proc/{pid}/task/*"):
        with open(task + "/comm", encoding="utf-8") as file:
            os.sched_setaffinity(int(os.path.basename(task)), {theirs if file.read().startswith(prefix) else others})


def private_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return sum(int(lines[key].split()[0]) * 1024 for key in ("Private_Clean", "Private_Dirty"))


def machine_ticks():
    """(busy, stolen) ticks of the whole machine."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal


class Server:
    """A server process pinned to the server's core, stopped on exit."""

    def __init__(self, command, cpus=str(SERVER_CPU), tls=False):
        self.tls = tls
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["taskset", "-c", cpus, *map(str, command)], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            self.log.seek(0)
            raise RuntimeError(f"{command[0]} did not start: {line}{self.log.read().decode()}")
        self.address = line.split("listening on", 1)[1].split()[0]
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        self.check_statuses()

    def check_statuses(self):
        """h2load takes a reply for a success whatever its grpc-status; Saker says at its end what it has answered."""
        self.log.seek(0)
        served = re.search(r"served (\S+) calls?: (.*)", self.log.read().decode())
        if served and served.group(2).strip() != f"OK {served.group(1)}":
            raise RuntimeError(f"not all calls succeeded: {served.group(0)}")


def run_load(command, cpus=str(LOAD_CPU)):
    done = subprocess.run(["taskset", "-c", cpus, *map(str, command)], capture_output=True, text=True, check=True)
    return done.stdout


def run_load_counted(command, cpus=str(LOAD_CPU)):
    """What it printed, and what the kernel has counted of its reads and writes (proc(5): io)."""
    load = subprocess.Popen(["taskset", "-c", cpus, *map(str, command)], stdout=subprocess.PIPE, text=True)
    out = load.stdout.read()
    os.waitid(os.P_PID, load.pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{load.pid}/io", encoding="ascii") as file:
        counts = {name: int(value) for name, value in (line.split(":") for line in file)}
    load.stdout.close()
    if load.wait() != 0:
        raise subprocess.CalledProcessError(load.returncode, list(map(str, command)), out)
    return out, counts


class Harness:
    def __init__(self, build, rounds, scale):
        self.build, self.rounds, self.scale = build, rounds, scale
        self.results, self.printed, self.foreign = [], 0, []

    def path(self, name):
        for folder in ("", "bench", "src/services/crypto"):
            folder = os.path.join(self.build, folder)
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
        raise RuntimeError(f"{name} is not in {self.build}; ./dev build makes it")

    def count(self, calls):
        return max(int(calls * self.scale), 1000)

    def quiet(self, measure, pids=()):
        """measure(), again while the round was disturbed; `pids` are servers whose CPU time is ours."""
        for _ in range(4):
            own_before = sum(cpu_ns(pid) for pid in pids) + children_ns()
            busy_before, stolen_before = machine_ticks()
            start = time.monotonic()
            value = measure()
            wall = time.monotonic() - start
            busy, stolen = machine_ticks()
            own = (sum(cpu_ns(pid) for pid in pids) + children_ns() - own_before) / 1e9
            foreign = max((busy - busy_before) / 100 - own, 0) + (stolen - stolen_before) / 100
            share = foreign / (wall * os.cpu_count())
            if share < 0.08:
                break
        self.foreign.append(share)
        return value

    def rounds_of(self, *measures):
        """Each measure once a round, in turn; the medians."""
        values = [[] for _ in measures]
        for _ in range(self.rounds):
            for at, measure in enumerate(measures):
                values[at].append(measure())
        return [statistics.median(column) for column in values]

    def add(self, row, what, figure, peer="", ratio=None, target="", ok=None):
        noisy = " (noisy)" if figure and self.foreign and self.foreign[-1] >= 0.08 else ""
        self.results.append(Result(row, what, figure + noisy, peer, "" if ratio is None else f"{ratio:.3g}", target,
                                   "" if ok is None else "ok" if ok else "short"))

    def print_new(self):
        if self.printed == 0:
            print(f"{'':4} {'what':44} {'figure':22} {'against':34} {'ratio':8} {'target':20}")
        for result in self.results[self.printed:]:
            print(f"{result.row:4} {result.what:44} {result.figure:22} {result.peer:34} {result.ratio:8} "
                  f"{result.target:20} {result.verdict}", flush=True)
        self.printed = len(self.results)


def children_ns():
    usage = os.times()
    return int((usage.children_user + usage.children_system) * 1e9)
