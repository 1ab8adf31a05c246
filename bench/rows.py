"""The rows of bench/run, one function each: what is measured, against what, and the target."""
import json
import subprocess
import time

import crypto_rows
import generator_rows
import peer_rows
from echo_load import BEARER, TRACE, free_port, microseconds
from harness import Server, cpu_ns, private_bytes, run_load


def p1(bench):
    calls = bench.count(1_000_000)
    with bench.serve() as saker, bench.grpc_server() as peer:
        same, tokens, grpc = bench.rounds_of(
            bench.h2load_cpu(saker, calls, 10, 100),
            bench.h2load_cpu(saker, calls, 10, 100, [BEARER, TRACE]),
            bench.h2load_cpu(peer, max(calls // 20, 1000), 10, 100))
        (deadlines,) = bench.rounds_of(bench.deadlines_cpu(saker, calls))
    bench.add("P1", "server CPU per echo, 16 B, h2load 10x100", microseconds(same), "", None, "<= 0.6 us", same <= 600)
    bench.add("P1", "  the same against gRPC C++ (Debian, asserts)", microseconds(same), f"gRPC C++ {microseconds(grpc)}",
              same / grpc, "<= 0.04", same / grpc <= 0.04)
    slowest = max(deadlines, tokens)
    bench.add("P1", "  grpc-timeout varying per call (saker bench)", microseconds(deadlines), "same heads",
              deadlines / same)
    bench.add("P1", "  traceparent + 1 KiB bearer token", microseconds(tokens), "same heads", tokens / same)
    bench.add("P1", "  slowest row to fastest", microseconds(slowest), microseconds(min(same, deadlines)),
              slowest / min(same, deadlines), "<= 2", slowest <= 2 * min(same, deadlines))


def p2(bench):
    calls = bench.count(4_000_000)
    grpc_calls = max(calls // 50, 1000)
    with bench.serve() as saker, bench.grpc_server() as peer:
        def ours():
            report = bench.bench(saker.address, "-c", 10, "-m", 100, "-n", calls)
            assert report["errors"] == 0 and report["calls"] == calls, report
            return report["calls_per_second"]

        def theirs():
            out = json.loads(run_load([bench.path("grpc_echo_client"), peer.address, 10, 100, grpc_calls]))
            return out["calls_per_second"]

        rate, grpc = bench.rounds_of(lambda: bench.quiet(ours, [saker.pid]), lambda: bench.quiet(theirs, [peer.pid]))
    bench.add("P2", "checked calls a second, 10x100, 1 + 1 threads", f"{rate:,.0f}", f"gRPC C++ {grpc:,.0f}", rate / grpc,
              ">= 20", rate / grpc >= 20)
    bench.add("P2", "  against 2,000,000 (1,000,000 at least)", f"{rate:,.0f}", "", rate / 2e6, ">= 1", rate >= 2e6)


def wire_bytes(bench, server):
    """Bytes of one request and one reply on the wire, in the steady state, as saker's own client and server send them."""
    few, many = (bench.bench(server.address, "-c", 1, "-m", 1, "-n", n) for n in (100, 1100))
    return (round((many["bytes_sent"] - few["bytes_sent"]) / 1000),
            round((many["bytes_received"] - few["bytes_received"]) / 1000))


def p3(bench):
    calls = bench.count(30_000)
    for spin in (False, True):
        flags = ["--busy-poll", "1ms", "--force"] if spin else []
        with bench.serve(1, *flags) as saker:
            request, reply = 70, 82
            raw_words = ["--spin"] if spin else []
            with Server([bench.path("raw_echo"), "server", free_port(), request, reply, *raw_words]) as floor:
                def ours():
                    report = bench.bench(saker.address, "-c", 1, "-m", 1, "-n", calls, *(flags[:2]))
                    assert report["errors"] == 0, report
                    return report["latency_ns"]["uncorrected"]["p50"]

                def raw():
                    out = run_load([bench.path("raw_echo"), "client", floor.address, request, reply, 1, calls, *raw_words])
                    return json.loads(out)["p50_ns"]

                own, bare = bench.rounds_of(lambda: bench.quiet(ours, [saker.pid]),
                                            lambda: bench.quiet(raw, [floor.pid]))
        limit = 1.35 if spin else 1.10
        name = "busy-poll, spinning" if spin else "sleeping"
        bench.add("P3", f"p50, one call in flight, {name}", microseconds(own), f"raw ping-pong {microseconds(bare)}",
                  own / bare, f"<= {limit}", own / bare <= limit)


def p4(bench):
    """Server and floor get loads of one kind, a loop that handles all its connections in turn: how many of them a server
    finds ready each time it wakes up is most of what a call costs. h2load finds fewer."""
    calls = bench.count(500_000)
    with bench.serve() as saker, Server([bench.path("raw_echo"), "server", free_port(), 70, 82]) as floor:
        def raw():
            before = cpu_ns(floor.pid)
            run_load([bench.path("raw_echo"), "client", floor.address, 70, 82, 256, calls])
            return (cpu_ns(floor.pid) - before) / calls

        own, bare, h2load = bench.rounds_of(bench.bench_cpu(saker, calls, 256, 1),
                                            lambda: bench.quiet(raw, [floor.pid]),
                                            bench.h2load_cpu(saker, calls, 256, 1))
    floor_cost = f"raw epoll echo {microseconds(bare)}"
    bench.add("P4", "server CPU per echo, 256 connections x 1", microseconds(own), floor_cost, own / bare, "<= 1.15",
              own / bare <= 1.15)
    bench.add("P4", "  the same under h2load", microseconds(h2load), floor_cost, h2load / bare)


def idle_bytes(bench, connections, tls):
    """The server's private memory for a connection that has made ten calls and then rested for ten seconds."""
    trust = bench.certificates[:1] if tls else []
    with bench.serve(tls=tls) as saker:
        run_load([bench.path("idle_connections"), saker.address, 1, 10, 0, *trust])
        before = private_bytes(saker.pid)
        with subprocess.Popen([bench.path("idle_connections"), saker.address, str(connections), "10", "13", *trust],
                              stdout=subprocess.PIPE, text=True) as load:
            if "idle" not in load.stdout.readline():
                raise RuntimeError(f"idle_connections: not all of {connections} connections made their calls")
            time.sleep(10)
            grown = private_bytes(saker.pid) - before
            load.wait()
    return grown / connections


def p7(bench):
    connections = bench.count(10_000)
    for tls, limit in ((False, 4), (True, 24)):
        each = idle_bytes(bench, connections, tls)
        what = "  with TLS" if tls else f"user memory per idle connection ({connections})"
        bench.add("P7", what, f"{each:,.0f} B", "", None, f"<= {limit} KiB", each <= limit * 1024)


def p8(bench):
    calls = bench.count(3_000)
    size = 1 << 20
    with bench.serve() as saker, \
            Server([bench.path("raw_echo"), "server", free_port(), size + 640, size + 690]) as floor:
        def ours():
            report = bench.bench(saker.address, "-c", 1, "-m", 1, "-n", calls, "--size", "1MiB")
            assert report["errors"] == 0, report
            return report["calls_per_second"]

        def raw():
            out = run_load([bench.path("raw_echo"), "client", floor.address, size + 640, size + 690, 1, calls])
            return 1e9 / json.loads(out)["wall_ns_per_call"]

        own, bare = bench.rounds_of(lambda: bench.quiet(ours, [saker.pid]), lambda: bench.quiet(raw, [floor.pid]))
        with Server([bench.path("raw_messages"), "server", "127.0.0.1:0"]) as untyped:
            def messages():
                out = run_load([bench.path("raw_messages"), "client", untyped.address, size, calls])
                return 1e9 / json.loads(out)["wall_ns_per_call"]

            bytes_only, bare_again = bench.rounds_of(lambda: bench.quiet(messages, [untyped.pid]),
                                                     lambda: bench.quiet(raw, [floor.pid]))
    bench.add("P8", "1 MiB echo, one in flight, typed", f"{own:,.0f}/s", f"raw socket echo {bare:,.0f}/s", own / bare,
              ">= 0.6", own / bare >= 0.6)
    bench.add("P8", "  RawMessage", f"{bytes_only:,.0f}/s", f"raw socket echo {bare_again:,.0f}/s",
              bytes_only / bare_again, ">= 0.75", bytes_only / bare_again >= 0.75)


def p9(bench):
    seconds = max(int(10 * bench.scale), 2)
    with bench.serve() as saker:
        def ours():
            report = bench.bench(saker.address, "-c", 10, "-m", 100, "-z", f"{seconds}s", "--rps", 100_000)
            assert report["errors"] == 0, report
            return report["latency_ns"]["corrected"]["p99"]

        (p99,) = bench.rounds_of(lambda: bench.quiet(ours, [saker.pid]))
    bench.add("P9", "open loop 100,000/s, 10x100, corrected p99", microseconds(p99), "", None, "< 1 ms", p99 < 1e6)


def p10(bench):
    calls = bench.count(1_000_000)

    def per_call(threads):
        with bench.serve(threads, cpus="0,1") as saker:
            return bench.h2load_cpu(saker, calls, 10, 100)()

    one, two = bench.rounds_of(lambda: per_call(1), lambda: per_call(2))
    bench.add("P10", "server CPU per echo, --threads 2", microseconds(two), f"--threads 1 {microseconds(one)}", two / one,
              "<= 1.1", two / one <= 1.1)


def observation(bench):
    """What call records and metrics cost the loop. The log thread's work is its own."""
    calls = bench.count(1_000_000)
    with bench.serve() as plain, \
            bench.serve(1, "--log-level", "debug", "--log-format", "json", "--log-sample", "1",
                        "--log-file", "/dev/null") as logging, \
            bench.serve(1, "--metrics", "127.0.0.1:0") as counting:
        without, with_records, with_metrics = bench.rounds_of(
            *(bench.h2load_cpu(server, calls, 10, 100, thread="saker") for server in (plain, logging, counting)))
    bench.add("OBS", "loop CPU of a JSON call record each", microseconds(with_records - without), "", None, "<= 0.5 us",
              with_records - without <= 500)
    bench.add("OBS", "server CPU with --metrics", microseconds(with_metrics), microseconds(without),
              with_metrics / without, "<= 1.05", with_metrics <= 1.05 * without)


ROWS = {"P1": p1, "P2": p2, "P3": p3, "P4": p4, "P5": crypto_rows.p5, "P6": crypto_rows.p6, "P7": p7, "P8": p8, "P9": p9, "P10": p10, "P11": peer_rows.p11,
        "OBS": observation, "PEERS": peer_rows.peers, "GEN": generator_rows.gen}
# Needs toolchains and registries that the others do not: only when it is asked for.
BY_NAME_ONLY = ("PEERS", "GEN")
GROUPS = {"CRYPTO": ("P5", "P6")}
