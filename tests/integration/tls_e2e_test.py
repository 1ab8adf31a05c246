"""TLS and mutual TLS: every client command, what is refused and in which words, and other people's
programs at the other end."""

import pathlib
import shutil
import subprocess
from concurrent import futures

import saker_e2e as e2e
from tls_case import ECHO, TlsCase, make_ca

SIGN = ["--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256"]
TRUST = "the server's certificate is not trusted"


def issue_server_certificate(directory: pathlib.Path, name: str) -> None:
    """For that name alone."""
    key, request = str(directory / "server.key"), str(directory / "server.csr")
    ca = ["-CA", str(directory / "ca.pem"), "-CAkey", str(directory / "ca.key")]
    for arguments in (
        ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", request, "-subj", "/CN=other",
         "-addext", f"subjectAltName=DNS:{name}"],
        ["x509", "-req", "-in", request, *ca, "-days", "1", "-copy_extensions", "copy",
         "-out", str(directory / "server.pem")],
    ):  # fmt: skip
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Commands(TlsCase):
    def all_commands(self, target: str, tls: list[str]) -> None:
        self.assert_run("echo", target, *tls, "--payload", "hello", "--count", "3")
        self.assert_run("echo", target, *tls, "--size", "1MiB", "--stream", "--count", "3")
        data = self.write("data", "to be signed")
        signature = str(self.directory / "signature")
        self.assert_run("sign", target, *tls, *SIGN, "--in", data, "--out", signature)
        done = self.assert_run("verify", target, *tls, *SIGN, "--in", data, "--signature", signature)
        self.assertIn("valid", done.stdout)
        self.assertIn("ec-p256", self.assert_run("keys", "list", target, *tls).stdout)
        pem = self.assert_run("keys", "get", target, *tls, "--key-type", "ec-p256").stdout
        self.assertIn("BEGIN PUBLIC KEY", pem)
        report = self.assert_json("bench", "echo", target, *tls, "-n", "5000", "-c", "3", "-m", "10")
        self.assertEqual((report["calls"], report["errors"]), (5000, 0))
        report = self.assert_json("bench", "sign", target, *tls, *SIGN, "-n", "50", "-c", "2", "-m", "2")
        self.assertEqual((report["calls"], report["errors"]), (50, 0))

    def test_over_tls(self) -> None:
        server = self.serve("--threads", "2")
        self.assertEqual(server.ready_lines, [f"listening on {server.address} with TLS"])
        self.all_commands(server.address, self.trust)
        self.assertNotIn("without TLS", server.stderr)
        self.assertEqual(server.stop(), 0)

    def test_over_mutual_tls(self) -> None:
        server = self.serve_mutual("--threads", "2", "--log-level", "debug", "--log-sample", "1000")
        self.all_commands(server.address, self.client)
        self.assertEqual(server.stop(), 0)
        self.assertIn("spiffe://saker.test/client", server.stderr)

    def test_aliases(self) -> None:
        server = self.serve_mutual()
        pair = ["--cert", str(self.ca / "client.pem"), "--key", str(self.ca / "client.key")]
        self.assert_run("echo", server.address, *self.trust, *pair)
        self.assert_run("keys", "list", server.address, *self.trust, *pair)

    def test_a_plaintext_listener_beside(self) -> None:
        beside = e2e.nobody()
        server = self.serve("--listen-plaintext", beside)
        self.assertEqual(len(server.ready_lines), 2)
        self.assertTrue(server.ready_lines[0].endswith(" with TLS"))
        self.assertFalse(server.ready_lines[1].endswith(" with TLS"))
        self.assert_run("echo", server.addresses[0], *self.trust)
        self.assert_run("echo", server.addresses[1], "--plaintext")


class Refusals(TlsCase):
    def assert_unavailable(self, target: str, *arguments: str, stderr: str) -> None:
        done = self.assert_run("echo", target, *arguments, code=e2e.exit_of_status(e2e.UNAVAILABLE))
        self.assertIn(stderr, done.stdout + done.stderr)

    def test_servers_that_are_not_trusted(self) -> None:
        other = self.directory / "other"
        make_ca(other)
        server = self.serve()
        self.assert_unavailable(server.address, "--tls", "--ca", str(other / "ca.pem"), stderr=TRUST)
        self.assert_log(server, "TLS: the client ")
        self.assert_unavailable(server.address, "--tls", stderr=TRUST)
        self.assert_run("echo", server.address, "--skip-verify")

    def test_the_name(self) -> None:
        server = self.serve()
        self.assert_unavailable(
            server.address, *self.trust, "--server-name", "elsewhere.test",
            stderr="is not for the name that was asked for; it is for localhost, 127.0.0.1",
        )  # fmt: skip
        self.assert_run("echo", server.address, *self.trust, "--server-name", "localhost")
        self.assert_run("echo", server.address, *self.trust, "--server-name", "127.0.0.1")

    @e2e.once
    def test_a_target_without_a_host_is_localhost(self) -> None:
        target = ":" + self.serve().address.rpartition(":")[2]
        self.assert_run("echo", target, *self.trust)
        issue_server_certificate(self.own, "elsewhere.test")
        target = ":" + self.serve().address.rpartition(":")[2]
        self.assert_unavailable(
            target, *self.trust,
            stderr="is not for the name that was asked for; it is for elsewhere.test",
        )  # fmt: skip
        self.assert_run("echo", target, *self.trust, "--server-name", "elsewhere.test")

    def test_clients_without_a_certificate(self) -> None:
        server = self.serve_mutual()
        self.assert_unavailable(
            server.address, *self.trust, stderr="the server requires a certificate of ours"
        )
        self.assert_log(server, "the client sent no certificate, and one is required")

    def test_clients_of_another_ca(self) -> None:
        other = self.directory / "other"
        make_ca(other)
        server = self.serve_mutual()
        pair = ["--tls-cert", str(other / "client.pem"), "--tls-key", str(other / "client.key")]
        self.assert_unavailable(server.address, *self.trust, *pair, stderr="the server ")
        self.assert_log(server, "the client's certificate is not trusted")

    def test_plaintext_at_a_tls_port(self) -> None:
        server = self.serve()
        self.assert_unavailable(
            server.address, stderr="the server speaks TLS, and this end does not"
        )
        self.assert_log(server, "TLS: the client speaks HTTP/2 without TLS")
        self.assert_run("echo", server.address, *self.trust)

    def test_tls_at_a_plaintext_port(self) -> None:
        server = e2e.Server()
        self.addCleanup(server.kill)
        self.assert_unavailable(
            server.address, *self.trust, stderr="TLS: the server speaks HTTP/2 without TLS"
        )
        self.assert_log(server, "the client speaks TLS, and this end does not")
        self.assert_run("echo", server.address)

    def test_http_1_at_a_tls_port(self) -> None:
        server = self.serve()
        with server.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.settimeout(e2e.TIMEOUT_S)
            self.assertEqual(connection.recv(100)[:2], b"\x15\x03", "a TLS alert")
        self.assert_log(server, "TLS: the client speaks HTTP/1 without TLS")


@e2e.once
class Settings(TlsCase):
    def test_client_flags(self) -> None:
        cases = (
            (["--tls", "--plaintext"], "plaintext"),
            (["--ca", "x", "--plaintext"], "plaintext"),
            (["--tls-cert", "x"], "--tls-key"),
            (["--tls-key", "x"], "--tls-cert"),
            (["--ca", "/nonexistent/ca.pem"], "--ca /nonexistent/ca.pem"),
            (["--tls-cert", "/dev/null", "--tls-key", "/dev/null"], "--tls-cert /dev/null: there is no"),
            (["--ca", "/dev/null"], "--ca /dev/null: there is no CA certificate"),
        )
        for arguments, text in cases:
            self.assert_run("echo", e2e.nobody(), *arguments, code=e2e.EXIT_USAGE, stderr=text)

    def test_server_flags(self) -> None:
        cert, key = str(self.own / "server.pem"), str(self.own / "server.key")
        both = ["--tls-cert", cert, "--tls-key", key]
        cases = (
            (["--tls-cert", cert], "--tls-cert and --tls-key go together"),
            (["--tls-key", key], "--tls-cert and --tls-key go together"),
            (["--require-client-cert"], "need --tls-cert"),
            ([*both, "--require-client-cert"], "needs --tls-client-ca"),
            (["--tls-cert", "/nonexistent", "--tls-key", key], "--tls-cert /nonexistent: "),
            (["--tls-cert", key, "--tls-key", key], f"--tls-cert {key}: there is no certificate"),
            (["--tls-cert", cert, "--tls-key", cert], f"--tls-key {cert}: there is no private key"),
            (["--tls-cert", cert, "--tls-key", str(self.own / "client.key")], "does not belong to"),
            ([*both, "--tls-client-ca", "/dev/null"], "--tls-client-ca /dev/null: there is no"),
            ([*both, "--tls-client-ca", key], f"--tls-client-ca {key}: there is no CA certificate"),
        )
        for arguments, text in cases:
            for more in ([], ["--check-config"]):
                self.assert_run("serve", *arguments, *more, code=e2e.EXIT_USAGE, stderr=text)

    def test_configuration_file(self) -> None:
        text = "".join(
            f'{key} = "{self.own / file}"\n'
            for key, file in (
                ("tls_cert", "server.pem"), ("tls_key", "server.key"), ("tls_client_ca", "ca.pem"),
            )
        )  # fmt: skip
        text += 'require_client_cert = true\nlisten_plaintext = ["127.0.0.1:0"]\n'
        config = self.write("saker.toml", text)
        printed = self.assert_run("serve", "--config", config, "--check-config").stdout
        for line in text.splitlines():
            self.assertIn(line, printed)
        server = e2e.Server("--config", config, listen=["127.0.0.1:0"])
        self.addCleanup(server.kill)
        self.assert_run("echo", server.address, *self.client)


@e2e.once
class OtherPrograms(TlsCase):
    def s_client(self, server: e2e.Server, *arguments: str) -> str:
        done = subprocess.run(
            ["openssl", "s_client", "-connect", server.address, "-CAfile", str(self.ca / "ca.pem"),
             *arguments],
            input=b"", capture_output=True, timeout=e2e.TIMEOUT_S, check=False,
        )  # fmt: skip
        return (done.stdout + done.stderr).decode(errors="replace")

    def test_openssl(self) -> None:
        server = self.serve()
        for version, name in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            said = self.s_client(server, "-alpn", "h2", version)
            self.assertIn("ALPN protocol: h2", said)
            self.assertIn("Verify return code: 0 (ok)", said)
            self.assertIn(name, said)
        self.assertIn("no application protocol", self.s_client(server))
        self.assertIn("no application protocol", self.s_client(server, "-alpn", "http/1.1"))
        old = self.s_client(server, "-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        self.assertIn("alert protocol version", old)
        weak = self.s_client(server, "-alpn", "h2", "-tls1_2", "-cipher", "AES256-SHA:@SECLEVEL=0")
        self.assertIn("handshake failure", weak)
        self.assert_log(server, "the client speaks only versions of TLS before 1.2")

    def test_h2load(self) -> None:
        if shutil.which("h2load") is None:
            self.skipTest("no h2load")
        server = self.serve()
        done = subprocess.run(
            ["h2load", "-n", "2000", "-c", "4", "-m", "10", *self.grpc_request(server)],
            capture_output=True, text=True, timeout=e2e.TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertIn("2000 succeeded, 0 failed", done.stdout)
        self.assertIn("Application protocol: h2", done.stdout)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.calls(), {"OK": 2000})

    def test_grpc_python_as_a_client(self) -> None:
        import grpc

        server = self.serve_mutual()
        credentials = grpc.ssl_channel_credentials(
            *((self.ca / name).read_bytes() for name in ("ca.pem", "client.key", "client.pem"))
        )
        with grpc.secure_channel(server.address, credentials) as channel:
            reply = channel.unary_unary(ECHO)(b"\x0a\x05hello", timeout=e2e.TIMEOUT_S)
        self.assertTrue(reply.startswith(b"\x0a\x05hello"))
        bare = grpc.ssl_channel_credentials((self.ca / "ca.pem").read_bytes())
        with grpc.secure_channel(server.address, bare) as channel:
            with self.assertRaises(grpc.RpcError) as refused:
                channel.unary_unary(ECHO)(b"", timeout=e2e.TIMEOUT_S)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_grpc_python_as_a_server(self) -> None:
        import grpc

        # The fields that a reply repeats have the request's numbers.
        echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
        services = grpc.method_handlers_generic_handler("saker.echo.v1.Echo", {"Echo": echo})
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((services,))
        files = [(self.ca / name).read_bytes() for name in ("server.key", "server.pem", "ca.pem")]
        credentials = grpc.ssl_server_credentials([(files[0], files[1])], files[2], True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        self.addCleanup(server.stop, None)
        target = f"127.0.0.1:{port}"
        done = self.assert_run("echo", target, *self.client, "--payload", "hello")
        self.assertIn("hello", done.stdout)
        self.assert_run("echo", target, *self.trust, code=e2e.exit_of_status(e2e.UNAVAILABLE))


if __name__ == "__main__":
    e2e.main()
