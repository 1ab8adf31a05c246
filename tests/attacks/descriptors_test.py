"""More connections than there are descriptors for, or than are allowed: whoever is connected stays so,
and when the crowd is gone there is room again."""

import contextlib
import resource

import attack
import frames
from peer import Peer

DESCRIPTORS = 64


class Crowd(attack.Case):
    def fill(self, count: int, patience_s: float = 0.2) -> tuple[int, int]:
        """Connects so often; how many were served, and how many turned away; `patience_s` for each that is neither."""
        with contextlib.ExitStack() as all_of_them:
            peers = [all_of_them.enter_context(self.connect()) for _ in range(count)]
            for peer in peers:
                peer.greet().send(frames.call(1, frames.echo_request(b"x")))
            answered = lambda peer: peer.wait(lambda: peer.statuses["0"] == 1, patience_s)  # noqa: E731
            served = sum(1 for peer in peers if not peer.closed and answered(peer))
            self.honest.round()
            return served, sum(1 for peer in peers if peer.closed)

    def expect_room(self) -> None:
        def served() -> bool:
            with self.connect() as peer:
                peer.greet()
                return peer.lives(1)

        self.assertTrue(attack.e2e.eventually(served))

    def flood(self, name: str) -> None:
        def assault(peer: Peer) -> None:
            with contextlib.ExitStack() as all_of_them:
                for _ in range(100):
                    all_of_them.enter_context(self.connect())
            peer.sent_frames, peer.sent_bytes = 100, 100

        self.attack(
            name, assault, "lives|closed", 20_000, 400, over=("tcp",),
            limits=attack.Limits(70 * attack.CONNECTION, "70 connections", per_frame_ns=1_000_000),
        )  # fmt: skip
        self.expect_room()


class Descriptors(Crowd):
    has_metrics = False  # which has descriptors of its own

    def setUp(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, before[1]))
        try:
            super().setUp()
            resource.prlimit(
                self.server.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)
            )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    def test_more_than_there_are(self) -> None:
        before = attack.Watcher(self.server.process.pid).descriptors()
        served, turned_away = self.fill(3 * DESCRIPTORS)
        print(f"{before} descriptors before; {served} served, {turned_away} turned away")
        self.assertGreater(served, 20)
        self.assertLess(served, DESCRIPTORS)
        self.expect_room()
        after = attack.Watcher(self.server.process.pid)
        self.assertTrue(attack.e2e.eventually(lambda: after.descriptors() <= before + 1))

    def test_flood(self) -> None:
        self.flood("connections, 64 descriptors")


class MaxConnections(Crowd):
    flags = (*attack.Case.flags, "--max-connections", "50")

    def test_more_than_are_allowed(self) -> None:
        # The server sees that a peer has left a moment after it has; the honest client stays.
        self.assertTrue(attack.e2e.eventually(lambda: self.metrics("saker_connections_open") == 1))
        served, turned_away = self.fill(200, attack.e2e.TIMEOUT_S)
        self.assertEqual((served, turned_away), (49, 151))
        self.expect_room()

    def test_flood(self) -> None:
        self.flood("connections, 50 allowed")


if __name__ == "__main__":
    attack.main()
