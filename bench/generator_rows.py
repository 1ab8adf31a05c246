"""The row GEN of bench/run: the load generator itself, beside h2load and ghz."""
import json
import os
import signal
import statistics
import threading
import time

import peer_servers
from echo_load import ROOT, check_h2load, microseconds
from harness import children_ns, run_load
from wire import Wire, may_listen

RATE = 1000  # calls a second
DELAY_MS = 10  # of the handlers
SECONDS = 10
IN_FLIGHT = 50
STALL_S = 0.1  # of each second
STALLED_IN_FLIGHT = 5


def gen(bench):
    ghz = Ghz(bench, peer_servers.build_ghz())
    same_latency(bench, ghz)
    stalls(bench, ghz)
    cost(bench, ghz)
    knees(bench)


class Ghz:
    def __init__(self, bench, program):
        self.bench, self.program = bench, program

    def run(self, address, *flags):
        out = run_load([self.program, "--insecure", "--proto", os.path.join(ROOT, "proto/saker/echo/v1/echo.proto"),
                        "--import-paths", os.path.join(ROOT, "proto"), "--call", "saker.echo.v1.Echo.Echo", "-d",
                        '{"payload":"MDEyMzQ1Njc4OWFiY2RlZg=="}', "--format", "json", *flags, address])
        report = json.loads(out)
        if set(report["statusCodeDistribution"]) != {"OK"}:
            raise RuntimeError(f"ghz: {report['statusCodeDistribution']}")
        return report

    def at_rate(self, address, in_flight):
        """Latencies in nanoseconds by percentile."""
        report = self.run(address, "--rps", RATE, "-n", self.bench.count(RATE * SECONDS), "-c", in_flight, "--connections", 1)
        return {row["percentage"]: row["latency"] for row in report["latencyDistribution"]}


def at_rate(bench, address, in_flight):
    report = bench.bench(address, "--rps", RATE, "-n", bench.count(RATE * SECONDS), "-c", 1, "-m", in_flight)
    assert report["errors"] == 0 and not report["unfinished"], report
    return report["latency_ns"]


def same_latency(bench, ghz):
    """Servers of others whose handlers take 10 ms: both generators must see the same median, or ours one that is nearer to
    what went over the wire."""
    os.environ["ECHO_DELAY_MS"] = str(DELAY_MS)
    try:
        commands = peer_servers.build(bench.path("grpc_echo_server"))
        for name in peer_servers.WITH_TLS:
            with bench.peer(commands[name]) as server:
                same_median(bench, name, server, lambda: at_rate(bench, server.address, IN_FLIGHT)["corrected"]["p50"],
                            lambda: ghz.at_rate(server.address, IN_FLIGHT)[50])
    finally:
        del os.environ["ECHO_DELAY_MS"]


def same_median(bench, name, server, ours, theirs):
    wire_medians = ([], [])

    def median(measure, wire_medians):
        if not may_listen():
            return measure()
        with Wire(server.address) as wire:
            value = measure()
        wire_medians.append(wire.median())
        return value

    own, other = bench.rounds_of(*(lambda pair=pair: bench.quiet(lambda: median(*pair), [server.pid])
                                   for pair in zip((ours, theirs), wire_medians)))
    bench.add("GEN", f"p50, {name}, 10 ms handler, 1,000/s", microseconds(own), f"ghz {microseconds(other)}",
              own / other, "within 3 %", abs(own / other - 1) <= 0.03)
    if not may_listen():
        bench.add("GEN", "  on the wire: not measured, needs CAP_NET_RAW", "")
        return
    own_wire, other_wire = map(statistics.median, wire_medians)
    added, other_added = own - own_wire, other - other_wire
    bench.add("GEN", "  on the wire", microseconds(own_wire), f"ghz {microseconds(other_wire)}", own_wire / other_wire)
    bench.add("GEN", "  what the generator says over it", microseconds(added), f"ghz {microseconds(other_added)}",
              added / other_added, "no more than ghz", abs(added) <= abs(other_added))


class Stalls:
    """Stops a process for STALL_S of each second."""

    def __init__(self, pid):
        self.pid, self.ended = pid, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(1 - STALL_S):
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(STALL_S)
            os.kill(self.pid, signal.SIGCONT)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def stalls(bench, ghz):
    """A server that stands still for 100 ms of each second, and generators with five calls in flight: a tenth of the calls is
    due meanwhile. apps/saker/bench_stall_test.cc has the arithmetic: p99 is some 94 ms."""
    with bench.serve() as server:
        def ours():
            with Stalls(server.pid):
                return at_rate(bench, server.address, STALLED_IN_FLIGHT)

        def theirs():
            with Stalls(server.pid):
                return ghz.at_rate(server.address, STALLED_IN_FLIGHT)[99]

        latency, other = ours(), theirs()
    corrected, uncorrected = latency["corrected"]["p99"], latency["uncorrected"]["p99"]
    bench.add("GEN", "p99 of a server that stalls 100 ms a second", microseconds(corrected), f"ghz {microseconds(other)}",
              corrected / other, "80 to 110 ms", 80e6 <= corrected <= 110e6)
    bench.add("GEN", "  from when calls were sent", microseconds(uncorrected))


def client_cpu(command):
    before = children_ns()
    run_load(command)
    return children_ns() - before


def cost(bench, ghz):
    """CPU of the generator's whole process for each call, against Saker's server."""
    many, few = bench.count(2_000_000), bench.count(100_000)
    with bench.serve() as server:
        def saker():
            return client_cpu([bench.path("saker"), "bench", "echo", server.address, "-n", many, "--quiet", "--json"]) / many

        def h2load():
            before = children_ns()
            check_h2load(run_load(bench.h2load_command(server, many, 10, 100)), many)
            return (children_ns() - before) / many

        def others():
            before = children_ns()
            ghz.run(server.address, "-n", few, "-c", 1000, "--connections", 10)
            return (children_ns() - before) / few

        own, h2, slow = bench.rounds_of(*(lambda one=one: bench.quiet(one, [server.pid]) for one in (saker, h2load, others)))
    bench.add("GEN", "client CPU a call, 10x100, all replies checked", microseconds(own), f"h2load {microseconds(h2)}", own / h2,
              "<= 0.35", own / h2 <= 0.35)
    bench.add("GEN", "", "", f"ghz {microseconds(slow)}", own / slow, "<= 1/150", own / slow <= 1 / 150)


def knees(bench):
    """--find-max three times: how far apart its answers are."""
    with bench.serve() as server:
        reports = [json.loads(run_load([bench.path("saker"), "bench", "echo", server.address, "--find-max", "--assert",
                                        "p99<5ms,errors==0", "--rps", "400k", "--json", "--quiet"]))
                   for _ in range(min(3, bench.rounds))]
    found = [report["knee_rate"] for report in reports]
    thrown_away = sum(report["rounds_thrown_away"] for report in reports)
    spread = max(found) / min(found)
    bench.add("GEN", f"--find-max {len(found)} times: highest to lowest", " ".join(f"{rate:,.0f}" for rate in found),
              f"{thrown_away} rounds thrown away", spread, "<= 1.05", spread <= 1.05)
