"""The transports that tests run over: one list. Suites take the transport from here, so that each runs
over all of them, and a new transport is one class here.

$SAKER_TEST_TRANSPORT names the one to test (default tcp); $SAKER_MULTIPLEXER is the multiplexer behind
vsock-mux (tests/support/multiplexer.cc).
"""

from __future__ import annotations

import atexit
import itertools
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MULTIPLEXER = os.environ.get(
    "SAKER_MULTIPLEXER", str(ROOT / "build/release/tests/support/fake_multiplexer")
)
VSOCK_LOCAL = 1
VSOCK_PORT_ANY = 0xFFFFFFFF


class Transport:
    """Addresses are Saker's; `address` is one that a server printed, or that listen() made."""

    name = ""
    numbers = itertools.count(1)

    def why_not(self) -> str | None:
        """Why it cannot be tested here."""
        return None

    def listen(self) -> str:
        """A new address to listen on; a server on it says where it can be reached."""
        return self.nobody()

    def nobody(self) -> str:
        """A new address on which nobody listens, and a server may."""
        raise NotImplementedError

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        """A blocking socket connected to the server there. ConnectionError: nobody listens."""
        raise NotImplementedError

    def raw_listener(self) -> tuple[socket.socket, str]:
        """A listening socket that is no gRPC server, and the address at which clients find it."""
        raise NotImplementedError

    def grpc_address(self, address: str) -> str:
        """Where gRPC's own clients find the server at `address`, and its servers listen for ours."""
        return address


class Tcp(Transport):
    name = "tcp"

    def listen(self) -> str:
        return "127.0.0.1:0"

    # Bound and never listening: whoever connects is refused, a server with SO_REUSEADDR may bind, no other program gets the port.
    _reserved: list[socket.socket] = []

    def nobody(self) -> str:
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        self._reserved.append(reserved)
        return f"127.0.0.1:{reserved.getsockname()[1]}"

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        host, port = address.rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), timeout_s)

    def raw_listener(self) -> tuple[socket.socket, str]:
        listener = socket.create_server(("127.0.0.1", 0))
        return listener, f"127.0.0.1:{listener.getsockname()[1]}"


class Unix(Transport):
    name = "unix"

    def nobody(self) -> str:
        return f"unix:{directory()}/{next(self.numbers)}.sock"

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        return connect_unix(address.removeprefix("unix:"), timeout_s)

    def raw_listener(self) -> tuple[socket.socket, str]:
        address = self.nobody()
        return listen_unix(address.removeprefix("unix:")), address


class UnixAbstract(Transport):
    name = "unix-abstract"

    def nobody(self) -> str:
        return f"unix-abstract:saker-test-{os.getpid()}-{next(self.numbers)}"

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        return connect_unix("\0" + address.removeprefix("unix-abstract:"), timeout_s)

    def raw_listener(self) -> tuple[socket.socket, str]:
        address = self.nobody()
        return listen_unix("\0" + address.removeprefix("unix-abstract:")), address


class Vsock(Transport):
    name = "vsock"

    def why_not(self) -> str | None:
        try:
            self.bound_socket().close()
        except OSError as error:
            return f"no VSOCK loopback here ({error}); tests/vm runs these tests in a virtual machine"
        return None

    def bound_socket(self) -> socket.socket:
        made = socket.socket(socket.AF_VSOCK)
        try:
            made.bind((VSOCK_LOCAL, VSOCK_PORT_ANY))
        except OSError:
            made.close()
            raise
        return made

    def listen(self) -> str:
        return "vsock:local:any"

    def nobody(self) -> str:
        with self.bound_socket() as probe:
            return f"vsock:{VSOCK_LOCAL}:{probe.getsockname()[1]}"

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        _, cid, port = address.split(":")
        made = socket.socket(socket.AF_VSOCK)
        made.settimeout(timeout_s)
        return connected(made, (int(cid), int(port)))

    def raw_listener(self) -> tuple[socket.socket, str]:
        listener = self.bound_socket()
        listener.listen()
        return listener, f"vsock:{VSOCK_LOCAL}:{listener.getsockname()[1]}"

    def grpc_address(self, address: str) -> str:
        """gRPC 1.51 does not know VSOCK: a Unix socket whose connections are passed on."""
        path = f"{directory()}/{next(self.numbers)}.relay"
        relay(listen_unix(path), lambda: self.connect(address))
        return f"unix:{path}"


class VsockMux(Transport):
    """The host side of Firecracker's vsock, with a multiplexer that finds the guest's listeners on this
    machine: a server on vsock-mux:/v.sock:52 listens on /v.sock_52, where the multiplexer, which
    listens on /v.sock, passes on who asks for port 52."""

    name = "vsock-mux"

    def nobody(self) -> str:
        return f"vsock-mux:{multiplexer()}:{next(self.numbers)}"

    def connect(self, address: str, timeout_s: float = 30) -> socket.socket:
        path, port = address.removeprefix("vsock-mux:").rsplit(":", 1)
        made = connect_unix(path, timeout_s)
        made.sendall(f"CONNECT {port}\n".encode())
        line = b""
        while not line.endswith(b"\n"):
            byte = made.recv(1)
            if not byte:
                made.close()
                raise ConnectionResetError(f"{address}: closed instead of OK")
            line += byte
        return made

    def raw_listener(self) -> tuple[socket.socket, str]:
        address = self.nobody()
        return listen_unix(self.guest_path(address)), address

    def grpc_address(self, address: str) -> str:
        return f"unix:{self.guest_path(address)}"

    def guest_path(self, address: str) -> str:
        return re.sub(r":(\d+)$", r"_\1", address.removeprefix("vsock-mux:"))


TRANSPORTS: list[Transport] = [Tcp(), Unix(), UnixAbstract(), Vsock(), VsockMux()]


def named(name: str) -> Transport:
    return next(transport for transport in TRANSPORTS if transport.name == name)


def current() -> Transport:
    return named(os.environ.get("SAKER_TEST_TRANSPORT", "tcp"))


def of(address: str) -> Transport:
    """The transport of an address."""
    scheme = address.split(":", 1)[0]
    known = {transport.name for transport in TRANSPORTS}
    return named(scheme if scheme in known else "tcp")


# ---- sockets


def connected(made: socket.socket, address: object) -> socket.socket:
    try:
        made.connect(address)
    except BaseException:
        made.close()
        raise
    return made


def connect_unix(path: str, timeout_s: float) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(timeout_s)
    try:
        return connected(made, path)
    except FileNotFoundError as error:
        raise ConnectionRefusedError(str(error)) from error


def listen_unix(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def relay(listener: socket.socket, connect) -> None:
    """Passes every connection on to connect(), until the process ends."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # whoever is at one end has gone: so has the other
            for side in (source, sink):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            try:
                server = connect()
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


# ---- what all tests of a process share

_shared: dict[str, str] = {}


def directory() -> str:
    """A place for sockets, with a short path: the kernel takes 107 bytes."""
    if "directory" not in _shared:
        _shared["directory"] = tempfile.mkdtemp(prefix="saker-", dir="/tmp")
        atexit.register(shutil.rmtree, _shared["directory"], ignore_errors=True)
    return _shared["directory"]


def multiplexer() -> str:
    """The path of the running multiplexer's socket."""
    if "multiplexer" not in _shared:
        path = f"{directory()}/v.sock"
        process = subprocess.Popen([MULTIPLEXER, path], stdin=subprocess.PIPE)
        atexit.register(process.wait)
        atexit.register(process.stdin.close)  # which ends it
        deadline = time.monotonic() + 30
        while not os.path.exists(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{MULTIPLEXER} does not listen on {path}")
            time.sleep(0.01)
        _shared["multiplexer"] = path
    return _shared["multiplexer"]
