"""TLS records as small as they can be: 23 bytes on the wire and a decryption for one byte of HTTP/2. What they
carry is right; it must not cost others their turn that one read brings thousands of them."""

import contextlib
import socket
import ssl

import attack
import frames
import transports
from attack import CONNECTION, KEPT, KIB, MESSAGE, Limits
from peer import NOT_NOW, OVER, Peer, client_context

HEAD = frames.request_head()
PIECE = 32 * KIB  # bytes, hence records, that are made at a time: 750 KiB on the wire
PIECES = 4
# What a byte may cost that is a record.
RECORD_NS = 10_000


class Records:
    """A socket over TLS, as Peer needs one, each of whose writes becomes records of `size` bytes that are sent at once."""

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client_context().wrap_bio(self._incoming, self._outgoing)
        self._unsent = b""
        self.size = 16 * KIB
        self.family, self.fileno, self.close = plain.family, plain.fileno, plain.close
        self.setsockopt, self.setblocking = plain.setsockopt, plain.setblocking
        self._shake_hands()

    def _shake_hands(self) -> None:
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                return self._plain.sendall(self._outgoing.read())
            self._plain.sendall(self._outgoing.read())
            self._incoming.write(self._plain.recv(64 * KIB))

    def send(self, data: memoryview) -> int:
        """All of it, once what was sent before is out."""
        self._flush()
        if self._unsent:
            raise BlockingIOError
        records = []
        for at in range(0, len(data), self.size):
            self._tls.write(data[at : at + self.size])
            records.append(self._outgoing.read())
        self._unsent = b"".join(records)
        with contextlib.suppress(*NOT_NOW):
            self._flush()
        return len(data)

    def _flush(self) -> None:
        while self._unsent:
            self._unsent = self._unsent[self._plain.send(self._unsent) :]

    def recv(self, size: int) -> bytes:
        with contextlib.suppress(*NOT_NOW, *OVER):
            self._flush()
        with contextlib.suppress(*NOT_NOW):
            got = self._plain.recv(size)
            _ = self._incoming.write(got) if got else self._incoming.write_eof()
        return self._tls.read(size)


class RecordPeer(Peer):
    def __init__(self, records: Records) -> None:
        super().__init__(records)
        self.records = records


class OneByte(attack.Case):
    LIMITS = Limits(
        CONNECTION + MESSAGE, "a connection and a message of 4 MiB", per_frame_ns=0, per_byte_ns=RECORD_NS
    )

    def connect(self, transport: str = "tls") -> Peer:
        address = self.addresses[transport]
        return RecordPeer(Records(transports.of(address).connect(address, attack.e2e.TIMEOUT_S)))

    def flood(self, name: str, once) -> None:
        """once(stream): DATA of a message that never ends, cut into records of a byte."""

        def assault(peer: RecordPeer) -> None:
            stream = peer.greet().new_stream()
            prefix = frames.message(bytes(MESSAGE))[:5]
            peer.send(frames.headers(stream, HEAD) + frames.data(stream, prefix))
            piece = once(stream) * (PIECE // len(once(stream)))
            peer.records.size = 1
            for _ in range(PIECES):
                peer.flood(piece, len(piece))
            peer.records.size = 16 * KIB
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual((dict(peer.statuses), dict(peer.resets)), ({}, {}), "a message that is not whole")
            peer.send(frames.rst_stream(stream))

        self.attack(
            name, assault, "lives", 10_000_000, PIECE * PIECES // 2, self.LIMITS, over=("tls",), connections=KEPT
        )

    def test_data_of_1_byte(self) -> None:
        """Ten records are a frame."""
        self.flood("records and DATA of 1 B", lambda id: frames.data(id, b"x"))

    def test_large_data(self) -> None:
        """A frame is thousands of records."""
        self.flood("records of 1 B", lambda id: frames.data(id, bytes(4 * KIB - 9)))


if __name__ == "__main__":
    attack.main()
