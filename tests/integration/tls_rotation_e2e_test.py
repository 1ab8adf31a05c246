"""Certificates that are replaced while a server runs: under load, by a signal and without one, and by files
that are no good."""

import json
import os
import shutil
import signal
import subprocess

import saker_e2e as e2e
from tls_case import TlsCase, make_ca


class Rotation(TlsCase):
    def serial(self, server: e2e.Server) -> str:
        """Of the certificate that a new connection is shown."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", server.address, "-alpn", "h2"],
            input=b"", capture_output=True, timeout=e2e.TIMEOUT_S, check=False,
        )  # fmt: skip
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-serial"], input=done.stdout, capture_output=True,
            timeout=e2e.TIMEOUT_S, check=False,
        )  # fmt: skip
        return shown.stdout.decode().strip()

    @e2e.once
    def test_under_load_no_call_fails(self) -> None:
        server = self.serve("--threads", "2")
        bench = e2e.start(
            "bench", "echo", server.address, *self.trust, "-c", "4", "-m", "10", "-z", "6s",
            "--json",
        )  # fmt: skip
        serials = {self.serial(server)}
        for _ in range(3):
            make_ca(self.own)  # the same CA, new certificates
            server.send_signal(signal.SIGHUP)
            before = len(serials)
            self.assertTrue(
                e2e.eventually(lambda: len(serials | {self.serial(server)}) > before), server.stderr
            )
            serials.add(self.serial(server))
            self.assert_run("echo", server.address, *self.trust)
        out, error = bench.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(bench.returncode, 0, error)
        report = json.loads(out)
        self.assertEqual(report["errors"], 0)
        self.assertGreater(report["calls"], 0)
        self.assertIn("new TLS certificate: CN=Saker test server", server.stderr)
        self.assertEqual(server.stop(), 0)

    def rotate(self, server: e2e.Server) -> None:
        """A new certificate, and a connection that is shown it."""
        before = self.serial(server)
        make_ca(self.own)
        server.send_signal(signal.SIGHUP)
        self.assertTrue(e2e.eventually(lambda: self.serial(server) != before), server.stderr)

    @e2e.once
    def test_h2load_connects_through_rotations_and_no_call_fails(self) -> None:
        if shutil.which("h2load") is None:
            self.skipTest("no h2load")
        server = self.serve("--threads", "2")
        # Twenty connections a second, for six seconds, each with twenty calls.
        load = subprocess.Popen(
            ["h2load", "-c", "120", "-r", "20", "-n", "2400", "-m", "10", *self.grpc_request(server)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        rotations = 0
        while load.poll() is None:
            self.rotate(server)
            rotations += 1
        said = load.communicate(timeout=e2e.TIMEOUT_S)[0]
        self.assertGreater(rotations, 0)
        self.assertIn("2400 succeeded, 0 failed, 0 errored, 0 timeout", said)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.calls(), {"OK": 2400})

    def test_a_changed_file_is_read_without_a_signal(self) -> None:
        server = self.serve()
        make_ca(self.own)
        self.assert_log(server, "new TLS certificate: CN=Saker test server, valid until ")
        self.assert_run("echo", server.address, *self.trust)

    def test_a_bad_file_changes_nothing(self) -> None:
        server = self.serve()
        (self.own / "server.pem").write_text("nonsense")
        self.assert_log(server, "the TLS certificate stays as it was: --tls-cert ")
        self.assert_run("echo", server.address, *self.trust)
        os.unlink(self.own / "server.pem")
        server.send_signal(signal.SIGHUP)
        self.assert_log(server, "No such file or directory")
        self.assert_run("echo", server.address, *self.trust)
        make_ca(self.own)
        self.assert_log(server, "new TLS certificate: ")
        self.assert_run("echo", server.address, *self.trust)


if __name__ == "__main__":
    e2e.main()
