"""Paths against router and policy: `/Service/Method`, byte for byte, is the one name that a method has.
What is nearly that is no method, and no way around what a policy forbids."""


import attack
import frames

SIGN = "/saker.crypto.v1.Crypto/Sign"
UNIMPLEMENTED = str(attack.e2e.UNIMPLEMENTED)
NOT_FOUND = "5"
SIGN_REQUEST = frames.message(  # key_name "theirs", ECDSA_P256_SHA256, a message
    frames.bytes_field(1, b"theirs") + frames.number_field(3, 7) + frames.bytes_field(4, b"x")
)


def variants(path: str) -> list[str]:
    """Names that others normalise to `path`."""
    service, method = path[1:].split("/")
    return [
        f"{service}/{method}",
        f"//{service}/{method}",
        f"/{service}//{method}",
        f"/{service}/{method}/",
        f"/{service}/{method}//",
        f"/./{service}/{method}",
        f"/{service}/./{method}",
        f"/x/../{service}/{method}",
        f"/{service}/../{service}/{method}",
        f"/{service}%2f{method}",
        f"/{service}%2F{method}",
        f"%2f{service}/{method}",
        f"/{service}/%53{method[1:]}",
        f"/%73aker.crypto.v1.Crypto/{method}",
        f"/{service}/{method}%00",
        f"/{service}/{method}?x=1",
        f"/{service}/{method}#x",
        f"/{service}/{method};x",
        f"/{service}\\{method}",
        f"/{service.upper()}/{method}",
        f"/{service}/{method.lower()}",
        f"/.{service}/{method}",
        f"/{service}./{method}",
        f"http://attacks/{service}/{method}",
        f"/{service}/{method}" + "x" * 5000,
        "/" * 5000,
        f"/{service}",
        f"/{service}/",
        "/",
        "*",
        f"/{service}/\u00ffx",
    ]


class Paths(attack.Case):
    flags = ("--key", "ours=ec-p256", "--key", "theirs=ec-p256")

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        policy = cls.directory / "policy.toml"
        policy.write_text('[[rule]]\ncallers = ["any"]\nkeys = ["ours"]\noperations = ["sign"]\n')
        cls.flags = (*Paths.flags, "--policy", str(policy))

    def ask(self, path: str) -> dict[str, str]:
        with self.connect() as peer:
            head = frames.request_head(path)
            peer.greet().send(frames.headers(1, head) + frames.data(1, SIGN_REQUEST, True))
            self.assertTrue(peer.wait(lambda: peer.statuses or peer.resets), peer.reaction())
            self.assertTrue(peer.lives(3), peer.reaction())
            return peer.said.get(1, {"reset": str(dict(peer.resets))})

    def test_the_path_itself_is_forbidden(self) -> None:
        self.assertEqual(self.ask(SIGN)["grpc-status"], NOT_FOUND)

    def test_variants(self) -> None:
        for path in variants(SIGN):
            with self.subTest(path[:80]):
                said = self.ask(path)
                self.assertEqual(said.get("grpc-status", "12"), UNIMPLEMENTED, said)

    def test_flood_of_unknown_paths(self) -> None:
        """Nothing is kept of a path that nobody knows, however many there are."""
        request = frames.echo_request(b"")
        heads = [frames.request_head(f"/no.such.Service{i}{'x' * 100}/M") for i in range(2000)]

        def assault(peer: attack.Peer) -> None:
            peer.greet()
            for first in range(0, len(heads), 50):
                batch = heads[first : first + 50]
                calls = zip(peer.new_streams(50), batch)
                piece = b"".join(frames.headers(id, head) + frames.data(id, request, True) for id, head in calls)
                peer.flood(piece, 100)
                self.assertTrue(peer.wait_for_ends(), peer.reaction())
            self.assertEqual(dict(peer.statuses), {UNIMPLEMENTED: peer.opened}, peer.reaction())

        limits = attack.Limits(
            attack.CONNECTION + attack.STREAMS * attack.CALL, "a connection and 1024 calls",
            per_frame_ns=attack.CPU_PER_CALL_NS,
        )  # fmt: skip
        self.attack("unknown paths", assault, "lives", 1_000_000, 4_000, limits, connections=attack.KEPT)


if __name__ == "__main__":
    attack.main()
