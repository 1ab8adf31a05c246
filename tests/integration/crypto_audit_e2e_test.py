"""The audit log: a line for every signature, a chain that breaks where it was touched, and no
signature without its record where that is asked for."""

import hashlib
import json
import os
import random
import resource
import signal
import time

import grpc

import saker_e2e as e2e
from crypto_client import Client, pb

UNAVAILABLE = 14
LOAD_BYTES = 100_000  # of records, some 300, after which a server is under load


class Audit(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.directory / "audit.log"

    def serve(self, *arguments: str, **options) -> e2e.Server:
        server = e2e.Server("--audit", str(self.log), *arguments, **options)
        self.addCleanup(server.kill)
        return server

    def records(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def verify(self, *arguments: str, code: int = e2e.EXIT_OK) -> dict:
        return self.assert_json("audit", "verify", str(self.log), *arguments, code=code)

    def test_a_line_for_every_signature(self) -> None:
        server = self.serve()
        with Client(server.grpc_address) as client:
            client.sign(message=b"one")
            start = pb.SignStreamStart(key_name="ec-p256", algorithm=pb.ECDSA_P256_SHA256)
            client.sign_stream([pb.SignStreamRequest(start=start, data=b"two")])
            single = pb.SignRequest(
                key_name="ec-p256", algorithm=pb.ECDSA_P256_SHA256, message=b"three"
            )
            wrong = pb.SignRequest(key_name="none")
            client.call("SignBatch", pb.SignBatchRequest(requests=[single, wrong, single]))
            with self.assertRaises(grpc.RpcError):
                client.sign("none")
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        records = self.records()
        digests = [hashlib.sha256(text).hexdigest() for text in (b"one", b"two", b"three")]
        self.assertEqual([r["digest"] for r in records], [*digests, digests[2]])
        self.assertEqual([r["sequence"] for r in records], [1, 2, 3, 4])
        for record in records:
            self.assertEqual((record["key"], record["version"]), ("ec-p256", 1))
            self.assertEqual(record["algorithm"], "ECDSA_P256_SHA256")
            self.assertEqual(record["result"], "OK")
            self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
            self.assertRegex(record["identity"], r"^(ip:|uid:|cid:|vsock-mux:)\S+$")
        self.assertEqual(self.verify()["records"], 4)

    @e2e.once
    def test_a_batch_that_nobody_waits_for_is_left_where_it_stands(self) -> None:
        """What was made of it has its records; the rest is not computed."""
        server = self.serve("--key", "rsa-4096", "--crypto-threads", "1")
        single = pb.SignRequest(key_name="rsa-4096", algorithm=pb.RSA_PSS_SHA256, message=b"x")
        batch = pb.SignBatchRequest(requests=[single] * 1024)
        with Client(server.grpc_address) as client:
            client.call("Sign", single)
            with self.assertRaises(grpc.RpcError) as caught:
                client.calls["SignBatch"](batch, timeout=0.3)
            self.assertEqual(caught.exception.code().value[0], e2e.DEADLINE_EXCEEDED)
            # The lane is full until the server has dropped what is left.
            self.assertTrue(e2e.eventually(lambda: self.signs_again(client, "rsa-4096", pb.RSA_PSS_SHA256)))
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        self.assertLess(len(self.records()), 1024)
        self.assertEqual({record["result"] for record in self.records()}, {"OK"})
        self.verify()

    @e2e.once
    def test_the_chain_is_what_the_documentation_says(self) -> None:
        server = self.serve()
        with Client(server.grpc_address) as client:
            for _ in range(5):
                client.sign()
        server.stop()
        previous = "0" * 64
        for line in self.log.read_text().splitlines():
            record = json.loads(line)
            hashed = line[: line.rindex(',"hash":')]
            self.assertEqual(record["prev"], previous)
            self.assertEqual(record["hash"], hashlib.sha256(hashed.encode()).hexdigest())
            previous = record["hash"]

    @e2e.once
    def test_verification_names_the_broken_line(self) -> None:
        server = self.serve()
        with Client(server.grpc_address) as client:
            for _ in range(6):
                client.sign()
        server.stop()
        whole = self.log.read_text().splitlines(keepends=True)
        last_hash = self.verify()["last_hash"]
        self.assertIn("whole: 6 records", self.assert_run("audit", "verify", str(self.log)).stdout)
        changes = {
            3: [*whole[:2], whole[2].replace('"version":1', '"version":2'), *whole[3:]],
            4: [*whole[:3], *whole[4:]],
            5: [*whole[:4], whole[5], whole[4]],
            2: [whole[0], whole[0], *whole[1:]],
            1: whole[1:],
            6: [*whole[:5], "\n", whole[5]],
        }
        for number, lines in changes.items():
            with self.subTest(number):
                self.log.write_text("".join(lines))
                self.assertIn(f"audit.log:{number}: ", self.verify(code=e2e.EXIT_FAILED)["broken"])
        self.log.write_text("".join(whole[:5]))
        self.assertEqual(self.verify()["records"], 5)
        self.verify("--last-hash", last_hash, code=e2e.EXIT_FAILED)
        self.log.write_text("".join(whole))
        self.verify("--last-hash", last_hash)
        self.assert_run("audit", "verify", str(self.directory / "none"), code=e2e.EXIT_USAGE)
        done = self.assert_run(
            "audit", "verify", str(self.directory), code=e2e.EXIT_USAGE, stderr="Is a directory"
        )
        self.assertEqual(done.stdout, "")
        self.assertIn(
            "NOT whole", self.assert_run("audit", "verify", __file__, code=e2e.EXIT_FAILED).stdout
        )

    @e2e.once
    def test_verification_is_interrupted(self) -> None:
        os.mkfifo(self.log)  # which nobody writes to
        verify = e2e.start("audit", "verify", str(self.log))
        e2e.let_run(verify, 0.1)
        verify.send_signal(signal.SIGTERM)
        out, err = verify.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(verify.returncode, e2e.EXIT_INTERRUPTED, out + err)

    @e2e.once
    def test_a_restart_goes_on_behind_a_torn_line(self) -> None:
        for round_number in (1, 2):
            server = self.serve()
            with Client(server.grpc_address) as client:
                client.sign()
            server.stop()
            self.assertEqual(self.verify()["records"], round_number)
            self.assertEqual("torn" in server.stderr, round_number == 2)
            with open(self.log, "a", encoding="ascii") as log:
                log.write('{"sequence":2,"ti')
        self.assertEqual(self.verify()["torn_bytes"], 17)

    @e2e.once
    def test_one_server_a_log_and_nothing_else_is_one(self) -> None:
        server = self.serve()
        self.assert_run(
            "serve", "--audit", str(self.log), "--key", "ec-p256", "--listen", "127.0.0.1:0",
            code=e2e.EXIT_USAGE, stderr="another process writes it",
        )  # fmt: skip
        server.stop()
        other = self.write("notes", "precious\n")
        self.assert_run(
            "serve", "--audit", other, "--key", "ec-p256", "--listen", "127.0.0.1:0",
            code=e2e.EXIT_USAGE, stderr="is no sound audit record",
        )  # fmt: skip

    @e2e.once
    def test_logs_are_rotated_in_one_chain(self) -> None:
        server = self.serve("--audit-sync", "always")
        old = [self.directory / f"audit.log.{number}" for number in (2, 1)]
        with Client(server.grpc_address) as client:
            for moved in old:
                for _ in range(3):
                    client.sign()
                self.log.rename(moved)
                client.sign()  # goes to where the file is now
                server.send_signal(signal.SIGHUP)
                self.assertTrue(e2e.eventually(self.log.exists))
            client.sign()
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        self.assertEqual(server.stderr.count(f"audit log reopened: {self.log}"), 2)
        server = self.serve()
        with Client(server.grpc_address) as client:
            client.sign()
            server.send_signal(signal.SIGHUP)  # nothing was moved
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        self.assertNotIn("reopened", server.stderr)
        files = [str(path) for path in (*old, self.log)]
        summary = self.assert_json("audit", "verify", *files)
        self.assertEqual(summary["records"], 4 + 1 + 4 + 1 + 2)
        self.assertTrue(self.records()[0]["reopened"])
        first = self.assert_json("audit", "verify", *files[:2])["last_hash"]
        self.assert_json("audit", "verify", files[2], "--after-hash", first)
        for wrong in (files[1:], files[::-1], [files[0], files[2]], [files[2], "--after-hash", "0" * 64]):
            self.assert_json("audit", "verify", *wrong, code=e2e.EXIT_FAILED)

    def sign_until_refused(self, client: Client) -> int:
        for count in range(10_000):
            try:
                client.sign()
            except grpc.RpcError as error:
                self.assertEqual(error.code().value[0], UNAVAILABLE)
                self.assertEqual(error.details(), "the audit log cannot be written")
                return count
        self.fail("never refused")

    def serve_on_a_full_disk(self, *arguments: str) -> e2e.Server:
        """One that fills after some records, and can be given room."""
        most = (5000, resource.RLIM_INFINITY)
        return self.serve(
            *arguments, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most)
        )

    def give_room(self, server: e2e.Server) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)

    def signatures_and_lost(self) -> tuple[int, int]:
        lost = [record["lost"] for record in self.records() if "lost" in record]
        return self.verify()["records"] - len(lost), sum(lost)

    def signs_again(
        self, client: Client, key: str = "ec-p256", algorithm: int = pb.ECDSA_P256_SHA256
    ) -> bool:
        try:
            client.sign(key, algorithm=algorithm)
            return True
        except grpc.RpcError:
            return False

    @e2e.once
    def test_required_and_the_disk_is_full(self) -> None:
        server = self.serve_on_a_full_disk("--audit-required", "--audit-sync", "always")
        with Client(server.grpc_address) as client:
            answered = self.sign_until_refused(client)
            self.assertGreater(answered, 3)
            self.assertEqual(self.signatures_and_lost()[0], answered)
            self.assertIn("audit log: cannot write", server.stderr)
            key = client.call("GetPublicKey", pb.GetPublicKeyRequest(key_name="ec-p256"))
            self.assertIn("BEGIN", key.pem)
            self.give_room(server)
            self.assertTrue(e2e.eventually(lambda: self.signs_again(client)))
            self.assertTrue(e2e.eventually(lambda: "can be written again" in server.stderr))
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        signatures, lost = self.signatures_and_lost()
        self.assertEqual(signatures, answered + 1)
        self.assertGreater(lost, 0)

    @e2e.once
    def test_not_required_and_the_disk_is_full(self) -> None:
        server = self.serve_on_a_full_disk()
        with Client(server.grpc_address) as client:
            for _ in range(40):
                client.sign()
            self.assertIn("audit log: cannot write", server.stderr)
            self.give_room(server)
            self.assertTrue(e2e.eventually(lambda: sum(self.signatures_and_lost()) >= 40))
            client.sign()
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        signatures, lost = self.signatures_and_lost()
        self.assertEqual(signatures + lost, 41)
        self.assertGreater(lost, 0)

    def answered_before_kill(self, sync: str) -> int:
        """Kills a server under load at any moment, returns how many signatures it had answered."""
        before = self.log.stat().st_size if self.log.exists() else 0
        server = self.serve("--audit-sync", sync, "--audit-required")
        load = e2e.start(
            "bench", "sign", server.address, "--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256", "-c", "4",
            "-m", "32", "--verify-every", "0", "-z", "10m", "--quiet", "--json",
        )  # fmt: skip
        self.addCleanup(load.kill)
        self.assertTrue(e2e.eventually(lambda: self.log.stat().st_size > before + LOAD_BYTES))
        time.sleep(random.uniform(0, 0.2))
        os.kill(server.process.pid, signal.SIGKILL)
        server.wait()
        load.send_signal(signal.SIGINT)  # it would wait for the server to come back
        out, err = load.communicate(timeout=e2e.TIMEOUT_S)
        statuses = {row["name"]: row["calls"] for row in json.loads(out)["statuses"]}
        self.assertLessEqual(set(statuses), {"OK", "UNAVAILABLE", "CANCELLED"}, err)
        return statuses["OK"]

    @e2e.once
    def test_killed_while_signing(self) -> None:
        """Every answered signature has its record, and the chain is whole up to its last line."""
        records = answered_total = torn = 0
        rounds = e2e.KILLS or 5
        syncs = ("always", "batch", "none")
        random.seed(7)
        for number in range(rounds):
            with self.subTest(syncs[number % 3]):
                answered = self.answered_before_kill(syncs[number % 3])
                summary = self.verify()
                self.assertGreaterEqual(summary["records"], records + answered)
                records = summary["records"]
                answered_total += answered
                torn += summary["torn_bytes"] != 0
        print(f"{rounds} servers killed, {answered_total} signatures answered, {records} records, "
              f"torn last lines: {torn}")  # fmt: skip


if __name__ == "__main__":
    e2e.main()
