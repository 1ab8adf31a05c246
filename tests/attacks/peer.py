"""Peer: an attacker's connection, over TCP, a Unix socket or TLS. Writes what it is told, notes what it
is told in return, and never minds being thrown out: that is what it came for."""

from __future__ import annotations

import collections
import select
import socket
import ssl
import struct
import time

import frames
from frames import Frame

OVER = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, ssl.SSLEOFError,
        ssl.SSLZeroReturnError)  # fmt: skip
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def secure(plain: socket.socket) -> socket.socket:
    return client_context().wrap_socket(plain)


# A stream that no attack comes to, and not one of the last, at which a server ends the connection.
LAST_CALL = 2**30 - 1


class Peer:
    patience_s = 2.0  # a server that takes nothing for so long has stopped reading

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._reader = frames.FrameReader()
        self.closed = False
        self.stalled = False
        self.sent_bytes = 0
        self.sent_frames = 0.0  # by flood()
        self.goaway: tuple[str, str] | None = None
        self.counts: collections.Counter[int] = collections.Counter()  # frames by type
        self.resets: collections.Counter[str] = collections.Counter()  # RST_STREAM by code
        self.reset_streams: set[int] = set()
        self.statuses: collections.Counter[str] = collections.Counter()  # gRPC's or HTTP's
        self.said: dict[int, dict[str, str]] = {}  # last HEADERS of each stream
        self.data_bytes = 0
        self.updates: list[tuple[int, int]] = []  # stream and increment
        self.pings: list[int] = []  # that want an answer
        self.pongs = 0
        self.watched, self.watched_body = 0, b""  # the stream whose DATA is kept, and that
        self.opened = 0  # streams, by new_streams()
        self._has_greeted = False
        self._settings = 0  # that were sent
        self.acks = 0  # of SETTINGS

    # ---- talk

    def greet(self, *entries: tuple[int, int], ack: bool = True) -> Peer:
        """Preface and SETTINGS, their ACK, and no header table; nothing where that has been said."""
        if self._has_greeted:
            return self
        self._has_greeted = True
        self._settings += 1
        hello = frames.PREFACE + frames.settings((frames.HEADER_TABLE_SIZE, 0), *entries)
        self.send(hello + (frames.SETTINGS_ACK if ack else b""))
        return self

    def send(self, data: bytes, reads: bool = True) -> bool:
        """Sends all of it, and reads what comes meanwhile. False: the server has closed the
        connection, or takes nothing (`stalled`)."""
        rest = memoryview(data)
        last_progress = time.monotonic()
        while len(rest) and not self.closed:
            size = self._send_some(rest[:262144])
            self.sent_bytes += size
            rest = rest[size:]
            if reads:
                self.read()
            if size:
                last_progress = time.monotonic()
            elif not self.closed:
                if time.monotonic() - last_progress > self.patience_s:
                    self.stalled = True
                    return False
                select.select([self._socket] if reads else [], [self._socket], [], 0.05)
        return not self.closed

    def flood(self, data: bytes, count: int, reads: bool = True) -> bool:
        """send() of so many frames; of one that is cut short the share that was sent counts."""
        before = self.sent_bytes
        went = self.send(data, reads)
        self.sent_frames += count * (self.sent_bytes - before) / len(data)
        return went

    def _send_some(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except NOT_NOW:
            return 0
        except OVER:
            self.closed = True
            self.read()
        except OSError:
            self.closed = True
        return 0

    def read(self) -> int:
        """Reads what is there; how many bytes."""
        total = 0
        while True:
            try:
                got = self._socket.recv(262144)
            except NOT_NOW:
                return total
            except OSError:
                got = b""
            if not got:
                self.closed = True
                return total
            total += len(got)
            for one in self._reader.feed(got):
                self._note(one)

    def wait(self, condition, timeout_s: float = 30) -> bool:
        """Reads until condition() is true or the connection is closed."""
        deadline = time.monotonic() + timeout_s
        self.read()
        while not condition() and not self.closed:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self._socket], [], [], min(left, 0.05))
            self.read()
        return condition()

    def wait_closed(self, timeout_s: float = 10) -> bool:
        return self.wait(lambda: self.closed, timeout_s)

    def new_streams(self, count: int) -> range:
        """Ids for so many calls."""
        first = 2 * self.opened + 1
        self.opened += count
        return range(first, first + 2 * count, 2)

    def new_stream(self) -> int:
        return self.new_streams(1)[0]

    def wait_for_ends(self) -> bool:
        """Of all calls on new_streams()."""
        return self.wait(lambda: sum(self.statuses.values()) >= self.opened)

    def wait_until_handled(self, timeout_s: float = 30) -> bool:
        """What has been sent has been: SETTINGS behind it are acknowledged, for which there is no limit but on floods."""
        self._settings += 1
        self.send(frames.settings())
        return self.wait(lambda: self.acks >= self._settings, timeout_s)

    def _note(self, one: Frame) -> None:
        self.counts[one.kind] += 1
        if one.kind == frames.GOAWAY:
            code = struct.unpack_from(">I", one.payload, 4)[0]
            self.goaway = (frames.ERRORS[code], one.payload[8:].decode())
        elif one.kind == frames.SETTINGS and one.flags & frames.ACK:
            self.acks += 1
        elif one.kind == frames.RST_STREAM:
            self.resets[frames.ERRORS[struct.unpack(">I", one.payload)[0]]] += 1
            self.reset_streams.add(one.stream)
        elif one.kind == frames.HEADERS:
            self._note_headers(one)
        elif one.kind == frames.DATA:
            self.data_bytes += len(one.payload)
            if one.stream == self.watched:
                self.watched_body += one.payload
        elif one.kind == frames.WINDOW_UPDATE:
            self.updates.append((one.stream, struct.unpack(">I", one.payload)[0]))
        elif one.kind == frames.PING and one.flags & frames.ACK:
            self.pongs += 1
        elif one.kind == frames.PING:
            self.pings.append(struct.unpack(">Q", one.payload)[0])

    def _note_headers(self, one: Frame) -> None:
        fields = frames.read_block(one.payload)
        self.said[one.stream] = fields
        if "grpc-status" in fields:
            self.statuses[fields["grpc-status"]] += 1
        elif one.flags & frames.END_STREAM:
            self.statuses["HTTP " + fields.get(":status", "?")] += 1

    # ---- what has become of it

    def lives(self, stream: int = LAST_CALL) -> bool:
        """A whole honest call on the same connection goes well, with its payload; there are windows for it."""
        payload = frames.bytes_field(1, b"still there?")
        credit = frames.window_update(0, 1000)
        late_credit = frames.window_update(stream, 1000)
        self.watched, self.watched_body = stream, b""
        self.send(credit + frames.call(stream, frames.message(payload)) + late_credit)
        ended = self.wait(lambda: "grpc-status" in self.said.get(stream, {}) or stream in self.reset_streams)
        return (
            ended
            and self.said.get(stream, {}).get("grpc-status") == "0"
            and self.watched_body[5:].startswith(payload)
        )

    def reaction(self) -> str:
        if self.goaway is not None:
            return f"GOAWAY {self.goaway[0]}: {self.goaway[1]}"
        return "closed" if self.closed else "stops reading" if self.stalled else "lives"

    def close(self) -> None:
        self._socket.close()

    def will_abort(self) -> None:
        """Once it closes it is gone without a word: RST on TCP."""
        if self._socket.family != socket.AF_UNIX:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def abort(self) -> None:
        self.will_abort()
        self._socket.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
