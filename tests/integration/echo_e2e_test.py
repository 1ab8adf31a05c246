"""saker echo: transports, payloads, output, metadata, deadlines and exit codes."""

import json
import os
import re
import signal
import time
import urllib.request
from concurrent import futures

import grpc
import saker_e2e as e2e


class EchoServer(grpc.GenericRpcHandler):
    """gRPC's own server: answers an EchoRequest with its bytes, which are an EchoReply too."""

    def __init__(self) -> None:
        self.metadata: dict[str, str | bytes] = {}
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers((self,))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        self.server.start()

    def service(self, details):
        self.metadata = dict(details.invocation_metadata)
        if details.method == "/saker.echo.v1.Echo/EchoStream":
            return grpc.stream_stream_rpc_method_handler(lambda requests, _: requests)
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


class Transports(e2e.TestCase):
    @e2e.once
    def test_compression(self) -> None:
        """What passes over the wire shrinks; what arrives does not."""
        for name in ("deflate", "gzip"):
            with e2e.Server("--compression", name, "--metrics", "127.0.0.1:0") as server:
                url = next(line for line in server.ready_lines if "metrics" in line).split()[-1]
                for stream in ([], ["--stream"]):
                    self.assert_run(
                        "echo", server.address, "--size", "1MiB", "--count", "3", "--compression",
                        name, *stream,
                    )  # fmt: skip
                text = urllib.request.urlopen(url, timeout=e2e.TIMEOUT_S).read().decode()
                for direction in ("received", "sent"):
                    moved = re.search(rf"^saker_bytes_{direction}_total (\S+)", text, re.MULTILINE)
                    self.assertLess(float(moved.group(1)), 100_000)
        bad = self.assert_run("echo", "--compression", "br", code=e2e.EXIT_USAGE)
        self.assertIn("off, deflate or gzip", bad.stderr)

    def test_every_transport(self) -> None:
        listen = [
            "127.0.0.1:0",
            "[::1]:0",
            f"unix:{self.directory}/s.sock",
            f"unix-abstract:saker-e2e-{os.getpid()}",
        ]
        with e2e.Server(listen=listen) as server:
            for address in server.addresses:
                for stream in ([], ["--stream"]):
                    with self.subTest(address=address, stream=stream):
                        done = self.assert_run(
                            "echo", address, "--payload", "hello", "--count", "3", *stream
                        )
                        self.assertEqual(done.stdout.count("hello\n"), 3, done.stdout)
                        self.assertIn("3 calls, 3 ok, 0 failed", done.stdout)

    def test_a_connected_descriptor(self) -> None:
        with e2e.Server() as server:
            with server.connect() as connected:
                fd = connected.fileno()
                self.assert_run("echo", f"fd:{fd}", pass_fds=[fd])
        with e2e.Server() as server, server.connect() as connected:
            fd = connected.fileno()
            server.kill()
            self.assert_run(
                "echo", f"fd:{fd}", "--wait-for-ready", pass_fds=[fd],
                code=e2e.exit_of_status(e2e.UNAVAILABLE), stderr="that has ended",
            )  # fmt: skip

    def test_target_from_the_environment(self) -> None:
        with e2e.Server() as server:
            self.assert_run("echo", env={"SAKER_TARGET": server.address})
        with self.subTest("an argument beats it"):
            self.assert_run(
                "echo",
                e2e.nobody(),
                env={"SAKER_TARGET": "nonsense"},
                code=e2e.exit_of_status(e2e.UNAVAILABLE),
            )


class Payloads(e2e.TestCase):
    def test_sizes(self) -> None:
        with e2e.Server() as server:
            for size in (0, 1, 16383, 16384, 65535, 65536, 100_000, 4_000_000):
                for stream in ([], ["--stream"]):
                    with self.subTest(size=size, stream=stream):
                        result = self.assert_json(
                            "echo", server.address, "--size", str(size), *stream
                        )
                        self.assertEqual(result["calls"][0]["payload_bytes"], size)

    def test_files(self) -> None:
        path = self.write("payload", os.urandom(5000))
        with e2e.Server() as server:
            result = self.assert_json("echo", server.address, "--in", path)
            self.assertEqual(result["calls"][0]["payload_bytes"], 5000)
            result = self.assert_json("echo", server.address, "--in", "-", stdin=b"12345")
            self.assertEqual(result["calls"][0]["payload_bytes"], 5)

    def test_files_that_cannot_be_read(self) -> None:
        self.assert_run("echo", "--in", "/nonexistent", code=2, stderr="/nonexistent: No such file")
        self.assert_run("echo", "--in", "/", code=2, stderr="Is a directory")

    def test_only_one_source(self) -> None:
        self.assert_run("echo", "--size", "1", "--payload", "a", code=2, stderr="--size")


class Output(e2e.TestCase):
    def test_json(self) -> None:
        with e2e.Server() as server:
            result = self.assert_json("echo", server.address, "--count", "5", "--payload", "x")
        self.assertEqual(result["target"], server.address)
        self.assertEqual(result["method"], "/saker.echo.v1.Echo/Echo")
        self.assertEqual([call["sequence"] for call in result["calls"]], list(range(5)))
        for call in result["calls"]:
            self.assertEqual(call["status"], {"code": 0, "name": "OK", "message": ""})
            prefix = "ipv4:" if e2e.TRANSPORT.name == "tcp" else ""
            self.assertEqual(call["peer"], prefix + server.address)
            self.assertEqual(call["payload"], "x")
            self.assertEqual(call["network_ns"], call["total_ns"] - call["server_ns"])
            self.assertGreater(call["network_ns"], 0)
            self.assertEqual(
                call["server_send_time_ns"] - call["server_receive_time_ns"], call["server_ns"]
            )
            # Both ends have the same clock here.
            self.assertLess(abs(call["client_send_time_ns"] - time.time_ns()), 60e9)
            self.assertLessEqual(call["client_send_time_ns"], call["server_receive_time_ns"] + 1e6)
        summary = result["summary"]
        self.assertEqual((summary["count"], summary["ok"], summary["failed"]), (5, 5, 0))
        totals = sorted(call["total_ns"] for call in result["calls"])
        self.assertEqual(
            summary["total_ns"], {"min": totals[0], "p50": totals[2], "max": totals[4]}
        )

    def test_interval(self) -> None:
        with e2e.Server() as server:
            for stream in ([], ["--stream"]):
                begin = time.monotonic()
                self.assert_run(
                    "echo", server.address, "--count", "4", "--interval", "100ms", *stream
                )
                self.assertGreaterEqual(time.monotonic() - begin, 0.3)

    def test_failures_are_reported_each(self) -> None:
        done = self.assert_run("echo", e2e.nobody(), "--count", "3", code=e2e.EXIT_FAILED)
        self.assertEqual(done.stderr.count("UNAVAILABLE"), 3, done.stderr)
        self.assertIn("3 calls, 0 ok, 3 failed", done.stdout)
        result = self.assert_json(
            "echo", e2e.nobody(), code=e2e.exit_of_status(e2e.UNAVAILABLE)
        )
        self.assertEqual(result["calls"][0]["status"]["name"], "UNAVAILABLE")
        self.assertFalse(result["calls"][0]["ok"])


@e2e.once
class Metadata(e2e.TestCase):
    def test_is_sent(self) -> None:
        peer = EchoServer()
        self.addCleanup(peer.server.stop, 0)
        for stream in ([], ["--stream"]):
            self.assert_run(
                "echo", peer.address, "-H", "x-one: 1", "--header", "x-two-bin: AQID", *stream
            )
            self.assertEqual(peer.metadata["x-one"], "1")
            self.assertEqual(peer.metadata["x-two-bin"], b"\1\2\3")
            self.assertTrue(peer.metadata["user-agent"].startswith("saker/"))

    def test_what_may_not_be_sent(self) -> None:
        for header in ("grpc-timeout: 1S", "Upper: 1", "no value", "x-bin: !"):
            self.assert_run("echo", "-H", header, code=2, stderr=f"metadata '{header}'")


class Time(e2e.TestCase):
    def test_deadline(self) -> None:
        with e2e.silent_server() as target:
            begin = time.monotonic()
            for stream in ([], ["--stream"]):
                self.assert_run(
                    "echo",
                    target,
                    "--deadline",
                    "200ms",
                    *stream,
                    code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED),
                    stderr="DEADLINE_EXCEEDED",
                )
            self.assertGreaterEqual(time.monotonic() - begin, 0.4)

    def test_wait_for_ready(self) -> None:
        address = e2e.nobody()
        self.assert_run("echo", address, code=e2e.exit_of_status(e2e.UNAVAILABLE))
        client = e2e.start("echo", address, "--wait-for-ready", "--deadline", "20s")
        time.sleep(0.2)
        with e2e.Server(listen=[address]):
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(client.returncode, 0, out + err)

    def test_wait_for_ready_ends_with_the_deadline(self) -> None:
        self.assert_run(
            "echo",
            e2e.nobody(),
            "--wait-for-ready",
            "--deadline",
            "300ms",
            code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED),
        )

    @e2e.once
    def test_help_says_from_where_intervals_count(self) -> None:
        self.assertIn("with --stream between two sends", self.assert_run("echo", "--help").stdout)

    def test_interrupt(self) -> None:
        with e2e.Server() as server:
            for stream in ([], ["--stream"]):
                client = e2e.start(
                    "echo", server.address, "--count", "1000", "--interval", "50ms", "--json", *stream
                )
                e2e.let_run(client, 0.5)
                client.send_signal(signal.SIGINT)
                out, err = client.communicate(timeout=e2e.TIMEOUT_S)
                self.assertEqual(client.returncode, e2e.EXIT_INTERRUPTED, err)
                summary = json.loads(out)["summary"]
                self.assertGreater(summary["ok"], 0)
                self.assertEqual(summary["failed"], 0)


if __name__ == "__main__":
    e2e.main()
