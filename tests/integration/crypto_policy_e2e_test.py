"""Who may use which key, how often, and what those are told that may not."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import grpc

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

# Whoever a test's client is, on whichever transport it comes.
ME = {
    "tcp": ["ip:127.0.0.0/8"],
    "unix": [f"uid:{os.getuid()}"],
    "vsock-mux": ["vsock-mux:*"],
    "vsock": ["cid:1"],
}.get(e2e.TRANSPORT.name, ["any"])


def rule(callers: list[str], keys: list[str], operations: list[str], more: str = "") -> str:
    lists = {"callers": callers, "keys": keys, "operations": operations}
    lines = [f"{name} = {values!r}".replace("'", '"') for name, values in lists.items()]
    return "\n".join(["[[rule]]", *lines, more, ""])


class Policy(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.started, self.ended = threading.Event(), threading.Event()

    def serve(self, policy: str) -> e2e.Server:
        self.policy = self.write("policy.toml", policy)
        server = e2e.Server("--key", "ours=ec-p256", "--key", "theirs=ec-p256",
                            "--policy", self.policy)  # fmt: skip
        self.addCleanup(server.kill)
        return server

    def refusal(self, function, *arguments, **options) -> tuple[int, str]:
        with self.assertRaises(grpc.RpcError) as caught:
            function(*arguments, **options)
        self.error = caught.exception
        return self.error.code().value[0], self.error.details()

    def reload(self, server: e2e.Server, policy: str, expected: str) -> None:
        self.write("policy.toml", policy)
        before = server.stderr.count(expected)
        server.send_signal(signal.SIGHUP)
        self.assertTrue(
            e2e.eventually(lambda: server.stderr.count(expected) > before), server.stderr
        )

    def test_each_operation_is_allowed_by_itself(self) -> None:
        server = self.serve("")
        requests = {
            "get": ("GetPublicKey", pb.GetPublicKeyRequest(key_name="ours")),
            "sign": ("Sign", pb.SignRequest(
                key_name="ours", algorithm=pb.ECDSA_P256_SHA256, message=b"x")),
            "verify": ("Verify", pb.VerifyRequest(
                key_name="ours", algorithm=pb.ECDSA_P256_SHA256, message=b"x", signature=b"x")),
        }  # fmt: skip
        with Client(server.grpc_address) as client:
            for allowed in ("list", "get", "sign", "verify"):
                self.reload(server, rule(ME, ["our*"], [allowed]), "policy read again")
                listed = client.call("ListKeys", pb.ListKeysRequest())
                names = [key.name for key in listed.keys]
                self.assertEqual(names, ["ours"] if allowed == "list" else [])
                for operation, (method, request) in requests.items():
                    with self.subTest(allowed=allowed, operation=operation):
                        if operation == allowed:
                            client.call(method, request)
                        else:
                            self.assertEqual(
                                self.refusal(client.call, method, request),
                                (5, 'no key "ours"'),
                            )

    def test_unknown_and_forbidden_keys_answer_alike(self) -> None:
        server = self.serve(rule(ME, ["ours"], ["list", "get", "sign", "verify"]))
        with Client(server.grpc_address) as client:
            client.sign("ours")
            for key, version in (("theirs", 0), ("nobody", 0), ("theirs", 9), ("nobody", 9)):
                self.assertEqual(
                    self.refusal(client.sign, key, key_version=version),
                    (5, f'no key "{key}"'),
                )
            batch = client.call(
                "SignBatch",
                pb.SignBatchRequest(
                    requests=[
                        pb.SignRequest(key_name=key, algorithm=pb.ECDSA_P256_SHA256, message=b"x")
                        for key in ("ours", "theirs", "nobody")
                    ]
                ),
            )
            self.assertEqual([result.code for result in batch.results], [0, 5, 5])
            start = pb.SignStreamStart(key_name="theirs", algorithm=pb.ECDSA_P256_SHA256)
            self.assertEqual(
                self.refusal(client.sign_stream, [pb.SignStreamRequest(start=start)]),
                (5, 'no key "theirs"'),
            )

    def test_other_callers_may_do_nothing(self) -> None:
        nobody = ["uid:4294967294", "gid:4294967294", "cid:77", "ip:192.0.2.0/24",
                  "vsock-mux:/none:1", "spiffe://example/*", "dns:*"]  # fmt: skip
        server = self.serve(rule(nobody, ["*"], ["list", "get", "sign", "verify"]))
        with Client(server.grpc_address) as client:
            self.assertEqual(self.refusal(client.sign, "ours"), (5, 'no key "ours"'))
            self.assertEqual(len(client.call("ListKeys", pb.ListKeysRequest()).keys), 0)

    def test_over_the_rate(self) -> None:
        """Three at once, then one in an hour: what time passes in the test makes no difference."""
        limited = rule(ME, ["ours"], ["sign", "verify"], 'rate = "1/h"\nburst = 3')
        server = self.serve(limited + rule(ME, ["theirs"], ["sign"]))
        with Client(server.grpc_address) as client:
            for _ in range(3):
                client.sign("ours")
            self.assertEqual(
                self.refusal(client.sign, "ours"), (8, 'over the rate for key "ours"')
            )
            trailers = dict(self.error.trailing_metadata())
            pushback_ms = int(trailers["grpc-retry-pushback-ms"])
            self.assertGreater(pushback_ms, 3_000_000)
            self.assertLessEqual(pushback_ms, 3_600_001)
            client.sign("theirs")

    def test_rules_have_rates_of_their_own(self) -> None:
        """Verifying, which may be often, makes no room for signing, which may not."""
        rules = rule(ME, ["ours"], ["sign"], 'rate = "1/h"\nburst = 2')
        server = self.serve(rules + rule(ME, ["ours"], ["verify"], 'rate = "1000/s"'))
        verify = pb.VerifyRequest(
            key_name="ours", algorithm=pb.ECDSA_P256_SHA256, message=b"x", signature=b"x"
        )
        signed = 0
        with Client(server.grpc_address) as client:
            for _ in range(20):
                client.call("Verify", verify)
                try:
                    client.sign("ours")
                    signed += 1
                except grpc.RpcError as error:
                    self.assertEqual(error.code().value[0], e2e.RESOURCE_EXHAUSTED)
        self.assertEqual(signed, 2)

    @e2e.once
    def test_a_bad_file_keeps_the_policy(self) -> None:
        server = self.serve(rule(ME, ["ours"], ["sign"]))
        with Client(server.grpc_address) as client:
            self.reload(server, "[[rule]]\nkyes = []\n", "the policy stays as it was")
            self.assertIn("policy.toml:2: unknown key kyes", server.stderr)
            client.sign("ours")
            self.reload(server, rule(ME, ["theirs"], ["sign"]), "policy read again")
            self.assertEqual(self.refusal(client.sign, "ours"), (5, 'no key "ours"'))
            os.unlink(self.policy)
            server.send_signal(signal.SIGHUP)
            self.assertTrue(e2e.eventually(lambda: "cannot read policy" in server.stderr))
            client.sign("theirs")
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def test_a_guest_is_not_the_user_who_runs_its_machine(self) -> None:
        """Behind a multiplexer, the process on the Unix socket is the virtual machine's monitor."""
        mine = [f"uid:{os.getuid()}", f"gid:{os.getgid()}"]
        server = self.serve(rule(mine, ["*"], ["sign"]))
        with Client(server.grpc_address) as client:
            if e2e.TRANSPORT.name == "unix":
                client.sign("ours")
            else:
                self.assertEqual(self.refusal(client.sign, "ours"), (5, 'no key "ours"'))
            if e2e.TRANSPORT.name != "vsock-mux":
                return
            self.reload(server, rule([server.address], ["ours"], ["sign"]), "policy read again")
            client.sign("ours")
            self.reload(server, rule([server.address + "1"], ["*"], ["sign"]), "policy read again")
            self.assertEqual(self.refusal(client.sign, "ours"), (5, 'no key "ours"'))

    def test_a_reload_that_waits_keeps_no_signal_waiting(self) -> None:
        for second_signal in (False, True):
            with self.subTest(second_signal=second_signal):
                server = self.serve(rule(ME, ["*"], ["sign"]))
                os.unlink(self.policy)
                os.mkfifo(self.policy)
                server.send_signal(signal.SIGHUP)
                writer = self.open_when_read(self.policy)
                with Client(server.grpc_address) as client:
                    client.sign("ours")
                    if second_signal:  # a call in flight keeps the drain from its end
                        call = client.stream.future(self.never_ending(), timeout=e2e.TIMEOUT_S)
                        self.assertTrue(e2e.eventually(self.started.is_set))
                        server.send_signal(signal.SIGTERM)
                        self.assertTrue(e2e.eventually(lambda: "draining" in server.stderr))
                        self.assertEqual(server.stop(), e2e.EXIT_INTERRUPTED)
                        call.cancel()
                        self.ended.set()
                if not second_signal:
                    self.assertEqual(server.stop(), e2e.EXIT_OK)
                    self.assertIn("what is read again on SIGHUP does not answer", server.stderr)
                    self.assertEqual(server.calls(), {"OK": 1})
                os.close(writer)
                os.unlink(self.policy)

    def open_when_read(self, fifo: str) -> int:
        """Once somebody waits for it to be written to."""
        opened: list[int] = []

        def is_open() -> bool:
            with contextlib.suppress(OSError):
                opened.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            return bool(opened)

        self.assertTrue(e2e.eventually(is_open))
        return opened[0]

    def never_ending(self) -> Iterator[object]:
        """A SignStream that stops in the middle."""
        start = pb.SignStreamStart(key_name="ours", algorithm=pb.ECDSA_P256_SHA256)
        yield pb.SignStreamRequest(start=start, data=b"x")
        self.started.set()
        self.ended.wait(e2e.TIMEOUT_S)

    @e2e.once
    def test_a_bad_file_at_the_start_is_an_error(self) -> None:
        bad = self.write("bad.toml", rule(["root"], ["*"], ["sign"]))
        self.assert_run("serve", "--policy", bad, code=e2e.EXIT_USAGE, stderr="bad.toml:2: 'root'")
        self.assert_run("serve", "--policy", "/none", code=e2e.EXIT_USAGE, stderr="/none")

    @e2e.once
    def test_the_same_from_the_configuration_file(self) -> None:
        policy = self.write("policy.toml", rule(ME, ["ours"], ["list"]))
        config = self.write("saker.toml", f'policy = "{policy}"\nkey = ["ours=ec-p256", "ec-p384"]\n')
        with e2e.Server("--config", config, "--key", "ours=ec-p256") as server:
            listed = self.assert_json("keys", "list", server.address)
            self.assertEqual([key["name"] for key in listed], ["ours"])


if __name__ == "__main__":
    e2e.main()
