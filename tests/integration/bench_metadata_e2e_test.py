"""saker bench -H: every call of every command carries the metadata, and reports keep secrets to themselves."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import threading
from collections.abc import Iterator

import grpc
import saker_e2e as e2e
from call_e2e_test import ECHO, PROTO

SECRET = "Bearer abc.def-123"
TOKEN = ("-H", f"authorization: {SECRET}")
GATE_THREADS = 32


class Gate(grpc.GenericRpcHandler):
    """In front of a server: refuses calls without the token, passes all others on, whatever their kind."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(target)
        self.seen: list[tuple[str, dict[str, str | bytes]]] = []
        self.peers: set[str] = set()
        self.lock = threading.Lock()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            metadata = dict(context.invocation_metadata())
            with self.lock:
                self.seen.append((details.method, metadata))
                self.peers.add(context.peer())
            if metadata.get("authorization") != SECRET:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
            yield from self.channel.stream_stream(details.method)(requests)

        return grpc.stream_stream_rpc_method_handler(handle)

    def calls(self, method: str) -> list[dict[str, str | bytes]]:
        return [metadata for path, metadata in self.seen if path.endswith("/" + method)]


@contextlib.contextmanager
def gate(target: str) -> Iterator[tuple[Gate, str]]:
    handler = Gate(target)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=GATE_THREADS))
    server.add_generic_rpc_handlers([handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield handler, f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
        handler.channel.close()


@e2e.once
class Metadata(e2e.TestCase):
    LOAD = ("-c", "2", "-m", "2", "-n", "40", "--quiet")

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1", listen=["127.0.0.1:0"])
        cls.addClassCleanup(cls.server.kill)

    def test_every_call_has_it(self) -> None:
        more = ("-H", "x-tenant: 7", "-H", "x-tenant: 8", "--header", "raw-bin: AAH/", *TOKEN)
        commands = [
            ("Echo", ("echo",)),
            ("EchoStream", ("echo", "--method", "EchoStream", "--messages", "5")),
            ("EchoCollect", ("echo", "--method", "EchoCollect", "--messages", "5")),
            ("EchoExpand", ("echo", "--method", "EchoExpand", "--messages", "5")),
            ("Echo", ("call", f"{ECHO}/Echo", "--check-reply", "parse")),
            ("EchoStream", ("call", f"{ECHO}/EchoStream", "--messages", "5", "--proto", PROTO)),
            ("Sign", ("sign", "--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256")),
        ]
        for method, (command, *arguments) in commands:
            with self.subTest(command=command, method=method), gate(self.server.address) as (seen, address):
                report = self.assert_json("bench", command, address, *arguments, *self.LOAD, *more)
                self.assertEqual((report["calls"], report["errors"]), (40, 0))
                calls = seen.calls(method)
                self.assertEqual(len(calls) >= 40, method != "EchoStream")  # there a message is a call
                self.assertGreaterEqual(len(calls), 4)
                for metadata in calls:
                    self.assertEqual((metadata["raw-bin"], metadata["x-tenant"]), (b"\x00\x01\xff", "8"))
                # Those of the run, and that of what is asked before it.
                self.assertEqual(len(seen.peers), 2 if command == "echo" or "--proto" in arguments else 3)

    def test_without_it_nothing_is_sent(self) -> None:
        with gate(self.server.address) as (seen, address):
            report = self.assert_json("bench", "echo", address, *self.LOAD, code=e2e.EXIT_FAILED)
            self.assertEqual(report["errors"], 40)
            self.assertEqual(report["statuses"][0]["name"], "UNAUTHENTICATED")
            self.assertTrue(all(set(metadata) <= {"user-agent"} for metadata in seen.calls("Echo")))
            for command in (
                ("call", address, f"{ECHO}/Echo"),
                ("sign", address, "--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256"),
            ):
                self.assert_run("bench", *command, *self.LOAD, code=e2e.EXIT_USAGE, stderr="no token")

    def test_rounds_and_threads(self) -> None:
        rounds = ("--round", "100ms", "--rounds", "2", "-c", "2", "-m", "1", "-t", "2", "--rps", "100", "--quiet")
        with gate(self.server.address) as (_, one), gate(self.server.address) as (_, other):
            report = self.assert_json("bench", "echo", "--compare", f"{one},{other}", *rounds, *TOKEN)
            self.assertEqual([target["errors"] for target in report["targets"]], [0, 0])

    # ---- secrets

    GIVEN = (
        *TOKEN, "-Hx-api-key: k3y-1", "--header=session-token-bin: c2VjcmV0", "-H", "cookie:c00kie",
        "--header", "proxy-authorization: Basic pr0xy", "-H", "x-my-secrets: s3cr3t",
        "-H", "db.passwords: passw0rd", "-H", "x-tenant: it's 7",
    )  # fmt: skip
    SECRETS = ("abc.def-123", "k3y-1", "c2VjcmV0", "c00kie", "pr0xy", "s3cr3t", "passw0rd")
    SHOWN = (
        "authorization", "x-api-key", "session-token-bin", "cookie", "proxy-authorization", "x-my-secrets",
        "db.passwords",
    )  # fmt: skip
    FORMS = ("text", "json", "csv", "hgrm", "hdr-log", "ghz", "html")

    def assert_no_secrets(self, page: str) -> None:
        for secret in self.SECRETS:
            self.assertNotIn(secret, page)

    def check_secrets(self, forms: tuple[str, ...], *arguments: str) -> dict:
        """The document of a run, after a look at each of its forms."""
        path = self.directory / "run.json"
        done = self.assert_run("bench", *arguments, "-o", str(path), *self.GIVEN)
        self.assert_no_secrets(done.stdout + done.stderr + path.read_text())
        report = json.loads(path.read_text())
        for text in (report["environment"]["command"], report["environment"]["flags"]):
            for name in self.SHOWN:
                self.assertIn(f"{name}: ...'", text)
            self.assertIn("x-tenant: it'\\''s 7", text)
        for form in forms:
            page = self.assert_run("bench", "report", str(path), "--format", form).stdout
            self.assert_no_secrets(page)
        return report

    def test_reports_keep_secrets(self) -> None:
        address = self.server.address
        report = self.check_secrets(self.FORMS, "echo", address, "-n", "10")
        flags = report["environment"]["flags"]
        self.assertIn(" -H 'authorization: ...' -H 'x-api-key: ...' -H 'session-token-bin: ...' ", flags)
        self.check_secrets(self.FORMS, "call", address, f"{ECHO}/Echo", "-n", "10")
        signing = ("sign", address, "--key-type", "ec-p256", "--algorithm", "ECDSA_P256_SHA256")
        self.check_secrets(self.FORMS, *signing, "-n", "10")
        for form in self.FORMS:
            page = self.assert_run("bench", "echo", address, "-n", "10", "--format", form, *self.GIVEN)
            self.assert_no_secrets(page.stdout + page.stderr)

    def test_reports_of_rounds_keep_secrets(self) -> None:
        address = self.server.address
        forms = ("text", "json", "csv", "html")
        rounds = ("-c", "1", "-m", "1", "--round", "100ms", "--assert", "p50<10s")
        self.check_secrets(forms, "echo", "--compare", f"{address},{address}", "--rounds", "2", *rounds)
        self.check_secrets(
            forms, "echo", address, "--find-max", "--rps", "100", "--resolution", "50%", *rounds
        )

    def test_mistakes(self) -> None:
        for header, message in (
            ("no-colon", "write 'name: value'"),
            ("grpc-timeout: 1S", "belongs to HTTP/2 or gRPC"),
            ("Upper: x", "a name has only"),
            ("raw-bin: %", "must be base64"),
            ("Authorization: Bearer abc.def-123", "metadata 'Authorization: ...': a name has only"),
            ("token-bin: abc.def-123", "metadata 'token-bin: ...': the value of a name"),
            ("authorization Bearer abc.def-123", "metadata '...': write 'name: value'"),
        ):
            for command in (("echo",), ("call", f"{ECHO}/Echo"), ("sign", "--key-type", "ec-p256")):
                done = self.assert_run(
                    "bench", *command, "-H", header, code=e2e.EXIT_USAGE, stderr=message
                )
                self.assertEqual(done.stdout, "")
                self.assert_no_secrets(done.stderr)


if __name__ == "__main__":
    e2e.main()
