"""HostileServer: accepts clients over TCP or a Unix socket and does to them what a behaviour says, a
function that gets each new connection as a Host, on a thread of its own. Victim: `saker ARGUMENTS`, with
what it took in the end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import attack
import frames
from frames import Frame
from peer import Peer
from transports import named

LOOK_EVERY_S = 0.01

HEAD = b"\x88" + frames.literal("content-type", "application/grpc")
OK_TRAILERS = frames.literal("grpc-status", "0")
EMPTY_REPLY = frames.message(b"")


class Host(Peer):
    """A client, as its server sees it. Its header blocks stay what they are: nobody here reads them."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        self.opened: list[int] = []
        self.ended: set[int] = set()
        self.most_open = 0
        self.replied: set[int] = set()
        self.bodies: dict[int, bytes] = {}

    def _note(self, one: Frame) -> None:
        super()._note(one)
        if one.kind == frames.HEADERS:
            self.opened.append(one.stream)
        if one.kind == frames.DATA:
            self.bodies[one.stream] = self.bodies.get(one.stream, b"") + one.payload
        if one.kind in (frames.HEADERS, frames.DATA) and one.flags & frames.END_STREAM:
            self.ended.add(one.stream)
        self.most_open = max(self.most_open, len(set(self.opened) - self.replied))

    def _note_headers(self, one: Frame) -> None:
        pass

    def read(self) -> int:
        if self.preface_due:  # the reader knows frames only
            self._take_preface()
        return 0 if self.preface_due else super().read()

    preface_due = True

    def _take_preface(self) -> None:
        try:
            got = self._socket.recv(len(frames.PREFACE), socket.MSG_PEEK)
            if len(got) == len(frames.PREFACE):
                self._socket.recv(len(frames.PREFACE))
                self.preface_due = False
            elif not got:
                self.closed = True
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True

    def welcome(self, *entries: tuple[int, int]) -> Host:
        self.send(frames.settings(*entries) + frames.SETTINGS_ACK)
        return self

    def next_request(self, whole: bool = True) -> int:
        """The next call's stream; 0: there is none any more."""
        waiting = lambda: [  # noqa: E731
            id for id in self.opened if id not in self.replied and (id in self.ended or not whole)
        ]
        self.wait(lambda: bool(waiting()))
        return waiting()[0] if waiting() else 0

    def reply(self, stream: int, body: bytes | None = None) -> None:
        """The request's message back, which Echo's clients take for a reply."""
        self.replied.add(stream)
        message = self.bodies.get(stream, EMPTY_REPLY) if body is None else body
        self.send(
            frames.headers(stream, HEAD)
            + frames.in_frames(stream, message, False)
            + frames.headers(stream, OK_TRAILERS, True)
        )

    def serve(self) -> None:
        """Like an honest server, to the end."""
        while stream := self.next_request():
            self.reply(stream)


Behaviour = Callable[[Host], object]


class HostileServer:
    def __init__(self, behaviour: Behaviour, transport: str = "tcp") -> None:
        self._behaviour = behaviour
        self._listener, self.address = named(transport).raw_listener()
        self._threads: list[threading.Thread] = []
        self.hosts: list[Host] = []
        self.failures: list[BaseException] = []
        self._over = False
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while not self._over:
            try:
                made, _ = self._listener.accept()
            except OSError:
                continue
            host = Host(made)
            self.hosts.append(host)
            thread = threading.Thread(target=self._be, args=(host,))
            self._threads.append(thread)
            thread.start()

    def _be(self, host: Host) -> None:
        try:
            self._behaviour(host)
            # What it has been told it may take its time to read.
            while not self._over and not host.closed:
                host.wait_closed(0.05)
        except BaseException as failure:  # for the test to raise
            self.failures.append(failure)
        finally:
            host.close()

    def close(self) -> None:
        self._over = True
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextlib.contextmanager
def hostile_server(behaviour: Behaviour, transport: str = "tcp") -> Iterator[HostileServer]:
    server = HostileServer(behaviour, transport)
    try:
        yield server
    finally:
        server.close()
    if server.failures:
        raise server.failures[0]


@dataclasses.dataclass
class Victim:
    """How `saker ARGUMENTS` ended, and what it took."""

    code: int
    output: str
    seconds: float
    resident_bytes: int
    cpu_seconds: float


def peak_bytes(pid: int) -> int:
    """0 once it has ended. Not ru_maxrss, which begins with what the process that started it has."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def run_victim(*arguments: str, patience_s: float) -> Victim:
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [attack.e2e.SAKER, *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=attack.e2e.environment(),
        )  # fmt: skip
        killer = threading.Timer(patience_s, process.kill)
        killer.start()
        peak, ended = 0, 0
        while not ended:
            peak = max(peak, peak_bytes(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0 if ended else LOOK_EVERY_S)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Victim(
            process.returncode, output.read(), time.monotonic() - began, peak,
            usage.ru_utime + usage.ru_stime,
        )  # fmt: skip
