#!/usr/bin/env python3
"""`saker worker` beside grpc-go's own worker, driven as gRPC's performance tests do: each as the other's server, plain and
with gRPC's own test certificates. The worker is built into build/interop/bin.

    tests/interop/peers/workers.py [unittest options]"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

import grpc  # noqa: E402
import worker_driver as driver  # noqa: E402

BIN = ROOT / "build/interop/bin"
GRPC = "google.golang.org/grpc@v1.85.0"
SECURITY = {"use_test_ca": True, "server_host_override": "foo.test.google.fr"}
MEASURED_S = 1.0


def build() -> str | None:
    """Why grpc-go's worker cannot be built; None: it is there. Sums are in Go's own database of them."""
    if shutil.which("go") is None:
        return "not on this machine: go"
    module = GRPC.replace("@", "/benchmark/worker@")
    BIN.mkdir(parents=True, exist_ok=True)
    stamp = BIN / "worker.version"
    if stamp.exists() and stamp.read_text(encoding="ascii") == module:
        return None
    done = subprocess.run(["go", "install", module], env=os.environ | {"GOBIN": str(BIN)}, check=False)
    if done.returncode != 0:
        return f"go install {module} failed"
    stamp.write_text(module, encoding="ascii")
    return None


def certificates() -> pathlib.Path:
    """gRPC's own: they are among grpc-go's sources."""
    done = subprocess.run(["go", "mod", "download", "-json", GRPC], capture_output=True, check=True, text=True)
    return pathlib.Path(json.loads(done.stdout)["Dir"]) / "testdata"


def go_worker() -> driver.Worker:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return driver.Worker([str(BIN / "worker"), f"--driver_port={port}"], f"127.0.0.1:{port}")


def saker_worker() -> driver.Worker:
    folder = certificates()
    own = ("--tls-cert", f"{folder}/server1.pem", "--tls-key", f"{folder}/server1.key")
    return driver.saker_worker(*own, "--ca", f"{folder}/ca.pem")


class Workers(unittest.TestCase):
    def each_way(self):
        with go_worker() as go, saker_worker() as saker:
            yield from ((go, saker), (saker, go))

    def measure(self, server: driver.Worker, client: driver.Worker, served: dict, load: dict):
        run = server.serve(**served)
        target = f"127.0.0.1:{run.next().port}"
        histogram = {"histogram_params": {"resolution": 0.01, "max_possible": 60e9}}
        sent = client.load(target, **histogram, **load)
        sent.next()
        sent.mark(reset=True)
        run.mark(reset=True)
        time.sleep(MEASURED_S)
        stats, used = sent.mark(reset=True), run.mark()
        self.assertEqual((sent.end(), run.end()), (grpc.StatusCode.OK, grpc.StatusCode.OK))
        self.assertEqual(len(stats.latencies.bucket), 2495)
        self.assertEqual(sum(stats.latencies.bucket), stats.latencies.count)
        self.assertLessEqual(set(driver.results(stats)), {0})
        self.assertGreater(used.time_user + used.time_system, 0)
        mean_us = stats.latencies.sum / stats.latencies.count / 1000
        print(f"  {self.id().split('.')[-1]}: {stats.latencies.count / stats.time_elapsed:,.0f}/s, mean {mean_us:,.0f} us")
        return stats

    def test_unary(self) -> None:
        for server, client in self.each_way():
            load = {"payload_config": driver.simple(100, 1000), "client_channels": 2, "outstanding_rpcs_per_channel": 10}
            self.measure(server, client, {}, load)

    def test_streaming(self) -> None:
        for server, client in self.each_way():
            load = {"payload_config": driver.simple(0, 0), "rpc_type": "STREAMING", "outstanding_rpcs_per_channel": 10}
            self.measure(server, client, {}, load)

    def test_streaming_bytes(self) -> None:
        payload = {"payload_config": driver.bytebuf(10, 100)}
        for server, client in self.each_way():
            served = payload | {"server_type": "ASYNC_GENERIC_SERVER"}
            self.measure(server, client, served, payload | {"rpc_type": "STREAMING"})

    def test_poisson(self) -> None:
        for server, client in self.each_way():
            load = {"payload_config": driver.simple(1, 1), "load_params": driver.poisson(500)}
            by_go = client.command[0].endswith("/bin/worker")
            # grpc-go's makes so many arrivals for each call that may be in flight, about.
            calls = {"outstanding_rpcs_per_channel": 1 if by_go else 100}
            stats = self.measure(server, client, {}, load | calls)
            self.assertAlmostEqual(stats.latencies.count / stats.time_elapsed, 500, delta=300 if by_go else 100)

    def test_tls(self) -> None:
        for server, client in self.each_way():
            for rpc_type in ("UNARY", "STREAMING"):
                load = {"payload_config": driver.simple(1, 1), "rpc_type": rpc_type, "security_params": SECURITY}
                self.measure(server, client, {"security_params": SECURITY}, load)


if __name__ == "__main__":
    if problem := build():
        sys.exit(f"workers: {problem}")
    unittest.main(verbosity=2)
