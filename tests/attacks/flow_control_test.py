"""Windows: too many updates, windows that overflow or are overrun, and peers that ask for much and take
nothing: with a window of zero, of one, or wide open and a socket that nobody reads."""

import dataclasses
import gzip
import itertools
import socket
import time

import attack
import frames
from attack import ALWAYS_NEW, SELDOM_NEW, Limits
from attack import ASSEMBLY, CALL, CONNECTION, KIB, MIB, OUTPUT_CAP, PENDING, STREAMS, UNREAD, WINDOW
from peer import Peer

HEAD = frames.request_head()
CALMED = "GOAWAY ENHANCE_YOUR_CALM"
NO_WINDOW = (frames.INITIAL_WINDOW_SIZE, 0)
EXPAND = "/saker.echo.v1.Echo/EchoExpand"
STREAM = "/saker.echo.v1.Echo/EchoStream"
COLLECT = "/saker.echo.v1.Echo/EchoCollect"
EXHAUSTED = str(attack.e2e.RESOURCE_EXHAUSTED)
# Calls of 4 KiB that become 4 MiB: 4 GiB in all, or as many as show that there is a limit.
PACKED = STREAMS if attack.FULL else 150


class Updates(attack.Case):
    def test_flood(self) -> None:
        many = frames.window_update(0, 1) * 20_000

        def assault(peer: Peer) -> None:
            peer.greet().flood(many, 20_000)
            peer.wait_closed()

        why = f"{CALMED}: too many WINDOW_UPDATE frames|closed"
        self.attack("WINDOW_UPDATE", assault, why, 1_000_000, 40_000, connections=ALWAYS_NEW)

    def test_overflow(self) -> None:
        over = frames.window_update(0, frames.MAX_WINDOW)

        def assault(peer: Peer) -> None:
            peer.greet().flood(over * 2, 2)
            peer.wait_closed()

        why = "GOAWAY FLOW_CONTROL_ERROR: the connection's window passes 2\\^31 - 1"
        self.attack("WINDOW_UPDATE past 2^31 - 1", assault, why, 100, 4, connections=ALWAYS_NEW)

    def test_settings_that_overflow(self) -> None:
        both = frames.headers(1, HEAD) + frames.window_update(1, frames.MAX_WINDOW - 65535)
        over = both + frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20))

        def assault(peer: Peer) -> None:
            peer.greet().flood(over, 3)
            peer.wait_closed()

        why = "GOAWAY FLOW_CONTROL_ERROR: SETTINGS_INITIAL_WINDOW_SIZE overflows a window"
        self.attack("SETTINGS past 2^31 - 1", assault, why, 100, 6, connections=ALWAYS_NEW)

    def test_data_beyond_the_window(self) -> None:
        """A handler that is stuck reads nothing, so nothing is given back."""
        stuck = frames.headers(1, frames.request_head(STREAM))
        stuck += frames.in_frames(1, frames.echo_request(bytes(1000)) * 100, False)
        much = frames.data(1, bytes(16384)) * 40

        def assault(peer: Peer) -> None:
            peer.greet(NO_WINDOW).flood(stuck + much, 47)
            peer.wait_closed()

        why = "GOAWAY FLOW_CONTROL_ERROR: DATA beyond the stream's window|closed"
        limits = Limits(CONNECTION + 64 * KIB + PENDING, "a connection, a window, waiting replies")
        self.attack(
            "DATA beyond the window", assault, why, 5_000, 100, limits, connections=ALWAYS_NEW
        )

    def test_window_of_1(self) -> None:
        """A byte at a time, for ever: what comes in one read goes out as one frame, so that soon there are
        more updates than frames to update for."""
        call = frames.call(1, frames.echo_request(bytes(60_000)))
        credit = frames.window_update(1, 1) * 100

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1)).send(call)
            self.assertTrue(peer.wait(lambda: peer.counts[frames.DATA] > 0), peer.reaction())
            for _ in range(500):
                before = peer.data_bytes
                if not peer.flood(credit, 100):
                    break
                peer.wait(lambda before=before: peer.data_bytes >= before + 100)

        limits = Limits(CONNECTION + OUTPUT_CAP, "a connection and its output", per_frame_ns=5_000)
        why = f"{CALMED}: too many WINDOW_UPDATE frames|closed"
        self.attack("window of 1", assault, why, 1_000_000, 10_000, limits, connections=ALWAYS_NEW)


def unended(peer: Peer) -> list[int]:
    """Calls that have no status yet."""
    streams = range(1, 2 * peer.opened, 2)
    return [id for id in streams if "grpc-status" not in peer.said.get(id, {}) and id not in peer.reset_streams]


def take_all(peer: Peer) -> None:
    """Windows open, and what was held comes: every call that was not refused goes well."""
    held = len(unended(peer))
    peer.send(frames.window_update(0, 1 << 30))
    peer.send(frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 24)))
    assert peer.wait_for_ends() and peer.statuses["0"] == held, f"{held} held: {dict(peer.statuses)} {peer.reaction()}"


def end_and_take_all(peer: Peer) -> None:
    peer.send(b"".join(frames.data(id, end=True) for id in unended(peer)))
    take_all(peer)


def reset_all(peer: Peer) -> None:
    peer.send(b"".join(map(frames.rst_stream, unended(peer))))


class Hoards(attack.Case):
    """Replies that nobody takes. What is held is what docs/limits.md says, and the honest go on."""

    HELD = Limits(
        CONNECTION + STREAMS * CALL + OUTPUT_CAP + PENDING + ASSEMBLY + 8 * MIB,
        "a connection, 1024 calls, output, waiting replies and requests; two messages in hand",
        per_byte_ns=30,
    )

    # Unpacking 4 MiB takes 4 ms and more.
    UNPACKED = dataclasses.replace(HELD, per_frame_ns=20_000_000)

    def hoard(
        self, name: str, requests, count: int, full: int, packed: bool = True,
        turn_ms: float = attack.PACKED_MS, in_the_end: attack.Assault = take_all,
    ) -> None:  # fmt: skip
        """requests(stream): a call's frames. The connection answers pings all the while; in the end every call that
        was not refused has its reply, or is reset."""

        def assault(peer: Peer) -> None:
            peer.patience_s = 30
            peer.greet(NO_WINDOW)
            for id in peer.new_streams(count):
                bytes_of_call = requests(id)
                if not peer.flood(bytes_of_call, 1 + (len(bytes_of_call) >> 14)):
                    return
            self.assertTrue(peer.wait_until_handled(90), peer.reaction())
            kept = count - sum(peer.statuses.values())
            self.assertEqual(set(peer.statuses), {EXHAUSTED} if kept < count else set())
            self.assertGreater(kept, 0)
            self.assertEqual(peer.data_bytes, 0)
            print(f"{name}: {count} calls, {kept} wait, {dict(peer.statuses)}")

        limits = dataclasses.replace(self.UNPACKED, turn_ms=turn_ms) if packed else self.HELD
        self.attack(
            name, assault, "lives", full, 1, limits, connections=SELDOM_NEW, makes_room=in_the_end
        )

    def test_replies(self) -> None:
        """60 MiB of replies for which there is no window."""
        request = frames.echo_request(bytes(60 * KIB))
        self.hoard("replies, window 0", lambda id: frames.call(id, request), 1024, 20_000, False)

    def test_unpacked_replies(self) -> None:
        """4 KiB on the wire become a request, and a reply, of just under 4 MiB."""
        packed = gzip.compress(frames.bytes_field(1, bytes(4 * MIB - 100)), 9)
        request = frames.message(packed, compressed=True)
        head = frames.request_head(frames.ECHO, ("grpc-encoding", "gzip"))
        print(f"gzip: {len(packed)} B")

        def call(id: int) -> bytes:
            return frames.headers(id, head) + frames.in_frames(id, request)

        self.hoard("gzip'd replies, window 0", call, PACKED, 20_000)

    def test_requests_without_end(self) -> None:
        """As many, but they never end: the requests are what waits."""
        packed = gzip.compress(frames.bytes_field(1, bytes(4 * MIB - 100)), 9)
        request = frames.message(packed, compressed=True)
        head = frames.request_head(frames.ECHO, ("grpc-encoding", "gzip"))

        def call(id: int) -> bytes:
            return frames.headers(id, head) + frames.in_frames(id, request, False)

        self.hoard("gzip'd requests, no end", call, PACKED, 20_000, in_the_end=end_and_take_all)

    def test_streams(self) -> None:
        """Streaming calls write one reply each before they look whether it can go."""
        packed = gzip.compress(frames.bytes_field(1, bytes(4 * MIB - 100)), 9)
        request = frames.message(packed, compressed=True)
        head = frames.request_head(STREAM, ("grpc-encoding", "gzip"))

        def call(id: int) -> bytes:
            return frames.headers(id, head) + frames.in_frames(id, request, False)

        self.hoard(
            "gzip'd streams, window 0", call, PACKED, 20_000, turn_ms=2 * attack.PACKED_MS,
            in_the_end=reset_all,
        )  # fmt: skip

    def test_replies_that_nobody_reads(self) -> None:
        """The widest window, the smallest receive buffer, and nobody reads: 512 KiB of output, then
        reading stops."""
        wide = (frames.INITIAL_WINDOW_SIZE, frames.MAX_WINDOW)
        request = frames.message(
            frames.bytes_field(1, bytes(1000)) + frames.number_field(4, 10_000_000)
        )
        calls = b"".join(frames.call(id, request, EXPAND) for id in range(1, 201, 2))

        def assault(peer: Peer) -> None:
            peer._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.greet(wide).send(frames.window_update(0, frames.MAX_WINDOW - 65535), reads=False)
            peer.flood(calls, 200, reads=False)
            for _ in range(2000):  # 34 MB: more than sockets hold
                if not peer.flood(frames.ping() * 1000, 1000, reads=False):
                    break

        limits = Limits(CONNECTION + 100 * CALL + 3 * OUTPUT_CAP, "a connection and its output")
        self.attack(
            "unread replies", assault, "stops reading", 20_000, 200, limits, connections=SELDOM_NEW
        )


class Handlers(attack.Case):
    def test_messages_that_were_handled(self) -> None:
        """Calls of 4 KiB whose one message is 4 MiB, and that go on: a handler that waits for the next message keeps
        nothing of the last one."""
        packed = gzip.compress(frames.bytes_field(1, bytes(4 * MIB - 100)), 9)
        message = frames.message(packed, compressed=True)
        head = frames.request_head(COLLECT, ("grpc-encoding", "gzip"))

        def assault(peer: Peer) -> None:
            peer.patience_s = 30
            peer.greet()
            for id in peer.new_streams(PACKED):
                peer.flood(frames.headers(id, head) + frames.in_frames(id, message, False), 2)
            self.assertTrue(peer.wait_until_handled(90), peer.reaction())
            self.assertEqual(dict(peer.statuses), {})

        def end_all(peer: Peer) -> None:
            peer.send(b"".join(frames.data(id, end=True) for id in unended(peer)))
            self.assertTrue(peer.wait_for_ends(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {"0": peer.opened})

        limits = dataclasses.replace(Hoards.UNPACKED, turn_ms=attack.PACKED_MS)
        self.attack(
            "handlers that go on", assault, "lives", 4_000, 1, limits,
            connections=SELDOM_NEW, makes_room=end_all,
        )  # fmt: skip


class Inboxes(attack.Case):
    """Streams whose handlers are stuck: what comes for them lies here, as much as windows let in."""

    PIECE = frames.echo_request(bytes(1000)) * 16
    OPENED = 64
    FIRST_WINDOW = 65535

    def test_windows_that_grew(self) -> None:
        """Makes windows grow first, so far that together they would hold much more than may lie unread; then replies
        have no window any more, and what is sent piles up until the connection's window stays shut."""

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 256 * KIB))
            peer.send(frames.window_update(0, 1 << 30))
            streams = peer.new_streams(self.OPENED)
            peer.send(b"".join(frames.headers(id, frames.request_head(STREAM)) for id in streams))
            windows = Sending(peer, streams, self.FIRST_WINDOW)
            windows.grow(self.PIECE, 6)
            windows.fill(self.PIECE)
            # What has been read was sent back, but for a message of each stream, and a little longer than it came.
            unread = windows.sent - peer.data_bytes
            print(f"inboxes: {windows.sent / MIB:.0f} MiB sent, windows of {windows.widest / KIB:.0f} KiB, "
                  f"{unread / MIB:.1f} MiB unread, {peer.data_bytes / MIB:.0f} MiB of replies")  # fmt: skip
            # Without the limit all streams' windows would be filled.
            self.assertGreater(windows.widest * self.OPENED, 3 * UNREAD, "windows did not grow")
            self.assertGreater(max(windows.left[id] for id in streams), len(self.PIECE), "streams have windows")
            self.assertLess(windows.left[0], len(self.PIECE), "the connection has none")
            self.assertGreaterEqual(unread, UNREAD - MIB)
            self.assertLessEqual(unread, UNREAD + WINDOW)

        def take_all(peer: Peer) -> None:
            """Handlers go on, and read what lies there."""
            updates = len(peer.updates)
            peer.send(frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 28)))
            is_open = lambda: any(id == 0 for id, _ in peer.updates[updates:])  # noqa: E731
            self.assertTrue(peer.wait(is_open), "the connection's window stays shut")

        limits = Limits(
            CONNECTION + self.OPENED * CALL + UNREAD + WINDOW + PENDING + OUTPUT_CAP,
            "a connection, what handlers have not read and what is under way, replies and output",
            per_byte_ns=60,
        )
        self.attack(
            "inboxes", assault, "lives", 20_000, 1, limits, connections=SELDOM_NEW, makes_room=take_all
        )


class Sending:
    """What may be sent on streams, and on the connection, which is 0; and how windows are made to grow."""

    ROUND_TRIP_S = 0.1

    def __init__(self, peer: Peer, streams: range, first_window: int) -> None:
        self._peer = peer
        self.left = dict.fromkeys((0, *streams), first_window)
        self._seen = 0  # updates
        self._turns = itertools.cycle(streams)
        self.widest = first_window  # of a stream
        self.sent = 0

    def grow(self, piece: bytes, times: int) -> None:
        """How long a round trip takes is said by who answers its ping. More than a windowful within each, and twice what
        came within the one before: the window is what holds this peer up, and doubles (src/h2/bdp.h)."""
        window, most = self.widest, 0
        for _ in range(times):
            before = self.sent
            while not self._peer.wait(lambda: bool(self._peer.pings), 0.005) and self._send_one(piece):
                pass
            answer_at = time.monotonic() + self.ROUND_TRIP_S
            enough = self.sent + max(window, 2 * most)
            while self.sent < enough and self._send_one(piece):
                pass
            time.sleep(max(0, answer_at - time.monotonic()))
            self._peer.send(b"".join(frames.ping(opaque, ack=True) for opaque in self._peer.pings))
            self._peer.pings.clear()
            window *= 2
            most = self.sent - before

    def fill(self, piece: bytes) -> None:
        """As long as windows let anything in. No ping is answered any more."""
        while self._send_one(piece):
            pass

    def _send_one(self, piece: bytes) -> bool:
        """On the next stream that has a window for it."""
        self._note_updates()
        for _ in range(len(self.left)):
            id = next(self._turns)
            if min(self.left[id], self.left[0]) >= len(piece):
                break
        else:
            return self._peer.wait(lambda: len(self._peer.updates) > self._seen, 1)
        self.left[id] -= len(piece)
        self.left[0] -= len(piece)
        self.sent += len(piece)
        went = self._peer.flood(frames.data(id, piece), 1)
        self._peer.read()
        return went

    def _note_updates(self) -> None:
        for id, increment in self._peer.updates[self._seen :]:
            if id in self.left:
                self.left[id] += increment
                self.widest = max(self.widest, self.left[id] if id else 0)
        self._seen = len(self._peer.updates)


if __name__ == "__main__":
    attack.main()
