"""No attack: a client that is honest and as busy as it can be. What an attack does to others is to be held
against what this one does to them."""

import attack
import frames
from attack import CALL, CONNECTION, Limits
from peer import Peer

IN_FLIGHT = 100


class Yardstick(attack.Case):
    def test_a_busy_client(self) -> None:
        """Calls of 100 B, a hundred at a time."""
        request = frames.echo_request(b"x" * 100)

        def assault(peer: Peer) -> None:
            peer.greet((frames.INITIAL_WINDOW_SIZE, 1 << 20))
            for _ in range(50):
                batch = b"".join(frames.call(id, request) for id in peer.new_streams(IN_FLIGHT))
                peer.flood(frames.window_update(0, 1 << 15) + batch, 2 * IN_FLIGHT)
                self.assertTrue(peer.wait_for_ends(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {"0": peer.opened}, peer.reaction())

        limits = Limits(
            CONNECTION + IN_FLIGHT * CALL, "a connection and 100 calls",
            per_frame_ns=attack.CPU_PER_CALL_NS,
        )  # fmt: skip
        self.attack(
            "none: a busy client", assault, "lives", 1_000_000, 10_000, limits, connections=attack.KEPT
        )


if __name__ == "__main__":
    attack.main()
