"""Bad input, as a table: command, exit code, what is said; and servers that outlive bad peers."""

import os
import signal
import socket
import threading

import grpc
import saker_e2e as e2e

SIGN = ["--key", "mine", "--algorithm", "ECDSA_P256_SHA256"]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
TLS_HELLO = bytes.fromhex(
    "1603010200010001fc0303" + "ab" * 32 + "20" + "cd" * 32 + "0002130101000100"
)


class CommandLines(e2e.TestCase):
    @e2e.once
    def test_table(self) -> None:
        config = self.write("bad.toml", "threads = 1\nthread = 2\n")
        broken = self.write("broken.toml", "threads = \n")
        regular = self.write("regular", "")
        table = [
            # Nothing to do, or not this.
            ([], "A subcommand is required"),
            (["srve"], "unknown command srve; did you mean serve?"),
            (["bench"], "A subcommand is required"),
            (["bench", "ehco"], "unknown command ehco; did you mean echo?"),
            (["version", "now"], "unexpected argument now"),
            # Flags.
            (["serve", "--thread", "1"], "unknown flag --thread; did you mean --threads?"),
            (["serve", "--threads=x"], "'x' is not a whole number from 0 to 1024"),
            (["serve", "--threads"], "--threads"),
            (["serve", "--adaptive-window", "maybe"], "'maybe' is neither on nor off"),
            (["serve", "--max-frame-size", "1KiB"], "'1KiB' is not between 16KiB and"),
            (["serve", "--initial-window", "2GiB"], "'2GiB' is not between"),
            (["serve", "--log-level", "loud"], "none of error, warn, info, debug"),
            (["serve", "--drain-timeout", "10"], "a unit is missing"),
            (["serve", "--busy-poll", "1ms", "--threads", "64"], "--force"),
            (["echo", "--deadline", "1parsec"], "unknown unit 'parsec'"),
            (["echo", "--count", "0"], "'0' is not a whole number from 1 to"),
            (["echo", "--size", "1.5B"], "not a whole number of bytes"),
            (["echo", "--size", "1TiB"], "at most 1GiB"),
            (["bench", "echo", "-n", "1", "-z", "1s"], "excludes"),
            (["bench", "echo", "-z", "0"], "must be more than 0"),
            (["bench", "echo", "-t", "2", "-c", "1"], "each thread needs a connection"),
            (["bench", "echo", "fd:3"], "fd:3 is one connection"),
            (["bench", "echo", "-c", "1000000", "-m", "1000000"], "calls in flight"),
            (["bench", "echo", "--rps", "-5"], "is not a rate"),
            (["bench", "echo", "--schedule", "ramp 1k..2k"], "at character 12, the end: a duration"),
            (["bench", "echo", "--schedule", "hold 1k 1s", "--rps", "5"], "excludes"),
            (["bench", "echo", "--schedule", "hold 1k 1s", "-z", "5s"], "excludes"),
            (["bench", "echo", "--find-max"], "--find-max needs an --assert"),
            (["bench", "echo", "--find-max", "--assert", "errors==0", "-n", "5"], "excludes"),
            (["bench", "echo", "--find-max", "--assert", "errors==0", "--round", "9ms"], "too short"),
            (["bench", "echo", "--find-max", "--assert", "errors==0", "--resolution", "90%"], "no share of"),
            (["bench", "echo", "--round", "1s"], "--round is of --find-max and --compare"),
            (["bench", "echo", "--rounds", "3"], "--rounds is of --compare"),
            (["bench", "echo", "--compare", "tcp,unix", "--rounds", "1"], "from 2 to"),
            (["bench", "echo", "--compare", "tcp"], "two targets at least"),
            (["bench", "echo", "--compare", "tcp,"], "it is empty"),
            (["bench", "echo", "--compare", "tcp,unix,vsock,tcp,unix,vsock,tcp,unix,vsock"], "at most 8"),
            (["bench", "echo", "--compare", "tcp,unix", "-z", "5s"], "excludes"),
            (["bench", "echo", "--compare", "tcp,unix", "--find-max", "--assert", "errors==0"], "excludes"),
            (["bench", "echo", "--compare", "tcp,unix", "--round", "9ms"], "too short"),
            (["bench", "echo", "--compare", "tcp,unix", "--format", "ghz"], "as text, json, csv or html only"),
            (["bench", "echo", "--churn", "0"], "--churn"),
            (["bench", "echo", "--churn-every", "0"], "must be more than 0"),
            (["bench", "echo", "fd:3", "-c", "1", "--churn", "5"], "can't be connected to again"),
            (["bench", "echo", "--arrivals", "late"], "neither constant nor poisson"),
            (["bench", "echo", "--assert", "p99"], "an operator is missing"),
            (["bench", "echo", "--assert", "speed>1"], "unknown metric 'speed'"),
            # Bytes that are no UTF-8.
            (["serve", "--check-config", "--log-file", "/tmp/\udcff.log"], "UTF-8"),
            # Addresses.
            (["echo", "localhost"], "the port is missing"),
            (["echo", "localhost:99999"], "port"),
            (["echo", "::1:50051"], "an IPv6 address needs brackets"),
            (["echo", "vsock:nobody:1"], "CID"),
            (["serve", "--listen", "unix:"], "the path is missing"),
            (["serve", "--listen", "memory://x"], "for tests only"),
            (["serve", "--metrics", "9090"], "the port is missing"),
            (["serve", "--allow-cid", "everyone"], "is not a CID"),
            (["serve", "--key", "dsa-512"], "dsa-512"),
            (["serve", "--key", "a=ec-p256", "--key", "a=ec-p384", "--check-config"], "a"),
            # Where one cannot listen.
            (["serve", "--listen", f"unix:{regular}"], "not a socket is in the way"),
            (["serve", "--listen", "unix:/nonexistent/s.sock"], "No such file or directory"),
            (["serve", "--listen", "192.0.2.1:0"], "192.0.2.1:0"),
            (["serve", "--listen", "fd:99"], "fd:99"),
            # Configuration files.
            (["serve", "--config", config], f"{config}:2: unknown key thread; did you mean threads"),
            (["serve", "--config", config, "--check-config"], "unknown key thread"),
            (["serve", "--config", broken], f"{broken}:1: "),
            (["serve", "--config", "/nonexistent.toml"], "/nonexistent.toml: No such file"),
        ]
        for arguments, message in table:
            with self.subTest(arguments=arguments):
                done = self.assert_run(*arguments, code=e2e.EXIT_USAGE, stderr=message)
                self.assertEqual(done.stdout, "")

    def test_a_busy_port(self) -> None:
        with e2e.Server() as server:
            self.assert_run(
                "serve", "--listen", server.address, code=2, stderr="Address already in use"
            )
            self.assert_run("echo", server.address)

    @e2e.once
    def test_a_unix_socket_that_is_served(self) -> None:
        address = f"unix:{self.directory}/s.sock"
        with e2e.Server(listen=[address]) as server:
            self.assert_run("serve", "--listen", address, code=2, stderr="a live server answers")
            self.assert_run("echo", server.address)

    @e2e.once
    def test_unreachable_targets(self) -> None:
        code = e2e.exit_of_status(e2e.UNAVAILABLE)
        table = [
            (e2e.nobody(), "Connection refused"),
            (f"unix:{self.directory}/none", "No such file or directory"),
            ("unix-abstract:saker-e2e-nobody", "Connection refused"),
            ("no-such-host.invalid:1", "no-such-host.invalid"),
        ]
        for target, message in table:
            with self.subTest(target=target):
                self.assert_run("echo", target, code=code, stderr=message)
                self.assert_run("bench", "echo", target, code=e2e.EXIT_USAGE, stderr=message)
                self.assert_run("sign", target, *SIGN, code=code, stderr=message)
                self.assert_run(
                    "bench", "sign", target, *SIGN, code=e2e.EXIT_USAGE, stderr=message
                )

    @e2e.once
    def test_empty_values(self) -> None:
        """As a shell leaves them where a variable is not set: what follows is not taken for them."""
        for arguments, flag in (
            (["sign", "--key=", "--algorithm", "ECDSA_P256_SHA256"], "--key"),
            (["sign", "--key", "", "--algorithm", "ECDSA_P256_SHA256"], "--key"),
            (["keys", "list", "--ca="], "--ca"),
            (["echo", "--in=", "--count", "1"], "--in"),
            (["bench", "echo", "--server-name="], "--server-name"),
            (["audit", "verify", __file__, "--last-hash="], "--last-hash"),
            (["serve", "--config=", "--check-config"], "--config"),
            (["keystore", "generate", "--passphrase-file=", "dir", "ec-p256"], "--passphrase-file"),
        ):
            with self.subTest(arguments=arguments):
                self.assert_run(
                    *arguments, code=e2e.EXIT_USAGE, stderr=f"{flag}: the value is empty"
                )
        with e2e.Server() as server:
            for flags in (["--payload="], ["--payload", ""], ["--json="]):
                self.assert_run("echo", *flags, server.address)

    def test_targets_that_are_no_grpc_servers(self) -> None:
        answers = {
            "HTTP/1.1": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "ssh": b"SSH-2.0-OpenSSH_9.2p1\r\n",
            "nothing": b"",
        }
        for name, answer in answers.items():
            with self.subTest(name):
                listener, target = e2e.TRANSPORT.raw_listener()
                thread = threading.Thread(target=self.answer, args=(listener, answer), daemon=True)
                thread.start()
                self.assert_run("echo", target, code=e2e.exit_of_status(e2e.UNAVAILABLE))
                self.assert_run("bench", "echo", target, "-c", "1", code=e2e.EXIT_USAGE)
                thread.join()
                listener.close()

    def answer(self, listener: socket.socket, data: bytes) -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(data)


class Peers(e2e.TestCase):
    """Each case ends with an honest call: the server lives."""

    def setUp(self) -> None:
        super().setUp()
        self.server = e2e.Server()
        self.addCleanup(self.stop)
        self.channel = grpc.insecure_channel(self.server.grpc_address)
        self.addCleanup(self.channel.close)

    def stop(self) -> None:
        self.assert_run("echo", self.server.address)
        self.assertEqual(self.server.stop(), 0, self.server.stderr)

    def talk(self, data: bytes) -> bytes:
        """What the server says to `data` until it closes the connection."""
        answer = b""
        with self.server.connect() as peer:
            try:
                peer.sendall(data)
                while chunk := peer.recv(65536):
                    answer += chunk
            except (BrokenPipeError, ConnectionResetError):
                pass
        return answer

    def status_of(self, path: str, request: bytes) -> tuple[grpc.StatusCode, str]:
        call = self.channel.unary_unary(path)
        with self.assertRaises(grpc.RpcError) as raised:
            call(request, timeout=e2e.TIMEOUT_S)
        return raised.exception.code(), raised.exception.details()

    def test_http_1(self) -> None:
        self.talk(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_tls_hello(self) -> None:
        self.talk(TLS_HELLO)

    def test_random_bytes(self) -> None:
        for size in (1, 9, 24, 100, 100_000):
            self.talk(b"\xff" + os.urandom(size))
            self.talk(PREFACE + EMPTY_SETTINGS + b"\xff" * 9 + os.urandom(size))

    def test_half_a_preface_and_gone(self) -> None:
        for size in range(len(PREFACE)):
            with self.server.connect() as peer:
                peer.sendall(PREFACE[:size])

    def test_an_unknown_method(self) -> None:
        code, details = self.status_of("/saker.echo.v1.Echo/Shout", b"")
        self.assertEqual(code, grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("Shout", details)
        code, _ = self.status_of("/no.such.Service/Method", b"")
        self.assertEqual(code, grpc.StatusCode.UNIMPLEMENTED)

    def test_garbage_instead_of_protobuf(self) -> None:
        for path in ("/saker.echo.v1.Echo/Echo", "/grpc.health.v1.Health/Check"):
            code, _ = self.status_of(path, b"\xff\xff\xff\xff")
            self.assertEqual(code, grpc.StatusCode.INTERNAL)

    def test_a_message_over_the_limit(self) -> None:
        for stream in ([], ["--stream"]):
            self.assert_run(
                "echo",
                self.server.address,
                "--size",
                "5MiB",
                *stream,
                code=e2e.exit_of_status(e2e.RESOURCE_EXHAUSTED),
                stderr="RESOURCE_EXHAUSTED",
            )


class Servers(e2e.TestCase):
    def test_killed_in_mid_call(self) -> None:
        for stream in ([], ["--stream"]):
            server = e2e.Server()
            # Stopped, it takes the call and does not answer; then it dies.
            server.send_signal(signal.SIGSTOP)
            client = e2e.start("echo", server.address, "--deadline", "20s", *stream)
            try:
                client.wait(0.5)
            except e2e.subprocess.TimeoutExpired:
                pass
            server.kill()
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(client.returncode, e2e.exit_of_status(e2e.UNAVAILABLE), out + err)

    def test_output_that_nobody_reads(self) -> None:
        """A server whose stdout and stderr have gone, or are full, serves all the same."""
        address = e2e.nobody()
        with open("/dev/full", "wb") as full:
            process = e2e.subprocess.Popen(
                [e2e.SAKER, "serve", "--listen", address, "--key", "ec-p256"],
                stdin=e2e.subprocess.DEVNULL,
                stdout=full,
                stderr=full,
                env=e2e.environment(),
            )
        self.assert_run("echo", address, "--wait-for-ready")
        process.terminate()
        self.assertEqual(process.wait(e2e.TIMEOUT_S), 0)

    def test_output_whose_reader_has_gone(self) -> None:
        address = e2e.nobody()
        process = e2e.start(
            "serve", "--listen", address, "--key", "ec-p256", "--log-level", "debug"
        )
        process.stdout.close()
        process.stderr.close()
        self.assert_run("echo", address, "--wait-for-ready", "--count", "10")
        process.terminate()
        self.assertEqual(process.wait(e2e.TIMEOUT_S), 0)


if __name__ == "__main__":
    e2e.main()
