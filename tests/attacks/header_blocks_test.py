"""Header blocks: floods of CONTINUATION (CVE-2024-27316), HPACK bombs, integers and strings cut and
overlong (CVE-2023-33953), table sizes that change all the time, heads that are malformed."""

import attack
import frames
from attack import ALWAYS_NEW, CALL, CONNECTION, KEPT, KIB, METADATA, STREAMS, Limits
from peer import Peer

HEAD = frames.request_head()
BLOCK = 16384  # the largest frame
RESOURCE_EXHAUSTED = str(attack.e2e.RESOURCE_EXHAUSTED)
CALLS = Limits(CONNECTION + STREAMS * CALL, "a connection and 1024 calls")


class Floods(attack.Case):
    def flood(self, name: str, once: bytes, count: int, frames_full: int, expected: str) -> None:
        def assault(peer: Peer) -> None:
            peer.greet().flood(once, count)
            peer.wait_closed()

        reaction = f"GOAWAY {expected}|closed"
        self.attack(name, assault, reaction, frames_full, 2_000, connections=ALWAYS_NEW)

    def test_a_block_that_never_ends(self) -> None:
        piece = frames.continuation(1, frames.literal("x", "y" * 4000) * 4)
        block = frames.headers(1, HEAD, whole=False) + piece * 1000
        self.flood("endless block", block, 1001, 50_000, "ENHANCE_YOUR_CALM: header block too large")

    def test_small_continuations(self) -> None:
        block = frames.headers(1, HEAD, whole=False) + frames.continuation(1, b"\x82") * 10_000
        why = "ENHANCE_YOUR_CALM: too many CONTINUATION frames"
        self.flood("CONTINUATION of 1 B", block, 10_001, 200_000, why)

    def test_empty_continuations(self) -> None:
        block = frames.headers(1, HEAD, whole=False) + frames.continuation(1) * 20_000
        why = "ENHANCE_YOUR_CALM: too many CONTINUATION frames"
        self.flood("empty CONTINUATION", block, 20_001, 1_000_000, why)

    def test_a_block_that_is_interrupted(self) -> None:
        block = frames.headers(1, HEAD, whole=False) + frames.ping() * 10_000
        self.flood("PING within a block", block, 10_001, 100_000, "PROTOCOL_ERROR: .* interrupted")


class Bombs(attack.Case):
    """Little that unfolds into much. The server counts what it would be, and keeps none of it."""

    def bomb(self, name: str, first: bytes, bomb: bytes, streams: int, memory: int) -> None:
        def assault(peer: Peer) -> None:
            # No window for the answer's DATA; that the answer is a status alone leaves nothing behind.
            peer.greet((frames.INITIAL_WINDOW_SIZE, 0))
            before = peer.statuses[RESOURCE_EXHAUSTED]
            head, *others = peer.new_streams(streams)
            blocks = [frames.headers(head, first, True), *(frames.headers(id, bomb, True) for id in others)]
            peer.flood(b"".join(blocks), streams)
            self.assertTrue(peer.wait_for_ends(), f"{peer.statuses} {peer.reaction()}")
            self.assertEqual(peer.statuses[RESOURCE_EXHAUSTED] - before, streams - 1)

        limits = Limits(memory, "a connection, and metadata of its calls", per_byte_ns=40)
        self.attack(name, assault, "lives", 10_000, 400, limits, connections=KEPT)

    def test_indices(self) -> None:
        """0xBE is one byte and a field of 4 KiB: 16 KiB of them are 64 MiB a block."""
        first = HEAD + frames.literal("x-bomb", "b" * 4000, indexed=True)
        bomb = HEAD + b"\xbe" * (BLOCK - len(HEAD))
        self.bomb("indexed HPACK bomb", first, bomb, 200, CONNECTION + 200 * METADATA)

    def test_cookie_crumbs(self) -> None:
        """Index 32 is "cookie": two bytes are a field with 38 B of bookkeeping."""
        crumbs = (BLOCK - len(HEAD)) // 3
        bomb = HEAD + b"\x0f\x11\0" * crumbs
        self.bomb("cookie crumbs", HEAD, bomb, 200, CONNECTION + 200 * METADATA)

    def test_metadata_at_the_limit(self) -> None:
        """As much as is allowed, on as many streams as are allowed, none of which ever ends."""
        more = [(f"x-{i}", "v" * 100) for i in range(110)]
        head = frames.request_head(frames.ECHO, *more)
        blocks = b"".join(frames.headers(id, head) for id in range(1, 2 * STREAMS, 2))

        def assault(peer: Peer) -> None:
            peer.greet().flood(blocks, STREAMS)
            self.assertTrue(peer.wait_until_handled(), peer.reaction())
            self.assertEqual((dict(peer.statuses), dict(peer.resets)), ({}, {}), "none is over the limit")

        limits = Limits(
            CONNECTION + STREAMS * (CALL + METADATA),
            "a connection, 1024 calls and their metadata",
            per_frame_ns=60_000,  # 110 fields a frame
            turn_ms=1,  # the end of such a connection
        )
        self.attack(
            "metadata on 1024 streams", assault, "lives", 10_000, 1_000, limits,
            connections=ALWAYS_NEW, makes_room=attack.end_stream_1,
        )  # fmt: skip


class Codes(attack.Case):
    def test_integers_and_strings(self) -> None:
        """Refused where the block is, whatever it claims: nothing is reserved for it."""
        for name, block in frames.broken_blocks(HEAD).items():
            once = frames.headers(1, block)

            def assault(peer: Peer, once: bytes = once) -> None:
                peer.greet().flood(once, 1)
                peer.wait_closed()

            reaction = f"GOAWAY COMPRESSION_ERROR: {frames.WHY_BROKEN[name]}"
            self.attack(name, assault, reaction, 50, 5, connections=ALWAYS_NEW)

    def test_a_head_that_is_cut_anywhere(self) -> None:
        """Each byte in a frame of its own is more CONTINUATIONs than are allowed; nine pieces are not."""
        with self.connect() as peer:
            peer.greet()
            stream = 1
            for cut in range(1, len(HEAD)):
                peer.send(
                    frames.headers(stream, HEAD[:cut], whole=False)
                    + frames.continuation(stream, HEAD[cut:], last=True)
                    + frames.data(stream, frames.echo_request(b"x"), True)
                )
                stream += 2
            self.assertTrue(peer.wait(lambda: peer.statuses["0"] == len(HEAD) - 1), peer.statuses)

    def test_cost_is_linear_in_bytes(self) -> None:
        """Per byte, a large block of Huffman code may cost what a small one costs, and not more."""

        def cost(value_bytes: int) -> float:
            value = b"\x1f" * value_bytes  # "a" is 00011: a legal text
            coded = b"\0\1x" + frames.integer(len(value), 7, 0x80) + value
            block = HEAD + coded
            many = b"".join(
                frames.headers(id, block) + frames.rst_stream(id) for id in range(1, 801, 2)
            )
            with self.connect() as peer:
                peer.greet()
                watcher = attack.Watcher(self.server.process.pid)
                peer.send(many)
                peer.send(frames.ping())
                self.assertTrue(peer.wait(lambda: peer.pongs > 0), peer.reaction())
                return watcher.usage().cpu_ns / len(many)

        small = min(cost(600) for _ in range(3))
        large = min(cost(9_000) for _ in range(3))
        print(f"Huffman code: {small:.1f} ns a byte in 600 B, {large:.1f} in 9000 B")
        self.assertLess(large, 2 * small + 5)

    def test_table_size_thrash(self) -> None:
        """To 0 and back in each block, the entry that was just inserted with it."""
        thrash = b"\x20\x3f\xe1\x1f" + HEAD + frames.literal("x", "y" * 2000, indexed=True)
        request = frames.message(frames.bytes_field(1, b""))

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1 << 20))
            for _ in range(20):  # within the stream limit, and within patience
                many = b"".join(
                    frames.headers(id, thrash) + frames.data(id, request, True) for id in peer.new_streams(50)
                )
                peer.flood(frames.window_update(0, 1 << 16) + many, 100)
                self.assertTrue(peer.wait_for_ends(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {"0": peer.opened}, peer.reaction())

        limits = Limits(CALLS.memory, CALLS.why, per_frame_ns=attack.CPU_PER_CALL_NS)
        self.attack("table-size thrash", assault, "lives", 1_000_000, 2_000, limits, connections=KEPT)


def without(name: str) -> list[tuple[str, str]]:
    return [field for field in frames.request_fields() if field[0] != name]


GOOD = frames.request_fields()
MALFORMED = {  # RFC 9113 section 8.2, 8.3
    "no :method": without(":method"),
    "no :path": without(":path"),
    "no :scheme": without(":scheme"),
    "empty :path": [*without(":path"), (":path", "")],
    ":path twice": [(":path", frames.ECHO), *GOOD],
    ":status in a request": [(":status", "200"), *GOOD],
    "an unknown pseudo-header": [(":x", "y"), *GOOD],
    "a pseudo-header behind a field": [("x", "y"), *GOOD],
    "an empty name": [*GOOD, ("", "y")],
    "upper case": [*GOOD, ("X", "y")],
    "a name with a space": [*GOOD, ("x y", "z")],
    "a name with a colon": [*GOOD, ("x:y", "z")],
    "CR in a value": [*GOOD, ("x", "a\rb")],
    "LF in a value": [*GOOD, ("x", "a\nb")],
    "NUL in a value": [*GOOD, ("x", "a\0b")],
    "CR LF in :path": [*without(":path"), (":path", "/x\r\ny: z")],
    "a space before a value": [*GOOD, ("x", " a")],
    "connection": [*GOOD, ("connection", "close")],
    "keep-alive": [*GOOD, ("keep-alive", "1")],
    "proxy-connection": [*GOOD, ("proxy-connection", "close")],
    "transfer-encoding": [*GOOD, ("transfer-encoding", "chunked")],
    "upgrade": [*GOOD, ("upgrade", "h2c")],
    "te: gzip": [*without("te"), ("te", "gzip")],
    "content-length that is none": [*GOOD, ("content-length", "1x")],
    "two content-lengths": [*GOOD, ("content-length", "1"), ("content-length", "2")],
}


class Malformed(attack.Case):
    def test_each_case(self) -> None:
        """RST_STREAM(PROTOCOL_ERROR), and the next call on the connection goes well."""
        for name, fields in MALFORMED.items():
            pseudo_first = sorted(fields, key=lambda field: not field[0].startswith(":"))
            ordered = fields if name == "a pseudo-header behind a field" else pseudo_first
            with self.subTest(name), self.connect() as peer:
                peer.greet().send(frames.headers(1, frames.block_of(ordered)))
                self.assertTrue(peer.wait(lambda: sum(peer.resets.values()) > 0), peer.reaction())
                self.assertEqual(dict(peer.resets), {"PROTOCOL_ERROR": 1})
                self.assertTrue(peer.lives(3), peer.reaction())

    def test_pseudo_headers_in_trailers(self) -> None:
        with self.connect() as peer:
            trailers = frames.block_of([(":path", frames.ECHO)])
            peer.greet().send(frames.headers(1, HEAD) + frames.headers(1, trailers, True))
            self.assertTrue(peer.wait(lambda: peer.resets["PROTOCOL_ERROR"] == 1), peer.reaction())
            self.assertTrue(peer.lives(3))

    def test_flood(self) -> None:
        head = frames.block_of([*GOOD, ("connection", "close")])
        many = b"".join(frames.headers(id, head) for id in range(1, 60_001, 2))

        def assault(peer: Peer) -> None:
            peer.greet().flood(many, 30_000)
            peer.wait_closed()

        self.attack(
            "malformed heads", assault,
            "GOAWAY ENHANCE_YOUR_CALM: connection-specific header field|closed", 1_000_000, 30_000,
            Limits(CONNECTION + 64 * KIB, "a connection"), connections=ALWAYS_NEW,
        )  # fmt: skip


if __name__ == "__main__":
    attack.main()
