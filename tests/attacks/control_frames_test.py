"""Frames that cost their sender little and want something done: PING, SETTINGS, GOAWAY, empty and tiny
DATA, frames of types that nobody knows, frames that come late."""

import attack
import frames
from attack import ALWAYS_NEW, CALL, CONNECTION, KEPT, KIB, OUTPUT_CAP, STREAMS, Limits
from peer import Peer

HEAD = frames.request_head()
CALMED = "GOAWAY ENHANCE_YOUR_CALM"
ANSWERS = Limits(CONNECTION + 64 * KIB, "a connection and 1000 answers")


class Case(attack.Case):
    def flood(
        self,
        name: str,
        once: bytes,
        count: int,
        expected: str,
        full: int,
        quick: int,
        before: bytes = b"",
        limits: Limits = ANSWERS,
        reads: bool = True,
    ) -> None:
        """`count` frames again and again, until the server has had enough."""
        again = once * max(1, 100_000 // count)

        def assault(peer: Peer) -> None:
            peer.greet().send(before)
            while peer.sent_frames < quick:
                if not peer.flood(again, count * (len(again) // len(once)), reads):
                    break
            if not peer.stalled:
                peer.wait_closed()

        self.attack(name, assault, expected, full, quick, limits, connections=ALWAYS_NEW)


class Answers(Case):
    """What wants an answer. The limits on those that wait: 100 stop reading, 1000 end the connection."""

    def test_pings(self) -> None:
        why = f"{CALMED}: too_many_pings|{CALMED}: too many frames that want an answer|closed"
        self.flood("PING", frames.ping(), 1, why, 1_000_000, 50_000)

    def test_pings_that_nobody_reads(self) -> None:
        why = f"{CALMED}: .*|closed|stops reading"
        self.flood("PING, answers unread", frames.ping(), 1, why, 1_000_000, 50_000, reads=False)

    def test_pings_behind_replies(self) -> None:
        """A reply forgives the pings before it (gRFC A8): then they cost what calls cost, and are all answered."""
        request = frames.echo_request(b"")

        def assault(peer: Peer) -> None:
            peer.greet().send(frames.window_update(0, 1 << 15))
            for _ in range(300):
                pongs = peer.pongs
                call = frames.call(peer.new_stream(), request)
                if not peer.flood(call, 2) or not peer.wait_for_ends() or not peer.flood(frames.ping(), 1):
                    break
                self.assertTrue(peer.wait(lambda pongs=pongs: peer.pongs > pongs), peer.reaction())
            self.assertEqual(dict(peer.statuses), {"0": peer.opened}, peer.reaction())

        # Each of them wakes the server.
        limits = Limits(ANSWERS.memory, ANSWERS.why, per_frame_ns=attack.CPU_PER_HONEST_CALL_NS)
        self.attack("PING behind a reply", assault, "lives", 300_000, 1_800, limits, connections=KEPT)

    def test_pings_between_calls(self) -> None:
        """In one piece: nothing has been said in between, and the third of them ends the connection. It need not be
        so where the server reads the piece in parts, but sooner or later it is."""
        request = frames.echo_request(b"")

        def assault(peer: Peer) -> None:
            peer.greet()
            for _ in range(1000):
                calls = (frames.call(id, request) + frames.ping(id) for id in peer.new_streams(50))
                if not peer.flood(b"".join(calls), 150) or not peer.wait_for_ends():
                    break

        limits = Limits(ANSWERS.memory, ANSWERS.why, per_frame_ns=attack.CPU_PER_CALL_NS)
        why = f"{CALMED}: too_many_pings"
        self.attack("PING between calls", assault, why, 300_000, 1_500, limits, connections=ALWAYS_NEW)

    def test_settings(self) -> None:
        why = f"{CALMED}: too many (SETTINGS frames|frames that want an answer)|closed"
        self.flood("SETTINGS", frames.settings(), 1, why, 1_000_000, 50_000)

    def test_settings_that_nobody_reads(self) -> None:
        why = f"{CALMED}: .*|closed|stops reading"
        once = frames.settings((frames.INITIAL_WINDOW_SIZE, 100))
        self.flood("SETTINGS, unread", once, 1, why, 1_000_000, 50_000, reads=False)

    def test_settings_that_move_1000_windows(self) -> None:
        """Each one moves the windows of all open streams: the frame that costs most for its size."""
        opened = b"".join(frames.headers(id, HEAD) for id in range(1, 2 * STREAMS, 2))
        up, down = ((frames.INITIAL_WINDOW_SIZE, size) for size in (1 << 20, 1))
        limits = Limits(CONNECTION + STREAMS * CALL, "a connection and 1024 calls", per_frame_ns=40_000)
        why = f"{CALMED}: too many (SETTINGS frames|frames that want an answer)|closed"
        swing = frames.settings(up) + frames.settings(down)
        self.flood("SETTINGS, 1024 streams", swing, 2, why, 200_000, 10_000, opened, limits)

    def test_settings_that_are_wrong(self) -> None:
        many = tuple((0x1234, 1) for _ in range(2700))
        for name, wrong, reaction in [
            ("2700 entries", frames.settings(*many), f"{CALMED}: .*"),
            ("MAX_FRAME_SIZE 0", frames.settings((frames.MAX_FRAME_SIZE, 0)), "GOAWAY PROTOCOL_ERROR: .*"),
            ("MAX_FRAME_SIZE 2^24", frames.settings((frames.MAX_FRAME_SIZE, 1 << 24)),
             "GOAWAY PROTOCOL_ERROR: .*"),
            ("INITIAL_WINDOW_SIZE 2^31", frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 31)),
             "GOAWAY FLOW_CONTROL_ERROR: .*"),
            ("ENABLE_PUSH 2", frames.settings((frames.ENABLE_PUSH, 2)), "GOAWAY PROTOCOL_ERROR: .*"),
            ("5 bytes", frames.frame(frames.SETTINGS, 0, 0, bytes(5)), "GOAWAY FRAME_SIZE_ERROR: .*"),
            ("an ACK with payload", frames.frame(frames.SETTINGS, frames.ACK, 0, bytes(6)),
             "GOAWAY FRAME_SIZE_ERROR: .*"),
            ("on a stream", frames.frame(frames.SETTINGS, 0, 1), "GOAWAY PROTOCOL_ERROR: .*"),
        ]:  # fmt: skip
            def assault(peer: Peer, wrong: bytes = wrong) -> None:
                peer.greet().flood(wrong, 1)
                peer.wait_closed()

            self.attack(f"SETTINGS: {name}", assault, reaction, 20, 3, connections=ALWAYS_NEW)


class Useless(Case):
    """What wants nothing, and has an allowance of 10,000 and 330 a second."""

    def test_unknown_types(self) -> None:
        storm = frames.frame(0x20, 0, 0, b"x")
        why = f"{CALMED}: too many frames of unknown types|closed"
        self.flood("unknown frames", storm, 1, why, 1_000_000, 50_000)

    def test_priorities(self) -> None:
        why = f"{CALMED}: too many PRIORITY frames|closed"
        self.flood("PRIORITY", frames.priority(3), 1, why, 1_000_000, 50_000)

    def test_goaways(self) -> None:
        """One says all there is to say."""
        why = f"{CALMED}: too many GOAWAY frames|closed"
        once = frames.goaway(0, 0, b"x" * 100)
        self.flood("GOAWAY", once, 1, why, 1_000_000, 50_000)

    def test_resets_of_one_stream(self) -> None:
        why = f"{CALMED}: too many RST_STREAM frames|closed"
        opened = frames.headers(1, HEAD)
        self.flood("RST_STREAM again", frames.rst_stream(1), 1, why, 1_000_000, 50_000, opened)

    def test_resets_of_idle_streams(self) -> None:
        why = f"{CALMED}: too many RST_STREAM frames on idle streams|closed"
        self.flood("RST_STREAM, idle", frames.rst_stream(99999), 1, why, 1_000_000, 50_000)

    def test_acknowledgements(self) -> None:
        for name, once, why in (
            ("SETTINGS ACK", frames.SETTINGS_ACK, "SETTINGS ACKs"),
            ("PING ACK", frames.ping(1, ack=True), "PING ACKs"),
        ):
            self.flood(name, once, 1, f"{CALMED}: too many {why}|closed", 1_000_000, 50_000)

    def test_heads_of_streams_that_we_reset(self) -> None:
        """Trailers that crossed our RST_STREAM are honest, one a stream; a flood of them is not."""
        refused = frames.headers(1, frames.request_head("/no.such/Method"))
        late = frames.headers(1, frames.block_of([("x", "y")]), True)
        # In one read the second of them comes before our RST_STREAM has been written: after END_STREAM.
        why = f"{CALMED}: too many late HEADERS|GOAWAY STREAM_CLOSED: HEADERS after END_STREAM|closed"
        self.flood("HEADERS, late", late, 1, why, 1_000_000, 50_000, refused)

    def test_empty_data(self) -> None:
        opened = frames.headers(1, HEAD)
        why = f"{CALMED}: too many empty DATA frames|closed"
        self.flood("empty DATA", frames.data(1), 1, why, 1_000_000, 50_000, opened)

    def test_data_of_padding(self) -> None:
        opened = frames.headers(1, HEAD)
        padding = frames.frame(frames.DATA, frames.PADDED, 1, b"\x05" + bytes(5))
        why = f"{CALMED}: too many empty DATA frames|closed"
        self.flood("DATA, all padding", padding, 1, why, 1_000_000, 50_000, opened)


class Tolerated(Case):
    """What honest peers do too, if not in such numbers: the connection lives, and it costs little."""

    def test_data_of_1_byte(self) -> None:
        """A message that comes byte by byte; one of 4 MiB is never finished."""
        prefix = frames.message(bytes(1 << 22))[:5]
        count = 100_000

        def assault(peer: Peer) -> None:
            stream = peer.greet().new_stream()
            peer.send(frames.headers(stream, HEAD) + frames.data(stream, prefix))
            peer.flood(frames.data(stream, b"x") * count, count)
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {}, "a message that is not whole")
            # All of it was taken, a byte for a byte: what is left of the window is less than the stream had.
            given = sum(increment for id, increment in peer.updates if id == stream)
            self.assertGreaterEqual(given, count - 65535)
            peer.send(frames.rst_stream(stream))

        limits = Limits(CONNECTION + attack.MESSAGE, "a connection and a message of 4 MiB")
        self.attack("DATA of 1 B", assault, "lives", 1_000_000, 50_000, limits, connections=KEPT)

    def test_late_data(self) -> None:
        """The benign twin: what was under way when we reset the stream costs nobody the connection."""
        refused = frames.request_head("/no.such/Method")

        def assault(peer: Peer) -> None:
            stream = peer.greet().new_stream()
            peer.send(frames.headers(stream, refused))
            peer.flood(frames.data(stream, b"x" * 100) * 100_000, 100_000)
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {str(attack.e2e.UNIMPLEMENTED): peer.opened})

        self.attack("DATA, late", assault, "lives", 1_000_000, 30_000, ANSWERS, connections=KEPT)

    def test_empty_messages(self) -> None:
        """One call of 5-byte messages, each of which is answered; the answers are read."""
        head = frames.request_head("/saker.echo.v1.Echo/EchoStream")
        many = frames.message(b"") * 3000

        def assault(peer: Peer) -> None:
            stream = peer.greet().new_stream()
            peer.send(frames.headers(stream, head))
            credit = frames.window_update(0, 1 << 20) + frames.window_update(stream, 1 << 20)
            for _ in range(4):
                before = peer.data_bytes
                peer.flood(credit + frames.in_frames(stream, many, False), 3000)
                replied = peer.wait(lambda before=before: peer.data_bytes >= before + 3000 * 5)
                self.assertTrue(replied, peer.reaction())
            peer.send(frames.data(stream, end=True))
            self.assertTrue(peer.wait_for_ends(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {"0": peer.opened})

        limits = Limits(CONNECTION + 2 * OUTPUT_CAP, "a connection and its output")
        self.attack("messages of 0 B", assault, "lives", 1_000_000, 12_000, limits, connections=KEPT)


if __name__ == "__main__":
    attack.main()
