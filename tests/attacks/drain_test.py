"""A drain that peers will not let end: it has a deadline. One server for each case."""

import time

import attack
import frames
from peer import Peer

HEAD = frames.request_head()
TIMEOUT_S = 2
# Below the 10 s that it would have without the flag.
AT_MOST_S = TIMEOUT_S + 5


def never_ends(peer: Peer) -> None:
    peer.send(frames.headers(1, HEAD))


def takes_nothing(peer: Peer) -> None:
    peer.send(frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))
    peer.send(frames.call(1, frames.echo_request(bytes(60_000))))


def streams_on(peer: Peer) -> None:
    peer.send(frames.headers(1, frames.request_head("/saker.echo.v1.Echo/EchoStream")))
    peer.send(frames.data(1, frames.echo_request(b"x")))


def asks_for_more(peer: Peer) -> None:
    never_ends(peer)
    more = b"".join(frames.headers(id, HEAD) for id in range(3, 1003, 2))
    peer.flood(more, 500, reads=False)


def says_nothing(peer: Peer) -> None:
    del peer


def half_a_block(peer: Peer) -> None:
    peer.send(frames.headers(1, HEAD[:10], whole=False))


OBSTACLES = [never_ends, takes_nothing, streams_on, asks_for_more, says_nothing, half_a_block]
HOLDS_UP = [never_ends, takes_nothing, streams_on, asks_for_more]  # with calls


class Drain(attack.Case):
    flags = (*attack.Case.flags, "--drain-timeout", f"{TIMEOUT_S}s")

    def setUp(self) -> None:
        """A server is drained once."""

    def drain_with(self, transport: str, obstacles) -> float:
        self.start()
        self.honest.close()
        peers = [self.connect(transport) for _ in obstacles]
        try:
            for peer, obstacle in zip(peers, obstacles):
                obstacle(peer.greet())
            for peer in peers:  # what has been sent has been read, or its end would be that of a new connection
                self.assertTrue(peer.wait(lambda peer=peer: peer.counts[frames.SETTINGS] >= 2), peer.reaction())
            before = time.monotonic()
            self.assertEqual(self.server.stop(), attack.e2e.EXIT_OK, self.server.stderr)
            return time.monotonic() - before
        finally:
            for peer in peers:
                peer.close()
            self.doCleanups()

    def stop_server(self) -> None:
        self.server.kill()

    def test_each_alone(self) -> None:
        for obstacle in OBSTACLES:
            with self.subTest(obstacle.__name__):
                took = self.drain_with("tcp", [obstacle])
                print(f"drain, {obstacle.__name__}: {took:.1f} s")
                self.assertLess(took, AT_MOST_S)
                if obstacle in HOLDS_UP:
                    self.assertGreaterEqual(took, TIMEOUT_S, "calls under way were not waited for")

    def test_all_together(self) -> None:
        for transport in ("tcp", "unix", "tls"):
            took = self.drain_with(transport, OBSTACLES * 20)
            print(f"drain over {transport}, {len(OBSTACLES) * 20} connections: {took:.1f} s")
            self.assertLess(took, AT_MOST_S)
            self.assertGreaterEqual(took, TIMEOUT_S)


if __name__ == "__main__":
    attack.main()
