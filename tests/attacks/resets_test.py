"""Streams that are opened to be thrown away: rapid reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671),
more streams than are allowed."""

import attack
import frames
from attack import ALWAYS_NEW, CALL, CONNECTION, STREAMS, Limits
from peer import Peer

HEAD = frames.request_head()
STREAM_IDS = range(1, 40_001, 2)
CALLS = Limits(CONNECTION + STREAMS * CALL, "a connection and 1024 calls")


def flood_of(count: int, each) -> attack.Assault:
    """Sends each(stream), `count` frames, for many streams, and waits to be thrown out."""
    many = b"".join(each(stream) for stream in STREAM_IDS)

    def assault(peer: Peer) -> None:
        peer.greet().flood(many, count * len(STREAM_IDS))
        peer.wait_closed()

    return assault


class Resets(attack.Case):
    CALMED = "GOAWAY ENHANCE_YOUR_CALM: too many streams reset|closed"

    def test_rapid_reset(self) -> None:
        assault = flood_of(2, lambda id: frames.headers(id, HEAD) + frames.rst_stream(id))
        self.attack(
            "rapid reset", assault, self.CALMED, 2_000_000, 50_000, CALLS, connections=ALWAYS_NEW
        )

    def test_rapid_reset_of_whole_calls(self) -> None:
        request = frames.echo_request(b"x" * 100)
        assault = flood_of(3, lambda id: frames.call(id, request) + frames.rst_stream(id))
        self.attack(
            "rapid reset, whole calls", assault, self.CALMED, 3_000_000, 50_000, CALLS,
            connections=ALWAYS_NEW,
        )  # fmt: skip

    def test_streams_over_the_limit(self) -> None:
        """Who reads what it is told spends the allowance of refusals, who does not that of answers."""
        assault = flood_of(1, lambda id: frames.headers(id, HEAD))
        self.attack(
            "streams over the limit", assault,
            "GOAWAY ENHANCE_YOUR_CALM: "
            "too many (streams over the limit|frames that want an answer)|closed",
            1_000_000, 20_000, CALLS, connections=ALWAYS_NEW,
        )  # fmt: skip


class Jobs(attack.Case):
    """Signatures that nobody waits for: a job counts as a stream until it has really ended."""

    STREAMS = 16
    flags = ("--max-streams", str(STREAMS), "--crypto-threads", "1", "--key", "slow=rsa-4096")

    def test_rapid_reset_of_signing_jobs(self) -> None:
        sign = frames.message(
            frames.bytes_field(1, b"slow") + frames.number_field(3, 1) + frames.bytes_field(4, b"x")
        )
        most = 0.0

        def assault(peer: Peer) -> None:
            nonlocal most
            # Of the connection before.
            self.assertTrue(attack.e2e.eventually(lambda: self.jobs() == 0))
            peer.greet()
            for first in range(1, 400_001, 2 * self.STREAMS):
                ids = range(first, first + 2 * self.STREAMS, 2)
                calls = (frames.call(id, sign, "/saker.crypto.v1.Crypto/Sign") for id in ids)
                # The ACK says that they have been read, hence given to the workers.
                acks = peer.counts[frames.SETTINGS]
                if not peer.flood(b"".join(calls) + frames.settings(), 2 * self.STREAMS + 1):
                    return
                if not peer.wait(lambda acks=acks: peer.counts[frames.SETTINGS] > acks):
                    return
                most = max(most, self.jobs())
                running = [id for id in ids if id not in peer.reset_streams]
                if running and not peer.flood(b"".join(map(frames.rst_stream, running)), len(running)):
                    return

        limits = Limits(per_frame_ns=30_000_000)  # what RSA-4096 takes
        self.attack(
            "rapid reset, signing jobs", assault, Resets.CALMED, 20_000, 500, limits, connections=ALWAYS_NEW
        )
        print(f"rapid reset: at most {most:.0f} signing jobs at a time")
        # A job whose stream is free again counts until its thread, of which there is one, notes its end.
        self.assertLessEqual(most, self.STREAMS + 1)
        self.assertGreaterEqual(most, self.STREAMS)

    def jobs(self) -> float:
        return self.metrics("saker_crypto_jobs_queued", "saker_crypto_jobs_running")


# Each frame makes a server that goes by the letter of RFC 9113 reset the stream. Saker ends the
# connection, or counts what it has to reset.
OPEN = frames.headers(1, HEAD)
DONE = frames.call(1, frames.echo_request(b""))
MADE = {
    "WINDOW_UPDATE of 0": (OPEN + frames.window_update(1, 0), "PROTOCOL_ERROR: WINDOW_UPDATE of 0"),
    "WINDOW_UPDATE past 2^31": (
        OPEN + frames.window_update(1, frames.MAX_WINDOW),
        "FLOW_CONTROL_ERROR: a stream's window passes 2\\^31 - 1",
    ),
    "PRIORITY of 4 bytes": (
        OPEN + frames.frame(frames.PRIORITY, 0, 1, bytes(4)),
        "FRAME_SIZE_ERROR: PRIORITY is not 5 bytes",
    ),
    "PRIORITY on itself": (
        OPEN + frames.priority(1, 1),
        "PROTOCOL_ERROR: a stream that depends on itself",
    ),
    "HEADERS after END_STREAM": (
        DONE + frames.headers(1, HEAD, True),
        "STREAM_CLOSED: HEADERS (after END_STREAM|on a closed stream)",
    ),
    "DATA after END_STREAM": (
        DONE + frames.data(1, b"x"),
        "STREAM_CLOSED: DATA (after END_STREAM|on a closed stream)",
    ),
}


class MadeYouReset(attack.Case):
    def test_what_no_honest_peer_does(self) -> None:
        """100,000 of each: nothing is read behind the first one."""
        for name, (made, reaction) in MADE.items():
            again = made * (50_000 if attack.FULL else 5_000)
            count = 2 * (len(again) // len(made))

            def assault(peer: Peer, again: bytes = again, count: int = count) -> None:
                peer.greet().flood(again, count)
                peer.wait_closed()

            self.attack(
                f"MadeYouReset: {name}", assault, f"GOAWAY {reaction}|closed", 100_000, 2_000,
                connections=ALWAYS_NEW,
            )  # fmt: skip

    def test_what_the_rfc_resets(self) -> None:
        """Malformed streams: an allowance of resets, then the end."""
        trailers = frames.block_of([("x", "y")])
        short = frames.request_head(frames.ECHO, ("content-length", "1"))
        assaults = {
            "trailers without END_STREAM": flood_of(
                2, lambda id: frames.headers(id, HEAD) + frames.headers(id, trailers)
            ),
            "more DATA than content-length": flood_of(
                2, lambda id: frames.headers(id, short) + frames.data(id, b"ab")
            ),
        }
        why = {
            "trailers without END_STREAM": "too many malformed trailers",
            "more DATA than content-length": "too many content-length mismatches",
        }
        for name, assault in assaults.items():
            self.attack(
                f"MadeYouReset: {name}", assault, f"GOAWAY ENHANCE_YOUR_CALM: {why[name]}|closed",
                200_000, 20_000, CALLS, connections=ALWAYS_NEW,
            )  # fmt: skip


if __name__ == "__main__":
    attack.main()
