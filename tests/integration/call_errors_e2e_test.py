"""saker call: statuses and their details, what interrupts it, and mistakes on the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import call_peer
import grpc
import saker_e2e as e2e
from call_e2e_test import ECHO, PROTO, documents
from reflection_e2e_test import fields, varint


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
                (["bench", "call", target, f"{ECHO}/Echo", "--messages", "3"], "is no streaming"),
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
