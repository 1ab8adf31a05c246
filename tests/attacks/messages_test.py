"""gRPC messages and call attributes: prefixes that claim 4 GiB, bombs of gzip and of protobuf, more
assembly than there is memory for, timeouts, and frames in every order before and after the end."""

import gzip
import itertools
import random
import zlib

import attack
import frames
import nothing
from attack import ALWAYS_NEW, ASSEMBLY, CALL, CONNECTION, KEPT, KIB, MESSAGE, MIB, SELDOM_NEW, STREAMS
from attack import Limits
from peer import Peer

HEAD = frames.request_head()
EXHAUSTED = str(attack.e2e.RESOURCE_EXHAUSTED)
INTERNAL = str(attack.e2e.INTERNAL)
CALLS = Limits(CONNECTION + STREAMS * CALL, "a connection and 1024 calls", per_frame_ns=10_000)
SIGN_BATCH = "/saker.crypto.v1.Crypto/SignBatch"

# What a byte of messages that unpack to nothing may cost: 120 to 170 are measured, beside builds.
PACKED_BYTE_NS = 500


class Case(attack.Case):
    def calls(
        self, name: str, call, count: int, status: str, full: int, limits: Limits = CALLS,
        connections: attack.Connections = KEPT,
    ) -> None:  # fmt: skip
        """call(stream) for `count` streams, 100 at a time; each of them ends, and with `status`."""

        def assault(peer: Peer) -> None:
            peer.patience_s = 30  # while messages are unpacked
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1 << 20)).send(frames.window_update(0, 1 << 16))
            last = peer.opened + count
            while peer.opened < last:
                ids = peer.new_streams(min(100, last - peer.opened))
                peer.flood(b"".join(call(id) for id in ids), 2 * len(ids))
                self.assertTrue(peer.wait_for_ends(), f"{dict(peer.statuses)} {peer.reaction()}")
            self.assertEqual(dict(peer.statuses), {status: peer.opened}, peer.reaction())

        self.attack(name, assault, "lives", full, 2 * count, limits, connections=connections)


class Messages(Case):
    def test_prefix_of_4_gib(self) -> None:
        """Refused at its fifth byte: nothing is reserved for what a prefix claims."""
        prefix = b"\0\xff\xff\xff\xff"
        self.calls(
            "prefix of 4 GiB", lambda id: frames.headers(id, HEAD) + frames.data(id, prefix),
            500, EXHAUSTED, 200_000,
        )  # fmt: skip

    def test_prefix_of_4_mib(self) -> None:
        """As much as is allowed, on 1024 streams, of which one byte comes: none is refused."""
        prefix = frames.message(bytes(MESSAGE))[:5] + b"x"
        many = b"".join(
            frames.headers(id, HEAD) + frames.data(id, prefix) for id in range(1, 2 * STREAMS, 2)
        )

        def assault(peer: Peer) -> None:
            peer.greet().flood(many, 2 * STREAMS)
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual((dict(peer.statuses), dict(peer.resets)), ({}, {}), "none is over the limit")

        limits = Limits(CONNECTION + STREAMS * (CALL + 4 * KIB), "1024 calls and a chunk for each")
        self.attack(
            "prefixes of 4 MiB", assault, "lives", 200_000, 2_000, limits,
            connections=ALWAYS_NEW, makes_room=attack.end_stream_1,
        )  # fmt: skip

    def test_assembly(self) -> None:
        """16 MiB of unfinished messages, then RESOURCE_EXHAUSTED for the call that wants more."""
        most = frames.message(bytes(MESSAGE))[: 60 * KIB]

        def assault(peer: Peer) -> None:
            peer.greet()
            for id in range(1, 2 * STREAMS, 2):
                piece = frames.headers(id, HEAD) + frames.in_frames(id, most, False)
                if not peer.flood(piece, 5):
                    return
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            # What is allowed is kept, to a message, and all else is refused.
            kept = STREAMS - peer.statuses[EXHAUSTED]
            self.assertAlmostEqual(kept * len(most), ASSEMBLY, delta=2 * MIB, msg=f"{kept} are kept")
            self.assertEqual(set(peer.statuses), {EXHAUSTED})

        limits = Limits(
            CONNECTION + STREAMS * CALL + ASSEMBLY + 256 * KIB,
            "a connection, 1024 calls, messages in assembly",
        )
        self.attack(
            "assembly of 60 MiB", assault, "lives", 100_000, 5_000, limits,
            connections=SELDOM_NEW, makes_room=attack.end_stream_1,
        )  # fmt: skip

    def test_gzip_bombs(self) -> None:
        """1000 to 1: unpacking stops at the limit and a byte."""
        bomb = frames.message(gzip.compress(bytes(32 * MIB), 9), compressed=True)
        head = frames.request_head(frames.ECHO, ("grpc-encoding", "gzip"))
        print(f"gzip bomb: {len(bomb)} B for 32 MiB")
        # By turns of 64 KiB.
        limits = Limits(
            CONNECTION + 2 * MESSAGE, "two messages", per_frame_ns=15_000_000, turn_ms=1
        )  # fmt: skip
        self.calls(
            "gzip bomb",
            lambda id: frames.headers(id, head) + frames.in_frames(id, bomb),
            20, EXHAUSTED, 400, limits,
        )  # fmt: skip

    def test_protobuf_bombs(self) -> None:
        """Two bytes are an empty SignRequest in a batch, an object of some hundred bytes. Far over
        the limit of 1024 requests, and refused before it is parsed."""
        batch = frames.message(frames.bytes_field(1, b"") * (MESSAGE // 2 - 8))
        packed = frames.message(gzip.compress(batch[5:], 9), compressed=True)
        head = frames.request_head(SIGN_BATCH, ("grpc-encoding", "gzip"))
        print(f"protobuf bomb: {len(packed)} B for {MESSAGE // 2} messages")
        limits = Limits(
            CONNECTION + ASSEMBLY + 4 * MESSAGE, "what requests may take, parsed; one as it is unpacked",
            per_frame_ns=40_000_000, turn_ms=2 * attack.PACKED_MS,
        )  # fmt: skip
        self.calls(
            "protobuf bomb", lambda id: frames.headers(id, head) + frames.in_frames(id, packed),
            8, EXHAUSTED, 100, limits,
        )  # fmt: skip


class PackedNothing(Case):
    """Messages that unpack to nothing, however long they are: deflate blocks without content, each of which has
    tables to be made. Each is an empty request, and answered; others have their turns meanwhile."""

    @staticmethod
    def limits(memory: int) -> Limits:
        return Limits(
            CONNECTION + memory, "a connection and what is packed", per_byte_ns=PACKED_BYTE_NS
        )

    def send_nothing(self, encoding: str, size: int, count: int) -> None:
        packed = nothing.packed(encoding, size)
        head = frames.request_head(frames.ECHO, ("grpc-encoding", encoding))
        message = frames.message(packed, compressed=True)
        print(f"{encoding}: {len(packed)} B for nothing")
        self.calls(
            f"{encoding} of nothing, {size / KIB:.0f} KiB",
            lambda id: frames.headers(id, head) + frames.in_frames(id, message),
            count, "0", 200 * count, self.limits(ASSEMBLY + MESSAGE),
        )  # fmt: skip

    def test_the_largest(self) -> None:
        for encoding in ("gzip", "deflate"):
            self.send_nothing(encoding, MESSAGE, 3)

    def test_half_as_large(self) -> None:
        self.send_nothing("gzip", MESSAGE // 2, 3)

    def test_many_small_ones(self) -> None:
        for encoding in ("gzip", "deflate"):
            self.send_nothing(encoding, 4 * KIB, 500)


    def test_honest_twins(self) -> None:
        """What does not get smaller by being packed is served: noise, next to nothing, nothing at all, stored blocks,
        and a stream that was flushed again and again."""
        noise = random.Random(1).randbytes(100 * KIB)
        requests = {
            "nothing": b"",
            "a byte": frames.bytes_field(1, b"x"),
            "noise": frames.bytes_field(1, noise),
        }
        for name, request in requests.items():
            for encoding, window in {"gzip": 31, "deflate": 15}.items():
                for how, packed in packed_honestly(request, window).items():
                    with self.subTest(name, encoding=encoding, how=how), self.connect() as peer:
                        head = frames.request_head(frames.ECHO, ("grpc-encoding", encoding))
                        message = frames.message(packed, compressed=True)
                        peer.greet((frames.INITIAL_WINDOW_SIZE, 1 << 20))
                        peer.send(frames.window_update(0, 1 << 20))
                        call = frames.headers(1, head) + frames.in_frames(1, message)
                        peer.send(call)
                        self.assertTrue(peer.wait(lambda: sum(peer.statuses.values()) == 1))
                        self.assertEqual(dict(peer.statuses), {"0": 1}, peer.said)
                        self.assertGreater(peer.data_bytes, len(request))


def packed_honestly(plain: bytes, window: int) -> dict[str, bytes]:
    """By zlib's levels and flushes; window: zlib's wbits."""
    found = {}
    for how, level, piece in (("stored", 0, 0), ("packed", 9, 0), ("flushed", 6, 1000)):
        packer = zlib.compressobj(level, wbits=window)
        pieces = [plain[at : at + piece] for at in range(0, len(plain), piece)] if piece else [plain]
        flush = zlib.Z_SYNC_FLUSH if piece else zlib.Z_NO_FLUSH
        found[how] = b"".join(packer.compress(part) + packer.flush(flush) for part in pieces) + packer.flush()
    return found


class Timeouts(Case):
    def test_longest(self) -> None:
        """99999999H is eleven thousand years: saturates, and the call goes well."""
        head = frames.request_head(frames.ECHO, ("grpc-timeout", "99999999H"))
        request = frames.echo_request(b"x")
        self.calls(
            "grpc-timeout 99999999H",
            lambda id: frames.headers(id, head) + frames.data(id, request, True),
            500, "0", 1_000_000, CALLS,
        )  # fmt: skip

    def test_malformed(self) -> None:
        for text in ("999999999H", "1", "H", "1x", "-1S", "", "1 S", "0x1S", "18446744073709551616n"):
            head = frames.request_head(frames.ECHO, ("grpc-timeout", text))
            with self.subTest(text), self.connect() as peer:
                peer.greet()
                peer.send(frames.headers(1, head) + frames.data(1, frames.echo_request(b"x"), True))
                self.assertTrue(peer.wait(lambda: peer.statuses[INTERNAL] == 1), peer.reaction())
                self.assertIn("grpc-timeout", peer.said[1]["grpc-message"])
                self.assertTrue(peer.lives(3))

    def test_expired(self) -> None:
        """0n: the handler never runs, the stream is reset, nothing is left behind."""
        head = frames.request_head(frames.ECHO, ("grpc-timeout", "0n"))
        request = frames.echo_request(b"x")

        def assault(peer: Peer) -> None:
            peer.greet()
            for _ in range(10):
                calls = (frames.headers(id, head) + frames.data(id, request, True) for id in peer.new_streams(100))
                peer.flood(b"".join(calls), 200)
                self.assertTrue(peer.wait(lambda: peer.resets["CANCEL"] >= peer.opened), peer.reaction())
            self.assertEqual(dict(peer.resets), {"CANCEL": peer.opened}, peer.reaction())
            self.assertEqual(dict(peer.statuses), {})

        self.attack("grpc-timeout 0n", assault, "lives", 200_000, 2_000, CALLS, connections=KEPT)

    def test_a_million_timers(self) -> None:
        """Calls that wait for their message with an hour to go, reset by the thousand: within the
        allowance of resets, so that the timers are what is tried."""
        head = frames.request_head(frames.ECHO, ("grpc-timeout", "1H"))
        opened = b"".join(frames.headers(id, head) for id in range(1, 2 * STREAMS, 2))

        def assault(peer: Peer) -> None:
            peer.greet().flood(opened, STREAMS)
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual((dict(peer.statuses), dict(peer.resets)), ({}, {}), "all of them wait")
            peer.will_abort()

        self.attack(
            "timers of 1024 calls", assault, "lives", 1_000_000, 5_000, CALLS,
            connections=ALWAYS_NEW, makes_room=attack.end_stream_1,
        )  # fmt: skip


class Orders(attack.Case):
    """One state machine: whatever comes in whatever order, in one buffer, there is one end, and nothing
    is done after it."""

    PIECES = {
        "call": frames.call(1, frames.echo_request(b"x")),
        "goaway": frames.goaway(0, 0, b"bye"),
        "reset": frames.rst_stream(1),
        "settings": frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20)),
        "ping": frames.ping(1),
    }

    def test_goaway_races(self) -> None:
        for order in itertools.permutations(self.PIECES):
            with self.connect() as peer:
                peer.greet().send(b"".join(self.PIECES[name] for name in order))
                self.assertTrue(peer.wait(lambda: peer.pongs > 0), f"{order} {peer.reaction()}")
                self.assertEqual(peer.reaction(), "lives", order)
                expected = {} if order.index("reset") > order.index("call") else {"0": 1}
                if not expected:  # it may have been answered before the reset was read
                    self.assertLessEqual(sum(peer.statuses.values()), 1)
                self.assertTrue(peer.lives(3), order)

    def test_nothing_after_the_end(self) -> None:
        """A call behind a fatal error is not served, in whatever piece it arrives."""
        fatal = {
            "WINDOW_UPDATE of 0": frames.window_update(0, 0),
            "PING of 7 bytes": frames.frame(frames.PING, 0, 0, bytes(7)),
            "DATA on stream 0": frames.data(0, b"x"),
            "PUSH_PROMISE": frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, bytes(4)),
            "CONTINUATION": frames.continuation(1, b""),
            "a frame of 16 MiB": b"\xff\xff\xff\x20\0\0\0\0\0",
            "an even stream": frames.headers(2, HEAD, True),
        }
        for name, error in fatal.items():
            for first in ("", "call"):
                with self.subTest(name, first=first), self.connect() as peer:
                    before = frames.call(1, frames.echo_request(b"x")) if first else b""
                    peer.greet().send(before + error + frames.call(3, frames.echo_request(b"y")))
                    self.assertTrue(peer.wait_closed(), peer.reaction())
                    self.assertNotIn(3, peer.said)
                    self.assertIsNotNone(peer.goaway)

    def test_stream_ids(self) -> None:
        """The last one there is: served, and a GOAWAY so that the client goes on elsewhere. One that
        goes back is an error."""
        with self.connect() as peer:
            peer.greet().send(frames.call(frames.MAX_STREAM_ID, frames.echo_request(b"x")))
            self.assertTrue(peer.wait(lambda: peer.statuses["0"] == 1), peer.reaction())
            self.assertTrue(peer.wait(lambda: peer.goaway is not None), peer.reaction())
            self.assertEqual(peer.goaway, ("NO_ERROR", "stream ids run out"))
        with self.connect() as peer:
            peer.greet().send(frames.call(5, frames.echo_request(b"x")))
            self.assertTrue(peer.wait(lambda: peer.statuses["0"] == 1), peer.reaction())
            peer.send(frames.call(3, frames.echo_request(b"x")))
            self.assertTrue(peer.wait_closed())
            self.assertEqual(peer.goaway, ("STREAM_CLOSED", "HEADERS on a closed stream"))


if __name__ == "__main__":
    attack.main()
