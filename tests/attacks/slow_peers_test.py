"""Peers that take their time: no preface, no SETTINGS, a preface byte by byte, a block that is never
finished, a TLS handshake that never comes to its end, connections that do nothing at all.

Two hundred of each at once. The limits of 10 s are waited for; those of 30 s and 60 s (SETTINGS not
acknowledged; no window, no byte taken) with --full only: their timing is that of virtual time in
src/h2/connection_deadline_test.cc.
"""

import contextlib
import time
import unittest

import attack
import frames
import latency
import report
import transports
from attack import CONNECTION, KIB, Limits
from peer import Peer

HEAD = frames.request_head()
CROWD = 200
TLS_HELLO = bytes.fromhex("1603010200010001fc0303" + "ab" * 32)
TIMEOUT = "GOAWAY SETTINGS_TIMEOUT"
NOT_GREETED = "no preface and SETTINGS in time"
WAIT_S = 25  # for what comes after 10 s


class Slow(attack.Case):
    flags = (*attack.Case.flags, "--drain-timeout", "1s")

    def crowd(
        self, name: str, begin, expected: str, transport: str = "tcp", wait_s: float = WAIT_S,
        drip=None, plain: bool = False,
    ) -> None:  # fmt: skip
        """begin(peer) for 200 peers, then drip(peer) now and then; all are thrown out in time."""
        quiet = [self.measure.window() for _ in range(latency.ROUNDS)] if attack.ALONE else []
        self.honest.round()
        watcher = attack.Watcher(self.server.process.pid, self.rest_bytes)
        with contextlib.ExitStack() as all_of_them:
            peers = []
            for _ in range(CROWD):
                peers.append(all_of_them.enter_context(self.connect_raw(transport, plain)))
                begin(peers[-1])
            attacked = self.endure(peers, wait_s, drip)
            usage = watcher.usage()
            volume = attack.Volume()
            for peer in peers:
                volume.add(peer, usage)
        # All of them are there at once.
        limits = Limits(CROWD * CONNECTION, f"{CROWD} connections")
        volume.frames = CROWD
        self.note(name, transport, volume, usage, limits)
        for reaction in volume.reactions:
            self.assertRegex(reaction, f"^(?:{expected})$")
        self.assertEqual(volume.reactions.total(), CROWD)
        self.check_memory(usage, limits)
        if attack.ALONE:
            figures = latency.Latency.of(quiet, attacked)
            report.rows[-1].note_latency(figures.cells)
            self.assertFalse(figures.is_late, figures.cells)

    def endure(self, peers: list[Peer], wait_s: float, drip) -> list[int]:
        """Until all are thrown out; the honest client's first windows."""
        windows: list[int] = []
        deadline = time.monotonic() + wait_s
        while not all(peer.closed for peer in peers):
            self.assertLess(time.monotonic(), deadline, [p.reaction() for p in peers[:3]])
            if attack.ALONE and len(windows) < latency.ROUNDS:
                windows.append(self.measure.window())
            else:
                time.sleep(latency.WINDOW_S)
            for peer in peers:
                peer.read()
                if drip is not None and not peer.closed:
                    drip(peer)
        return windows

    def connect_raw(self, transport: str, plain: bool) -> Peer:
        if not plain:
            return self.connect(transport)
        address = self.addresses[transport]
        return Peer(transports.of(address).connect(address, attack.e2e.TIMEOUT_S))

    def test_nothing_at_all(self) -> None:
        self.crowd("says nothing", lambda peer: None, f"{TIMEOUT}: {NOT_GREETED}")

    def test_nothing_at_all_over_unix(self) -> None:
        self.crowd("says nothing", lambda peer: None, f"{TIMEOUT}: {NOT_GREETED}", "unix")

    def test_a_preface_byte_by_byte(self) -> None:
        """They come as fast as one in half a second: 12 s for the preface alone."""
        begun = time.monotonic()
        hello = frames.PREFACE + frames.settings()

        def drip(peer: Peer) -> None:
            at = peer.sent_bytes
            if time.monotonic() > begun + at * latency.WINDOW_S:
                peer.send(hello[at : at + 1])
            most.append(at + 1)

        most: list[int] = []
        self.crowd("preface by the byte", drip, f"{TIMEOUT}: {NOT_GREETED}", drip=drip)
        self.assertGreater(max(most), 3, "hardly a byte was sent")

    def test_no_settings(self) -> None:
        """They have 2 s, where a preface has 10."""
        begin = lambda peer: peer.send(frames.PREFACE)  # noqa: E731
        self.crowd("preface only", begin, f"{TIMEOUT}: {NOT_GREETED}", wait_s=9)

    def test_a_block_that_is_not_finished(self) -> None:
        """A byte of it now and then is no excuse."""

        def begin(peer: Peer) -> None:
            peer.greet().send(frames.headers(1, HEAD[:20], whole=False))

        why = "GOAWAY ENHANCE_YOUR_CALM: header block not finished in time"
        self.crowd("unfinished block", begin, why)

    # Who has not shaken hands has nothing that a GOAWAY could come in: closing is all there is to see.

    def test_tls_that_is_not_finished(self) -> None:
        self.crowd("half a handshake", lambda peer: peer.send(TLS_HELLO), "closed", "tls", plain=True)

    def test_tls_that_says_nothing(self) -> None:
        self.crowd("TLS, says nothing", lambda peer: None, "closed", "tls", plain=True)

    @unittest.skipUnless(attack.FULL, "takes 30 s: --full")
    def test_settings_that_are_not_acknowledged(self) -> None:
        def begin(peer: Peer) -> None:
            peer.greet(ack=False)

        why = f"{TIMEOUT}: SETTINGS not acknowledged in time"
        self.crowd("no SETTINGS ACK", begin, why, wait_s=50)

    @unittest.skipUnless(attack.FULL, "takes 60 s: --full")
    def test_window_0(self) -> None:
        def begin(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 0))
            peer.send(frames.call(1, frames.echo_request(b"x")))

        self.crowd(
            "window 0", begin, "GOAWAY ENHANCE_YOUR_CALM: no flow-control window.*", wait_s=90
        )

    def test_idle_connections(self) -> None:
        """A thousand that are polite and do nothing cost their memory and no time."""
        self.honest.round()
        watcher = attack.Watcher(self.server.process.pid)
        with contextlib.ExitStack() as all_of_them:
            peers = [all_of_them.enter_context(self.connect()).greet() for _ in range(1000)]
            for peer in peers:
                self.assertTrue(peer.wait(lambda peer=peer: peer.counts[frames.SETTINGS] == 2), peer.reaction())
            self.honest.round()
            before = watcher.usage().cpu_ns
            time.sleep(2)
            calls = self.honest.round()["calls"]
            usage = watcher.usage()
            for peer in peers[::50]:
                self.assertTrue(peer.lives(), peer.reaction())
        a_connection = usage.growth_bytes / 1000
        rest_ns = usage.cpu_ns - before
        print(f"idle connections: {a_connection:.0f} B each, {rest_ns / 1e6:.0f} ms in 2 s with {calls} calls beside them")
        self.assertLess(a_connection, 24 * KIB)
        self.assertLess(rest_ns, attack.CPU_PER_HONEST_CALL_NS * calls + attack.CPU_SLACK_NS)


if __name__ == "__main__":
    attack.main()
