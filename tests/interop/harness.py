"""What the interoperability tests drive: server and client programs of each implementation, as processes, over a transport."""
import importlib.util
import itertools
import os
import signal
import struct
import subprocess
import sys
import threading

import interop_pb2 as pb
import transports

HERE = os.path.dirname(os.path.abspath(__file__))
# Under sanitizers everything takes longer; what a bound of time is for stays visible.
SLOWNESS = float(os.environ.get("SAKER_TEST_SLOWNESS", "1"))


class Implementation:
    """How to start one implementation's server and client."""

    def __init__(self, name, server, client):
        self.name = name
        self.server = server
        self.client = client


def implementations(bin_dir):
    def program(name):
        return [os.path.join(bin_dir, name)]

    def script(name):
        return [sys.executable, os.path.join(HERE, name)]

    return {
        "saker": Implementation("saker", program("saker_interop_server"),
                                program("saker_interop_client")),
        "grpc_cpp": Implementation("grpc_cpp", program("grpc_interop_server"),
                                   program("grpc_interop_client")),
        "grpc_python": Implementation("grpc_python", script("grpc_peer_server.py"),
                                      script("grpc_peer_client.py")),
    }


def missing(name, implementation):
    """Why this implementation cannot be tested here, or None."""
    for command in (implementation.server, implementation.client):
        if not os.path.exists(command[-1]):
            return f"{command[-1]} was not built (package libgrpc++-dev)"
    if name == "grpc_python" and importlib.util.find_spec("grpc") is None:
        return "no module grpc (package python3-grpcio)"
    return None


def available_transports():
    """Those of tests/support/transports.py that this machine has; $SAKER_TEST_TRANSPORT names only one."""
    if os.environ.get("SAKER_TEST_TRANSPORT"):
        return [transports.current()]
    return [transport for transport in transports.TRANSPORTS if transport.why_not() is None]


def peers_address(implementation, address):
    """How an implementation says `address`: gRPC Python knows no VSOCK, and gRPC no multiplexer."""
    transport = transports.of(address)
    if implementation.name == "saker" or transport.name == "vsock":
        return address
    return transport.grpc_address(address)


class Server:
    def __init__(self, implementation, listen, max_streams=0):
        told = peers_address(implementation, listen)
        command = implementation.server + ["--listen", told]
        if max_streams:
            command += ["--max-streams", str(max_streams)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{command} did not start: {line!r}")
        self.address = listen if told != listen else line.removeprefix("listening on ").strip()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s=30):
        """Its exit code and what else it printed."""
        output, _ = self.process.communicate(timeout=timeout_s * SLOWNESS)
        return self.process.returncode, output

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class PendingCall:
    def __init__(self, client, call_id):
        self.client = client
        self.id = call_id
        self.ended = threading.Event()
        self.outcome = None

    def cancel(self):
        self.client.send(pb.Command(cancel=self.id))

    def wait(self, timeout_s=30):
        if not self.ended.wait(timeout_s * SLOWNESS):
            raise TimeoutError(f"call {self.id} of {self.client.name} has not ended")
        if self.outcome is None:
            raise RuntimeError(f"client {self.client.name} ended before call {self.id}")
        return self.outcome


class Client:
    """A client program and the calls it has been told to do."""

    def __init__(self, implementation, target):
        self.name = implementation.name
        told = peers_address(implementation, target)
        self.process = subprocess.Popen(implementation.client + ["--target", told],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = itertools.count(1)
        self.pending = {}
        self.lock = threading.Lock()
        if self.read_outcome() is None:
            self.process.wait()
            raise RuntimeError(f"client {self.name} did not start")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def send(self, command):
        body = command.SerializeToString()
        self.process.stdin.write(struct.pack("<I", len(body)) + body)
        self.process.stdin.flush()

    def start(self, path, kind, requests, **options):
        with self.lock:
            call = PendingCall(self, next(self.ids))
            self.pending[call.id] = call
        self.send(pb.Command(start=pb.Call(id=call.id, path=path, kind=kind, requests=requests,
                                           **options)))
        return call

    def read_outcome(self):
        prefix = self.process.stdout.read(4)
        if len(prefix) < 4:
            return None
        return pb.Outcome.FromString(self.process.stdout.read(struct.unpack("<I", prefix)[0]))

    def read(self):
        while (outcome := self.read_outcome()) is not None:
            with self.lock:
                call = self.pending.pop(outcome.id)
            call.outcome = outcome
            call.ended.set()
        for call in list(self.pending.values()):
            call.ended.set()

    def close(self):
        """Its exit code."""
        self.process.stdin.close()
        try:
            code = self.process.wait(20 * SLOWNESS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        return code
