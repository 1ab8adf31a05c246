"""saker proxy: between any two transports, nothing but bytes; limits, failures, metrics, the end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import urllib.request

import saker_e2e as e2e
import transports


class Proxy:
    def __init__(self, target: str, *arguments: str, listen: str | None = None) -> None:
        self.process = subprocess.Popen(
            [e2e.SAKER, "proxy", "--listen", listen or e2e.TRANSPORT.listen(), target, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=e2e.environment(),
        )  # fmt: skip
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise AssertionError(line + self.process.communicate()[1])
        self.address = line.removeprefix("listening on ")

    def stop(self) -> str:
        """What it said, when it has ended well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=e2e.TIMEOUT_S)
        assert self.process.returncode == 0, err
        return err

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Proxies(e2e.TestCase):
    def test_between_all_transports(self) -> None:
        here = [one for one in transports.TRANSPORTS if one.why_not() is None]
        for front in here:
            for back in here:
                with self.subTest(front=front.name, back=back.name):
                    with e2e.Server(listen=[back.listen()]) as server:
                        with Proxy(server.address, listen=front.listen()) as proxy:
                            self.assert_run("echo", proxy.address, "--size", "1MiB")
                            self.assert_run(
                                "bench", "echo", proxy.address, "-n", "2000", "-c", "3",
                                "--assert", "errors==0",
                            )  # fmt: skip
                            proxy.stop()

    def test_a_half_close_and_many_bytes(self) -> None:
        listener, address = e2e.TRANSPORT.raw_listener()
        with listener, Proxy(address) as proxy:
            client = e2e.TRANSPORT.connect(proxy.address)
            question = bytes(range(256)) * 4000
            client.sendall(question[:50_000])
            server, _ = listener.accept()
            server.settimeout(e2e.TIMEOUT_S)
            received = server.recv(50_000, socket.MSG_WAITALL)

            def send_the_rest() -> None:  # more than the sockets between hold
                client.sendall(question[50_000:])
                client.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send_the_rest)
            sender.start()
            while chunk := server.recv(65536):
                received += chunk
            sender.join()
            self.assertEqual(received, question)
            server.sendall(b"answer")  # after the question's end
            server.close()
            self.assertEqual(client.recv(100), b"answer")
            self.assertEqual(client.recv(100), b"")
            client.close()

    @e2e.once
    def test_last_words_of_a_server_that_does_not_read(self) -> None:
        listener, address = e2e.TRANSPORT.raw_listener()
        words = b"G" * 60_000
        with listener, Proxy(address) as proxy:
            for _ in range(10):
                client = e2e.TRANSPORT.connect(proxy.address)
                client.settimeout(e2e.TIMEOUT_S)
                client.sendall(b"x" * 1000)
                server, _ = listener.accept()
                server.recv(10)
                server.sendall(words)
                server.close()  # with unread bytes: a reset
                client.sendall(b"x" * 1000)
                received = b""
                while chunk := client.recv(65536):
                    received += chunk
                self.assertEqual(len(received), len(words))
                client.close()

    def test_a_half_close_does_not_last_for_ever(self) -> None:
        listener, address = e2e.TRANSPORT.raw_listener()
        with listener, Proxy(
            address, "--half-close-timeout", "200ms", "--metrics", "127.0.0.1:0"
        ) as proxy:
            url = re.search(r"http://\S+", proxy.process.stdout.readline()).group(0)

            def is_open(count: int) -> bool:
                text = urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()
                return f"saker_proxy_connections_open {count}\n" in text

            client = e2e.TRANSPORT.connect(proxy.address)
            server, _ = listener.accept()
            self.assertTrue(e2e.eventually(lambda: is_open(1)))
            server.close()
            self.assertEqual(client.recv(1), b"")
            self.assertTrue(e2e.eventually(lambda: is_open(0)))  # and the client has not closed
            client.close()

    def test_a_target_that_is_not_there(self) -> None:
        target = e2e.nobody()
        with Proxy(target) as proxy:
            self.assert_run(
                "echo", proxy.address, code=e2e.exit_of_status(e2e.UNAVAILABLE), stderr="lost"
            )
            self.assertIn("nobody listens there", proxy.stop())

    def test_a_limit_of_connections_and_metrics(self) -> None:
        with e2e.Server() as server:
            with Proxy(server.address, "--max-connections", "1", "--metrics", "127.0.0.1:0") as proxy:
                url = re.search(r"http://\S+", proxy.process.stdout.readline()).group(0)

                def metrics() -> str:
                    return urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()

                self.assert_run("echo", proxy.address)
                none_open = "saker_proxy_connections_open 0"
                self.assertTrue(e2e.eventually(lambda: none_open in metrics()))
                with e2e.TRANSPORT.connect(proxy.address):
                    closed = e2e.exit_of_status(e2e.UNAVAILABLE)
                    self.assertTrue(
                        e2e.eventually(lambda: e2e.run("echo", proxy.address).returncode == closed)
                    )
                    text = metrics()
                self.assertIn("saker_proxy_connections_open 1", text)
                refused = re.search(
                    r'saker_proxy_connections_refused_total{reason="full"} (\d+)', text
                )
                self.assertGreaterEqual(int(refused.group(1)), 1)
                moved = re.search(r'saker_proxy_bytes_total{direction="to_target"} (\d+)', text)
                self.assertGreater(int(moved.group(1)), 50)
                families = re.findall(r"^# TYPE (saker_proxy_\S+) (\S+)$", text, re.MULTILINE)
                documented = re.findall(
                    r"^\| `(saker_proxy_\w+)[^`]*` \| (counter|gauge) \|",
                    (e2e.ROOT / "docs/metrics.md").read_text(), re.MULTILINE,
                )  # fmt: skip
                self.assertEqual(sorted(families), sorted(documented))

    def test_a_drain_waits_for_connections_but_not_for_ever(self) -> None:
        with e2e.Server() as server:
            for timeout, messages, code in (("20s", 10, 0), ("100ms", 100, e2e.EXIT_FAILED)):
                with Proxy(server.address, "--drain-timeout", timeout) as proxy:
                    client = e2e.start_stream(proxy.address, messages, "100ms")
                    self.assertIn("relayed 1 connections", proxy.stop())
                    out, err = client.communicate(timeout=e2e.TIMEOUT_S)
                    self.assertEqual(client.returncode, code, out + err)

    @e2e.once
    def test_never_to_itself(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        unix = f"unix:{self.directory}/s"
        for listen, target in (
            (f"127.0.0.1:{port}", f"127.0.0.1:{port}"),
            (f"127.0.0.1:{port}", f"localhost:{port}"),
            (f"0.0.0.0:{port}", f"127.0.0.1:{port}"),
            (unix, unix),
            (unix, f"unix:{self.directory}/../{self.directory.name}/s"),
        ):
            with self.subTest(listen=listen, target=target):
                done = self.assert_run(
                    "proxy", "--listen", listen, target,
                    code=e2e.EXIT_USAGE, stderr=f"TARGET {target} is where this proxy listens",
                )  # fmt: skip
                self.assertEqual(done.stdout, "")

    def test_the_target_may_come_from_the_environment(self) -> None:
        with e2e.Server() as server:
            listen = e2e.TRANSPORT.listen()
            proxy = e2e.start("proxy", "--listen", listen, env={"SAKER_TARGET": server.address})
            address = proxy.stdout.readline().strip().removeprefix("listening on ")
            self.assert_run("echo", address)
            proxy.terminate()
            _, err = proxy.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(proxy.returncode, 0, err)

    @e2e.once
    def test_help_has_the_defaults(self) -> None:
        text = self.assert_run("proxy", "--help").stdout
        for flag, default in (
            ("--max-connections", "10000"), ("--connect-timeout", "10s"), ("--drain-timeout", "10s"),
        ):  # fmt: skip
            self.assertRegex(text, rf"(?m)^ +{flag} .*\(default: {default}\)$")

    def test_bad_command_lines(self) -> None:
        for arguments, message in (
            (["--listen", "127.0.0.1:0"], "TARGET is required"),
            (["127.0.0.1:1"], "--listen is missing"),
            (["--listen", "nowhere"], "the port is missing"),
            (["--listen", "127.0.0.1:0", "unix:"], "the path is missing"),
            (["--listen", "192.0.2.1:0", "127.0.0.1:1"], "192.0.2.1:0"),
            (["--listen", "127.0.0.1:0", "--allow-cid", "you"], "is not a CID"),
            (["--listen", "127.0.0.1:0", "--max-connections", "0"], "'0' is not"),
        ):
            with self.subTest(arguments=arguments):
                self.assert_run("proxy", *arguments, code=e2e.EXIT_USAGE, stderr=message)


if __name__ == "__main__":
    e2e.main()
