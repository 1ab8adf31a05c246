"""saker interop-server and interop-client: every official case against each other, choice of cases, soaks, and what a
server that is none is said to be. Against other implementations: ./dev interop."""

from __future__ import annotations

import re
import signal
import subprocess

import saker_e2e as e2e
from tls_case import make_ca


# 90 s of emulated AES, for what each transport outside of the virtual machine shows in two. Without TLS it runs there, too.
TOO_MUCH_TO_EMULATE = ("concurrent_large_unary",)


class InteropServer:
    """`saker interop-server`, which must end cleanly."""

    def __init__(self, *arguments: str, listen: str | None = None) -> None:
        self.process = subprocess.Popen(
            [e2e.SAKER, "interop-server", "--listen", listen or e2e.TRANSPORT.listen(), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=e2e.environment(),
        )  # fmt: skip
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise AssertionError(line + self.process.communicate()[1])
        self.address = line.removeprefix("listening on ")

    def __enter__(self) -> InteropServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=e2e.TIMEOUT_S)
        assert self.process.returncode == 0, err


def names() -> list[str]:
    return e2e.run("interop-client", "--list").stdout.split()


class Interop(e2e.TestCase):
    def client(self, server: InteropServer, *arguments: str, code: int = e2e.EXIT_OK) -> str:
        # Of a case: what it transfers takes half a minute where a machine is emulated.
        deadline = () if "--deadline" in arguments else ("--deadline", f"{e2e.TIMEOUT_S - 10:.0f}s")
        done = e2e.run("interop-client", server.address, "--soak-max-latency", "20s", *deadline, *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_all_cases(self) -> None:
        with InteropServer("--threads", "2") as server:
            lines = self.client(server).splitlines()
        self.assertEqual([line.split()[:2] for line in lines[:-1]], [["ok", name] for name in names()])
        self.assertEqual(lines[-1], f"{len(names())} cases, 0 failed")

    def test_chosen_cases(self) -> None:
        with InteropServer() as server:
            text = self.client(server, "--test-case", "ping_pong", "--test-case", "empty_unary", "--deadline", "20s")
        self.assertEqual(re.findall(r"^ok +(\w+)", text, re.MULTILINE), ["ping_pong", "empty_unary"])

    def test_soaks(self) -> None:
        with InteropServer() as server:
            for case in ("rpc_soak", "channel_soak"):
                self.client(server, "--test-case", case, "--soak-iterations", "25", "--soak-timeout", "1m")
                # No call takes a nanosecond.
                slow = ("--test-case", case, "--soak-max-latency", "1ns", "--soak-timeout", "1m")
                text = self.client(server, *slow, code=e2e.EXIT_FAILED)
                self.assertIn(f"FAIL  {case}", text)
                self.assertIn("10 failures; iteration 0: took ", text)
                self.client(server, *slow, "--soak-max-failures", "10")
                short = ("--test-case", case, "--soak-iterations", "1000000", "--soak-timeout", "1ms")
                self.assertIn("not 1000000", self.client(server, *short, code=e2e.EXIT_FAILED))

    def test_tls(self) -> None:
        make_ca(self.directory)
        files = ("--tls-cert", f"{self.directory}/server.pem", "--tls-key", f"{self.directory}/server.key")
        with InteropServer(*files) as server:
            trust = ("--ca", f"{self.directory}/ca.pem", "--server-name", "localhost")
            for case in names():  # each with its own time: emulated AES is slow
                if e2e.SLOWNESS == 1 or case not in TOO_MUCH_TO_EMULATE:
                    self.client(server, *trust, "--test-case", case)
            self.client(server, "--test-case", "empty_unary", "--deadline", "5s", code=e2e.EXIT_FAILED)
        self.assert_run("interop-server", files[0], files[1], code=e2e.EXIT_USAGE)

    def test_a_server_that_is_none(self) -> None:
        with e2e.Server() as server:  # gRPC, but not this service
            done = e2e.run("interop-client", server.address, "--test-case", "all")
        self.assertEqual(done.returncode, e2e.EXIT_FAILED)
        ok = re.findall(r"^ok +(\w+)", done.stdout, re.MULTILINE)
        self.assertLessEqual(set(ok), {"unimplemented_method", "unimplemented_service", "cancel_after_begin",
                                       "timeout_on_sleeping_server"})
        self.assertIn("FAIL  empty_unary", done.stdout)
        self.assertIn("the status is UNIMPLEMENTED", done.stdout)

    def test_nobody_there(self) -> None:
        done = e2e.run("interop-client", e2e.TRANSPORT.nobody(), "--test-case", "empty_unary")
        self.assertEqual(done.returncode, e2e.EXIT_FAILED)
        self.assertIn("UNAVAILABLE", done.stdout)

    def test_interrupted(self) -> None:
        with e2e.silent_server() as target:
            client = e2e.start("interop-client", target, "--test-case", "empty_unary", "--deadline", "10m")
            e2e.let_run(client, 0.1)
            client.send_signal(signal.SIGTERM)
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(client.returncode, e2e.EXIT_INTERRUPTED, out + err)

    @e2e.once
    def test_command_line(self) -> None:
        self.assert_run("interop-client", "--test-case", "no_such", code=e2e.EXIT_USAGE, stderr="no case 'no_such'")
        self.assert_run("interop-server", "--listen", "nonsense", code=e2e.EXIT_USAGE)
        self.assert_run("interop-server", "--listen", "192.0.2.1:1", code=e2e.EXIT_USAGE, stderr="192.0.2.1:1")


if __name__ == "__main__":
    e2e.main()
