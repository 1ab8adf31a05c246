"""Servers that attack: what our clients make of floods, and of servers that never let a call come to its end."""

import unittest

import frames
from hostile import EMPTY_REPLY, HEAD, OK_TRAILERS, Host, hostile_server, run_victim
from hostile_case import Case, DEADLINE, INTERNAL, PATIENCE_S, UNAVAILABLE, UNIMPLEMENTED


class Floods(Case):
    """Behind the client's first call, for as long as it takes."""

    def flood(self, name: str, once: bytes, statuses, words: str = "", reads: bool = True) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            if not host.next_request():
                return
            for _ in range(60):
                if not host.send(once, reads):
                    break

        self.expect(name, behave, statuses, words)

    def test_settings(self) -> None:
        self.flood("SETTINGS flood", frames.settings() * 10_000, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_settings_unread(self) -> None:
        self.flood("SETTINGS, unread", frames.settings() * 10_000, UNAVAILABLE, reads=False)

    def test_ping(self) -> None:
        self.flood("PING flood", frames.ping() * 10_000, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_goaway(self) -> None:
        """The first one ends what is open; the last is not heard any more."""
        once = frames.goaway(frames.MAX_STREAM_ID, 0, b"x" * 1000) * 1000
        self.flood("GOAWAY flood", once, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_unknown(self) -> None:
        once = frames.frame(0x20, 0, 0, b"x") * 10_000
        self.flood("unknown frames", once, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_window_updates(self) -> None:
        self.flood("WINDOW_UPDATE flood", frames.window_update(0, 1) * 10_000, UNAVAILABLE)

    def test_informational(self) -> None:
        early = frames.headers(1, frames.literal(":status", "103"))
        self.flood("1xx flood", early * 5_000, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_continuations(self) -> None:
        block = frames.headers(1, HEAD, whole=False) + frames.continuation(1, b"\x88") * 1000
        self.flood("CONTINUATION flood", block, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_endless_block(self) -> None:
        piece = frames.literal("x", "y" * 15_000)
        block = frames.headers(1, HEAD, whole=False) + frames.continuation(1, piece) * 20
        self.flood("endless block", block, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_empty_data(self) -> None:
        once = frames.headers(1, HEAD) + frames.data(1) * 20_000
        self.flood("empty DATA", once, UNAVAILABLE, "ENHANCE_YOUR_CALM")

    def test_heads_of_calls_that_are_over(self) -> None:
        whole = frames.headers(1, HEAD + OK_TRAILERS, True)
        self.flood("HEADERS, late", whole * 5_000, (UNIMPLEMENTED, UNAVAILABLE))

    def test_a_reply_without_end(self) -> None:
        """Messages of which a unary call wants one."""
        once = frames.headers(1, HEAD) + frames.data(1, EMPTY_REPLY) * 1000
        self.flood("endless reply", once, (INTERNAL, UNIMPLEMENTED))


class Going(Case):
    """Servers that never let a call come to its end."""

    def test_silence(self) -> None:
        self.expect("silence", lambda host: host.wait_closed(), (DEADLINE, UNAVAILABLE))

    def test_no_answer(self) -> None:
        self.expect("no answer", lambda host: host.welcome().wait_closed(), DEADLINE)

    def test_an_answer_by_the_byte(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            stream = host.next_request()
            if not stream:
                return
            host.send(frames.headers(stream, HEAD) + frames.data(stream, b"\0\0\x10\0\0"))
            while host.send(frames.data(stream, b"x")):
                host.wait(lambda: False, 0.05)

        self.expect("a byte at a time", behave, DEADLINE)

    def test_goaway_at_once(self) -> None:
        """Each connection is gone before a call is taken. There is an end to trying."""

        def behave(host: Host) -> None:
            host.welcome().send(frames.goaway(0, 0, b"go"))

        with hostile_server(behave) as server:
            victim = run_victim("echo", server.address, "--deadline", "3s", patience_s=PATIENCE_S)
            self.assertIn(victim.code, (64 + UNAVAILABLE, 64 + DEADLINE), victim.output)
            self.assertLess(len(server.hosts), 20)

    def test_refused_for_ever(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                host.send(frames.rst_stream(stream, frames.ERRORS.index("REFUSED_STREAM")))

        with hostile_server(behave) as server:
            victim = run_victim("echo", server.address, patience_s=PATIENCE_S)
            self.assertEqual(victim.code, 64 + UNAVAILABLE, victim.output)
            self.assertLessEqual(sum(len(host.opened) for host in server.hosts), 2)

    def test_goaway_that_goes_up(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            if host.next_request():
                host.send(frames.goaway(1) + frames.goaway(3))

        self.expect("GOAWAY goes up", behave, UNAVAILABLE, "PROTOCOL_ERROR", programs=("echo", "call"))

    def test_goaway_in_every_place(self) -> None:
        """The call that it lets live is not lost."""
        for place in range(4):

            def behave(host: Host, place: int = place) -> None:
                host.welcome()
                while stream := host.next_request():
                    host.replied.add(stream)
                    pieces = [
                        frames.headers(stream, HEAD),
                        frames.in_frames(stream, host.bodies[stream], False),
                        frames.headers(stream, OK_TRAILERS, True),
                    ]
                    pieces.insert(place, frames.goaway(stream))
                    host.send(b"".join(pieces))

            self.expect(f"GOAWAY in place {place}", behave, 0, programs=("echo",))

    def test_connections_that_are_reset(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            host.next_request()
            host.abort()
            host.closed = True

        self.expect("connection reset", behave, UNAVAILABLE, "lost")


if __name__ == "__main__":
    unittest.main(verbosity=2)
