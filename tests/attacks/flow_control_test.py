"""Windows: too many updates, windows that overflow or are overrun, and peers that ask for much and take
nothing: with a window of zero, of one, or wide open and a socket that nobody reads."""

import dataclasses
import gzip
import socket

import attack
import frames
from attack import ASSEMBLY, CALL, CONNECTION, KIB, MIB, OUTPUT_CAP, PENDING, STREAMS, UNREAD, WINDOW
from attack import Limits
from peer import Peer

HEAD = frames.request_head()
CALMED = "GOAWAY ENHANCE_YOUR_CALM"
NO_WINDOW = (frames.INITIAL_WINDOW_SIZE, 0)
EXPAND = "/saker.echo.v1.Echo/EchoExpand"
STREAM = "/saker.echo.v1.Echo/EchoStream"
# Calls of 4 KiB that become 4 MiB: 4 GiB in all, or as many as show that there is a limit.
PACKED = STREAMS if attack.FULL else 150


class Updates(attack.Case):
    def test_flood(self) -> None:
        many = frames.window_update(0, 1) * 20_000

        def assault(peer: Peer) -> None:
            peer.greet().flood(many, 20_000)
            peer.wait_closed()

        why = f"{CALMED}: too many WINDOW_UPDATE frames|closed"
        self.attack("WINDOW_UPDATE", assault, why, 1_000_000, 40_000)

    def test_overflow(self) -> None:
        over = frames.window_update(0, frames.MAX_WINDOW)

        def assault(peer: Peer) -> None:
            peer.greet().flood(over * 2, 2)
            peer.wait_closed()

        why = "GOAWAY FLOW_CONTROL_ERROR: the connection's window passes 2\\^31 - 1"
        self.attack("WINDOW_UPDATE past 2^31 - 1", assault, why, 100, 4)

    def test_settings_that_overflow(self) -> None:
        both = frames.headers(1, HEAD) + frames.window_update(1, frames.MAX_WINDOW - 65535)
        over = both + frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20))

        def assault(peer: Peer) -> None:
            peer.greet().flood(over, 3)
            peer.wait_closed()

        why = "GOAWAY FLOW_CONTROL_ERROR: SETTINGS_INITIAL_WINDOW_SIZE overflows a window"
        self.attack("SETTINGS past 2^31 - 1", assault, why, 100, 6)

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
        self.attack("DATA beyond the window", assault, why, 5_000, 100, limits)

    def test_window_of_1(self) -> None:
        """A byte at a time, for ever: what comes in one read goes out as one frame, so that soon there are
        more updates than frames to update for."""
        call = frames.call(1, frames.echo_request(bytes(60_000)))
        credit = frames.window_update(1, 1) * 100

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1)).send(call)
            peer.wait(lambda: peer.counts[frames.DATA] > 0)
            for _ in range(500):
                before = peer.data_bytes
                if not peer.flood(credit, 100):
                    break
                peer.wait(lambda before=before: peer.data_bytes >= before + 100)

        limits = Limits(CONNECTION + OUTPUT_CAP, "a connection and its output", per_frame_ns=5_000)
        why = f"{CALMED}: too many WINDOW_UPDATE frames|closed"
        self.attack("window of 1", assault, why, 1_000_000, 10_000, limits)


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
        turn_ms: float = attack.PACKED_MS,
    ) -> None:  # fmt: skip
        """requests(stream): a call's frames. The connection answers pings to the end."""

        def assault(peer: Peer) -> None:
            peer.patience_s = 30
            peer.greet(NO_WINDOW)
            for id in range(1, 2 * count, 2):
                bytes_of_call = requests(id)
                if not peer.flood(bytes_of_call, 1 + (len(bytes_of_call) >> 14)):
                    return
            peer.send(frames.ping())
            self.assertTrue(peer.wait(lambda: peer.pongs > 0, 90), peer.reaction())
            held = count - sum(peer.statuses.values())
            print(f"{name}: {count} calls, {held} wait, {dict(peer.statuses)}")

        limits = dataclasses.replace(self.UNPACKED, turn_ms=turn_ms) if packed else self.HELD
        self.attack(name, assault, "lives", full, 1, limits, over=("tcp", "unix"))

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

        self.hoard("gzip'd requests, no end", call, PACKED, 20_000)

    def test_streams(self) -> None:
        """Streaming calls write one reply each before they look whether it can go."""
        packed = gzip.compress(frames.bytes_field(1, bytes(4 * MIB - 100)), 9)
        request = frames.message(packed, compressed=True)
        head = frames.request_head(STREAM, ("grpc-encoding", "gzip"))

        def call(id: int) -> bytes:
            return frames.headers(id, head) + frames.in_frames(id, request, False)

        self.hoard("gzip'd streams, window 0", call, PACKED, 20_000, turn_ms=2 * attack.PACKED_MS)

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
            "unread replies", assault, f"stops reading|{CALMED}: .*|closed", 20_000, 200, limits,
            over=("tcp", "unix"),
        )  # fmt: skip


class Inboxes(attack.Case):
    """Streams whose handlers are stuck: what comes for them lies here, as much as windows let in."""

    def test_windows_that_grew(self) -> None:
        """Reads fast first, so that windows grow; then stops taking replies, and goes on sending."""
        request = frames.echo_request(bytes(1000))
        many = request * 16
        opened = 64

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1 << 20))
            peer.send(frames.window_update(0, 1 << 30))
            for id in range(1, 2 * opened, 2):
                peer.send(frames.headers(id, frames.request_head(STREAM)))
            windows = dict.fromkeys((0, *range(1, 2 * opened, 2)), 65535)
            self.send_what_windows_let_in(peer, many, windows)

        limits = Limits(
            CONNECTION + opened * CALL + UNREAD + WINDOW + PENDING + OUTPUT_CAP,
            "a connection, what handlers have not read and what is under way, replies and output",
            per_byte_ns=60,
        )
        self.attack("inboxes", assault, "lives", 20_000, 1, limits, over=("tcp",))

    def send_what_windows_let_in(self, peer: Peer, piece: bytes, windows: dict[int, int]) -> None:
        """windows: by stream, and the connection's as 0. Nothing of the replies is credited: handlers get
        stuck, and what is sent piles up."""
        seen = 0
        while True:
            ready = [id for id, left in windows.items() if id and left >= len(piece)]
            ready = ready[: windows[0] // len(piece)]
            for id in ready:
                windows[id] -= len(piece)
                windows[0] -= len(piece)
                if not peer.flood(frames.data(id, piece), 1):
                    return
            peer.read()
            if not ready and not peer.wait(lambda: len(peer.updates) > seen, 1):
                return
            for id, increment in peer.updates[seen:]:
                if id in windows:
                    windows[id] += increment
            seen = len(peer.updates)
            for opaque in peer.pings:
                peer.send(frames.ping(opaque, ack=True))
            peer.pings.clear()


if __name__ == "__main__":
    attack.main()
