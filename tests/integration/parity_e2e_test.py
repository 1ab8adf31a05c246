"""Every transport behaves alike: what goes wrong is told with the same status, the same words and the same
exit code, and what goes right has the same result. Each case runs over every transport that there is
here; the table at the end shows them side by side.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable

import saker_e2e as e2e
import transports

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
SETTINGS_ACK = b"\0\0\0\4\1\0\0\0\0"
MANY_CONNECTIONS = ", after many connections"
GOAWAY = b"\0\0\x0a\7\0\0\0\0\0" + b"\0\0\0\0" + b"\0\0\0\x0b" + b"hi"  # ENHANCE_YOUR_CALM

table: dict[str, dict[str, str]] = {}


def outcome(done: subprocess.CompletedProcess[str], *addresses: str) -> str:
    """Exit code and first line, without what is the transport's own: address and the kernel's word."""
    text = (done.stderr or done.stdout).strip().split("\n", maxsplit=1)[0]
    for address in addresses:
        text = text.replace(address, "ADDR")
    # "nobody listens there (Connection refused)": the cause is ours, the word is the kernel's.
    text = re.sub(r"there \([^()]*\)", "there (…)", text)
    text = re.sub(r"seq=\d+", "seq=N", text)
    text = re.sub(r"after [\d.]+ ?[mµun]?s", "after T", text)
    return f"{done.returncode} {text}"


class Case:
    """One transport's run of one case."""

    def __init__(self, transport: transports.Transport) -> None:
        self.transport = transport

    def server(self, *arguments: str) -> e2e.Server:
        return e2e.Server(*arguments, listen=[self.transport.listen()])

    # ---- nobody, or somebody else, is there

    def nobody_listens(self) -> str:
        address = self.transport.nobody()
        return outcome(e2e.run("echo", address), address)

    def nobody_listens_to_bench(self) -> str:
        address = self.transport.nobody()
        return outcome(e2e.run("bench", "echo", address, "--connect-timeout", "300ms"), address)

    def nobody_until_the_deadline(self) -> str:
        address = self.transport.nobody()
        return outcome(e2e.run("echo", address, "--wait-for-ready", "--deadline", "300ms"), address)

    def comes_up_late(self) -> str:
        address = self.transport.nobody()
        client = e2e.start("echo", address, "--wait-for-ready", "--deadline", "20s", "--json")
        time.sleep(0.3)
        with e2e.Server(listen=[address]):
            out, _ = client.communicate(timeout=e2e.TIMEOUT_S)
        return f"{client.returncode} {json.loads(out)['summary']['ok']} ok"

    def address_in_use(self) -> str:
        with self.server() as server:
            done = e2e.run("serve", "--key", "ec-p256", "--listen", server.address)
            text = outcome(done, server.address)
        return re.sub(r"(bind|a live server answers there): ", "", text)

    def server_that_is_silent(self) -> str:
        listener, address = self.transport.raw_listener()
        with listener:
            return outcome(e2e.run("echo", address, "--deadline", "300ms"), address)

    def answer(self, data: bytes) -> str:
        """What the client makes of a server that reads its preface, says `data` and closes."""
        listener, address = self.transport.raw_listener()
        connections = itertools.count()

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                next(connections)
                with peer, contextlib.suppress(OSError):
                    peer.settimeout(e2e.TIMEOUT_S)
                    peer.recv(65536)
                    peer.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        with listener:
            text = outcome(e2e.run("echo", address), address)
        # One try, and at most one more where the first ended in good order: no storm.
        return text if next(connections) <= 2 else text + MANY_CONNECTIONS

    def server_that_closes_at_once(self) -> str:
        return self.answer(b"")

    def server_of_http_1(self) -> str:
        return self.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def server_that_goes_away(self) -> str:
        return self.answer(SETTINGS + SETTINGS_ACK + GOAWAY)

    # ---- calls that fail

    def message_over_the_limit(self) -> str:
        with self.server() as server:
            return outcome(e2e.run("echo", server.address, "--size", "5MiB"), server.address)

    def deadline_in_mid_call(self) -> str:
        with self.server() as server:
            server.send_signal(signal.SIGSTOP)
            done = e2e.run("echo", server.address, "--deadline", "500ms")
            server.send_signal(signal.SIGCONT)
            return outcome(done, server.address)

    def killed_in_mid_call(self) -> str:
        server = self.server()
        client = e2e.start_stream(server.address, 1000, "50ms")
        server.kill()
        out, err = client.communicate(timeout=e2e.TIMEOUT_S)
        done = subprocess.CompletedProcess([], client.returncode, out, err)
        return outcome(done, server.address)

    def drained_in_mid_call(self) -> str:
        with self.server() as server:
            client = e2e.start_stream(server.address, 10, "50ms")
            code = server.stop()
            out, _ = client.communicate(timeout=e2e.TIMEOUT_S)
        return f"{code} {client.returncode} {re.search('[0-9]+ ok', out).group(0)}"

    def no_free_connection(self) -> str:
        with self.server("--threads", "1", "--max-connections", "1") as server:
            with server_connection(self.transport, server):
                return outcome(e2e.run("echo", server.address), server.address)

    def unknown_key(self) -> str:
        with self.server() as server:
            done = e2e.run(
                "sign", server.address, "--key", "none", "--algorithm", "RSA_PSS_SHA256", stdin=b"x"
            )
            return outcome(done, server.address)

    # ---- calls that go well

    def echo(self) -> str:
        with self.server() as server:
            done = e2e.run("echo", server.address, "--payload", "hello", "--json")
            call = json.loads(done.stdout)["calls"][0]
            names = ",".join(sorted(call))
            return f"{done.returncode} {call['payload']} {names}"

    def echo_of_a_mebibyte(self) -> str:
        with self.server() as server:
            return outcome(
                e2e.run("bench", "echo", server.address, "--size", "1MiB", "-n", "20", "-c", "2",
                        "-m", "2", "--assert", "errors==0", "--json", "--quiet"), server.address
            )[:1]  # fmt: skip

    def names_in_metrics_and_log(self) -> str:
        with self.server(
            "--metrics", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json"
        ) as server:
            e2e.run("echo", server.address)
            line = next(line for line in server.ready_lines if "metrics" in line)
            url = re.search(r"http://\S+", line).group(0)
            text = urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()
        labels = set(re.findall(r'transport="([^"]*)"', text))
        records = [json.loads(line) for line in server.stderr.splitlines()]
        seen = {record["transport"] for record in records if "transport" in record}
        family = "unix" if self.transport.name == "unix-abstract" else self.transport.name
        return f"metrics {sorted(labels & {family})} log {sorted(seen)}".replace(family, "FAMILY")


def server_connection(transport: transports.Transport, server: e2e.Server):
    """A connection that takes the server's only place; whole, so that it counts."""
    peer = transport.connect(server.address, e2e.TIMEOUT_S)
    peer.sendall(PREFACE + SETTINGS)
    peer.recv(9)
    return peer


class Parity(e2e.TestCase):
    def compare(self, name: str) -> None:
        found = {}
        for transport in transports.TRANSPORTS:
            if transport.why_not() is None:
                with self.subTest(transport.name):
                    found[transport.name] = getattr(Case(transport), name)()
        table[name] = found
        self.assertEqual(len(set(found.values())), 1, json.dumps(found, indent=2))
        self.assertNotIn(MANY_CONNECTIONS, "".join(found.values()))


def add_tests() -> None:
    def make(name: str) -> Callable[[Parity], None]:
        return lambda self: self.compare(name)

    for name, member in vars(Case).items():
        if callable(member) and not name.startswith("_") and name not in ("server", "answer"):
            setattr(Parity, f"test_{name}", make(name))


def tearDownModule() -> None:
    for transport in transports.TRANSPORTS:
        why = transport.why_not()
        print(f"{transport.name:14} {'compared' if why is None else why}")
    for name, found in sorted(table.items()):
        first = next(iter(found.values()), "")
        same = sum(value == first for value in found.values())
        print(f"{name:28} {same}/{len(found)} alike: {first[:120]}")


add_tests()
if __name__ == "__main__":
    e2e.main()
