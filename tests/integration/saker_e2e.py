"""Harness of the end-to-end tests: the real program, real sockets, exit codes and output.

The program is $SAKER, or build/release/saker. A test that starts a server gets one on the transport
that $SAKER_TEST_TRANSPORT names (tests/support/transports.py; default tcp), and fails if that server
does not end cleanly. What has nothing to do with the transport is marked @e2e.once and runs for tcp.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator, Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))

import case_results  # noqa: E402
import transports  # noqa: E402

SAKER = os.environ.get("SAKER", str(ROOT / "build/release/saker"))
SANITIZED = bool(os.environ.get("SAKER_SANITIZE"))
# Under sanitizers and on a busy machine everything takes longer; what a limit is for stays visible.
SLOWNESS = float(os.environ.get("SAKER_TEST_SLOWNESS", "1"))  # of an emulated machine
TIMEOUT_S = (60.0 if SANITIZED else 30.0) * SLOWNESS

# How many processes the tests of kill -9 kill, however long it takes; 0: what fits into a test's time.
KILLS = int(os.environ.get("SAKER_TEST_KILLS", "0"))

TRANSPORT = transports.current()

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_ASSERTION = 99
EXIT_INTERRUPTED = 130
EXIT_SKIPPED = 126  # of a test


def exit_of_status(code: int) -> int:
    return 64 + code


INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    values = {k: v for k, v in os.environ.items() if k not in ("SAKER_TARGET", "NOTIFY_SOCKET")}
    return values | (extra or {})


def run(
    *arguments: str,
    env: dict[str, str] | None = None,
    stdin: bytes | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Runs `saker ARGUMENTS` to its end."""
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        [SAKER, *arguments],
        capture_output=True,
        timeout=TIMEOUT_S,
        env=environment(env),
        pass_fds=pass_fds,
        check=False,
        **source,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Starts `saker ARGUMENTS`; whoever calls this waits for its end."""
    return subprocess.Popen(
        [SAKER, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(env),
    )


def start_stream(address: str, count: int, interval: str) -> subprocess.Popen[str]:
    """Starts `saker echo --stream` and waits for its first reply, of whose line it takes one byte."""
    client = start("echo", address, "--stream", "--count", str(count), "--interval", interval)
    if not select.select([client.stdout], [], [], TIMEOUT_S)[0]:
        client.kill()
    os.read(client.stdout.fileno(), 1)
    return client


class Server:
    """`saker serve` with one cheap key; as a context it is drained at the end and must exit with 0."""

    def __init__(
        self,
        *arguments: str,
        listen: Sequence[str] | None = None,  # the transport's; empty: what the arguments say
        env: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        preexec: Callable[[], None] | None = None,
    ) -> None:
        listen = [TRANSPORT.listen()] if listen is None else listen
        command = [SAKER, "serve", *arguments]
        if not any(a.split("=")[0] in ("--key", "--key-dir", "--pkcs11-module") for a in arguments):
            command += ["--key", "ec-p256"]
        for address in listen:
            command += ["--listen", address]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(env),
            pass_fds=pass_fds,
            preexec_fn=preexec,
        )
        self._stderr: list[str] = []
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        listeners = len(listen) + arguments.count("--listen-plaintext")
        self.ready_lines = self._wait_until_ready(max(1, listeners), "--metrics" in arguments)
        self.addresses = [
            line.removeprefix("listening on ").removesuffix(" with TLS")
            for line in self.ready_lines
            if line.startswith("listening on ")
        ]

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._stderr.append(line)

    def _wait_until_ready(self, listeners: int, metrics: bool) -> list[str]:
        assert self.process.stdout is not None
        lines: list[str] = []
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + TIMEOUT_S
        while len(lines) < listeners + metrics:
            if not selector.select(deadline - time.monotonic()):
                self.kill()
                raise AssertionError(f"the server is not ready: {lines} {self.stderr}")
            for _ in range(listeners + metrics - len(lines)):
                line = self.process.stdout.readline()
                if not line:
                    self.process.wait(TIMEOUT_S)
                    self._reader.join(TIMEOUT_S)
                    raise AssertionError(f"the server ended: {self.stderr}")
                lines.append(line.rstrip("\n"))
        return lines

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def grpc_address(self) -> str:
        """Where gRPC's own clients find it."""
        return TRANSPORT.grpc_address(self.address)

    def connect(self) -> socket.socket:
        """A raw connection."""
        return TRANSPORT.connect(self.address, TIMEOUT_S)

    @property
    def stderr(self) -> str:
        return "".join(self._stderr)

    def send_signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def calls(self) -> dict[str, int]:
        """Calls by status, from the summary that an ended server leaves."""
        found = re.search(r"served [\d,]+ calls?(?:: (.*))?", self.stderr)
        assert found, self.stderr
        pairs = re.findall(r"([A-Z_]+) ([\d,]+)", found.group(1) or "")
        return {name: int(count.replace(",", "")) for name, count in pairs}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.kill()
            print(self.stderr)
            return
        if self.process.poll() is None:
            code = self.stop()
            assert code == EXIT_OK, f"the server ended with {code}: {self.stderr}"


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="saker-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def write(self, name: str, text: str | bytes) -> str:
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def assert_run(
        self,
        *arguments: str,
        code: int = EXIT_OK,
        stderr: str = "",
        **options: object,
    ) -> subprocess.CompletedProcess[str]:
        """Runs the program; its exit code must be `code`, and `stderr` must be in its stderr."""
        done = run(*arguments, **options)  # type: ignore[arg-type]
        what = f"saker {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        self.assertEqual(done.returncode, code, what)
        self.assertIn(stderr, done.stderr, what)
        return done

    def assert_refused(self, *arguments: str, stderr: str, **options: object) -> None:
        """Exit code 2, nothing on stdout, and one line on stderr that has `stderr` in it."""
        done = self.assert_run(*arguments, code=EXIT_USAGE, stderr=stderr, **options)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)

    def assert_json(self, *arguments: str, code: int = EXIT_OK, **options: object) -> dict:
        return json.loads(self.assert_run(*arguments, "--json", code=code, **options).stdout)


def eventually(condition, timeout_s: float = TIMEOUT_S, pause_s: float = 0.01) -> bool:
    """Waits until condition() is true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def let_run(command: subprocess.Popen[str], seconds: float) -> None:
    """Lets a command work that long once it minds SIGINT: a slow machine takes its time to start one."""
    mask = 1 << (signal.SIGINT - 1)

    def minds_interrupts() -> bool:
        with open(f"/proc/{command.pid}/status", encoding="ascii") as file:
            sets = re.findall(r"^Sig(?:Blk|Cgt):\s+(\w+)", file.read(), re.MULTILINE)
        return command.poll() is not None or any(int(text, 16) & mask for text in sets)

    eventually(minds_interrupts)
    time.sleep(seconds)


def latency_over_a_stop(*arguments: str) -> dict:
    """`latency_ns` of an open loop over one stream, whose server stands still for 500 ms. A rate that a slow virtual
    machine keeps up with."""
    with Server("--threads", "1") as server:
        bench = start(
            "bench", "echo", server.address, "--rps", "50", "-z", "2s", "-c", "1", "-m", "1", "--json", *arguments
        )
        let_run(bench, 0.8)
        server.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        server.send_signal(signal.SIGCONT)
        out, err = bench.communicate(timeout=TIMEOUT_S)
    assert bench.returncode == EXIT_OK, err
    return json.loads(out)["latency_ns"]


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """The address of one that accepts connections, in its backlog, and never says anything."""
    listener, address = TRANSPORT.raw_listener()
    with listener:
        yield address


def tcp_address_of(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> str:
    """An address where nobody listens, and a server may."""
    return TRANSPORT.nobody()


def document_of(page: str) -> dict:
    """What is in an HTML report."""
    inside = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.S)
    assert inside, page[:1000]
    return json.loads(inside.group(1))


def once(test: type | Callable) -> type | Callable:
    """A test, or a class of tests, that would be the same on every transport."""
    test.once = True  # type: ignore[union-attr]
    return test


def all_tests(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from all_tests(item)
        else:
            yield item


def is_wanted(test: unittest.TestCase) -> bool:
    method = getattr(test, test._testMethodName, None)
    return TRANSPORT.name == "tcp" or not (
        getattr(test, "once", False) or getattr(method, "once", False)
    )


class Loader(unittest.TestLoader):
    def loadTestsFromModule(self, *arguments: object, **options: object) -> unittest.TestSuite:
        found = super().loadTestsFromModule(*arguments, **options)
        return unittest.TestSuite(test for test in all_tests(found) if is_wanted(test))


def main() -> None:
    if why := TRANSPORT.why_not():
        print(f"skipped: {why}")
        sys.exit(EXIT_SKIPPED)
    unittest.main(verbosity=2, testLoader=Loader(), testRunner=case_results.Runner)
