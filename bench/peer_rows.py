"""The rows of bench/run about TLS, and about other implementations' servers."""
import contextlib
import json

import peer_servers
from echo_load import BEARER, TRACE, check_h2load, microseconds
from harness import run_load, run_load_counted

RECORD_BYTES = 5 + 1 + 16  # of a record beside its plaintext: head, type, tag (RFC 8446 section 5.2)
HEADS = ("same heads", "grpc-timeout varying", "traceparent + 1 KiB token")
# What the plain row with the same heads must reach against each: the ratio of CPU per call.
TARGETS = {"gRPC C++ (Debian, asserts)": 1 / 25, "tonic": 1 / 12, "pajamax": 1}


def p11(bench):
    """TLS: its price on top of plain text, against that of the same records through the bare cipher; gRPC C++ beside it."""
    calls = bench.count(1_000_000)
    few = max(calls // 20, 1000)
    with bench.serve() as saker, bench.serve(tls=True) as secure, bench.grpc_server(tls=True) as peer:
        plain, tls, grpc = bench.rounds_of(bench.h2load_cpu(saker, calls, 10, 100), bench.h2load_cpu(secure, calls, 10, 100),
                                           bench.h2load_cpu(peer, few, 10, 100))
        (bare,) = bench.rounds_of(lambda: bench.quiet(lambda: record_cost(bench, secure, calls)))
    added = tls - plain
    bench.add("P11", "server CPU per echo with TLS, 10x100", microseconds(tls), f"plain {microseconds(plain)}", tls / plain)
    bench.add("P11", "  what TLS adds", microseconds(added), f"bare AES-128-GCM {microseconds(bare)}", added / bare, "<= 1.3",
              added <= 1.3 * bare)
    bench.add("P11", "  against gRPC C++ with TLS", microseconds(tls), f"gRPC C++ {microseconds(grpc)}", tls / grpc)


def record_cost(bench, server, calls):
    """Nanoseconds per call of opening and sealing the records of this load, in memory, without TLS around them.
    h2load writes a record at a time. Of one that it receives it reads the head, then the rest, then finds nothing more;
    beside that it reads the request's file once a call."""
    out, counts = run_load_counted(bench.h2load_command(server, calls, 10, 100))
    check_h2load(out, calls)
    opened, sealed = counts["syscw"], (counts["syscr"] - calls) / 3
    received = counts["rchar"] - calls * bench.request_bytes
    cost = 0.0
    for what, records, size in (("open", opened, counts["wchar"]), ("seal", sealed, received)):
        payload = max(round(size / records) - RECORD_BYTES, 1)
        report = json.loads(run_load([bench.path("aead_records"), what, payload, max(round(records), 1000)]))
        cost += report["cpu_ns_per_record"] * records / calls
    return cost


def peers(bench):
    """Other implementations' servers under the same loads as Saker's, plain and with TLS where they have it. All run all the
    time, and take turns."""
    commands = peer_servers.build(bench.path("grpc_echo_server"))
    for tls in (False, True):
        names = ["Saker", *(name for name in commands if not tls or name in peer_servers.WITH_TLS)]
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(bench.serve(tls=tls) if name == "Saker" else bench.peer(commands[name], tls))
                       for name in names]
            measures = [measure for name, server in zip(names, servers) for measure in loads(bench, name, server)]
            figures = bench.rounds_of(*measures)
        add_figures(bench, names, figures, tls)


def loads(bench, name, server):
    calls = bench.count(1_000_000 if name in ("Saker", "pajamax") else 100_000)
    return (bench.h2load_cpu(server, calls, 10, 100), bench.deadlines_cpu(server, calls),
            bench.h2load_cpu(server, calls, 10, 100, [BEARER, TRACE]))


def add_figures(bench, names, figures, tls):
    for at, heads in enumerate(HEADS):
        what = f"CPU per echo{', TLS' if tls else ''}, {heads}"
        column = dict(zip(names, figures[at :: len(HEADS)]))
        own = column.pop("Saker")
        bench.add("PEERS", what, microseconds(own))
        for name, figure in column.items():
            target = None if tls or at != 0 else TARGETS.get(name)
            bench.add("PEERS", "", "", f"{name} {microseconds(figure)}", own / figure,
                      "" if target is None else f"<= {target:.3g}", None if target is None else own / figure <= target)
