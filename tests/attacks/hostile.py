"""HostileServer: accepts clients over TCP, a Unix socket or TLS and does to them what a behaviour says, a
function that gets each new connection as a Host, on a thread of its own."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import attack
import frames
import transports
from frames import Frame
from peer import Peer

HANDSHAKE_S = 30
# Small, so that what has been sent is not much more than what the client has read.
SEND_BUFFER = 64 * attack.KIB

HEAD = b"\x88" + frames.literal("content-type", "application/grpc")
OK_TRAILERS = frames.literal("grpc-status", "0")
EMPTY_REPLY = frames.message(b"")


class Host(Peer):
    """A client, as its server sees it. Its header blocks stay what they are: nobody here reads them."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        self._reader = frames.ClientReader()
        self.is_deaf = False  # reads nothing any more
        self.opened: list[int] = []
        self._pending: list[int] = []  # those without a reply, and some that have got it since
        self.ended: set[int] = set()
        self.most_open = 0
        self.replied: set[int] = set()
        self.bodies: dict[int, bytes] = {}

    def _note(self, one: Frame) -> None:
        super()._note(one)
        if one.kind == frames.HEADERS:
            self.opened.append(one.stream)
            self._pending = [*self.unanswered(), one.stream]
            self.most_open = max(self.most_open, len(self._pending))
        if one.kind == frames.DATA:
            self.bodies[one.stream] = self.bodies.get(one.stream, b"") + one.payload
        if one.kind in (frames.HEADERS, frames.DATA) and one.flags & frames.END_STREAM:
            self.ended.add(one.stream)

    def _note_headers(self, one: Frame) -> None:
        pass

    def send(self, data: bytes, reads: bool = True) -> bool:
        """Counts frames, too; those of a piece that was not sent whole in proportion."""
        before = self.sent_bytes
        went = super().send(data, reads)
        self.sent_frames += frames.count(data) * (self.sent_bytes - before) / max(1, len(data))
        return went

    def read(self) -> int:
        return 0 if self.is_deaf else super().read()

    def welcome(self, *entries: tuple[int, int]) -> Host:
        self.send(frames.settings(*entries) + frames.SETTINGS_ACK)
        return self

    def next_request(self, whole: bool = True) -> int:
        """The next call's stream; 0: there is none any more."""
        waiting = lambda: [id for id in self.unanswered() if id in self.ended or not whole]  # noqa: E731
        self.wait(lambda: bool(waiting()))
        return next(iter(waiting()), 0)

    def unanswered(self) -> list[int]:
        return [id for id in self._pending if id not in self.replied]

    def whole_reply(self, stream: int, head: bytes = HEAD) -> bytes:
        """The request's message back, which Echo's clients take for a reply."""
        self.replied.add(stream)
        return (
            frames.headers(stream, head)
            + frames.in_frames(stream, self.bodies.get(stream, EMPTY_REPLY), False)
            + frames.headers(stream, OK_TRAILERS, True)
        )

    def reply(self, stream: int, head: bytes = HEAD) -> None:
        self.send(self.whole_reply(stream, head))

    def serve(self) -> None:
        """Like an honest server, to the end."""
        while stream := self.next_request():
            self.reply(stream)


Behaviour = Callable[[Host], object]


@functools.cache
def certificates() -> str:
    """The directory of those that all servers of this process show; CA: ca.pem."""
    attack.make_certificates(transports.directory())
    return transports.directory()


class HostileServer:
    """`address` is where clients find it, and `flags` what they need to know besides."""

    def __init__(self, behaviour: Behaviour, transport: str = "tcp", shakes_hands: bool = True) -> None:
        """shakes_hands False: over TLS, the behaviour is that of bytes that are not TLS."""
        self._behaviour = behaviour
        is_tls = transport == "tls"
        self._listener, self.address = transports.named("tcp" if is_tls else transport).raw_listener()
        self.flags = ["--ca", f"{certificates()}/ca.pem"] if is_tls else []
        self._context = self._made_context() if is_tls and shakes_hands else None
        self._threads: list[threading.Thread] = []
        self.hosts: list[Host] = []
        self.failures: list[BaseException] = []
        self._over = threading.Event()
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @staticmethod
    def _made_context() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certificates()}/server.pem", f"{certificates()}/server.key")
        context.set_alpn_protocols(["h2"])
        return context

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while not self._over.is_set():
            try:
                made, _ = self._listener.accept()
            except OSError:
                continue
            thread = threading.Thread(target=self._be, args=(made,))
            self._threads.append(thread)
            thread.start()

    def _be(self, made: socket.socket) -> None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if made.family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            made.settimeout(HANDSHAKE_S)
            host = Host(self._context.wrap_socket(made, server_side=True) if self._context else made)
        except OSError:  # the client has gone meanwhile
            made.close()
            return
        self.hosts.append(host)
        try:
            self._behaviour(host)
            # What it has been told it may take its time to read.
            while not self._over.is_set() and not host.closed:
                _ = self._over.wait(0.05) if host.is_deaf else host.wait_closed(0.05)
        except BaseException as failure:  # for the test to raise
            self.failures.append(failure)
        finally:
            host.close()

    def close(self) -> None:
        self._over.set()
        self._acceptor.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextlib.contextmanager
def hostile_server(
    behaviour: Behaviour, transport: str = "tcp", shakes_hands: bool = True
) -> Iterator[HostileServer]:
    server = HostileServer(behaviour, transport, shakes_hands)
    try:
        yield server
    finally:
        server.close()
    if server.failures:
        raise server.failures[0]
