"""Keys in a directory: saker keystore, versions and their states, SIGHUP, kill -9 at any moment."""

import base64
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

import grpc

import crypto_client
import saker_e2e as e2e
from crypto_client import Client, pb

MOST_ROTATIONS = 126  # a key has 128 versions at the most


class KeystoreCase(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = str(self.directory / "keys")
        self.passphrase = crypto_client.write_private(self.directory / "passphrase", "pass word\n")

    def keystore(self, action: str, *arguments: str, code: int = 0, stderr: str = ""):
        needs_passphrase = action in ("generate", "import", "rotate")
        extra = ["--passphrase-file", self.passphrase] if needs_passphrase else []
        return self.assert_run(
            "keystore", action, self.keys, *arguments, *extra, code=code, stderr=stderr
        )

    def serve(self, *arguments: str, **options) -> e2e.Server:
        server = e2e.Server(
            "--key-dir", self.keys, "--key-passphrase-file", self.passphrase, *arguments, **options
        )
        self.addCleanup(server.kill)
        return server

    def reload(self, server: e2e.Server, expected: str = "keys read again") -> None:
        before = server.stderr.count(expected)
        server.send_signal(signal.SIGHUP)
        self.assertTrue(
            e2e.eventually(lambda: server.stderr.count(expected) > before), server.stderr
        )

    def states(self) -> dict[str, list[str]]:
        listed = json.loads(self.keystore("list", "--json").stdout)
        return {key["name"]: [v["state"] for v in key["versions"]] for key in listed}


class Keystore(KeystoreCase):
    @e2e.once
    def test_generate_list_and_export(self) -> None:
        self.assertEqual(
            self.keystore("generate", "pay=ec-p256").stdout, "keys/pay/versions/1\n"
        )
        self.keystore("generate", "rsa-2048", "--algorithm", "RSA_PSS_SHA256")
        self.assertEqual(self.states(), {"pay": ["enabled"], "rsa-2048": ["enabled"]})
        self.assertIn("pay", self.keystore("list").stdout)
        listed = json.loads(self.keystore("list", "--json").stdout)
        self.assertEqual(listed[1]["algorithms"], ["RSA_PSS_SHA256"])
        out = str(self.directory / "pay.der")
        self.keystore("export-public", "pay", "--format", "der", "--out", out)
        pem = self.keystore("export-public", "pay", "--key-version", "1").stdout
        self.assertIn("BEGIN PUBLIC KEY", pem)
        jwk = json.loads(self.keystore("export-public", "pay", "--format", "jwk").stdout)
        self.assertEqual(jwk["crv"], "P-256")
        with open(out, "rb") as der:
            self.assertEqual(
                base64.b64encode(der.read()).decode(),
                "".join(pem.splitlines()[1:-1]),
            )

    @e2e.once
    def test_files_are_private_and_encrypted_as_openssl_understands(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        path = f"{self.keys}/pay.key"
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.keys).st_mode), 0o700)
        text = pathlib.Path(path).read_text(encoding="ascii")
        self.assertNotIn("BEGIN PRIVATE", text)
        pem = text[text.index("-----BEGIN ENC") : text.index("-----END ENC")]
        pem += "-----END ENCRYPTED PRIVATE KEY-----\n"
        done = subprocess.run(
            ["openssl", "pkey", "-pubout", "-passin", f"file:{self.passphrase}"],
            input=pem, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.assertEqual(done.stdout, self.keystore("export-public", "pay").stdout)

    @e2e.once
    def test_import(self) -> None:
        for name, command in (
            ("p256", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            ("old", ["ecparam", "-name", "secp384r1", "-genkey", "-noout"]),
            ("rsa", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
            ("der", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-outform", "DER"]),
        ):  # fmt: skip
            file = str(self.directory / name)
            subprocess.run(["openssl", *command, "-out", file], check=True, capture_output=True)
            self.keystore("import", name, "--in", file)
        sealed = str(self.directory / "sealed")
        secret = crypto_client.write_private(self.directory / "secret", "other\n")
        subprocess.run(
            ["openssl", "pkcs8", "-topk8", "-in", str(self.directory / "p256"), "-out", sealed,
             "-passout", f"file:{secret}"], check=True, capture_output=True,
        )  # fmt: skip
        self.keystore("import", "sealed", "--in", sealed, "--in-passphrase-file", secret)
        self.assertEqual(
            self.keystore("export-public", "sealed").stdout,
            self.keystore("export-public", "p256").stdout,
        )
        self.keystore("import", "again", "--in", sealed, code=2, stderr="its passphrase is wrong")
        self.keystore("import", "text", "--in", self.passphrase, code=2, stderr="not a")
        wrong = str(self.directory / "ed25519")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", wrong], check=True)
        self.keystore("import", "ed", "--in", wrong, code=2, stderr="not supported")

    @e2e.once
    def test_mistakes(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        for arguments, stderr in (
            (["generate", "pay=ec-p256"], "there is a key 'pay'"),
            (["generate", "x=ec-p257"], "the type is none of"),
            (["generate", "x=ec-p256", "--algorithm", "RSA_PSS_SHA256"], "does not go with"),
            (["rotate", "nobody"], "no key 'nobody'"),
            (["rotate", "../passphrase"], "is no name of a key"),
            (["disable", "pay", "2"], "has no version 2"),
            (["disable", "pay", "0"], ""),
            (["export-public", "pay", "--key-version", "2"], "has no such version"),
            (["export-public", "pay", "--format", "xml"], ""),
        ):
            with self.subTest(arguments=arguments):
                self.keystore(*arguments, code=e2e.EXIT_USAGE, stderr=stderr)
        other = crypto_client.write_private(self.directory / "other", "other\n")
        self.assert_run(
            "keystore", "rotate", self.keys, "pay", "--passphrase-file", other,
            code=e2e.EXIT_USAGE, stderr="this is not the passphrase",
        )  # fmt: skip
        os.chmod(self.passphrase, 0o644)
        self.keystore("rotate", "pay", code=e2e.EXIT_USAGE, stderr="may be read by others")

    @e2e.once
    def test_private_halves_are_in_no_core_file(self) -> None:
        """Waits for its passphrase, in locked memory and with core dumps turned off by then."""
        self.keystore("generate", "pay=ec-p256")
        pem = str(self.directory / "pem")
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", pem], check=True, capture_output=True,
        )  # fmt: skip
        fifo = str(self.directory / "fifo")
        os.mkfifo(fifo, 0o600)
        for arguments in (["generate", self.keys, "new=ec-p256"], ["rotate", self.keys, "pay"],
                          ["import", self.keys, "other", "--in", pem]):  # fmt: skip
            with self.subTest(arguments[0]):
                process = subprocess.Popen(
                    [e2e.SAKER, "keystore", *arguments, "--passphrase-file", fifo],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    preexec_fn=self.allow_core_files,
                )  # fmt: skip
                with open(fifo, "w", encoding="ascii") as passphrase:
                    limits = resource.prlimit(process.pid, resource.RLIMIT_CORE)
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                    passphrase.write("pass word\n")
                _, errors = process.communicate(timeout=e2e.TIMEOUT_S)
                self.assertEqual((process.returncode, limits), (e2e.EXIT_OK, (0, 0)), errors)
                is_locked = re.search(r"^VmLck:\s+[1-9]", status, re.MULTILINE) is not None
                self.assertEqual(is_locked, b"memory is not locked" not in errors, status)

    @staticmethod
    def allow_core_files() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    @e2e.once
    def test_serving_mistakes(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        other = crypto_client.write_private(self.directory / "other", "other\n")
        for arguments, stderr in (
            (["--key-dir", self.keys, "--key-passphrase-file", other], "the passphrase is wrong"),
            (["--key-dir", self.keys], "a key directory needs --key-passphrase-file"),
            (["--key-dir", str(self.directory / "none"), "--key-passphrase-file", other], "none"),
            (["--key-dir", self.keys, "--key", "ec-p256"], "use one of them"),
            (["--audit-required"], "--audit-required needs --audit"),
        ):
            with self.subTest(arguments=arguments):
                self.assert_run("serve", *arguments, code=e2e.EXIT_USAGE, stderr=stderr)

    @e2e.once
    def test_a_credential_of_the_service_manager(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        shutil.copy(self.passphrase, self.directory / "saker-key-passphrase")
        server = e2e.Server(
            "--key-dir", self.keys, env={"CREDENTIALS_DIRECTORY": str(self.directory)}
        )
        with server:
            self.assertIn("pay", self.assert_run("keys", "list", server.address).stdout)


class Versions(KeystoreCase):
    def test_states_over_a_running_server(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        server = self.serve()
        with Client(server.grpc_address) as client:
            first = client.sign("pay")
            self.assertEqual(first.key_version, 1)
            self.keystore("rotate", "pay")
            self.reload(server)
            second = client.sign("pay")
            self.assertEqual(second.key_version, 2)
            self.assertEqual(client.sign("keys/pay/versions/1").key_version, 1)
            self.check_versions(client, first.signature, second.signature)
            self.keystore("disable", "pay", "2")
            self.reload(server)
            self.assertEqual(client.sign("pay").key_version, 1)
            self.assertTrue(self.verify(client, second.signature, 2).valid)
            self.assert_status(e2e.FAILED_PRECONDITION, client.sign, "pay", key_version=2)
            self.keystore("enable", "pay", "2")
            self.keystore("destroy", "pay", "1")
            self.reload(server)
            self.assertEqual(client.sign("pay").key_version, 2)
            self.assert_status(e2e.FAILED_PRECONDITION, client.sign, "pay", key_version=1)
            self.assert_status(e2e.FAILED_PRECONDITION, self.verify, client, first.signature, 1)
            self.assert_status(e2e.NOT_FOUND, client.sign, "pay", key_version=3)
            info = client.call("ListKeys", pb.ListKeysRequest()).keys[0]
            self.assertEqual([v.state for v in info.versions], [pb.DESTROYED, pb.ENABLED])
            self.assertEqual(info.resource_name, "keys/pay/versions/2")
        self.assertEqual(server.stop(), e2e.EXIT_OK)

    def verify(self, client: Client, signature: bytes, version: int):
        return client.call(
            "Verify",
            pb.VerifyRequest(
                key_name="pay", key_version=version, algorithm=pb.ECDSA_P256_SHA256,
                message=b"message", signature=signature,
            ),
        )  # fmt: skip

    def check_versions(self, client: Client, first: bytes, second: bytes) -> None:
        for version, good, bad in ((1, first, second), (2, second, first), (0, second, first)):
            self.assertTrue(self.verify(client, good, version).valid)
            self.assertFalse(self.verify(client, bad, version).valid)
        thumbprints = set()
        for version in (1, 2):
            request = pb.GetPublicKeyRequest(key_name="pay", key_version=version)
            reply = client.call("GetPublicKey", request)
            self.assertEqual(reply.key.version, version)
            thumbprints.add(reply.thumbprint)
        self.assertEqual(len(thumbprints), 2)

    def assert_status(self, code: int, function, *arguments, **options) -> None:
        with self.assertRaises(grpc.RpcError) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.code().value[0], code)

    @e2e.once
    def test_the_commands_take_versions(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        self.keystore("rotate", "pay")
        server = self.serve()
        message = self.write("message", "hello")
        signature = str(self.directory / "signature")
        choice = ["--key", "pay", "--algorithm", "ECDSA_P256_SHA256", "--in", message]
        done = self.assert_run(
            "sign", server.address, *choice, "--key-version", "1", "--out", signature
        )
        self.assertIn("version 1", done.stderr)
        verify = ["verify", server.address, *choice, "--signature", signature]
        self.assert_run(*verify, "--key-version", "1")
        self.assert_run(*verify, code=e2e.EXIT_FAILED)
        for version in ("1", "2"):
            self.assertEqual(
                self.assert_run(
                    "keys", "get", server.address, "--key", "pay", "--key-version", version
                ).stdout,
                self.keystore("export-public", "pay", "--key-version", version).stdout,
            )

    @e2e.once
    def test_a_directory_that_does_not_load_changes_nothing(self) -> None:
        self.keystore("generate", "pay=ec-p256")
        server = self.serve()
        self.write("keys/pay.key", "type = \"ec-p25")
        self.reload(server, "the keys stay as they were")
        with Client(server.grpc_address) as client:
            self.assertEqual(client.sign("pay").key_version, 1)

    @e2e.once
    def test_pages(self) -> None:
        server = e2e.Server(*(f"--key=k{i}=ec-p256" for i in range(7)), "--key", "last=ec-p256")
        with server, Client(server.grpc_address) as client:
            names, token, pages = [], "", 0
            while True:
                page = client.call("ListKeys", pb.ListKeysRequest(page_size=3, page_token=token))
                names += [key.name for key in page.keys]
                token, pages = page.next_page_token, pages + 1
                if not token:
                    break
            self.assertEqual(names, [*(f"k{i}" for i in range(7)), "last"])
            self.assertEqual(pages, 3)
            listed = self.assert_json("keys", "list", server.address, "--page-size", "3")
            self.assertEqual([key["name"] for key in listed], names)
            self.assertEqual(listed[0]["state"], "enabled")


class Killed(KeystoreCase):
    def rotate_and_kill(self, delay_s: float, at_the_write: bool) -> bool:
        """True: it was killed before it had ended by itself."""
        process = e2e.start(
            "keystore", "rotate", self.keys, "pay", "--passphrase-file", self.passphrase
        )
        temporary = pathlib.Path(self.keys, ".pay.key.tmp")
        while at_the_write and process.poll() is None and not temporary.exists():
            pass
        time.sleep(delay_s)
        process.kill()
        killed = process.wait() == -signal.SIGKILL
        process.stdout.close()
        process.stderr.close()
        return killed

    @e2e.once
    def test_a_rotation_killed_at_any_moment_leaves_a_directory_that_loads(self) -> None:
        """What is there afterwards is the version before or the one after. Half of them are killed while
        they write. Of 100 a very slow machine does fewer, unless $SAKER_TEST_KILLS asks for a number."""
        self.keystore("generate", "pay=ec-p256")
        started = time.monotonic()
        self.keystore("rotate", "pay")
        whole_s = time.monotonic() - started
        random.seed(7)
        versions, killed, rounds = 2, 0, 0
        wanted = min(e2e.KILLS, MOST_ROTATIONS) or 100
        while rounds < wanted and (e2e.KILLS or rounds < 20 or time.monotonic() - started < 45):
            at_the_write = rounds % 2 == 0
            delay_s = random.uniform(0, 0.002 if at_the_write else 1.2 * whole_s)
            killed += self.rotate_and_kill(delay_s, at_the_write)
            rounds += 1
            states = self.states()["pay"]
            self.assertIn(len(states), (versions, versions + 1))
            self.assertEqual(set(states), {"enabled"})
            versions = len(states)
        self.assertGreater(killed, 0)
        with self.serve() as server:
            listed = self.assert_json("keys", "list", server.address)
            self.assertEqual(len(listed[0]["versions"]), versions)
        print(f"{rounds} rotations, {killed} killed, {versions} versions")


if __name__ == "__main__":
    e2e.main()
