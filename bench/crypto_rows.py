"""The rows of bench/run about signatures: P5 against the bare library call, P6 what echoes notice of them."""
import contextlib
import functools
import json
import re
import subprocess

from echo_load import microseconds
from harness import LOAD_CPU, SERVER_CPU, cpu_ns, pin_threads, run_load

WORKERS = "saker-crypto"  # how their names begin
RSA = [f"RSA_{padding}_{size}" for padding in ("PKCS1_V15", "PSS") for size in ("SHA256", "SHA384", "SHA512")]
SIGNED = [*(("rsa-2048", algorithm) for algorithm in RSA), ("rsa-3072", "RSA_PSS_SHA256"), ("rsa-4096", "RSA_PSS_SHA256"),
          ("ec-p256", "ECDSA_P256_SHA256"), ("ec-p384", "ECDSA_P384_SHA384")]
SPEED = {"rsa-2048": "rsa2048", "rsa-3072": "rsa3072", "rsa-4096": "rsa4096", "ec-p256": "ecdsap256", "ec-p384": "ecdsap384"}


@contextlib.contextmanager
def signing_server(bench, workers=1):
    """Loop on one core; worker on the other, or both cores when there are two."""
    keys = [word for key in SPEED if key != "ec-p256" for word in ("--key", key)]  # which serve() makes
    with bench.serve(1, *keys, "--crypto-threads", workers, cpus="0,1") as server:
        if workers == 1:
            pin_threads(server.pid, WORKERS, LOAD_CPU, SERVER_CPU)
        yield server


def sign_command(bench, server, key, algorithm, *flags):
    return [bench.path("saker"), "bench", "sign", server.address, "--key", key, "--algorithm", algorithm, "--json", "--quiet", *flags]


def sign(bench, server, key, algorithm, *flags):
    """Load from the loop's core: the worker has the other one."""
    report = json.loads(run_load(sign_command(bench, server, key, algorithm, *flags), str(SERVER_CPU)))
    assert report["errors"] == 0, report
    return report


def per_worker_second(bench, server, key, algorithm):
    """Signatures a second of the worker's CPU time, one in a hundred verified by the client."""

    def measure():
        before = cpu_ns(server.pid, WORKERS + "-0")
        report = sign(bench, server, key, algorithm, "-c", 1, "-m", 16, "-z", "1s", "--verify-every", 100)
        return report["calls"] * 1e9 / (cpu_ns(server.pid, WORKERS + "-0") - before)

    return lambda: bench.quiet(measure, [server.pid])


def bare_per_second(bench, key, algorithm):
    """The same library call in a loop of its own, on the worker's core."""

    def measure():
        out = run_load([bench.path("crypto_benchmark"), f"--benchmark_filter=^sign/{algorithm}/{key}$", "--benchmark_format=json"])
        (result,) = json.loads(out)["benchmarks"]
        return result["bare_per_second"]

    return lambda: bench.quiet(measure)


@functools.cache
def openssl_speed(key):
    """Signatures a second by `openssl speed`."""
    out = subprocess.run(["taskset", "-c", str(LOAD_CPU), "openssl", "speed", "-seconds", "3", "-mr", SPEED[key]],
                         capture_output=True, text=True, check=True).stdout  # fmt: skip
    return float(re.search(r"^\+F\d:\d+:\d+:([0-9.e-]+):", out, re.MULTILINE).group(1))


def p5(bench):
    with signing_server(bench) as server:
        for key, algorithm in SIGNED:
            own, bare = bench.rounds_of(per_worker_second(bench, server, key, algorithm), bare_per_second(bench, key, algorithm))
            bench.add("P5", f"{algorithm}, {key}, per worker-second", f"{own:,.0f}", f"bare call {bare:,.0f}", own / bare, ">= 0.95",
                      own / bare >= 0.95)
            speed = openssl_speed(key)
            least = 4 if key == "ec-p384" else None
            bench.add("P5", "  beside openssl speed", f"{own:,.0f}", f"openssl speed {speed:,.0f}", own / speed,
                      f">= {least}" if least else "", own / speed >= least if least else None)
    # Of expensive signatures a worker is kept free: two workers sign one at a time, three sign two.
    with signing_server(bench, 2) as one, signing_server(bench, 3) as two:
        rates = bench.rounds_of(*(rate(bench, server, [one.pid, two.pid]) for server in (one, two)))
    bench.add("P5", "RSA_PSS_SHA256, rsa-2048, two workers to one", f"{rates[1]:,.0f}/s", f"one {rates[0]:,.0f}/s", rates[1] / rates[0],
              ">= 1.8", rates[1] >= 1.8 * rates[0])


def rate(bench, server, pids):
    flags = ("-c", 1, "-m", 16, "-z", "2s", "--verify-every", 0)
    return lambda: bench.quiet(lambda: sign(bench, server, "rsa-2048", "RSA_PSS_SHA256", *flags)["calls_per_second"], pids)


def p6(bench):
    """Echoes at a steady rate, beside a worker that signs RSA-4096 without a pause, and without."""
    with signing_server(bench) as server:
        def echo():
            flags = ("-c", 1, "-m", 10, "--rps", 2000, "-z", "3s")
            return bench.bench(server.address, *flags, cpus=str(SERVER_CPU))["latency_ns"]["corrected"]["p99"]

        def beside():
            command = sign_command(bench, server, "rsa-4096", "RSA_PSS_SHA256", "-c", "1", "-m", "4", "-z", "5s", "--verify-every", "0")
            with subprocess.Popen(["taskset", "-c", str(SERVER_CPU), *command], stdout=subprocess.DEVNULL) as load:
                try:
                    return echo()
                finally:
                    load.terminate()

        with_signing, without = bench.rounds_of(lambda: bench.quiet(beside, [server.pid]), lambda: bench.quiet(echo, [server.pid]))
    bench.add("P6", "echo p99 beside RSA-4096 signatures", microseconds(with_signing), f"without {microseconds(without)}",
              with_signing / without, "<= 1.5", with_signing <= 1.5 * without)
