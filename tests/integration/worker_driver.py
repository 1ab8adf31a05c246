"""The driver of gRPC's performance tests, as tests play it: workers, and the runs that they are told to make."""

from __future__ import annotations

import atexit
import importlib
import queue
import signal
import subprocess
import tempfile

import grpc
import saker_e2e as e2e

_directory = tempfile.TemporaryDirectory(prefix="saker-driver-")
atexit.register(_directory.cleanup)
_PROTOS = [f"grpc/testing/{name}.proto" for name in ("messages", "payloads", "stats", "control")]
subprocess.run(
    ["protoc", f"-I{e2e.ROOT / 'proto'}", f"--python_out={_directory.name}", *_PROTOS], check=True
)


# `grpc` is gRPC's own package, too.
grpc.__path__.append(f"{_directory.name}/grpc")
control = importlib.import_module("grpc.testing.control_pb2")
messages = importlib.import_module("grpc.testing.messages_pb2")


class Run:
    """RunServer or RunClient: a stream of one setup and marks, each answered."""

    def __init__(self, method: grpc.StreamStreamMultiCallable, args: type, *first: object) -> None:
        self._args = args
        self._requests: queue.Queue = queue.Queue()
        for message in first:
            self._requests.put(message)
        self._call = method(iter(self._requests.get, None), wait_for_ready=True, timeout=e2e.TIMEOUT_S)

    def next(self):
        """Their next answer; raises grpc.RpcError where there is none."""
        return next(self._call)

    def mark(self, reset: bool = False):
        self._requests.put(self._args(mark=control.Mark(reset=reset)))
        return self.next().stats

    def end(self) -> grpc.StatusCode:
        self._requests.put(None)
        for _ in self._call:
            pass
        return self._call.code()

    def status(self) -> tuple[grpc.StatusCode, str]:
        """How it ends, without an answer before."""
        self._requests.put(None)
        try:
            answer = self.next()
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"answered: {answer}")


class Worker:
    """A process that serves grpc.testing.WorkerService; it must have been told to quit, or ends by SIGTERM."""

    def __init__(self, command: list[str], address: str | None = None) -> None:
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=e2e.environment(),
        )  # fmt: skip
        self.address = address or self._read_address()
        self.connect()

    def connect(self) -> None:
        self.channel = grpc.insecure_channel(self.address)
        self.run_server = self._stream("RunServer", control.ServerArgs, control.ServerStatus)
        self.run_client = self._stream("RunClient", control.ClientArgs, control.ClientStatus)

    def _read_address(self) -> str:
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise AssertionError(line + self.process.communicate()[1])
        address = line.removeprefix("listening on ")
        return f"127.0.0.1{address}" if address.startswith(":") else address  # on all interfaces

    def _stream(self, name: str, args: type, status: type) -> grpc.StreamStreamMultiCallable:
        return self.channel.stream_stream(
            f"/grpc.testing.WorkerService/{name}", args.SerializeToString, status.FromString
        )

    def _unary(self, name: str, request: object, reply: type):
        method = self.channel.unary_unary(
            f"/grpc.testing.WorkerService/{name}", type(request).SerializeToString, reply.FromString
        )
        return method(request, wait_for_ready=True, timeout=e2e.TIMEOUT_S)

    def serve(self, **config: object) -> Run:
        return Run(
            self.run_server, control.ServerArgs, control.ServerArgs(setup=control.ServerConfig(**config))
        )

    def load(self, *targets: str, **config: object) -> Run:
        config = {"client_channels": 1, "outstanding_rpcs_per_channel": 1, "load_params": CLOSED} | config
        setup = control.ClientConfig(server_targets=targets, **config)
        return Run(self.run_client, control.ClientArgs, control.ClientArgs(setup=setup))

    def cores(self) -> int:
        return self._unary("CoreCount", control.CoreRequest(), control.CoreResponse).cores

    def is_free(self) -> bool:
        """It may have a new run, which it then has had."""
        run = self.serve()
        try:
            run.next()
        except grpc.RpcError:
            return False
        return run.end() == grpc.StatusCode.OK

    def quit(self) -> None:
        self._unary("QuitWorker", control.Void(), control.Void)

    def wait(self) -> tuple[int, str]:
        """Exit code and stderr."""
        self.channel.close()
        _, err = self.process.communicate(timeout=e2e.TIMEOUT_S)
        return self.process.returncode, err

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()


def saker_worker(*arguments: str) -> Worker:
    return Worker([e2e.SAKER, "worker", "--host", "127.0.0.1", "--driver-port", "0", *arguments])


CLOSED = {"closed_loop": {}}


def poisson(rate: float) -> dict:
    return {"poisson": {"offered_load": rate}}


def simple(request: int, reply: int) -> dict:
    return {"simple_params": {"req_size": request, "resp_size": reply}}


def bytebuf(request: int, reply: int) -> dict:
    return {"bytebuf_params": {"req_size": request, "resp_size": reply}}


def results(stats) -> dict[int, int]:
    """Calls by status code."""
    return {row.status_code: row.count for row in stats.request_results}
