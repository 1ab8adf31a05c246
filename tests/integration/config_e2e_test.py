"""The configuration file of `saker serve`: the same as flags, checked without starting anything."""

import crypto_client
import saker_e2e as e2e

RULE = '[[rule]]\ncallers = ["any"]\nkeys = ["*"]\noperations = ["sign"]\n'

# Every flag that has a key, and the key's line: no value is the default. DIR is the test's directory.
SETTINGS = [
    (["--listen", "127.0.0.1:1", "--listen", "unix:/x"], 'listen = ["127.0.0.1:1", "unix:/x"]'),
    (["--no-vsock"], "no_vsock = true"),
    (["--no-reflection"], "no_reflection = true"),
    (["--allow-cid", "42,43", "--allow-cid", "host"], 'allow_cid = ["42", "43", "host"]'),
    (["--threads", "3"], "threads = 3"),
    (["--crypto-threads", "4"], "crypto_threads = 4"),
    (["--key", "a=ec-p256", "--key", "rsa-2048"], 'key = ["a=ec-p256", "rsa-2048"]'),
    (["--policy", "DIR/policy.toml"], 'policy = "DIR/policy.toml"'),
    (["--audit", "DIR/audit.log"], 'audit = "DIR/audit.log"'),
    (["--audit-sync", "always"], 'audit_sync = "always"'),
    (["--audit-required"], "audit_required = true"),
    (["--max-sign-stream", "1GiB"], 'max_sign_stream = "1GiB"'),
    (["--max-connections", "77"], "max_connections = 77"),
    (["--max-memory", "1GiB"], 'max_memory = "1GiB"'),
    (["--max-streams", "9"], "max_streams = 9"),
    (["--max-receive-size", "1MiB"], 'max_receive_size = "1MiB"'),
    (["--max-send-size", "2MiB"], 'max_send_size = "2MiB"'),
    (["--max-connection-memory", "64MiB"], 'max_connection_memory = "64MiB"'),
    (["--initial-window", "128KiB"], 'initial_window = "128KiB"'),
    (["--adaptive-window", "off"], "adaptive_window = false"),
    (["--compression", "gzip"], 'compression = "gzip"'),
    (["--max-frame-size", "64KiB"], 'max_frame_size = "64KiB"'),
    (["--max-header-list", "32KiB"], 'max_header_list = "32KiB"'),
    (["--keepalive-time", "30s"], 'keepalive_time = "30s"'),
    (["--keepalive-timeout", "5s"], 'keepalive_timeout = "5s"'),
    (["--keepalive-min-ping-interval", "10s"], 'keepalive_min_ping_interval = "10s"'),
    (["--keepalive-permit-without-calls"], "keepalive_permit_without_calls = true"),
    (["--max-connection-idle", "5m"], 'max_connection_idle = "5m"'),
    (["--max-connection-age", "1h"], 'max_connection_age = "1h"'),
    (["--max-connection-age-grace", "20s"], 'max_connection_age_grace = "20s"'),
    (["--busy-poll", "50us"], 'busy_poll = "50us"'),
    (["--force"], "force = true"),
    (["--drain-timeout", "1500ms"], 'drain_timeout = "1500ms"'),
    (["--metrics", "127.0.0.1:2"], 'metrics = "127.0.0.1:2"'),
    (["--log-file", "DIR/saker.log"], 'log_file = "DIR/saker.log"'),
    (["--log-level", "debug"], 'log_level = "debug"'),
    (["--log-format", "json"], 'log_format = "json"'),
    (["--log-sample", "10"], "log_sample = 10"),
]

# Those of TLS need a certificate: tls_e2e_test.py has them in a file.
OF_TLS = {"listen_plaintext", "require_client_cert"}


def key_of(line: str) -> str:
    return line.split(" = ")[0]


class Config(e2e.TestCase):
    def effective(self, *arguments: str) -> str:
        return self.assert_run("serve", "--check-config", *arguments).stdout

    def test_a_file_says_what_flags_say(self) -> None:
        self.write("policy.toml", RULE)
        here = str(self.directory)
        flags = [flag.replace("DIR", here) for setting in SETTINGS for flag in setting[0]]
        lines = [line.replace("DIR", here) for _, line in SETTINGS]
        path = self.write("saker.toml", "\n".join(lines) + "\n")
        from_flags = self.effective(*flags)
        self.assertEqual(self.effective("--config", path), from_flags)
        others = [line for line in from_flags.splitlines() if key_of(line) not in OF_TLS]
        self.assertCountEqual(others, lines)

    def test_every_setting_is_here(self) -> None:
        keys = {key_of(line) for line in self.effective().splitlines()}
        tested = {key_of(line) for _, line in SETTINGS}
        self.assertEqual(keys - tested, OF_TLS)

    def test_what_is_printed_can_be_read(self) -> None:
        first = self.effective("--threads", "2", "--listen", "unix:/a b\"c")
        path = self.write("again.toml", first)
        self.assertEqual(self.effective("--config", path), first)

    def test_flags_beat_the_file(self) -> None:
        path = self.write("saker.toml", 'threads = 3\nlisten = ["unix:/file"]\nlog_sample = 5\n')
        result = self.effective("--config", path, "--threads", "7", "--listen", "unix:/flag")
        self.assertIn("threads = 7\n", result)
        self.assertIn('listen = ["unix:/flag"]\n', result)
        self.assertIn("log_sample = 5\n", result)

    def test_defaults(self) -> None:
        result = self.effective("--no-vsock")
        self.assertIn('listen = ["127.0.0.1:50051"]\n', result)
        self.assertIn('allow_cid = ["local", "host"]\n', result)
        self.assertRegex(result, r"(?m)^threads = [1-9]\d*$")
        self.assertRegex(result, r"(?m)^crypto_threads = [1-9]\d*$")
        with_vsock = self.effective()
        self.assertIn(
            with_vsock.splitlines()[0],
            ('listen = ["127.0.0.1:50051"]', 'listen = ["127.0.0.1:50051", "vsock:any:50051"]'),
        )
        self.assertIn("allow_cid = []\n", self.effective("--listen", "vsock:any:1"))

    def test_a_server_runs_from_a_file(self) -> None:
        path = self.write("saker.toml", f'listen = ["unix:{self.directory}/s"]\nthreads = 1\n')
        with e2e.Server("--config", path, listen=()) as server:
            self.assertEqual(server.addresses, [f"unix:{self.directory}/s"])
            self.assert_run("echo", server.address)


class Checks(e2e.TestCase):
    """What --check-config finds wrong keeps a server from starting, too, and the other way round."""

    def setUp(self) -> None:
        super().setUp()
        self.keys = str(self.directory / "keys")
        self.passphrase = crypto_client.write_private(self.directory / "passphrase", "pass word\n")
        self.assert_run(
            "keystore", "generate", self.keys, "pay=ec-p256", "--passphrase-file", self.passphrase
        )

    def refuse(self, *arguments: str, stderr: str) -> None:
        for more in ([], ["--check-config"]):
            with self.subTest(arguments=arguments, more=more):
                done = self.assert_run(
                    "serve", "--listen", "127.0.0.1:0", *arguments, *more,
                    code=e2e.EXIT_USAGE, stderr=stderr,
                )  # fmt: skip
                self.assertEqual(done.stdout, "")

    def test_keys_and_policy(self) -> None:
        text = f'key_dir = "{self.keys}"\nkey_passphrase_file = "{self.passphrase}"\n'
        text += f'policy = "{self.write("policy.toml", RULE)}"\n'
        good = self.write("good.toml", text)
        printed = self.assert_run("serve", "--config", good, "--check-config").stdout
        for line in text.splitlines():
            self.assertIn(line, printed)
        wrong = crypto_client.write_private(self.directory / "wrong", "another\n")
        bad_policy = self.write("bad.toml", '[[rule]]\ncallers = ["all"]\n')
        key_dir, passphrase = ["--key-dir", self.keys], ["--key-passphrase-file", self.passphrase]
        for arguments, text in (
            (["--policy", "/nonexistent"], "policy /nonexistent"),
            (["--policy", bad_policy], f"{bad_policy}:"),
            (["--key-dir", "/nonexistent", *passphrase], "/nonexistent"),
            ([*key_dir, "--key-passphrase-file", "/nonexistent"], "/nonexistent"),
            ([*key_dir, "--key-passphrase-file", wrong], "the passphrase is wrong"),
            (key_dir, "needs --key-passphrase-file"),
            (passphrase, "--key-passphrase-file needs the --key-dir"),
        ):
            self.refuse(*arguments, stderr=text)

    def test_files_that_are_written(self) -> None:
        for flag in ("--audit", "--log-file"):
            self.refuse(flag, "/nonexistent/log", stderr="/nonexistent/log: No such file")
            self.refuse(flag, str(self.directory), stderr="Is a directory")
        self.assert_run("serve", "--audit", str(self.directory / "new"), "--check-config")
        self.assertFalse((self.directory / "new").exists())

    def test_a_token(self) -> None:
        module = self.write("module.so", "no matter: a token is not asked")
        self.assert_run(
            "serve", "--pkcs11-module", module, "--pkcs11-pin-file", self.passphrase,
            "--check-config",
        )  # fmt: skip
        for arguments, text in (
            (["--pkcs11-module", "/nonexistent.so", "--pkcs11-pin-file", self.passphrase],
             "/nonexistent.so"),
            (["--pkcs11-module", module, "--pkcs11-pin-file", "/nonexistent"], "/nonexistent"),
            (["--pkcs11-module", module], "needs --pkcs11-pin-file"),
        ):  # fmt: skip
            self.assert_run(
                "serve", *arguments, "--check-config", code=e2e.EXIT_USAGE, stderr=text
            )

    def test_metrics_are_served_over_tcp(self) -> None:
        self.refuse("--metrics", "unix:/x", stderr="metrics are served over TCP")
        config = self.write("saker.toml", 'metrics = "unix:/x"\n')
        self.refuse("--config", config, stderr="metrics are served over TCP")


if __name__ == "__main__":
    e2e.main()
