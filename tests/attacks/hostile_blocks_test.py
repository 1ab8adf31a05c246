"""Servers that attack with header blocks: floods of CONTINUATION, blocks that never end, HPACK bombs, integers and
strings cut and overlong, table sizes that change all the time, heads that are malformed."""

import attack
import frames
from hostile import EMPTY_REPLY, HEAD, OK_TRAILERS, Host
from hostile_case import DEADLINE, EXHAUSTED, INTERNAL, OK, SHORT, UNAVAILABLE, Case, Costs

BLOCK = 16384  # the largest frame
MORE_CALLS = ("-n", "400", "-m", "16")
OVER_LIMIT = "response metadata is over the limit"


def begun(block: bytes = HEAD) -> bytes:
    return frames.headers(1, block, whole=False)


class Floods(Case):
    CALMED = "ENHANCE_YOUR_CALM, "

    def test_continuations(self) -> None:
        block = begun() + frames.continuation(1, b"\x88") * 1000
        self.flood("CONTINUATION of 1 B", block, UNAVAILABLE, self.CALMED + "too many CONTINUATION")

    def test_empty_continuations(self) -> None:
        block = begun() + frames.continuation(1) * 20_000
        self.flood("empty CONTINUATION", block, UNAVAILABLE, self.CALMED + "too many CONTINUATION")

    def test_nothing_but_empty_frames(self) -> None:
        block = begun(b"") + frames.continuation(1) * 20_000
        self.flood("empty HEADERS and on", block, UNAVAILABLE, self.CALMED + "too many CONTINUATION")

    def test_endless_block(self) -> None:
        piece = frames.literal("x", "y" * 15_000)
        block = begun() + frames.continuation(1, piece) * 20
        self.flood("endless block", block, UNAVAILABLE, self.CALMED + "header block too large")

    def test_a_block_that_is_interrupted(self) -> None:
        for name, other in {
            "PING": frames.ping(),
            "DATA": frames.data(1, b"x"),
            "another block": frames.headers(3, HEAD),
            "another stream's CONTINUATION": frames.continuation(3, b"", last=True),
        }.items():
            why = "PROTOCOL_ERROR, a header block was interrupted"
            self.flood(f"{name} within a block", begun() + other * 1000, UNAVAILABLE, why)

    def test_a_block_that_begins_with_its_end(self) -> None:
        once = frames.continuation(1, HEAD, last=True)
        self.flood("CONTINUATION alone", once, UNAVAILABLE, "PROTOCOL_ERROR, CONTINUATION without")

    def test_empty_blocks(self) -> None:
        """A block of no fields is no response, and no trailers unless it ends the stream."""
        empty = frames.headers(1, b"")
        # The flood behind it ends the connection.
        beside = (UNAVAILABLE,)
        self.flood("empty HEADERS", empty * 10_000, INTERNAL, "malformed", beside=beside)
        before = frames.headers(1, HEAD)
        self.flood("empty trailers", empty * 10_000, INTERNAL, "malformed", before, beside=beside)

    def test_a_block_that_never_ends(self) -> None:
        """The call's deadline ends it, and where that is later, the 10 s that a block may take."""

        def behave(host: Host) -> None:
            host.welcome()
            if stream := host.next_request():
                host.send(frames.headers(stream, HEAD[:5], whole=False))
                host.wait_closed(30)

        self.expect("unfinished block", behave, DEADLINE, arguments=SHORT, waits=True)
        why = self.CALMED + "header block not finished in time"
        self.expect(
            "unfinished, 10 s", behave, UNAVAILABLE, why, arguments=("--deadline", "40s"),
            bench_arguments=("-n", "4"), waits=True,
        )  # fmt: skip


class Bombs(Case):
    """Little that unfolds into much. Each costs its call; the connection lives, and its tables are right."""

    def bomb(self, name: str, bomb: bytes, good: bytes = HEAD) -> None:
        """In answer to each call but each tenth, which is answered well, with the head `good`."""

        def behave(host: Host) -> None:
            host.welcome()
            number = 0
            while stream := host.next_request():
                number += 1
                if number % 10 == 0:
                    host.reply(stream, head=good)
                else:
                    host.replied.add(stream)
                    host.send(frames.headers(stream, bomb, True))

        for outcome in self.expect(
            name, behave, EXHAUSTED, OVER_LIMIT, costs=Costs(per_byte_ns=40), bench_arguments=MORE_CALLS
        ):
            if outcome.program == "bench":
                self.assertEqual([len(host.opened) for host in outcome.hosts], [400])
                self.assertEqual(outcome.bench_statuses(), {OK: 40, EXHAUSTED: 360})

    def test_indices(self) -> None:
        """0xBE is one byte and a field of 4 KiB: 8 KiB of them are 32 MiB a block. What enters the table where
        nobody reads any more is needed for the entry before it to be the second one, 0xBF."""
        entry = frames.literal("x-bomb", "b" * 4000, indexed=True)
        late = frames.literal("x-late", "v", indexed=True)
        self.bomb("indexed HPACK bomb", HEAD + entry + b"\xbe" * (BLOCK // 2) + late, HEAD + b"\xbf")

    def test_cookie_crumbs(self) -> None:
        """Index 32 is "cookie": three bytes are a field with 38 B of bookkeeping."""
        self.bomb("cookie crumbs", HEAD + b"\x0f\x11\0" * (BLOCK // 4))

    def test_too_much_as_it_is(self) -> None:
        large = HEAD + frames.literal("x", "y" * 15_000) + frames.literal("z", "y" * 2000)

        def made(stream: int) -> bytes:
            return frames.headers(stream, large[:16000], whole=False) + frames.continuation(
                stream, large[16000:], last=True
            )

        self.answer("17 KB of metadata", made, EXHAUSTED, OVER_LIMIT)

    def test_metadata_at_the_limit(self) -> None:
        """As much as is allowed, in head and trailers, is a reply like others."""
        more = frames.block_of((f"x-{i}", "v" * 90) for i in range(110))

        def made(stream: int) -> bytes:
            return b"".join((
                frames.headers(stream, HEAD + more),
                frames.data(stream, EMPTY_REPLY),
                frames.headers(stream, OK_TRAILERS + more, True),
            ))  # fmt: skip

        costs = Costs(per_frame_ns=60_000)  # 110 fields a frame
        self.answer("metadata at the limit", made, 0, programs=("echo", "call"), costs=costs)


class Codes(Case):
    def test_integers_and_strings(self) -> None:
        """Refused where the block is, whatever it claims: nothing is reserved for it."""
        for name, block in frames.broken_blocks(HEAD).items():
            self.answer(
                name, lambda id, block=block: frames.headers(id, block), UNAVAILABLE,
                "COMPRESSION_ERROR", programs=("echo", "call"),
            )  # fmt: skip

    def test_a_head_that_is_cut_anywhere(self) -> None:
        """In two frames, and with each byte of the rest in one of its own as long as that is allowed."""
        cuts = range(1, len(HEAD))

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                cut = cuts[(stream // 2) % len(cuts)]
                few = HEAD[cut : cut + 7]
                host.send(
                    frames.headers(stream, HEAD[:cut], whole=False)
                    + b"".join(frames.continuation(stream, few[at : at + 1]) for at in range(len(few)))
                    + frames.continuation(stream, HEAD[cut + len(few) :], last=True)
                    + frames.in_frames(stream, host.bodies[stream], False)
                    + frames.headers(stream, OK_TRAILERS, True)
                )

        self.expect("a head cut anywhere", behave, 0, programs=("bench",), arguments=("-n", "60"))

    def test_huffman_code(self) -> None:
        """Its cost is linear in its bytes, which the ceiling for CPU is, too."""
        value = b"\x1f" * 9_000  # "a" is 00011: a legal text
        head = HEAD + b"\0\1x" + frames.integer(len(value), 7, 0x80) + value

        def made(stream: int) -> bytes:
            return frames.headers(stream, head) + frames.headers(stream, OK_TRAILERS, True)

        self.answer("Huffman code of 9 KB", made, 12, programs=("bench",), arguments=MORE_CALLS)

    def test_table_size_thrash(self) -> None:
        """To 0 and back in each block, the entry that was just inserted with it; every call goes well."""
        thrash = b"\x20\x3f\xe1\x1f" + HEAD + frames.literal("x", "y" * 2000, indexed=True)

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                host.send(
                    frames.headers(stream, thrash)
                    + frames.in_frames(stream, host.bodies[stream], False)
                    + frames.headers(stream, b"\x20\x3f\xe1\x1f" + OK_TRAILERS, True)
                )

        self.expect("table-size thrash", behave, 0, bench_arguments=MORE_CALLS)


MALFORMED = {  # RFC 9113 section 8.2, 8.3
    "no :status": HEAD[1:],
    ":status twice": b"\x88" + HEAD,
    ":status behind a field": HEAD[1:] + b"\x88",
    ":status of two digits": frames.literal(":status", "20"),
    ":status of four digits": frames.literal(":status", "2000"),
    ":status 101": frames.literal(":status", "101"),
    "a request": frames.request_head(),
    "an unknown pseudo-header": b"\x88" + frames.literal(":x", "y") + HEAD[1:],
    "an empty name": HEAD + frames.literal("", "y"),
    "upper case": HEAD + frames.literal("X", "y"),
    "a name with a space": HEAD + frames.literal("x y", "z"),
    "a name with a colon": HEAD + frames.literal("x:y", "z"),
    "CR in a name": HEAD + frames.literal("x\ry", "z"),
    "NUL in a name": HEAD + frames.literal("x\0y", "z"),
    "CR in a value": HEAD + frames.literal("x", "a\rb"),
    "LF in a value": HEAD + frames.literal("x", "a\nb"),
    "NUL in a value": HEAD + frames.literal("x", "a\0b"),
    "LF in grpc-message": HEAD + frames.literal("grpc-message", "a\nb"),
    "a space before a value": HEAD + frames.literal("x", " a"),
    "connection": HEAD + frames.literal("connection", "close"),
    "keep-alive": HEAD + frames.literal("keep-alive", "1"),
    "proxy-connection": HEAD + frames.literal("proxy-connection", "close"),
    "transfer-encoding": HEAD + frames.literal("transfer-encoding", "chunked"),
    "upgrade": HEAD + frames.literal("upgrade", "h2c"),
    "content-length that is none": HEAD + frames.literal("content-length", "1x"),
    "two content-lengths": HEAD + frames.literal("content-length", "1")
    + frames.literal("content-length", "2"),
}  # fmt: skip


class Malformed(Case):
    """INTERNAL for the call; the connection lives."""

    def test_heads(self) -> None:
        for name, head in MALFORMED.items():
            self.answer(
                name, lambda id, head=head: frames.headers(id, head, True), INTERNAL, "malformed",
                programs=("echo", "call"),
            )  # fmt: skip

    def test_trailers(self) -> None:
        for name, trailers in {
            ":status in trailers": b"\x88" + OK_TRAILERS,
            ":path in trailers": frames.literal(":path", "/x") + OK_TRAILERS,
            "connection in trailers": OK_TRAILERS + frames.literal("connection", "close"),
            "CR LF in trailers": OK_TRAILERS + frames.literal("x", "a\r\nb"),
        }.items():
            def made(id: int, trailers: bytes = trailers) -> bytes:
                return frames.headers(id, HEAD) + frames.headers(id, trailers, True)

            self.answer(name, made, INTERNAL, "malformed", programs=("echo", "call"))

    def test_bodies(self) -> None:
        """MadeYouReset's other half: what makes a client reset its call."""
        long, short = (HEAD + frames.literal("content-length", size) for size in ("1000", "1"))
        for name, made in {
            "trailers that do not end": lambda id: frames.headers(id, HEAD) + frames.headers(id, OK_TRAILERS),
            "more DATA than content-length": lambda id: frames.headers(id, short) + frames.data(id, b"ab"),
            "less DATA than content-length": lambda id: frames.headers(id, long) + frames.data(id, b"", True),
            "content-length and no DATA": lambda id: frames.headers(id, long, True),
            "an early end": lambda id: frames.headers(id, frames.literal(":status", "103"), True),
        }.items():
            self.answer(name, made, INTERNAL, "malformed", programs=("echo", "call"))

    def test_all_calls_of_a_connection(self) -> None:
        """It lives, however many there are: each has cost the client a call of its own."""
        head = HEAD + frames.literal("x", "a\0b")
        outcomes = self.answer(
            "malformed heads", lambda id: frames.headers(id, head, True), INTERNAL,
            programs=("bench",), arguments=("-n", "2000", "-m", "16"),
        )  # fmt: skip
        for outcome in outcomes:
            self.assertEqual([len(host.opened) for host in outcome.hosts], [2000])


if __name__ == "__main__":
    attack.main()
