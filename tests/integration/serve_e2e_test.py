"""saker serve: what it says, what its flags do, and the programs' help."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from concurrent import futures

import grpc
import saker_e2e as e2e

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


def settings_of(server: e2e.Server) -> dict[int, int]:
    """The server's SETTINGS (RFC 9113 section 6.5.1)."""
    with server.connect() as peer:
        peer.sendall(PREFACE + EMPTY_SETTINGS)
        head = peer.recv(9, socket.MSG_WAITALL)
        assert head[3] == 4, head
        payload = peer.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
    pairs = [payload[at : at + 6] for at in range(0, len(payload), 6)]
    return {int.from_bytes(p[:2], "big"): int.from_bytes(p[2:], "big") for p in pairs}


def is_closed(peer: socket.socket, patience_s: float = 0.3) -> bool:
    """Reads until the peer closes, or that long has gone by without a byte."""
    peer.settimeout(patience_s)
    try:
        while peer.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


@e2e.once
class ReadyLines(e2e.TestCase):
    def test_a_line_for_each_listener(self) -> None:
        path = f"unix:{self.directory}/s"
        with e2e.Server(listen=["127.0.0.1:0", "[::1]:0", path, "127.0.0.1:0"]) as server:
            self.assertRegex(server.addresses[0], r"^127\.0\.0\.1:[1-9]\d*$")
            self.assertRegex(server.addresses[1], r"^\[::1\]:[1-9]\d*$")
            self.assertEqual(server.addresses[2], path)
            self.assertNotEqual(server.addresses[0], server.addresses[3])
            self.assertNotIn("without TLS", server.stderr)

    def test_a_warning_for_what_others_can_reach(self) -> None:
        with e2e.Server(listen=["0.0.0.0:0"]) as server:
            self.assertTrue(e2e.eventually(lambda: "without TLS" in server.stderr))
            self.assertIn(server.address, server.stderr)

    def test_vsock(self) -> None:
        try:
            server = e2e.Server("--allow-cid", "local", listen=["vsock:any:54321"])
        except AssertionError as error:
            self.skipTest(f"no AF_VSOCK here: {error}")
        with server:
            self.assertEqual(server.address, "vsock:any:54321")
        with e2e.Server("--allow-cid", "42", listen=["vsock:any:54321"]) as server:
            self.assertTrue(e2e.eventually(lambda: "VSOCK CID 42" in server.stderr))

    def test_an_inherited_listener(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            fd = listener.fileno()
            with e2e.Server(listen=[f"fd:{fd}"], pass_fds=[fd]) as server:
                self.assert_run("echo", e2e.tcp_address_of(listener))
                self.assertEqual(server.address, e2e.tcp_address_of(listener))

    def test_socket_activation(self) -> None:
        """What systemd passes is listened on instead of the defaults, and beside what is named."""
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(f"{self.directory}/activated")
        unix.listen()
        with unix, socket.create_server(("127.0.0.1", 0)) as tcp:
            first, second = f"unix:{self.directory}/activated", e2e.tcp_address_of(tcp)
            for named in ([], [f"unix:{self.directory}/named"], ["fd:4"]):
                with self.subTest(named):
                    arguments = [text for address in named for text in ("--listen", address)]
                    addresses = self.activate([unix, tcp], *arguments)
                    self.assertEqual(
                        sorted(addresses),
                        sorted([first, second] + [one for one in named if one != "fd:4"]),
                    )

    def activate(self, sockets: list[socket.socket], *arguments: str) -> list[str]:
        """Runs the server as systemd would; one call over each address that it names."""
        # sh, because $LISTEN_PID is the process that the service manager starts.
        moves = "".join(f" {at + 3}<&{one.fileno()}" for at, one in enumerate(sockets))
        shell = f'export LISTEN_PID=$$ LISTEN_FDS={len(sockets)}; exec "$@"{moves}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", shell, "sh", e2e.SAKER, "serve", "--key", "ec-p256", *arguments],
            pass_fds=[one.fileno() for one in sockets], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        count = len(sockets) + sum(text.startswith("unix:") for text in arguments)
        lines = [process.stdout.readline().strip() for _ in range(count)]
        addresses = [line.removeprefix("listening on ") for line in lines]
        for address in addresses:
            self.assert_run("echo", address)
        process.terminate()
        process.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(process.returncode, 0)
        return addresses

    def test_sockets_of_another_process_are_left_alone(self) -> None:
        env = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
        with e2e.Server(env=env) as server:
            self.assertEqual(len(server.addresses), 1)

    def test_systemd_is_told(self) -> None:
        path = str(self.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(e2e.TIMEOUT_S)
            with e2e.Server(env={"NOTIFY_SOCKET": path}) as server:
                self.assertEqual(
                    notify.recv(4096).decode(),
                    f"READY=1\nSTATUS=listening on {server.address}",
                )
                self.assertEqual(server.stop(), 0)
                self.assertEqual(notify.recv(4096), b"STOPPING=1")

    def test_the_summary(self) -> None:
        with e2e.Server() as server:
            self.assert_run("echo", server.address, "--count", "3")
            self.assert_run("echo", server.address, "--size", "5MiB", code=72)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.calls(), {"OK": 3, "RESOURCE_EXHAUSTED": 1})


class Flags(e2e.TestCase):
    def test_what_is_announced(self) -> None:
        with e2e.Server(
            "--max-streams", "7", "--initial-window", "128KiB", "--max-frame-size", "64KiB",
            "--max-header-list", "20KiB", "--adaptive-window", "off",
        ) as server:  # fmt: skip
            settings = settings_of(server)
            self.assertEqual(settings[3], 7)
            self.assertEqual(settings[4], 128 * 1024)
            self.assertEqual(settings[5], 64 * 1024)
            self.assertEqual(settings[6], 20 * 1024)
            self.assert_run("echo", server.address, "--size", "1MiB", "--count", "3")

    def test_max_streams_queues_calls_at_the_client(self) -> None:
        with e2e.Server("--max-streams", "2") as server:
            self.assert_run("bench", "echo", server.address, "-c", "1", "-m", "50", "-n", "5000")

    def test_max_receive_size(self) -> None:
        with e2e.Server("--max-receive-size", "10KiB") as server:
            self.assert_run("echo", server.address, "--size", "10000")
            self.assert_run("echo", server.address, "--size", "11KiB", code=72)
        with e2e.Server("--max-receive-size", "20MiB") as server:
            self.assert_run("echo", server.address, "--size", "19MiB")

    def test_max_connection_memory(self) -> None:
        with e2e.Server(
            "--max-connection-memory", "2MiB", "--max-receive-size", "1MiB"
        ) as server:
            self.assert_run("echo", server.address, "--size", "1000000", "--count", "5")

    def test_max_header_list(self) -> None:
        with e2e.Server("--max-header-list", "64KiB") as server:
            values = [arg for i in range(6) for arg in ("-H", f"x-{i}: " + "v" * 10_000)]
            self.assert_run("echo", server.address, *values, "--count", "3")
        with e2e.Server("--max-header-list", "1KiB") as server:
            self.assert_run("echo", server.address, "-H", "x-a: " + "a" * 100)
            channel = grpc.insecure_channel(server.grpc_address)
            self.addCleanup(channel.close)
            with self.assertRaises(grpc.RpcError):
                channel.unary_unary("/saker.echo.v1.Echo/Echo")(
                    b"", metadata=[("x-a", "a" * 2000)], timeout=e2e.TIMEOUT_S
                )

    def test_max_connections(self) -> None:
        with e2e.Server("--threads", "1", "--max-connections", "2") as server:
            peers = [server.connect() for _ in range(3)]
            closed = [is_closed(peer, patience_s) for peer, patience_s in zip(peers, (0.3, 0.3, e2e.TIMEOUT_S))]
            for peer in peers:
                peer.close()
            self.assertEqual(closed, [False, False, True])
            self.assertTrue(e2e.eventually(lambda: e2e.run("echo", server.address).returncode == 0))

    @e2e.once
    def test_max_memory(self) -> None:
        """What it does when memory is short is in tests/attacks/memory_test.py."""
        for text, why in (("lots", "'lots'"), ("-1", "'-1'"), ("", "''"), ("1ZiB", "'1ZiB'")):
            self.assert_run("serve", f"--max-memory={text}", code=e2e.EXIT_USAGE, stderr=why)
        tight = ("--threads", "1", "--key", "ec-p256", "--listen", f"unix:{self.directory}/s")
        refused = self.assert_run(
            "serve", *tight, "--max-memory", "2MiB", code=e2e.EXIT_USAGE,
            stderr="a memory limit of 2MiB is too low",
        )  # fmt: skip
        self.assertEqual(refused.stdout, "")
        least = re.search(r"the least is ([\d.]+)MiB", refused.stderr)
        self.assertTrue(least, refused.stderr)
        enough = f"{float(least[1]) + 8}MiB"  # each start is a little different
        with e2e.Server("--threads", "1", "--max-memory", enough) as server:
            self.assert_run("echo", server.address, "--count", "10")
        for flags in ((), ("--max-memory", "0"), ("--max-memory", "off")):
            shown = self.assert_run("serve", "--check-config", *flags).stdout
            self.assertIn('max_memory = "off"\n', shown)

    def test_max_send_size(self) -> None:
        with e2e.Server("--max-send-size", "10KiB") as server:
            self.assert_run("echo", server.address, "--size", "10000")
            self.assert_run("echo", server.address, "--size", "11KiB", code=72)

    def test_connection_idle_and_age(self) -> None:
        """What a peer that does nothing is told, and that calls are not lost."""
        limits = {b"max_idle": ["--max-connection-idle", "100ms"]}
        limits[b"max_age"] = ["--max-connection-age", "100ms", "--max-connection-age-grace", "1s"]
        for why, flags in limits.items():
            with self.subTest(why), e2e.Server(*flags) as server:
                with server.connect() as peer:
                    peer.sendall(PREFACE + EMPTY_SETTINGS + b"\0\0\0\4\1\0\0\0\0")
                    peer.settimeout(e2e.TIMEOUT_S)
                    answer = b""
                    while chunk := peer.recv(65536):
                        answer += chunk
                    self.assertIn(why, answer)
                self.assert_run("echo", server.address, "--count", "20", "--interval", "50ms")

    def test_keepalive_finds_dead_peers(self) -> None:
        with e2e.Server(
            "--keepalive-time", "100ms", "--keepalive-timeout", "100ms",
            "--keepalive-permit-without-calls",
        ) as server:  # fmt: skip
            with server.connect() as peer:
                peer.sendall(PREFACE + EMPTY_SETTINGS + b"\0\0\0\4\1\0\0\0\0")
                time.sleep(0.5)
                self.assertTrue(is_closed(peer, e2e.TIMEOUT_S), "no PING was answered")

    def test_keepalive_limits_pings(self) -> None:
        ping = b"\0\0\x08\6\0\0\0\0\0" + b"saker-e2"
        with e2e.Server("--keepalive-min-ping-interval", "1h") as server:
            with server.connect() as peer:
                peer.sendall(PREFACE + EMPTY_SETTINGS + ping * 5)
                peer.settimeout(e2e.TIMEOUT_S)
                answer = b""
                while chunk := peer.recv(65536):
                    answer += chunk
                self.assertIn(b"too_many_pings", answer)
        with e2e.Server("--keepalive-min-ping-interval", "0", "--keepalive-permit-without-calls") as s:
            with s.connect() as peer:
                peer.sendall(PREFACE + EMPTY_SETTINGS + ping * 50)
                self.assertFalse(is_closed(peer))

    def test_busy_poll(self) -> None:
        cpus = len(os.sched_getaffinity(0))
        self.assert_run(
            "serve", "--busy-poll", "1ms", "--threads", str(cpus), code=2, stderr="--force"
        )
        with e2e.Server("--busy-poll", "1ms", "--threads", str(cpus), "--force") as server:
            self.assert_run("echo", server.address, "--count", "10")
        with e2e.Server("--busy-poll", "0", "--threads", "1", "--crypto-threads", "1") as server:
            self.assert_run("bench", "echo", server.address, "--busy-poll", "1ms", "-n", "1000")

    def test_threads_share_connections(self) -> None:
        with e2e.Server("--threads", "3", "--crypto-threads", "1") as server:
            self.assertGreaterEqual(len(os.listdir(f"/proc/{server.process.pid}/task")), 4)
            self.assert_run("bench", "echo", server.address, "-c", "9", "-t", "3", "-n", "30000")

    @e2e.once
    def test_keys(self) -> None:
        with e2e.Server("--key", "first=ec-p256", "--key", "ec-p384") as server:
            keys = self.assert_run("keys", "list", server.address).stdout
            self.assertIn("first", keys)
            self.assertIn("ec-p384", keys)
            self.assertNotIn("rsa", keys)
        self.assert_run("serve", "--key", "dsa-512", code=2, stderr="dsa-512")

    def test_metrics(self) -> None:
        with e2e.Server("--metrics", "127.0.0.1:0") as server:
            line = next(line for line in server.ready_lines if "metrics" in line)
            url = re.search(r"http://\S+", line).group(0)
            self.assert_run("echo", server.address, "--count", "7")
            text = urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()
            ok = [
                float(sample.rsplit(" ", 1)[1])
                for sample in text.splitlines()
                if "saker.echo.v1.Echo" in sample and re.search(r'code="OK"', sample)
                and "bucket" not in sample and "_sum" not in sample
            ]  # fmt: skip
            self.assertIn(7.0, ok, text)


@e2e.once
class Log(e2e.TestCase):
    def test_level(self) -> None:
        with e2e.Server("--log-level", "error", listen=["0.0.0.0:0"]) as server:
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.stderr, "")
        with e2e.Server("--log-level", "warn", listen=["0.0.0.0:0"]) as server:
            self.assertEqual(server.stop(), 0)
            self.assertEqual(len(server.stderr.splitlines()), 1)
            self.assertIn("without TLS", server.stderr)

    def test_json(self) -> None:
        with e2e.Server("--log-format", "json") as server:
            self.assertEqual(server.stop(), 0)
            for line in server.stderr.splitlines():
                self.assertEqual(json.loads(line)["level"], "info", line)

    def test_call_records(self) -> None:
        path = self.directory / "log"
        with e2e.Server(
            "--log-level", "debug", "--log-format", "json", "--log-sample", "10",
            "--log-file", str(path), "--threads", "1",
        ) as server:  # fmt: skip
            self.assert_run("echo", server.address, "--count", "100")
            self.assertEqual(server.stop(), 0)
        records = [json.loads(line) for line in path.read_text().splitlines()]
        calls = [r for r in records if r.get("method") == "saker.echo.v1.Echo/Echo"]
        self.assertEqual(len(calls), 10)


@e2e.once
class Help(e2e.TestCase):
    COMMANDS = (
        [], ["serve"], ["echo"], ["bench"], ["bench", "echo"], ["proxy"], ["doctor"], ["version"],
    )  # fmt: skip

    def test_help_goes_to_stdout_with_examples(self) -> None:
        for command in self.COMMANDS:
            for flag in ("--help", "-h"):
                with self.subTest(command=command):
                    done = self.assert_run(*command, flag)
                    self.assertIn("Usage:", done.stdout)
                    self.assertIn("Example", done.stdout)
                    self.assertEqual(done.stderr, "")
        self.assertIn("Exit codes:", self.assert_run("--help").stdout)

    def test_version(self) -> None:
        self.assertRegex(self.assert_run("--version").stdout, r"^saker \d+\.\d+\.\d+\n$")
        text = self.assert_run("version").stdout
        facts = self.assert_json("version")
        for name in ("saker", "compiler", "build", "protobuf", "openssl"):
            self.assertIn(facts[name], text)
        self.assertTrue(facts["protobuf"].startswith("3."))
        self.assertTrue(facts["openssl"].startswith("OpenSSL 3"))


class ManyClients(e2e.TestCase):
    def test_connect_call_close(self) -> None:
        """Descriptors and connections are back where they were."""
        with e2e.Server("--threads", "2") as server:
            self.assert_run("echo", server.address)
            fds = f"/proc/{server.process.pid}/fd"
            self.assertTrue(e2e.eventually(lambda: len(os.listdir(fds)) < 40))
            before = len(os.listdir(fds))
            with futures.ThreadPoolExecutor(2) as pool:
                runs = pool.map(lambda _: e2e.run("echo", server.address).returncode, range(40))
                self.assertEqual(set(runs), {0})
            self.assertTrue(e2e.eventually(lambda: len(os.listdir(fds)) <= before))


if __name__ == "__main__":
    e2e.main()
