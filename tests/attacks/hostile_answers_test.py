"""Servers that attack: gRPC's negative HTTP/2 cases, and single answers that are none."""

import gzip
import unittest

import frames
from attack import MIB
from hostile import EMPTY_REPLY, HEAD, OK_TRAILERS, Host, hostile_server, run_victim
from hostile_case import (
    CANCELLED,
    DEADLINE,
    DENIED,
    EXHAUSTED,
    INTERNAL,
    PATIENCE_S,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
    UNKNOWN,
    Case,
    commands,
)


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

        with hostile_server(behave) as server:
            victim = run_victim("echo", server.address, "--count", "5", patience_s=PATIENCE_S)
            self.assertEqual(victim.code, 0, victim.output)
            self.assertGreaterEqual(len([host for host in server.hosts if host.opened]), 5)

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

    def answer(self, name: str, made, statuses, words: str = "", settings=(), **more) -> None:
        """made(stream): bytes in place of a reply."""

        def behave(host: Host) -> None:
            host.welcome(*settings)
            while stream := host.next_request(whole=False):
                host.replied.add(stream)
                host.send(made(stream))

        self.expect(name, behave, statuses, words, **more)

    def test_window_overflow(self) -> None:
        over = frames.window_update(0, frames.MAX_WINDOW)
        self.answer("window overflow", lambda id: over, UNAVAILABLE, "FLOW_CONTROL_ERROR")

    def test_window_update_of_0(self) -> None:
        zero = frames.window_update(0, 0)
        self.answer("WINDOW_UPDATE of 0", lambda id: zero, UNAVAILABLE, "PROTOCOL_ERROR")

    def test_window_0(self) -> None:
        def behave(host: Host) -> None:
            host.welcome((frames.INITIAL_WINDOW_SIZE, 0))
            host.wait_closed()

        self.expect("window 0", behave, DEADLINE)

    def test_streams_0(self) -> None:
        def behave(host: Host) -> None:
            host.welcome((frames.MAX_CONCURRENT_STREAMS, 0)).wait_closed()

        self.expect("no streams", behave, DEADLINE, programs=("echo", "call"))

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
        )  # fmt: skip

    def test_heads_over_the_limit(self) -> None:
        large = HEAD + frames.literal("x", "y" * 15_000) + frames.literal("z", "y" * 2000)
        self.answer(
            "17 KB of metadata",
            lambda id: frames.headers(id, large[:16000], whole=False)
            + frames.continuation(id, large[16000:], last=True),
            EXHAUSTED,
        )  # fmt: skip

    def test_malformed_heads(self) -> None:
        for name, head in {
            "no :status": HEAD[1:],
            "upper case": HEAD + frames.literal("X", "y"),
            "connection": HEAD + frames.literal("connection", "close"),
            ":status twice": b"\x88" + HEAD,
            "a request": frames.request_head(),
            ":status of two digits": frames.literal(":status", "20"),
        }.items():
            self.answer(
                name, lambda id, head=head: frames.headers(id, head, True), INTERNAL, "malformed",
                programs=("echo",),
            )  # fmt: skip

    def test_hpack_errors(self) -> None:
        self.answer(
            "HPACK error", lambda id: frames.headers(id, b"\xff\xff\xff\xff\xff\x7f"),
            UNAVAILABLE, "COMPRESSION_ERROR",
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

        def behave(host: Host) -> None:
            host.welcome()
            while stream := host.next_request():
                host.replied.add(stream)
                host.send(frames.headers(stream, HEAD + evil, True))

        for program in ("echo", "call"):
            with hostile_server(behave) as server:
                command = commands(server.address)[program]
                victim = run_victim(*command, patience_s=PATIENCE_S)
            self.assertEqual(victim.code, 64 + 3)
            self.assertNotIn("\x1b", victim.output)
            self.assertNotIn("\x07", victim.output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
