"""Echo servers, Saker's and others', and the loads on them, as all rows of bench/run use them."""
import functools
import json
import os
import re
import socket
import struct
import subprocess
import tempfile

from harness import Harness, Server, cpu_ns, run_load

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ECHO = "/saker.echo.v1.Echo/Echo"
PAYLOAD = b"0123456789abcdef"
REPLY_BYTES = 45  # DATA payload of the reply to PAYLOAD: prefix, payload, three times, processing time (may vary by one)
BEARER = "authorization: Bearer " + "k" * 1024
TRACE = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def write_request(folder):
    message = b"\x0a" + bytes([len(PAYLOAD)]) + PAYLOAD
    path = os.path.join(folder, "request.bin")
    with open(path, "wb") as file:
        file.write(b"\0" + struct.pack(">I", len(message)) + message)
    return path


class Bench(Harness):
    def __init__(self, build, rounds, scale):
        super().__init__(build, rounds, scale)
        self.folder = tempfile.mkdtemp(prefix="saker-bench.")
        self.request = write_request(self.folder)
        self.request_bytes = os.path.getsize(self.request)

    @functools.cached_property
    def certificates(self):
        """The files of a certificate for this machine: CA, certificate, key."""
        subprocess.run([os.path.join(ROOT, "tools", "make-ca.sh"), self.folder], check=True, capture_output=True)
        return [os.path.join(self.folder, name) for name in ("ca.pem", "server.pem", "server.key")]

    def serve(self, threads=1, *more, cpus="0", tls=False):
        _, certificate, key = self.certificates if tls else (None, None, None)
        flags = ["--tls-cert", certificate, "--tls-key", key] if tls else []
        return Server([self.path("saker"), "serve", "--listen", "127.0.0.1:0", "--no-vsock", "--threads", threads,
                       "--key", "ec-p256", *flags, *more], cpus, tls)

    def peer(self, command, tls=False):
        """A server of another implementation: its command, then the address, then the files of its certificate."""
        return Server([*command, f"127.0.0.1:{free_port()}", *(self.certificates[1:] if tls else [])], tls=tls)

    def grpc_server(self, tls=False):
        return self.peer([self.path("grpc_echo_server")], tls)

    def bench(self, target, *flags, cpus="1"):
        return json.loads(run_load([self.path("saker"), "bench", "echo", target, "--json", "--quiet", *flags], cpus))

    def h2load_command(self, server, calls, connections, streams, headers=()):
        """All servers get the same cipher suite."""
        extra = [word for header in headers for word in ("-H", header)]
        tls = ["--tls13-ciphers", "TLS_AES_128_GCM_SHA256"] if server.tls else []
        return ["h2load", "-n", calls, "-c", connections, "-m", streams, "-t", 1, "-d", self.request, *tls, "-H",
                "content-type: application/grpc", "-H", "te: trailers", *extra,
                f"{'https' if server.tls else 'http'}://{server.address}{ECHO}"]

    def h2load_cpu(self, server, calls, connections, streams, headers=(), thread=None):
        """Server CPU nanoseconds per call under h2load, of all threads or of those with that name; every call must have
        succeeded with a whole reply."""

        def measure():
            before = cpu_ns(server.pid, thread)
            out = run_load(self.h2load_command(server, calls, connections, streams, headers))
            after = cpu_ns(server.pid, thread)
            check_h2load(out, calls)
            return (after - before) / calls

        return lambda: self.quiet(measure, [server.pid])

    def bench_cpu(self, server, calls, connections, streams, *flags):
        """The same under saker bench."""
        tls = ["--ca", self.certificates[0]] if server.tls else []

        def measure():
            before = cpu_ns(server.pid)
            report = self.bench(server.address, "-c", connections, "-m", streams, "-n", calls, *flags, *tls)
            after = cpu_ns(server.pid)
            assert report["errors"] == 0 and report["calls"] == calls, report
            return (after - before) / calls

        return lambda: self.quiet(measure, [server.pid])

    def deadlines_cpu(self, server, calls):
        """Calls with a deadline each: their heads differ in grpc-timeout."""
        return self.bench_cpu(server, calls, 10, 100, "--deadline", "20s")


def check_h2load(out, calls):
    succeeded = int(re.search(r"(\d+) succeeded", out).group(1))
    data = re.search(r"\((\d+)\) data", out)
    if succeeded != calls or int(data.group(1)) < calls * (REPLY_BYTES - 3):
        raise RuntimeError(f"h2load: {succeeded} of {calls} calls succeeded:\n{out}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def microseconds(ns):
    return f"{ns / 1000:.3f} us"
