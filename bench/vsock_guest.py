"""Inside the virtual machine: the table of bench/vsock.   vsock_guest.py BUILD-DIR"""

import contextlib
import json
import os
import re
import subprocess
import sys

BUILD = sys.argv[1]
SAKER = f"{BUILD}/saker"
RAW, GRPC_SERVER, GRPC_CLIENT = (
    f"{BUILD}/bench/{name}" for name in ("raw_echo", "grpc_echo_server", "grpc_echo_client")
)
# Saker's and gRPC's address, bare sockets' address.
PLACES = {
    "vsock": ("vsock:local:50051", "vsock:50061"),
    "tcp": ("127.0.0.1:50051", "50061"),
    "unix": ("unix:/tmp/saker.sock", "/tmp/raw.sock"),
}
SMALL, BULK = 16, 1 << 20
SMALL_CALLS, BULK_CALLS = 3000, 100
# A message of SMALL bytes and its reply as HTTP/2 frames carry them.
SMALL_FRAMES = (80, 90)


@contextlib.contextmanager
def server(*command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "listening on" not in (line := process.stdout.readline()):
        if not line:
            raise RuntimeError(f"{command[0]} did not start: {process.stderr.read()}")
    try:
        yield process
    finally:
        process.terminate()
        process.errors = process.communicate(timeout=60)[1]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def saker_bench(address, size, calls, streams=1):
    return json.loads(run(SAKER, "bench", "echo", address, "-c", "1", "-m", str(streams), "-n", str(calls),
                          "--size", str(size), "--json", "--quiet", "--assert", "errors==0"))  # fmt: skip


def saker(address):
    with server(SAKER, "serve", "--listen", address, "--no-vsock", "--key", "ec-p256"):
        small = saker_bench(address, SMALL, SMALL_CALLS)["latency_ns"]["corrected"]["p50"]
        bulk = saker_bench(address, BULK, BULK_CALLS)["calls_per_second"]
    return small / 1000, bulk


def grpc(address):
    with server(GRPC_SERVER, address):
        small = json.loads(run(GRPC_CLIENT, address, "1", "1", str(SMALL_CALLS), str(SMALL)))["p50_ns"]
        bulk = json.loads(run(GRPC_CLIENT, address, "1", "1", str(BULK_CALLS), str(BULK)))["calls_per_second"]
    return small / 1000, bulk


def raw(address):
    figures = []
    for request, reply, calls in (*[(*SMALL_FRAMES, SMALL_CALLS)], (BULK, BULK, BULK_CALLS)):
        with server(RAW, "server", address, str(request), str(reply)):
            figures.append(json.loads(run(RAW, "client", address, str(request), str(reply), "1", str(calls))))
    return figures[0]["p50_ns"] / 1000, 1e9 / figures[1]["wall_ns_per_call"]


def instructions(address, streams):
    """Of the server, user space, per call: the difference of a long and a short run."""
    counts = {}
    for calls in (1000, 5000):
        with server("/usr/bin/valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", SAKER, "serve",
                    "--listen", address, "--no-vsock", "--threads", "1", "--key", "ec-p256") as process:  # fmt: skip
            saker_bench(address, SMALL, calls, streams)
        counts[calls] = int(re.search(r"Collected : (\d+)", process.errors).group(1))
    return (counts[5000] - counts[1000]) / 4000


def main():
    print(f"{'emulated':8} {'echo of 16 B, one in flight, p50':>44}   {'echo of 1 MiB, one in flight':>38}")
    print(f"{'':8} {'Saker':>14} {'bare socket':>14} {'gRPC C++':>14}   {'Saker':>12} {'bare socket':>12} {'gRPC C++':>12}")
    for name, (address, raw_address) in PLACES.items():
        ours, floor, theirs = saker(address), raw(raw_address), grpc(address)
        print(f"{name:8} {ours[0]:11.0f} us {floor[0]:11.0f} us {theirs[0]:11.0f} us   "
              f"{ours[1]:10.0f}/s {floor[1]:10.0f}/s {theirs[1]:10.0f}/s", flush=True)  # fmt: skip
    for streams in (1, 100):
        over = {name: instructions(PLACES[name][0], streams) for name in ("vsock", "tcp")}
        print(f"server's instructions per call, {streams} in flight: vsock {over['vsock']:.0f}, tcp {over['tcp']:.0f}, "
              f"ratio {over['vsock'] / over['tcp']:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    os.environ["PATH"] = "/usr/sbin:/usr/bin"
    main()
