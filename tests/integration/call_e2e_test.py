"""saker call, list and describe: all kinds of method, every source of a schema, every format."""

from __future__ import annotations

import base64
import json
import subprocess

import call_peer
import grpc
import saker_e2e as e2e

ECHO = "saker.echo.v1.Echo"
PROTO = str(e2e.ROOT / "proto/saker/echo/v1/echo.proto")


def documents(text: str) -> list[dict]:
    """JSON documents one after the other."""
    found, decoder, text = [], json.JSONDecoder(), text.lstrip()
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].lstrip()
    return found


def payload(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def echo_message(text: str, **more: object) -> str:
    return json.dumps({"payload": payload(text)} | more)


class Kinds(e2e.TestCase):
    def call(self, server: e2e.Server, method: str, *arguments: str, **options: object) -> list:
        done = self.assert_run("call", server.address, method, *arguments, **options)
        return documents(done.stdout)

    def test_unary(self) -> None:
        with e2e.Server() as server:
            for form in (f"{ECHO}/Echo", f"{ECHO}.Echo", f"/{ECHO}/Echo"):
                [reply] = self.call(server, form, "-d", echo_message("hi", sequence="7"))
                self.assertEqual(reply["payload"], payload("hi"))
                self.assertEqual(reply["sequence"], "7")
            with self.subTest("without data the message is empty"):
                [reply] = self.call(server, f"{ECHO}/Echo")
                self.assertNotIn("payload", reply)
            with self.subTest("defaults"):
                [reply] = self.call(server, f"{ECHO}/Echo", "--emit-defaults")
                self.assertEqual(reply["payload"], "")

    def test_target_from_the_environment(self) -> None:
        with e2e.Server() as server:
            done = self.assert_run(
                "call", "grpc.health.v1.Health/Check", env={"SAKER_TARGET": server.address}
            )
            self.assertEqual(documents(done.stdout), [{"status": "SERVING"}])

    def test_crypto(self) -> None:
        with e2e.Server() as server:
            [keys] = self.call(server, "saker.crypto.v1.Crypto/ListKeys")
            self.assertEqual(keys["keys"][0]["type"], "EC_P256")

    def test_server_streaming(self) -> None:
        with e2e.Server() as server:
            replies = self.call(server, f"{ECHO}/EchoExpand", "-d", '{"expandCount": 300}')
            self.assertEqual([one.get("expandIndex", 0) for one in replies], list(range(300)))

    def test_client_streaming(self) -> None:
        messages = "\n".join(echo_message("x" * n) for n in range(100))
        path = self.write("messages.json", messages)
        with e2e.Server() as server:
            for data, stdin in ((messages, None), (f"@{path}", None), ("@", messages.encode())):
                with self.subTest(data=data[:9]):
                    [reply] = self.call(server, f"{ECHO}/EchoCollect", "-d", data, stdin=stdin)
                    self.assertEqual(reply["messages"], "100")
                    self.assertEqual(reply["payloadBytes"], str(sum(range(100))))
            with self.subTest("no message at all"):
                [reply] = self.call(server, f"{ECHO}/EchoCollect", "--emit-defaults")
                self.assertEqual(reply["messages"], "0")

    def test_both_streaming(self) -> None:
        """A reply is printed before the next request is read: neither side waits for the end."""
        with e2e.Server() as server:
            client = subprocess.Popen(
                [e2e.SAKER, "call", server.address, f"{ECHO}/EchoStream", "-d", "@"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=e2e.environment(),
            )  # fmt: skip
            assert client.stdin is not None and client.stdout is not None
            for text in ("one", "two", "three"):
                client.stdin.write(echo_message(text))
                client.stdin.flush()
                lines = ""
                while "}" not in lines:
                    lines += client.stdout.readline()
                self.assertEqual(json.loads(lines)["payload"], payload(text))
            client.stdin.close()
            self.assertEqual(client.wait(e2e.TIMEOUT_S), e2e.EXIT_OK)
            client.stdout.close()

    def test_large_messages(self) -> None:
        large = echo_message("x" * 5_000_000)
        path = self.write("large.json", large)
        with e2e.Server("--max-receive-size", "16MiB") as server:
            with self.subTest("a reply over the limit"):
                self.assert_run(
                    "call", server.address, f"{ECHO}/Echo", "-d", f"@{path}",
                    code=e2e.exit_of_status(e2e.RESOURCE_EXHAUSTED), stderr="over the limit",
                )  # fmt: skip
            [reply] = self.call(
                server, f"{ECHO}/Echo", "-d", f"@{path}", "--max-receive-size", "8MiB"
            )
            self.assertEqual(reply["payload"], json.loads(large)["payload"])
            [reply] = self.call(server, f"{ECHO}/EchoCollect", "-d", f"@{path}")
            self.assertEqual(reply["payloadBytes"], "5000000")


class Formats(e2e.TestCase):
    def test_text(self) -> None:
        with e2e.Server() as server:
            done = self.assert_run(
                "call", server.address, f"{ECHO}/EchoStream", "--format", "text",
                "-d", 'payload: "a"\x1esequence: 3',
            )  # fmt: skip
            first, second = done.stdout.split("\x1e")
            self.assertIn('payload: "a"\n', first)
            self.assertIn("sequence: 3\n", second)

    def test_messages_of_the_limit(self) -> None:
        """4 MiB to the byte is taken, in pieces as it comes; one more is not."""

        def varint(value: int) -> bytes:  # in four bytes
            return bytes(value >> shift & 0x7F | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21))

        limit = 4 << 20
        with e2e.Server() as server:
            for size, code in (
                (limit, e2e.EXIT_OK),
                (limit + 1, e2e.exit_of_status(e2e.RESOURCE_EXHAUSTED)),
            ):
                message = b"\x0a" + varint(size - 5) + bytes(size - 5)  # payload
                done = subprocess.run(
                    [e2e.SAKER, "call", server.address, f"{ECHO}/EchoCollect", "--format", "binary", "-d", "@"],
                    input=varint(size) + message, capture_output=True, check=False,
                    timeout=e2e.TIMEOUT_S, env=e2e.environment(),
                )  # fmt: skip
                self.assertEqual(done.returncode, code, done.stderr)

    def test_binary(self) -> None:
        with e2e.Server() as server:
            message = b"\x0a\x01a"  # payload: "a"
            command = [e2e.SAKER, "call", server.address, "--format", "binary", "-d", "@"]
            one = subprocess.run(
                [*command, f"{ECHO}/Echo"], input=message, capture_output=True, check=True,
                timeout=e2e.TIMEOUT_S, env=e2e.environment(),
            )  # fmt: skip
            self.assertTrue(one.stdout.startswith(message))
            many = subprocess.run(
                [*command, f"{ECHO}/EchoStream"], input=b"\x03" + message + b"\x03" + message,
                capture_output=True, check=True, timeout=e2e.TIMEOUT_S, env=e2e.environment(),
            )  # fmt: skip
            size = many.stdout[0]
            self.assertEqual(many.stdout[1:4], message)
            self.assertEqual(many.stdout[1 + size + 1 :][:3], message)

    @e2e.once
    def test_verbose(self) -> None:
        with call_peer.peer() as address:
            done = self.assert_run(
                "call", address, "peer.v1.Peer/Mirror", "--verbose", "--data", '{"text": "x"}',
                "-H", "ask: what", "-H", "ask-bin: AAE=",
            )  # fmt: skip
            self.assertEqual(documents(done.stdout), [{"text": "x"}])
            for line in ("> /peer.v1.Peer/Mirror", "> ask: what", "> ask-bin: AAE=",
                         "< seen: what", "< seen-bin: AAE=", "< tail: end",
                         "* OK; messages sent 1, received 1"):  # fmt: skip
                self.assertIn(line, done.stderr.splitlines())


class Schemas(e2e.TestCase):
    @e2e.once
    def test_from_files(self) -> None:
        protoset = str(self.directory / "echo.protoset")
        subprocess.run(
            ["protoc", f"-I{e2e.ROOT}/proto", f"--descriptor_set_out={protoset}",
             "--include_imports", PROTO], check=True,
        )  # fmt: skip
        sources = (
            ["--proto", PROTO],
            ["--proto", "saker/echo/v1/echo.proto", "--import-path", str(e2e.ROOT / "proto")],
            ["--protoset", protoset],
        )
        with e2e.Server("--no-reflection") as server:
            for source in sources:
                with self.subTest(source=source[0]):
                    done = self.assert_run(
                        "call", server.address, f"{ECHO}/Echo", "-d", echo_message("x"), *source
                    )
                    self.assertEqual(documents(done.stdout)[0]["payload"], payload("x"))
                    self.assertEqual(self.assert_run("list", *source).stdout, f"{ECHO}\n")
            self.assert_run(
                "call", server.address, f"{ECHO}/Echo",
                code=e2e.EXIT_USAGE, stderr="has no server reflection: use --proto",
            )  # fmt: skip

    def test_list(self) -> None:
        with e2e.Server() as server:
            services = self.assert_run("list", server.address).stdout.splitlines()
            self.assertIn(ECHO, services)
            self.assertEqual(self.assert_json("list", server.address), services)
            methods = self.assert_run("list", server.address, ECHO).stdout.splitlines()
            self.assertEqual(methods[0], f"{ECHO}.Echo")
            stream = self.assert_json("list", server.address, ECHO)[1]
            self.assertEqual(stream["path"], f"/{ECHO}/EchoStream")
            self.assertTrue(stream["client_streaming"] and stream["server_streaming"])

    def test_describe(self) -> None:
        with e2e.Server() as server:
            service = self.assert_run("describe", server.address, ECHO).stdout
            self.assertIn(f"{ECHO} is a service:\nservice Echo {{\n", service)
            self.assertIn("rpc EchoStream(stream .saker.echo.v1.EchoRequest) returns", service)
            message = self.assert_run("describe", server.address, f"{ECHO}Request").stdout
            self.assertIn("bytes payload = 1;", message)
            everything = self.assert_run("describe", server.address).stdout
            self.assertIn("saker.crypto.v1.Crypto is a service:", everything)
            described = self.assert_json("describe", server.address, f"{ECHO}/Echo")
            self.assertEqual(described["kind"], "method")
            self.assertEqual(described["descriptor"]["name"], "Echo")

    @e2e.once
    def test_describe_has_the_comments_of_files(self) -> None:
        done = self.assert_run("describe", "--proto", PROTO, ECHO)
        self.assertIn("// One request, one reply.", done.stdout)

    @e2e.once
    def test_a_server_that_only_knows_v1alpha(self) -> None:
        with call_peer.peer() as address:
            self.assertEqual(self.assert_run("list", address).stdout, "peer.v1.Peer\n")
            data = {
                "text": "x",
                "extra": {"@type": "type.googleapis.com/peer.v1.Value", "text": "inner"},
                "counts": {"a": 1, "b": 2},
            }
            done = self.assert_run("call", address, "peer.v1.Peer/Mirror", "-d", json.dumps(data))
            self.assertEqual(documents(done.stdout), [data])


if __name__ == "__main__":
    e2e.main()
