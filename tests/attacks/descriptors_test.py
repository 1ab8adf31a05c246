"""More connections than there are descriptors for, or than are allowed: whoever is connected stays so,
and when the crowd is gone there is room again."""

import contextlib
import resource

import attack
import frames
from peer import Peer

DESCRIPTORS = 64


def still_open(peers: list[Peer]) -> int:
    for peer in peers:
        peer.read()
    return sum(not peer.closed for peer in peers)


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

    def flood(self, name: str, most: int) -> None:
        """A hundred connections that say nothing beside one that was there before: it is served while they are there,
        and of them no more are kept than there is room for."""
        most_kept = 0
        assert most > 20

        def assault(peer: Peer) -> None:
            nonlocal most_kept
            peer.greet()
            if not peer.lives(1):  # the crowd before is still there
                peer.closed = True
                return
            with contextlib.ExitStack() as all_of_them:
                crowd = [all_of_them.enter_context(self.connect()) for _ in range(100)]
                is_small = lambda: still_open(crowd) <= most  # noqa: E731
                self.assertTrue(attack.e2e.eventually(is_small), f"{still_open(crowd)} are kept")
                most_kept = max(most_kept, still_open(crowd))
                self.assertTrue(peer.lives(3), f"who was there before is not served: {peer.reaction()}")
            peer.sent_frames, peer.sent_bytes = 100, 100

        self.attack(
            name, assault, "lives", 20_000, 400, over=("tcp",), connections=attack.ALWAYS_NEW,
            limits=attack.Limits(70 * attack.CONNECTION, "70 connections", per_frame_ns=1_000_000),
        )  # fmt: skip
        print(f"{name}: at most {most_kept} of a crowd of 100 are kept")
        self.assertGreater(most_kept, most // 2, "there is room for more")
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
        # All that are free are used, but for a few that the server keeps for itself.
        self.assertGreater(served, DESCRIPTORS - before - 5)
        self.assertLess(served, DESCRIPTORS)
        self.assertEqual(served + turned_away, 3 * DESCRIPTORS)
        self.expect_room()
        after = attack.Watcher(self.server.process.pid)
        self.assertTrue(attack.e2e.eventually(lambda: after.descriptors() <= before + 1))

    def test_flood(self) -> None:
        self.flood("connections, 64 descriptors", DESCRIPTORS - self.rest_descriptors - 1)


class MaxConnections(Crowd):
    flags = (*attack.Case.flags, "--max-connections", "50")

    def test_more_than_are_allowed(self) -> None:
        # The server sees that a peer has left a moment after it has; the honest client stays.
        self.assertTrue(attack.e2e.eventually(lambda: self.metrics("saker_connections_open") == 1))
        served, turned_away = self.fill(200, attack.e2e.TIMEOUT_S)
        self.assertEqual((served, turned_away), (49, 151))
        self.expect_room()

    def test_flood(self) -> None:
        self.flood("connections, 50 allowed", 48)  # and this one, and the honest client's


if __name__ == "__main__":
    attack.main()
