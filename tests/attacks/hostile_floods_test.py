"""Servers that attack: what our clients make of floods. Behind the first call of a connection, for as long as the
client takes it; where it takes all, an honest reply follows, and the call goes well."""

import attack
import frames
from hostile import EMPTY_REPLY, HEAD, OK_TRAILERS, Host
from hostile_case import (
    CANCELLED,
    DEADLINE,
    EXHAUSTED,
    INTERNAL,
    MOST_PIECES,
    OK,
    PROGRAMS,
    SHORT,
    UNAVAILABLE,
    UNIMPLEMENTED,
    Case,
    Costs,
    Outcome,
)

EXPAND = "saker.echo.v1.Echo/EchoExpand"
MANY = 10_000
OPENED = frames.headers(1, HEAD)


class Answers(Case):
    """What wants an answer. The limits on those that wait: 100 stop reading, 1000 end the connection."""

    TOO_MANY = "ENHANCE_YOUR_CALM, too many (SETTINGS frames|frames that want an answer)"

    def test_settings(self) -> None:
        self.flood("SETTINGS flood", frames.settings() * MANY, UNAVAILABLE, self.TOO_MANY)

    def unread(self, name: str, once: bytes) -> None:
        """No answer is ever read: the client stops reading at 100 of them, or ends the connection at 1000."""

        def behave(host: Host) -> None:
            host.welcome()
            host.next_request()
            host.is_deaf = True
            while host.send(once * MANY):
                pass

        self.expect(name, behave, (UNAVAILABLE, DEADLINE), arguments=SHORT, waits=True)

    def test_settings_unread(self) -> None:
        self.unread("SETTINGS, unread", frames.settings())

    def test_settings_that_move_windows(self) -> None:
        """There and back, with a request that waits for its window."""
        there, back = ((frames.INITIAL_WINDOW_SIZE, size) for size in (1, 0))
        both = (frames.settings(there) + frames.settings(back)) * (MANY // 2)

        def behave(host: Host) -> None:
            host.welcome(back)
            host.next_request(whole=False)
            for _ in range(MOST_PIECES):
                if not host.send(both):
                    return

        self.expect("SETTINGS of windows", behave, UNAVAILABLE, self.TOO_MANY)

    def test_ping(self) -> None:
        self.flood("PING flood", frames.ping() * MANY, UNAVAILABLE, self.TOO_MANY)

    def test_ping_unread(self) -> None:
        self.unread("PING, unread", frames.ping())


class Useless(Case):
    """What wants nothing, and has an allowance of 10,000 and 330 a second."""

    def useless(self, name: str, once: bytes, why: str, before: bytes = b"", **more) -> None:
        self.flood(name, once * MANY, UNAVAILABLE, f"ENHANCE_YOUR_CALM, {why}", before, **more)

    def test_goaway(self) -> None:
        """The first one ends what is open; the last is not heard any more."""
        once = frames.goaway(frames.MAX_STREAM_ID, 0, b"x" * 1000) * 1000
        self.flood("GOAWAY flood", once, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_unknown(self) -> None:
        once = frames.frame(0x20, 0, 0, b"x")
        self.useless("unknown frames", once, "too many frames of unknown types")

    def test_priorities(self) -> None:
        self.useless("PRIORITY flood", frames.priority(3), "too many PRIORITY frames")

    def test_acknowledgements(self) -> None:
        self.useless("SETTINGS ACK flood", frames.SETTINGS_ACK, "too many SETTINGS ACKs")
        self.useless("PING ACK flood", frames.ping(1, ack=True), "too many PING ACKs")

    def test_window_updates(self) -> None:
        for stream in (0, 1):
            once = frames.window_update(stream, 1)
            self.useless(f"WINDOW_UPDATE flood, {stream}", once, "too many WINDOW_UPDATE frames")

    def test_informational(self) -> None:
        early = frames.headers(1, frames.literal(":status", "103"))
        self.useless("1xx flood", early, "too many informational responses")

    def test_empty_data(self) -> None:
        self.useless("empty DATA", frames.data(1), "too many empty DATA frames", OPENED)

    def test_data_of_padding(self) -> None:
        """Its window comes back, for it is never used up: what ends it is that it says nothing."""
        padding = frames.frame(frames.DATA, frames.PADDED, 1, b"\x05" + bytes(5))
        self.useless("DATA, all padding", padding, "too many empty DATA frames", OPENED)


class Over(Case):
    """Frames of calls that have ended, by the thousand."""

    def again(self, name: str, once: bytes, words: str) -> None:
        """The first call goes well; the second waits while frames come for the first."""

        def behave(host: Host) -> None:
            host.welcome()
            host.reply(host.next_request())
            if not host.next_request():
                return
            for _ in range(MOST_PIECES):
                if not host.send(once):
                    return

        self.expect(name, behave, UNAVAILABLE, words, ("echo",), ("--count", "2"))
        self.expect(name, behave, UNAVAILABLE, words, ("bench",))

    def test_resets(self) -> None:
        why = "ENHANCE_YOUR_CALM, too many RST_STREAM frames"
        self.again("RST_STREAM, late", frames.rst_stream(1) * MANY, why)

    def test_heads(self) -> None:
        head = frames.headers(1, HEAD + OK_TRAILERS, True)
        self.again("HEADERS, late", head * MANY, "ENHANCE_YOUR_CALM, HEADERS on a closed stream")

    def test_data(self) -> None:
        """Not one that we reset: nobody had a reason to send it."""
        self.again("DATA, late", frames.data(1, b"x") * MANY, "STREAM_CLOSED, DATA on a closed stream")

    def test_resets_of_the_call(self) -> None:
        """The first one ends it, and all that come behind it end the connection."""
        words = "the server reset the stream with CANCEL"
        self.flood(
            "RST_STREAM flood", frames.rst_stream(1) * MANY, CANCELLED, words, beside=(UNAVAILABLE,)
        )

    def test_heads_of_the_call(self) -> None:
        whole = frames.headers(1, HEAD + OK_TRAILERS, True)
        self.flood("HEADERS flood", whole * 5_000, (UNIMPLEMENTED, UNAVAILABLE))

    def test_a_reply_without_end(self) -> None:
        """Messages of which a unary call wants one."""
        once = OPENED + frames.data(1, EMPTY_REPLY) * 1000
        self.flood("endless reply", once, (INTERNAL, UNIMPLEMENTED))


class Tolerated(Case):
    """What honest servers do too, if not in such numbers: the call goes well, and it costs little."""

    def test_data_of_1_byte(self) -> None:
        """A reply of 100 KB, most of it in a field that nobody knows, byte by byte."""
        more = frames.bytes_field(1000, bytes(100_000))

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                if stream != 1:
                    host.reply(stream)
                    continue
                host.replied.add(1)
                body = frames.message(host.bodies[1][5:] + more)
                pieces = [frames.data(1, body[at : at + 1]) for at in range(len(body))]
                host.send(OPENED)
                for at in range(0, len(pieces), MANY):
                    host.send(b"".join(pieces[at : at + MANY]))
                host.send(frames.headers(1, OK_TRAILERS, True))

        self.expect("DATA of 1 B", behave, 0)

    def reset_then(
        self, name: str, late, status: int, programs: tuple[str, ...], beside: tuple[int, ...] = ()
    ) -> list[Outcome]:
        """The client resets its first call, whose reply is too large; late(stream) comes nevertheless."""

        def behave(host: Host) -> None:
            host.welcome()
            stream = host.next_request()
            host.replied.add(stream)
            host.send(frames.headers(stream, HEAD) + frames.data(stream, b"\0\xff\xff\xff\xff"))
            host.wait(lambda: stream in host.reset_streams)
            for _ in range(10):
                host.send(late(stream))
            host.serve()

        return self.expect(name, behave, status, "RESOURCE_EXHAUSTED", programs, beside=beside)

    def test_late_data(self) -> None:
        """What was under way when the client reset its call costs nobody else the connection."""
        late = lambda id: frames.data(id, b"x") * MANY  # noqa: E731
        for outcome in self.reset_then("DATA, reset", late, EXHAUSTED, PROGRAMS):
            if outcome.program == "bench":
                self.assertEqual(outcome.bench_statuses(), {OK: 7, EXHAUSTED: 1})

    def test_late_heads(self) -> None:
        """One a stream is honest; the flood is not, and takes with it the calls beside it."""
        once = lambda id: frames.headers(id, OK_TRAILERS, True)  # noqa: E731
        few = lambda id: once(id) if id == 1 else b""  # noqa: E731
        for outcome in self.reset_then("HEADERS, reset", few, EXHAUSTED, ("bench",)):
            self.assertEqual(outcome.bench_statuses(), {OK: 7, EXHAUSTED: 1})
        many = lambda id: once(id) * MANY  # noqa: E731
        flood = self.reset_then("HEADERS flood, reset", many, UNAVAILABLE, ("bench",), (EXHAUSTED,))
        for outcome in flood:
            self.assertGreater(outcome.bench_statuses()[UNAVAILABLE], 0)

    def test_some_of_everything(self) -> None:
        """Around each reply what a server may send that is useless, a few times each."""
        noise = frames.frame(0x20, 0, 0, b"x") + frames.priority(1) + frames.ping(1, ack=True)
        noise += frames.SETTINGS_ACK + frames.window_update(0, 1)

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.send(noise * 10)
                host.reply(stream)

        self.expect("useless frames, few", behave, 0)

    def test_messages_of_a_stream(self) -> None:
        """Empty ones, printed one by one."""
        count = 20_000
        messages = frames.in_frames(1, frames.message(b"") * count, False)
        whole = OPENED + messages + frames.headers(1, OK_TRAILERS, True)

        def behave(host: Host) -> None:
            host.welcome()
            host.replied.add(host.next_request())
            for at in range(0, len(whole), 16384):  # as the window lets it in
                host.send(whole[at : at + 16384])
                sent = at
                host.wait(lambda sent=sent: 65535 + sum(n for id, n in host.updates if id) > sent + 40_000)

        self.expect(
            "messages of 0 B", behave, 0, programs=("call",), method=EXPAND,
            costs=Costs(per_call_ns=count * 60_000),
        )  # fmt: skip


if __name__ == "__main__":
    attack.main()
