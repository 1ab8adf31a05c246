"""Servers that attack: calls that never come to their end, or to several. Silence, windows that stay shut, GOAWAY in
every place, frames of all kinds in one buffer, bytes behind a fatal error and behind the end."""

import itertools

import attack
import frames
from hostile import HEAD, OK_TRAILERS, Host
from hostile_case import CANCELLED, DEADLINE, SHORT, UNAVAILABLE, Case

NO_WINDOW = (frames.INITIAL_WINDOW_SIZE, 0)
NOISE = frames.frame(0x20, 0, 0, b"x") + frames.ping() + frames.priority(1)
# A client that has a request of 1 MiB to send, and what it does with it.
LARGE = ("--size", "1MiB")


class Waiting(Case):
    """The call's deadline is its end."""

    def wait_for(self, name: str, behave, statuses=DEADLINE, **more) -> None:
        self.expect(name, behave, statuses, arguments=SHORT, waits=True, **more)

    def test_silence(self) -> None:
        either = (DEADLINE, UNAVAILABLE)
        self.wait_for("silence", lambda host: host.wait_closed(), either, connects=False)

    def test_no_handshake(self) -> None:
        def behave(host: Host) -> None:
            host.is_deaf = True  # what comes is TLS

        either = (DEADLINE, UNAVAILABLE)
        self.wait_for("no handshake", behave, either, over=("tls",), shakes_hands=False, connects=False)

    def test_settings_by_the_byte(self) -> None:
        def behave(host: Host) -> None:
            for byte in frames.settings(NO_WINDOW) * 20:
                if not host.send(bytes([byte])):
                    break
                host.wait(lambda: False, 0.3)

        self.wait_for("SETTINGS by the byte", behave, (DEADLINE, UNAVAILABLE), connects=False)

    def test_no_answer(self) -> None:
        self.wait_for("no answer", lambda host: host.welcome().wait_closed())

    def test_an_answer_by_the_byte(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            stream = host.next_request()
            if not stream:
                return
            host.send(frames.headers(stream, HEAD) + frames.data(stream, b"\0\0\x10\0\0"))
            while host.send(frames.data(stream, b"x")):
                host.wait(lambda: False, 0.05)

        self.wait_for("a byte at a time", behave)

    def test_window_0(self) -> None:
        self.wait_for("window 0", lambda host: host.welcome(NO_WINDOW).wait_closed())

    def test_streams_0(self) -> None:
        none = (frames.MAX_CONCURRENT_STREAMS, 0)
        self.wait_for("no streams", lambda host: host.welcome(none).wait_closed())

    def test_requests_that_nobody_reads(self) -> None:
        """The widest windows, and a socket that is full."""
        wide = (frames.INITIAL_WINDOW_SIZE, frames.MAX_WINDOW)

        def behave(host: Host) -> None:
            host.send(frames.settings(wide) + frames.SETTINGS_ACK, reads=False)
            host.send(frames.window_update(0, frames.MAX_WINDOW - 65535), reads=False)
            host.is_deaf = True

        self.expect(
            "unread requests", behave, DEADLINE, programs=("echo", "bench"), arguments=(*SHORT, *LARGE),
            waits=True,
        )  # fmt: skip

    def test_window_of_1(self) -> None:
        """A byte at a time, for each of which there is credit; it is a way to take a request, if a slow one."""

        def behave(host: Host) -> None:
            host.welcome((frames.INITIAL_WINDOW_SIZE, 1))
            while stream := host.next_request(whole=False):
                while stream not in host.ended and not host.closed:
                    size = len(host.bodies.get(stream, b""))
                    host.send(frames.window_update(stream, 1))
                    host.wait(lambda size=size: len(host.bodies.get(stream, b"")) > size, 1)
                host.reply(stream)

        self.expect("window of 1", behave, 0, programs=("echo", "bench"), arguments=("--size", "500"))

    def test_windows_of_1_by_the_hundred(self) -> None:
        """More updates than frames that they let out."""

        def behave(host: Host) -> None:
            host.welcome((frames.INITIAL_WINDOW_SIZE, 1))
            stream = host.next_request(whole=False)
            while stream and host.send(frames.window_update(stream, 1) * 1000):
                pass

        why = "ENHANCE_YOUR_CALM, too many WINDOW_UPDATE frames"
        self.expect(
            "windows of 1", behave, UNAVAILABLE, why, programs=("echo", "bench"), arguments=LARGE
        )

    def test_no_settings_ack(self) -> None:
        """Calls do not wait for it. It has 30 s."""

        def behave(host: Host) -> None:
            host.send(frames.settings())
            host.serve()

        self.expect("no SETTINGS ACK", behave, 0)

    if attack.FULL:  # not skipped otherwise: tests/must-run.txt

        def test_no_settings_ack_for_ever(self) -> None:
            why = "SETTINGS_TIMEOUT, SETTINGS not acknowledged in time"
            self.expect(
                "no SETTINGS ACK, 30 s", lambda host: host.send(frames.settings()), UNAVAILABLE, why,
                arguments=("--deadline", "50s"), bench_arguments=("-n", "4"), waits=True,
            )  # fmt: skip


class Going(Case):
    """GOAWAY where it hurts, and connections that are gone."""

    def test_goaway_at_once(self) -> None:
        """Each connection is gone before a call is taken. There is an end to trying."""

        def behave(host: Host) -> None:
            host.welcome().send(frames.goaway(0, 0, b"go"))

        either = (UNAVAILABLE, DEADLINE)
        for outcome in self.expect("GOAWAY at once", behave, either, waits=True, connects=False):
            self.assertLess(len(outcome.hosts), 30)

    def test_refused_for_ever(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                host.send(frames.rst_stream(stream, frames.ERRORS.index("REFUSED_STREAM")))

        for outcome in self.expect("refused for ever", behave, UNAVAILABLE, "REFUSED_STREAM"):
            calls = 8 if outcome.program == "bench" else 1
            self.assertLessEqual(sum(len(host.opened) for host in outcome.hosts), 2 * calls)

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

            self.expect(f"GOAWAY in place {place}", behave, 0, programs=("echo", "call"))

    def test_goaway_and_no_end(self) -> None:
        """Each connection takes one call and never answers it: no more of them than there are calls."""

        def behave(host: Host) -> None:
            host.welcome()
            if stream := host.next_request():
                host.send(frames.goaway(stream))

        for outcome in self.expect(
            "GOAWAY and no end", behave, (DEADLINE, UNAVAILABLE), arguments=SHORT, waits=True
        ):
            self.assertLess(len(outcome.hosts), 20)

    def test_connections_that_are_reset(self) -> None:
        def behave(host: Host) -> None:
            host.welcome()
            host.next_request()
            host.abort()
            host.closed = True

        for outcome in self.expect("connection reset", behave, UNAVAILABLE, "lost"):
            self.assertLess(len(outcome.hosts), 20)

    def test_a_call_between_others(self) -> None:
        """In one buffer, in all orders: what comes first counts, and there is one end."""
        others = {
            "goaway": frames.goaway(1),
            "reset": frames.rst_stream(1),
            "settings": frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20)),
            "ping": frames.ping(1),
        }
        for order in itertools.permutations(["reply", *others]):
            lives = order.index("reply") < order.index("reset")

            def behave(host: Host, order: tuple[str, ...] = order) -> None:
                host.welcome()
                if stream := host.next_request():
                    pieces = {**others, "reply": host.whole_reply(stream)}
                    host.send(b"".join(pieces[name] for name in order))

            self.expect(
                " ".join(order), behave, 0 if lives else CANCELLED, programs=("echo",), over=("tcp",)
            )


FATAL = {
    "WINDOW_UPDATE of 0": frames.window_update(0, 0),
    "WINDOW_UPDATE of 3 bytes": frames.frame(frames.WINDOW_UPDATE, 0, 0, bytes(3)),
    "PING of 7 bytes": frames.frame(frames.PING, 0, 0, bytes(7)),
    "PING on a stream": frames.frame(frames.PING, 0, 1, bytes(8)),
    "SETTINGS of 7 bytes": frames.frame(frames.SETTINGS, 0, 0, bytes(7)),
    "SETTINGS on a stream": frames.frame(frames.SETTINGS, 0, 1),
    "SETTINGS ACK with entries": frames.frame(frames.SETTINGS, frames.ACK, 0, bytes(6)),
    "SETTINGS of 2,700 entries": frames.settings(*[(0x99, 0)] * 2700),
    "GOAWAY of 7 bytes": frames.frame(frames.GOAWAY, 0, 0, bytes(7)),
    "RST_STREAM of 3 bytes": frames.frame(frames.RST_STREAM, 0, 1, bytes(3)),
    "RST_STREAM on stream 0": frames.rst_stream(0),
    "PRIORITY of 4 bytes": frames.frame(frames.PRIORITY, 0, 1, bytes(4)),
    "PRIORITY on itself": frames.priority(1, 1),
    "DATA on stream 0": frames.data(0, b"x"),
    "HEADERS on stream 0": frames.headers(0, HEAD),
    "HEADERS of padding": frames.frame(
        frames.HEADERS, frames.PADDED | frames.END_HEADERS, 1, b"\x09" + HEAD[:5]
    ),
    "PUSH_PROMISE": frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, bytes(4)),
    "CONTINUATION": frames.continuation(1, b""),
    "a frame of 16 MiB": b"\xff\xff\xff\x20\0\0\0\0\0",
    "an even stream": frames.headers(2, HEAD, True),
}


class Ends(Case):
    def test_a_reply_behind_a_fatal_error(self) -> None:
        """Nothing is read behind it, however well the reply is made."""
        for name, error in FATAL.items():

            def behave(host: Host, error: bytes = error) -> None:
                host.welcome()
                if stream := host.next_request():
                    host.send(error + host.whole_reply(stream))

            why = "lost: (PROTOCOL_ERROR|FRAME_SIZE_ERROR|ENHANCE_YOUR_CALM), "
            self.expect(f"{name}, reply", behave, UNAVAILABLE, why, programs=("echo", "call"))

    def test_a_fatal_error_behind_a_reply(self) -> None:
        """The call went well; the next one goes over another connection."""
        late = {
            "HEADERS after END_STREAM": frames.headers(1, HEAD, True),
            "DATA after END_STREAM": frames.data(1, b"x"),
        }
        for name, error in (FATAL | late).items():

            def behave(host: Host, error: bytes = error) -> None:
                host.welcome()
                if stream := host.next_request():
                    host.send(host.whole_reply(stream) + error)

            is_fatal = name != "HEADERS after END_STREAM"  # protocol-notes.md: a glitch
            count = ("--count", "3" if is_fatal else "1")
            for outcome in self.expect(
                f"reply, {name}", behave, 0, programs=("echo",), arguments=count, over=("tcp", "tls")
            ):
                self.assertEqual(len([h for h in outcome.hosts if h.opened]), int(count[1]))

    def test_a_server_that_goes_on(self) -> None:
        """Behind the last reply, for as long as the client is there. It need not be heard out."""
        for programs, calls in ((("echo", "call"), 1), (("bench",), 8)):

            def behave(host: Host, calls: int = calls) -> None:
                host.welcome()
                while stream := host.next_request():
                    reply = host.whole_reply(stream)
                    is_last = len(host.opened) == calls and not host.unanswered()
                    host.send(reply + NOISE * 1000 if is_last else reply)
                    while is_last and host.send(NOISE * 1000):
                        pass

            self.expect("noise behind the end", behave, 0, programs=programs)

    def test_connections_that_are_replaced(self) -> None:
        """A connection that the client has done with and that ends its calls last, under noise."""

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.send(NOISE * 50)
                host.reply(stream)

        for outcome in self.expect(
            "noise while it drains", behave, 0, programs=("bench",), arguments=("--churn", "4", "-n", "40")
        ):
            self.assertGreaterEqual(len(outcome.hosts), 5)


if __name__ == "__main__":
    attack.main()
