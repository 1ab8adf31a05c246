"""Servers that attack: gRPC's negative HTTP/2 cases, and single answers that are none."""

import gzip

import attack
import frames
import nothing
from attack import KIB, MIB
from hostile import EMPTY_REPLY, HEAD, OK_TRAILERS, Host
from hostile_case import (
    CANCELLED,
    DENIED,
    EXHAUSTED,
    INTERNAL,
    MOST_RESIDENT,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
    Case,
    Costs,
)


def bytes_of_unknown(size: int) -> bytes:
    """Of a message, in a field that nobody knows."""
    return frames.bytes_field(1000, bytes(size))


class Negative(Case):
    """gRPC's negative HTTP/2 cases (doc/negative-http2-interop-test-descriptions.md)."""

    def test_goaway(self) -> None:
        """The call goes well, the next one on another connection."""

        def behave(host: Host) -> None:
            host.welcome()
            stream = host.next_request()
            if stream:
                host.send(frames.goaway(stream))
                host.reply(stream)

        for outcome in self.expect("goaway", behave, 0, programs=("echo",), arguments=("--count", "5")):
            self.assertGreaterEqual(len([host for host in outcome.hosts if host.opened]), 5)

    def test_rst_after_header(self) -> None:
        self.expect("rst_after_header", self.reset_behind(b""), INTERNAL, "NO_ERROR")

    def test_rst_during_data(self) -> None:
        self.expect("rst_during_data", self.reset_behind(b"\0\0\0\0\x10abc"), INTERNAL, "NO_ERROR")

    def test_rst_after_data(self) -> None:
        self.expect("rst_after_data", self.reset_behind(EMPTY_REPLY), INTERNAL, "NO_ERROR")

    @staticmethod
    def reset_behind(body: bytes):
        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                data = frames.data(stream, body) if body else b""
                host.send(frames.headers(stream, HEAD) + data + frames.rst_stream(stream, 0))

        return behave

    def test_ping(self) -> None:
        """One before and behind each frame: all are answered, and the call goes well."""

        def behave(host: Host) -> None:
            host.welcome().send(frames.ping(1))
            sent = 1
            while stream := host.next_request():
                host.replied.add(stream)
                for piece in (
                    frames.headers(stream, HEAD),
                    frames.in_frames(stream, host.bodies[stream], False),
                    frames.headers(stream, OK_TRAILERS, True),
                ):
                    host.send(frames.ping(2) + piece + frames.ping(3))
                    sent += 2
            self.assertGreater(host.pongs, sent // 2)

        self.expect("ping", behave, 0)

    def test_max_streams(self) -> None:
        """One at a time, then two: never more."""

        def behave(host: Host) -> None:
            host.welcome((frames.MAX_CONCURRENT_STREAMS, 1))
            count = 0
            while stream := host.next_request():
                host.wait(lambda: False, 0.01)  # for one too many
                self.assertEqual(host.most_open, 1 if count < 4 else host.most_open)
                self.assertLessEqual(host.most_open, 2)
                host.reply(stream)
                count += 1
                if count == 4:
                    host.send(frames.settings((frames.MAX_CONCURRENT_STREAMS, 2)))

        self.expect("max_streams", behave, 0)

    def test_data_frame_padding(self) -> None:
        """A byte in 256: the padding counts in flow control, and comes back as credit."""

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                host.send(frames.headers(stream, HEAD))
                window = 65535
                connection = 65535
                seen = 0
                for byte in host.bodies[stream]:
                    while min(window, connection) < 256 and not host.closed:
                        host.wait(lambda seen=seen: len(host.updates) > seen)
                        for id, increment in host.updates[seen:]:
                            window += increment if id == stream else 0
                            connection += increment if id == 0 else 0
                        seen = len(host.updates)
                    payload = b"\xfe" + bytes([byte]) + bytes(254)
                    host.send(frames.frame(frames.DATA, frames.PADDED, stream, payload))
                    window -= 256
                    connection -= 256
                host.send(frames.headers(stream, OK_TRAILERS, True))

        self.expect("data_frame_padding", behave, 0, programs=("echo",), arguments=("--size", "2000"))


class Wrong(Case):
    """One answer that is none."""

    def test_what_others_reset_for(self) -> None:
        """Where a client that goes by the letter of RFC 9113 resets its call (CVE-2025-8671), the connection ends."""
        over = frames.MAX_WINDOW
        for name, made, why in (
            ("window overflow", lambda id: frames.window_update(0, over), "FLOW_CONTROL_ERROR"),
            ("stream's overflow", lambda id: frames.window_update(id, over), "FLOW_CONTROL_ERROR"),
            ("WINDOW_UPDATE of 0", lambda id: frames.window_update(0, 0), "PROTOCOL_ERROR"),
            ("stream's update of 0", lambda id: frames.window_update(id, 0), "PROTOCOL_ERROR"),
            ("PRIORITY on itself", lambda id: frames.priority(id, id), "PROTOCOL_ERROR"),
            ("PRIORITY of 4 bytes", lambda id: frames.frame(frames.PRIORITY, 0, id, bytes(4)),
             "FRAME_SIZE_ERROR"),
        ):  # fmt: skip
            self.answer(name, made, UNAVAILABLE, why)

    def test_settings_that_overflow_a_window(self) -> None:
        def made(stream: int) -> bytes:
            up = frames.window_update(stream, frames.MAX_WINDOW - 65535)
            return up + frames.settings((frames.INITIAL_WINDOW_SIZE, 1 << 20))

        why = "FLOW_CONTROL_ERROR, SETTINGS_INITIAL_WINDOW_SIZE overflows a window"
        self.answer("SETTINGS past 2^31 - 1", made, UNAVAILABLE, why)

    def test_data_beyond_the_window(self) -> None:
        """More at once than a stream's window lets in: what the client has not read gives no credit."""
        messages = (frames.message(bytes_of_unknown(1000)) * 16)[:16384]

        def behave(host: Host) -> None:
            host.welcome()
            if stream := host.next_request():
                host.replied.add(stream)
                host.send(frames.headers(stream, HEAD))
                many = frames.data(stream, messages) * 1000
                while host.send(many):
                    pass

        self.expect(
            "DATA beyond the window", behave, UNAVAILABLE, "FLOW_CONTROL_ERROR, DATA beyond",
            programs=("call",), method="saker.echo.v1.Echo/EchoExpand",
        )  # fmt: skip

    def test_push_promise(self) -> None:
        push = frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, b"\0\0\0\2" + HEAD)
        self.answer("PUSH_PROMISE", lambda id: push, UNAVAILABLE, "PROTOCOL_ERROR")

    def test_settings_that_are_wrong(self) -> None:
        for name, entry in (
            ("ENABLE_PUSH 1", (frames.ENABLE_PUSH, 1)),
            ("MAX_FRAME_SIZE 0", (frames.MAX_FRAME_SIZE, 0)),
            ("INITIAL_WINDOW_SIZE 2^31", (frames.INITIAL_WINDOW_SIZE, 1 << 31)),
        ):
            wrong = frames.settings(entry)
            self.answer(name, lambda id, wrong=wrong: wrong, UNAVAILABLE, "_ERROR", programs=("echo",))

    def test_prefix_over_the_limit(self) -> None:
        prefix = b"\0\xff\xff\xff\xff"
        self.answer(
            "prefix of 4 GiB", lambda id: frames.headers(id, HEAD) + frames.data(id, prefix),
            EXHAUSTED, "over the limit",
        )  # fmt: skip

    def test_gzip_bomb(self) -> None:
        bomb = frames.message(gzip.compress(bytes(32 * MIB), 9), compressed=True)
        head = HEAD + frames.literal("grpc-encoding", "gzip")
        self.answer(
            "gzip bomb", lambda id: frames.headers(id, head) + frames.in_frames(id, bomb, False),
            EXHAUSTED, "over the limit",
            # A bench has four calls at a time; 4 MiB are unpacked of each.
            costs=Costs(memory=MOST_RESIDENT + 4 * attack.MESSAGE, per_call_ns=100_000_000),
        )  # fmt: skip

    def test_packed_nothing(self) -> None:
        """A reply that takes long to unpack, and is empty. As large as the first window."""
        size = 60 * KIB
        packed = frames.message(nothing.packed("gzip", size), compressed=True)
        head = HEAD + frames.literal("grpc-encoding", "gzip")

        def made(stream: int) -> bytes:
            return (
                frames.headers(stream, head)
                + frames.in_frames(stream, packed, False)
                + frames.headers(stream, OK_TRAILERS, True)
            )

        self.answer(
            "gzip of nothing", made, 0, programs=("call",), method="saker.echo.v1.Echo/Echo",
            costs=Costs(per_call_ns=500 * size),
        )  # fmt: skip

    def test_protobuf_bomb(self) -> None:
        """Two bytes are an empty message of a list, which `call` parses and prints: what docs/limits.md says of it."""
        size = attack.MESSAGE if attack.FULL else MIB
        packed = gzip.compress(frames.bytes_field(1, b"") * (size // 2 - 8), 9)
        head = HEAD + frames.literal("grpc-encoding", "gzip")

        def made(stream: int) -> bytes:
            return (
                frames.headers(stream, head)
                + frames.in_frames(stream, frames.message(packed, compressed=True), False)
                + frames.headers(stream, OK_TRAILERS, True)
            )

        self.answer(
            "protobuf bomb", made, 0, programs=("call",), method="saker.crypto.v1.Crypto/SignBatch",
            costs=Costs(memory=MOST_RESIDENT + 60 * size, per_call_ns=4_000 * size),
        )  # fmt: skip

    def test_frames_on_the_wrong_stream(self) -> None:
        for name, made in {
            "HEADERS on an idle stream": lambda id: frames.headers(id + 1000, HEAD),
            "DATA on an idle stream": lambda id: frames.data(id + 1000, b"x"),
            "DATA before HEADERS": lambda id: frames.data(id, b"x"),
            "RST_STREAM of an idle stream": lambda id: frames.rst_stream(id + 1000),
            "HEADERS on an even stream": lambda id: frames.headers(2, HEAD),
        }.items():
            self.answer(name, made, UNAVAILABLE, "PROTOCOL_ERROR", programs=("echo", "bench"))

    def test_resets(self) -> None:
        """gRPC PROTOCOL-HTTP2.md, "Errors"; docs/semantics.md."""
        expected = {"REFUSED_STREAM": UNAVAILABLE, "CANCEL": CANCELLED,
                    "ENHANCE_YOUR_CALM": EXHAUSTED, "INADEQUATE_SECURITY": DENIED}  # fmt: skip
        for code, name in enumerate(frames.ERRORS):
            self.answer(
                f"RST_STREAM {name}", lambda id, code=code: frames.rst_stream(id, code),
                expected.get(name, INTERNAL), name, programs=("echo",),
            )  # fmt: skip

    def test_no_grpc_at_all(self) -> None:
        for status, expected in (("400", INTERNAL), ("401", UNAUTHENTICATED), ("403", DENIED),
                                 ("404", UNIMPLEMENTED), ("429", UNAVAILABLE), ("503", UNAVAILABLE),
                                 ("418", UNKNOWN)):  # fmt: skip
            block = frames.block_of([(":status", status), ("content-type", "text/html")])
            self.answer(
                f"HTTP {status}", lambda id, block=block: frames.headers(id, block, True), expected,
                status, programs=("echo",),
            )  # fmt: skip

    def test_words_that_are_escape_sequences(self) -> None:
        """A terminal is not the server's to write on."""
        evil = frames.literal("grpc-status", "3") + frames.literal("grpc-message", "%1b[2Jgone%07%0d%0a")
        for outcome in self.answer("escape sequences", lambda id: frames.headers(id, HEAD + evil, True), 3):
            self.assertNotIn("\x1b", outcome.victim.output)
            self.assertNotIn("\x07", outcome.victim.output)


if __name__ == "__main__":
    attack.main()
