"""saker sign, verify, keys and bench sign; every signature is checked by the openssl program too."""

import hashlib
import json
import signal
import subprocess

import crypto_client
import saker_e2e as e2e

HASHES = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
ALGORITHMS = [
    *(("rsa-2048", f"RSA_PKCS1_V15_{name}") for name in HASHES),
    *(("rsa-2048", f"RSA_PSS_{name}") for name in HASHES),
    ("ec-p256", "ECDSA_P256_SHA256"),
    ("ec-p384", "ECDSA_P384_SHA384"),
]


def digest_of(algorithm: str) -> str:
    return HASHES[algorithm.rsplit("_", 1)[1]]


class Crypto(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--key", "rsa-2048", "--key", "ec-p256", "--key", "mine=ec-p384")
        cls.addClassCleanup(cls.server.kill)

    def setUp(self) -> None:
        super().setUp()
        self.message = self.write("message", b"to be signed " * 1000)
        self.signature = str(self.directory / "signature")

    def sign(self, *arguments: str, **options: object):
        return self.assert_run(
            "sign", self.server.address, "--out", self.signature, *arguments, **options
        )

    def verify(self, *arguments: str, **options: object):
        return self.assert_run(
            "verify", self.server.address, "--signature", self.signature, *arguments, **options
        )

    def openssl_agrees(self, key_type: str, algorithm: str) -> bool:
        key = str(self.directory / "key.pem")
        self.assert_run(
            "keys", "get", self.server.address, "--key-type", key_type, "--format", "pem",
            "--out", key,
        )  # fmt: skip
        command = ["openssl", "dgst", f"-{digest_of(algorithm)}", "-verify", key, "-signature", self.signature]
        if "PSS" in algorithm:
            command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        done = subprocess.run([*command, self.message], capture_output=True, check=False)
        return done.returncode == 0

    def test_every_algorithm(self) -> None:
        for key_type, algorithm in ALGORITHMS:
            choice = ["--key-type", key_type, "--algorithm", algorithm]
            with self.subTest(algorithm):
                self.sign(*choice, "--in", self.message)
                self.verify(*choice, "--in", self.message)
                self.assertTrue(self.openssl_agrees(key_type, algorithm))
                other = self.write("other", "something else")
                self.verify(*choice, "--in", other, code=e2e.EXIT_FAILED)

    def test_digests_and_names(self) -> None:
        with open(self.message, "rb") as message:
            digest = hashlib.sha384(message.read()).digest()
        choice = ["--key", "mine", "--algorithm", "ECDSA_P384_SHA384"]
        self.sign(*choice, "--digest", stdin=digest)
        self.verify(*choice, "--in", self.message)
        self.sign(*choice, "--signature-format", "p1363", "--in", self.message)
        self.verify(*choice, "--signature-format", "p1363", "--in", self.message)

    def test_wrong_pairs_and_digests(self) -> None:
        wrong = e2e.exit_of_status(e2e.INVALID_ARGUMENT), e2e.exit_of_status(e2e.FAILED_PRECONDITION)
        for arguments, stdin in (
            (["--key-type", "ec-p256", "--algorithm", "RSA_PSS_SHA256"], b"x"),
            (["--key-type", "rsa-2048", "--algorithm", "ECDSA_P256_SHA256"], b"x"),
            (["--key-type", "rsa-2048", "--algorithm", "RSA_PSS_SHA256", "--digest"], b"x" * 31),
        ):
            with self.subTest(arguments=arguments):
                done = e2e.run("sign", self.server.address, *arguments, stdin=stdin)
                self.assertIn(done.returncode, (*wrong, e2e.EXIT_USAGE), done.stderr)
                self.assertNotEqual(done.stderr, "")
        done = e2e.run(
            "sign", self.server.address, "--key", "none", "--algorithm", "RSA_PSS_SHA256", stdin=b"x"
        )
        self.assertEqual(done.returncode, e2e.exit_of_status(e2e.NOT_FOUND), done.stderr)

    @e2e.once
    def test_bad_command_lines(self) -> None:
        for arguments in (
            ["sign", "--algorithm", "RSA_PSS_SHA256"],
            ["sign", "--key-type", "rsa-2048"],
            ["sign", "--key-type", "rsa-512", "--algorithm", "RSA_PSS_SHA256"],
            ["sign", "--key-type", "rsa-2048", "--algorithm", "MD5"],
            ["sign", "--key-type", "rsa-2048", "--algorithm", "RSA_PSS_SHA256", "--in", "/none"],
            ["sign", "--key-type", "rsa-2048", "--algorithm", "RSA_PSS_SHA256", "--in", "/"],
            ["verify", "--key-type", "rsa-2048", "--algorithm", "RSA_PSS_SHA256"],
            ["keys"],
            ["keys", "get"],
            ["keys", "get", "--key-type", "rsa-2048", "--format", "xml"],
        ):
            with self.subTest(arguments=arguments):
                self.assertNotEqual(self.assert_run(*arguments, code=e2e.EXIT_USAGE).stderr, "")

    def test_keys(self) -> None:
        listed = self.assert_run("keys", "list", self.server.address).stdout
        for name in ("rsa-2048", "ec-p256", "mine"):
            self.assertIn(name, listed)
        self.assertIn("mine", json.dumps(self.assert_json("keys", "list", self.server.address)))
        get = ["keys", "get", self.server.address, "--key", "mine", "--format"]
        self.assertIn("BEGIN PUBLIC KEY", self.assert_run(*get, "pem").stdout)
        self.assertEqual(json.loads(self.assert_run(*get, "jwk").stdout)["crv"], "P-384")

    def test_waiting_for_the_server(self) -> None:
        choice = ["--key-type", "rsa-2048", "--algorithm", "RSA_PSS_SHA256"]
        self.assert_run(
            "sign", e2e.nobody(), *choice, "--wait-for-ready", "--deadline", "200ms",
            code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED), stdin=b"x",
        )  # fmt: skip

    def test_interrupted(self) -> None:
        choice = ["--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256"]
        wait = ["--deadline", "10m"]
        other = self.write("other", "bytes of before")
        verify = ["verify", *choice, *wait, "--signature", self.message]
        get = ["keys", "get", "--key", "mine", *wait, "--out", other]
        for arguments in (
            ["sign", *choice, *wait, "--out", self.signature], verify,
            ["keys", "list", *wait], get, ["bench", "sign", *choice, "--connect-timeout", "10m"],
        ):  # fmt: skip
            with self.subTest(arguments=arguments), e2e.silent_server() as target:
                client = e2e.start(*arguments, target)
                e2e.let_run(client, 0.1)
                client.send_signal(signal.SIGTERM)
                out, err = client.communicate(timeout=e2e.TIMEOUT_S)
                self.assertEqual(client.returncode, e2e.EXIT_INTERRUPTED, out + err)
        self.assertFalse((self.directory / "signature").exists())
        self.assertEqual((self.directory / "other").read_text(), "bytes of before")

    def test_no_signature_that_has_nowhere_to_go(self) -> None:
        choice = ["--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256", "--in", self.message]
        log = self.directory / "audit.log"
        with e2e.Server("--audit", str(log)) as server:
            for command in (["sign", *choice], ["keys", "get", "--key", "ec-p256"]):
                for out, why in (("/none/x", "No such file"), ("/", "Is a directory")):
                    self.assert_run(
                        *command, server.address, "--out", out,
                        code=e2e.EXIT_USAGE, stderr=f"can't write {out}: {why}",
                    )  # fmt: skip
            self.assertEqual(log.read_text(), "")
            # What only the writing finds out comes after the signature.
            self.assert_run(
                "sign", server.address, *choice, "--out", "/dev/full",
                code=e2e.EXIT_FAILED, stderr="can't write /dev/full: No space left",
            )  # fmt: skip

    def test_files_of_signatures(self) -> None:
        choice = ["--key", "mine", "--algorithm", "ECDSA_P384_SHA384", "--signature-format", "p1363"]
        path = self.directory / "signature"
        self.sign("--key", "none", *choice[2:], code=e2e.exit_of_status(e2e.NOT_FOUND), stdin=b"x")
        self.assertFalse(path.exists(), "a file for no signature")
        path.write_bytes(b"longer than a signature" * 10)
        self.sign("--key", "none", *choice[2:], code=e2e.exit_of_status(e2e.NOT_FOUND), stdin=b"x")
        self.assertEqual(path.stat().st_size, 230)
        self.sign(*choice, stdin=b"x")
        self.assertEqual(path.stat().st_size, 96)
        self.assert_run("sign", self.server.address, *choice, "--out", "/dev/null", stdin=b"x")

    @e2e.once
    def test_bench_help_has_the_defaults(self) -> None:
        for command, connections, streams in (("echo", 10, 100), ("call", 10, 100), ("sign", 2, 10)):
            text = self.assert_run("bench", command, "--help").stdout
            self.assertRegex(text, rf"(?m)^ +-c,--connections .*\(default: {connections}\)$")
            self.assertRegex(text, rf"(?m)^ +-m,--streams .*\(default: {streams}\)$")
        report = self.assert_json(
            "bench", "sign", self.server.address, "--key", "mine", "--algorithm",
            "ECDSA_P384_SHA384", "-n", "20",
        )  # fmt: skip
        settings = report["settings"]
        self.assertEqual((settings["connections"], settings["streams_per_connection"]), (2, 10))

    def test_bench(self) -> None:
        for verify_every in ("1", "5", "0"):
            report = self.assert_json(
                "bench", "sign", self.server.address, "--key-type", "ec-p256", "--algorithm",
                "ECDSA_P256_SHA256", "-n", "500", "-c", "2", "-m", "4",
                "--verify-every", verify_every,
            )  # fmt: skip
            self.assertEqual((report["calls"], report["errors"]), (500, 0))

    def test_bench_mix(self) -> None:
        mix = "ECDSA_P256_SHA256@ec-p256=60, ECDSA_P384_SHA384@mine=40"
        command = ["bench", "sign", self.server.address, "--mix", mix, "-c", "2", "-m", "2"]
        for more in ([], ["-t", "2", "--verify-every", "5"]):
            report = self.assert_json(*command, "-n", "500", *more)
            self.assertEqual((report["calls"], report["errors"]), (500, 0))
            rows = [(row["algorithm"], row["key"], row["weight"]) for row in report["mix"]]
            self.assertEqual(
                rows, [("ECDSA_P256_SHA256", "ec-p256", 60), ("ECDSA_P384_SHA384", "mine", 40)]
            )
            self.assertEqual([row["calls"] for row in report["mix"]], [300, 200])
            for row in report["mix"]:
                latency = row["corrected_latency_ns"]
                values = [latency[name] for name in ("p50", "p99", "p99_9", "max")]
                self.assertEqual(values, sorted(values))
                self.assertEqual((row["errors"], latency["count"]), (0, row["calls"]))
                self.assertGreater(row["calls_per_second"], 0)
        text = self.assert_run(*command, "-n", "50").stdout
        self.assertRegex(text, r"\n  algorithm +key +calls +calls/s +p50 +p99 +p99\.9 +max +errors\n")
        self.assertRegex(text, r"\n  ECDSA_P256_SHA256 +ec-p256 +30 ")

    def test_bench_mix_mistakes(self) -> None:
        one = "ECDSA_P256_SHA256@ec-p256"
        for mix, message in (
            ("ECDSA_P256_SHA256@none", 'no key "none"'),
            (f"{one}=0", "a weight is a whole number, 1 to 1000"),
            (f"{one}=1,RSA_PSS_SHA256@ec-p256=1", "key ec-p256 does not go with RSA_PSS_SHA256"),
            (f"{one},{one}=3", "this algorithm and key are there twice"),
            ("ec-p256=3", "not like ALGORITHM@KEY=WEIGHT"),
        ):
            done = self.assert_run(
                "bench", "sign", self.server.address, "--mix", mix,
                code=e2e.EXIT_USAGE, stderr=message,
            )  # fmt: skip
            self.assertEqual(done.stdout, "")
        for more, message in (
            (["--mix", one, "--algorithm", "ECDSA_P256_SHA256"], "--mix"),
            (["--mix", one, "--key", "mine"], "--mix"),
            (["--algorithm", "ECDSA_P256_SHA256"], "--key or --key-type is required"),
            (["--key", "mine"], "--algorithm is required"),
        ):
            self.assert_run(
                "bench", "sign", self.server.address, *more, code=e2e.EXIT_USAGE, stderr=message
            )


GENPKEY = {
    "rsa-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ec-p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec-p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
}
PSS_OPTIONS = {"rsa_padding_mode": "pss", "rsa_pss_saltlen": "digest"}


@e2e.once
class SignedByOpenSsl(e2e.TestCase):
    """Keys that the openssl program made and signs with, and that a server imported: its signatures go to Verify."""

    def setUp(self) -> None:
        super().setUp()
        self.message = self.write("message", b"to be signed " * 1000)
        self.other = self.write("other", "something else")
        keys = str(self.directory / "keys")
        secret = ["--passphrase-file", crypto_client.write_private(self.directory / "passphrase", "p\n")]
        for key_type, arguments in GENPKEY.items():
            self.openssl("genpkey", *arguments, "-out", self.pem(key_type))
            self.assert_run("keystore", "import", keys, key_type, "--in", self.pem(key_type), *secret)
        self.server = e2e.Server("--key-dir", keys, "--key-passphrase-file", secret[1])
        self.addCleanup(self.server.kill)

    def pem(self, key_type: str) -> str:
        return str(self.directory / f"{key_type}.pem")

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=e2e.TIMEOUT_S)

    def by_dgst(self, key_type: str, algorithm: str, out: str) -> None:
        options = PSS_OPTIONS if "PSS" in algorithm else {}
        self.openssl(
            "dgst", f"-{digest_of(algorithm)}", "-sign", self.pem(key_type), "-out", out,
            *(word for name, value in options.items() for word in ("-sigopt", f"{name}:{value}")), self.message,
        )  # fmt: skip

    def by_pkeyutl(self, key_type: str, algorithm: str, out: str) -> None:
        """Of a digest that openssl did not make."""
        hashed = hashlib.new(digest_of(algorithm), self.directory.joinpath("message").read_bytes()).digest()
        options = {"digest": digest_of(algorithm)} | (PSS_OPTIONS if "PSS" in algorithm else {})
        self.openssl(
            "pkeyutl", "-sign", "-inkey", self.pem(key_type), "-in", self.write("digest", hashed), "-out", out,
            *(word for name, value in options.items() for word in ("-pkeyopt", f"{name}:{value}")),
        )  # fmt: skip

    def test_every_algorithm(self) -> None:
        for key_type, algorithm in ALGORITHMS:
            for signed_by in (self.by_dgst, self.by_pkeyutl):
                with self.subTest(f"{algorithm} {signed_by.__name__}"):
                    signature = str(self.directory / "signature")
                    signed_by(key_type, algorithm, signature)
                    verify = ["verify", self.server.address, "--key", key_type, "--algorithm", algorithm,
                              "--signature", signature]  # fmt: skip
                    self.assert_run(*verify, "--in", self.message)
                    self.assert_run(*verify, "--in", self.other, code=e2e.EXIT_FAILED)

    def test_what_is_signed_otherwise_is_refused(self) -> None:
        """A salt of another length, another padding, another hash: the algorithm that was named decides."""
        signature = str(self.directory / "signature")
        dgst = ["dgst", "-sign", self.pem("rsa-2048"), "-out", signature]
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt"]
        for what, arguments in (
            ("no salt", ["-sha256", *pss, "rsa_pss_saltlen:0"]),
            ("a longer salt", ["-sha256", *pss, "rsa_pss_saltlen:max"]),
            ("PKCS#1 v1.5", ["-sha256"]),
            ("SHA-512", ["-sha512", *pss, "rsa_pss_saltlen:digest"]),
            ("MGF1 with SHA-1", ["-sha256", *pss, "rsa_pss_saltlen:digest", "-sigopt", "rsa_mgf1_md:sha1"]),
        ):
            with self.subTest(what):
                self.openssl(*dgst, *arguments, self.message)
                self.assert_run(
                    "verify", self.server.address, "--key", "rsa-2048", "--algorithm", "RSA_PSS_SHA256",
                    "--signature", signature, "--in", self.message, code=e2e.EXIT_FAILED,
                )  # fmt: skip


if __name__ == "__main__":
    e2e.main()
