"""saker call, list and describe: all kinds of method, every source of a schema, every format, errors."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time

import call_peer
import grpc
import saker_e2e as e2e
from reflection_e2e_test import fields, varint

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


class Failures(e2e.TestCase):
    def test_details_of_our_server(self) -> None:
        with e2e.Server() as server:
            done = self.assert_run(
                "call", server.address, f"{ECHO}/EchoExpand", "-d", '{"expandCount": 20000000}',
                code=e2e.exit_of_status(e2e.INVALID_ARGUMENT),
                stderr="saker: INVALID_ARGUMENT: expand_count is over 10000000\n",
            )  # fmt: skip
            detail = json.loads(done.stderr.split("detail: ", 1)[1])
            self.assertEqual(detail["@type"], "type.googleapis.com/google.rpc.BadRequest")
            self.assertEqual(detail["fieldViolations"][0]["field"], "expand_count")

    def test_details_on_the_wire(self) -> None:
        """As another implementation's client gets them, by the numbers of google.rpc.Status."""
        request = bytes([4 << 3]) + varint(20_000_000)  # expand_count
        with e2e.Server() as server, grpc.insecure_channel(server.grpc_address) as channel:
            with self.assertRaises(grpc.RpcError) as raised:
                list(channel.unary_stream(f"/{ECHO}/EchoExpand")(request, timeout=e2e.TIMEOUT_S))
        error = raised.exception
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        self.assertEqual(details[:2], bytes([1 << 3, e2e.INVALID_ARGUMENT]))
        [message, detail] = [value for _, value in fields(details[2:])]
        self.assertEqual(message.decode(), error.details())
        self.assertEqual(dict(fields(detail))[1], b"type.googleapis.com/google.rpc.BadRequest")
        violation = dict(fields(dict(fields(dict(fields(detail))[2]))[1]))
        self.assertEqual(violation[1], b"expand_count")

    @e2e.once
    def test_details_of_every_kind(self) -> None:
        with call_peer.peer() as address:
            done = self.assert_run(
                "call", address, "peer.v1.Peer/Fail",
                code=e2e.exit_of_status(e2e.FAILED_PRECONDITION),
                stderr="saker: FAILED_PRECONDITION: none left\n",
            )  # fmt: skip
            info, own, unknown = done.stderr.split("detail: ")[1:]
            self.assertEqual(json.loads(info)["reason"], "NO_STOCK")
            self.assertEqual(json.loads(own)["text"], "sorry")
            self.assertEqual(unknown, "type.googleapis.com/no.such.Type, base64 AQI=\n")

    @e2e.once
    def test_replies_that_cannot_be_shown(self) -> None:
        with call_peer.peer() as address:
            self.assert_run(
                "call", address, "peer.v1.Peer/Garble", code=e2e.EXIT_FAILED, stderr="base64 //8=",
            )  # fmt: skip
            extra = {"extra": {"@type": "type.googleapis.com/no.such.Type"}}
            self.assert_run(
                "call", address, "peer.v1.Peer/Mirror", "-d", json.dumps(extra),
                code=e2e.EXIT_USAGE, stderr="no.such.Type",
            )  # fmt: skip

    def test_deadline(self) -> None:
        slow = '{"expandCount": 2, "expandIntervalNs": "60000000000"}'
        with e2e.Server() as server:
            done = self.assert_run(
                "call", server.address, f"{ECHO}/EchoExpand", "-d", slow, "--deadline", "1s",
                code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED),
            )  # fmt: skip
            self.assertEqual(len(documents(done.stdout)), 1)

    def test_nobody_and_a_server_that_says_nothing(self) -> None:
        self.assert_run(
            "call", e2e.nobody(), f"{ECHO}/Echo", code=e2e.exit_of_status(e2e.UNAVAILABLE)
        )
        self.assert_run("list", e2e.nobody(), code=e2e.exit_of_status(e2e.UNAVAILABLE))
        with e2e.silent_server() as address:
            self.assert_run(
                "list", address, "--deadline", "200ms",
                code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED), stderr="no answer",
            )  # fmt: skip

    @e2e.once
    def test_nobody_and_a_schema_from_files(self) -> None:
        self.assert_run(
            "call", e2e.nobody(), f"{ECHO}/Echo", "--proto", PROTO,
            code=e2e.exit_of_status(e2e.UNAVAILABLE), stderr="saker: UNAVAILABLE",
        )  # fmt: skip

    def test_wait_for_ready(self) -> None:
        address = e2e.nobody()
        client = e2e.start("call", address, f"{ECHO}/Echo", "--wait-for-ready")
        time.sleep(0.2)
        with e2e.Server(listen=[address]):
            out, err = client.communicate(timeout=e2e.TIMEOUT_S)
        self.assertEqual(client.returncode, 0, out + err)

    def test_interrupt(self) -> None:
        slow = '{"expandCount": 2, "expandIntervalNs": "600000000000"}'
        with e2e.Server() as server:
            client = e2e.start("call", server.address, f"{ECHO}/EchoExpand", "-d", slow)
            assert client.stdout is not None
            self.assertEqual(client.stdout.readline(), "{\n")  # it is under way
            client.send_signal(signal.SIGINT)
            _, err = client.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(client.returncode, e2e.EXIT_INTERRUPTED, err)


class BadInput(e2e.TestCase):
    def test_table(self) -> None:
        broken = self.write("broken.proto", 'syntax = "proto3";\nmesage X {}\n')
        self.write("a.proto", 'syntax = "proto3"; import "b.proto";')
        self.write("b.proto", 'syntax = "proto3"; import "a.proto";')
        directory = str(self.directory)
        echo, collect = f"{ECHO}/Echo", f"{ECHO}/EchoCollect"
        with e2e.Server() as server:
            target = server.address
            table = [
                # Names.
                (["call", target], "METHOD is required"),
                (["call", target, "Echo"], "unexpected argument Echo"),
                (["call", "localhost", echo], 'as TARGET: address "localhost": the port is missing'),
                (["call", target, "saker.echo.v1.Ech/Echo"], f"did you mean {ECHO}?"),
                (["call", target, "Echo/Echo"], f"did you mean {ECHO}?"),
                (["call", target, f"{ECHO}/Ecko"], "did you mean Echo?"),
                (["list", target, "no.Such"], "no service no.Such"),
                (["describe", target, f"{ECHO}Requst"], f"no symbol {ECHO}Requst"),
                # Messages.
                (["call", target, echo, "-d", '{"payload" 1}'], "-d: line 1, column 12: "),
                (["call", target, echo, "-d", "{\n \n x}"], "-d: line 3, column 2: "),
                (["call", target, echo, "-d", '{"payload": "'], "-d: line 1, column 14: "),
                (["call", target, echo, "-d", '{"paylod": ""}'], "did you mean payload?"),
                (["call", target, echo, "-d", '{"sequence": -1}'], "(sequence): invalid value"),
                (["call", target, echo, "-d", "{} {}"], "2 messages"),
                (["call", target, collect, "-d", "{} {}\n{]"], "-d: line 2, column 2: "),
                (["call", target, echo, "-d", "x: 1", "--format", "text"], "-d: line 1, column 2"),
                (["call", target, echo, "-d", "@/nonexistent"], "/nonexistent: No such file"),
                (["call", target, echo, "-d", f"@{directory}"], "Is a directory"),
                (["call", target, echo, "--format", "xml"], "none of json, text, binary"),
                (["call", target, echo, "--max-receive-size", "2GiB"], "at most 1GiB"),
                # Files.
                (["call", target, echo, "--proto", broken], "broken.proto:2:1: "),
                (["list", "--proto", "/nonexistent.proto"], "/nonexistent.proto"),
                (["list", "--proto", "a.proto", "--import-path", directory], "imports itself"),
                (["list", "--proto", "a.proto", "--import-path", broken], "not a directory"),
                (["list", "--protoset", broken], "not a descriptor set"),
                (["list", "--protoset", broken, "--proto", broken], "excludes"),
                (["bench", "call", target, f"{ECHO}/EchoStream"], "is a streaming method"),
                (["bench", "call", target, f"{ECHO}/Eco"], "did you mean Echo?"),
                (["bench", "call", target, echo, "-d", "{"], "-d: line 1, column 2: "),
                (["bench", "call", target, echo, "--check-reply", "no"], "status, parse, same"),
            ]  # fmt: skip
            for arguments, message in table:
                with self.subTest(arguments=arguments):
                    done = self.assert_run(*arguments, code=e2e.EXIT_USAGE, stderr=message)
                    self.assertEqual(done.stdout, "")

    def test_a_bad_message_in_the_middle_of_a_stream(self) -> None:
        with e2e.Server() as server:
            client = subprocess.Popen(
                [e2e.SAKER, "call", server.address, f"{ECHO}/EchoStream", "-d", "@"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=e2e.environment(),
            )  # fmt: skip
            assert client.stdin is not None and client.stdout is not None
            client.stdin.write("{}\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), "{\n")
            client.stdin.write('{"x": }')
            _, err = client.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(client.returncode, e2e.EXIT_FAILED)
            self.assertIn("standard input: line 2, column 7: ", err)


if __name__ == "__main__":
    e2e.main()
