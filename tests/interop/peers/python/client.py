"""gRPC's interoperability cases by grpcio, stock. Prints one line a case: "ok  NAME" or "FAIL  NAME  why"."""

import argparse
import gzip
import itertools
import sys
import threading

import grpc
from testing_protos import empty_pb2, messages_pb2, test_pb2_grpc

ECHO_INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
ECHO_TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
REQUEST_BYTES = (27182, 8, 1828, 45904)
REPLY_BYTES = (31415, 9, 2653, 58979)
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
DEADLINE_S = 60
CONCURRENT_CALLS = 100

# grpcio's API does not tell whether a message came compressed. With this option of a channel messages are handed on as they came.
AS_RECEIVED = ("grpc.per_message_decompression", 0)
GZIP_MAGIC = b"\x1f\x8b"


def payload(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))


def large() -> messages_pb2.SimpleRequest:
    return messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828))


def output(size: int | None, request_bytes: int) -> messages_pb2.StreamingOutputCallRequest:
    parameters = [] if size is None else [messages_pb2.ResponseParameters(size=size)]
    return messages_pb2.StreamingOutputCallRequest(
        response_parameters=parameters, payload=payload(request_bytes)
    )


def expect(got, wanted) -> None:
    if got != wanted:
        raise AssertionError(f"{got!r}, not {wanted!r}")


def expect_error(call, code: grpc.StatusCode, details: str | None = None) -> None:
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code(), code)
        if details is not None:
            expect(error.details(), details)
        return
    raise AssertionError(f"OK, not {code}")


def read(message_class):
    """A deserializer of messages as they came: (message, whether it was compressed)."""

    def deserialize(data: bytes):
        compressed = data.startswith(GZIP_MAGIC)
        return message_class.FromString(gzip.decompress(data) if compressed else data), compressed

    return deserialize


class Cases:
    def __init__(self, connect) -> None:
        self.connect = connect
        self.channel = connect()
        self.stub = test_pb2_grpc.TestServiceStub(self.channel)

    def empty_unary(self) -> None:
        expect(self.stub.EmptyCall(empty_pb2.Empty(), timeout=DEADLINE_S), empty_pb2.Empty())

    def large_unary(self) -> None:
        reply = self.stub.UnaryCall(large(), timeout=DEADLINE_S)
        expect(len(reply.payload.body), 314159)

    def client_streaming(self) -> None:
        requests = (messages_pb2.StreamingInputCallRequest(payload=payload(n)) for n in REQUEST_BYTES)
        expect(self.stub.StreamingInputCall(requests, timeout=DEADLINE_S).aggregated_payload_size, 74922)

    def server_streaming(self) -> None:
        request = messages_pb2.StreamingOutputCallRequest(
            response_parameters=[messages_pb2.ResponseParameters(size=n) for n in REPLY_BYTES]
        )
        replies = self.stub.StreamingOutputCall(request, timeout=DEADLINE_S)
        expect([len(reply.payload.body) for reply in replies], list(REPLY_BYTES))

    def server_compressed_unary(self) -> None:
        for compressed in (True, False):
            request = large()
            request.response_compressed.value = compressed
            expect(len(self.stub.UnaryCall(request, timeout=DEADLINE_S).payload.body), 314159)
            with self.connect(AS_RECEIVED) as channel:
                call = channel.unary_unary(
                    "/grpc.testing.TestService/UnaryCall",
                    messages_pb2.SimpleRequest.SerializeToString,
                    read(messages_pb2.SimpleResponse),
                )
                reply, was_compressed = call(request, timeout=DEADLINE_S)
            expect((len(reply.payload.body), was_compressed), (314159, compressed))

    def server_compressed_streaming(self) -> None:
        wanted = [(31415, True), (92653, False)]
        request = messages_pb2.StreamingOutputCallRequest()
        for size, compressed in wanted:
            parameters = request.response_parameters.add(size=size)
            parameters.compressed.value = compressed
        replies = self.stub.StreamingOutputCall(request, timeout=DEADLINE_S)
        expect([len(reply.payload.body) for reply in replies], [size for size, _ in wanted])
        with self.connect(AS_RECEIVED) as channel:
            call = channel.unary_stream(
                "/grpc.testing.TestService/StreamingOutputCall",
                messages_pb2.StreamingOutputCallRequest.SerializeToString,
                read(messages_pb2.StreamingOutputCallResponse),
            )
            expect([(len(reply.payload.body), compressed) for reply, compressed in call(request, timeout=DEADLINE_S)], wanted)

    def client_compressed_unary(self) -> None:
        request = large()
        request.expect_compressed.value = True
        expect_error(
            lambda: self.stub.UnaryCall(request, timeout=DEADLINE_S),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        reply = self.stub.UnaryCall(request, timeout=DEADLINE_S, compression=grpc.Compression.Gzip)
        expect(len(reply.payload.body), 314159)
        request.expect_compressed.value = False
        expect(len(self.stub.UnaryCall(request, timeout=DEADLINE_S).payload.body), 314159)

    def ping_pong(self) -> None:
        ready = threading.Semaphore(1)

        def requests():
            for size, request_bytes in zip(REPLY_BYTES, REQUEST_BYTES):
                ready.acquire()
                yield output(size, request_bytes)
            ready.acquire()

        sizes = []
        for reply in self.stub.FullDuplexCall(requests(), timeout=DEADLINE_S):
            sizes.append(len(reply.payload.body))
            ready.release()
        expect(sizes, list(REPLY_BYTES))

    def empty_stream(self) -> None:
        expect(list(self.stub.FullDuplexCall(iter(()), timeout=DEADLINE_S)), [])

    def custom_metadata(self) -> None:
        metadata = (ECHO_INITIAL, ECHO_TRAILING)
        _, unary = self.stub.UnaryCall.with_call(large(), metadata=metadata, timeout=DEADLINE_S)
        stream = self.stub.FullDuplexCall(
            iter((output(314159, 271828),)), metadata=metadata, timeout=DEADLINE_S
        )
        expect([len(reply.payload.body) for reply in stream], [314159])
        for call in (unary, stream):
            expect(dict(call.initial_metadata()).get(ECHO_INITIAL[0]), ECHO_INITIAL[1])
            expect(dict(call.trailing_metadata()).get(ECHO_TRAILING[0]), ECHO_TRAILING[1])

    def status_code_and_message(self) -> None:
        status = messages_pb2.EchoStatus(code=2, message="test status message")
        unary = messages_pb2.SimpleRequest(response_status=status)
        stream = messages_pb2.StreamingOutputCallRequest(response_status=status)
        for call in (
            lambda: self.stub.UnaryCall(unary, timeout=DEADLINE_S),
            lambda: list(self.stub.FullDuplexCall(iter((stream,)), timeout=DEADLINE_S)),
        ):
            expect_error(call, grpc.StatusCode.UNKNOWN, status.message)

    def special_status_message(self) -> None:
        status = messages_pb2.EchoStatus(code=2, message=SPECIAL)
        request = messages_pb2.SimpleRequest(response_status=status)
        expect_error(
            lambda: self.stub.UnaryCall(request, timeout=DEADLINE_S), grpc.StatusCode.UNKNOWN, SPECIAL
        )

    def unimplemented_method(self) -> None:
        expect_error(
            lambda: self.stub.UnimplementedCall(empty_pb2.Empty(), timeout=DEADLINE_S),
            grpc.StatusCode.UNIMPLEMENTED,
        )

    def unimplemented_service(self) -> None:
        stub = test_pb2_grpc.UnimplementedServiceStub(self.channel)
        expect_error(
            lambda: stub.UnimplementedCall(empty_pb2.Empty(), timeout=DEADLINE_S),
            grpc.StatusCode.UNIMPLEMENTED,
        )

    def cancel_after_begin(self) -> None:
        sent = threading.Event()

        def requests():
            sent.wait(DEADLINE_S)
            yield from ()

        call = self.stub.StreamingInputCall.future(requests(), timeout=DEADLINE_S)
        call.cancel()
        sent.set()
        expect(call.cancelled(), True)
        expect(call.code(), grpc.StatusCode.CANCELLED)

    def cancel_after_first_response(self) -> None:
        hold = threading.Event()

        def requests():
            yield output(31415, 27182)
            hold.wait(DEADLINE_S)

        call = self.stub.FullDuplexCall(requests(), timeout=DEADLINE_S)
        expect(len(next(call).payload.body), 31415)
        call.cancel()
        hold.set()
        expect_error(lambda: next(call), grpc.StatusCode.CANCELLED)

    def timeout_on_sleeping_server(self) -> None:
        hold = threading.Event()
        requests = itertools.chain((output(None, 27182),), (hold.wait(DEADLINE_S) for _ in "x"))
        call = self.stub.FullDuplexCall(requests, timeout=0.001)
        expect_error(lambda: next(call), grpc.StatusCode.DEADLINE_EXCEEDED)
        hold.set()

    def rpc_soak(self) -> None:
        for _ in range(10):
            self.large_unary()

    def channel_soak(self) -> None:
        for _ in range(10):
            with self.connect() as channel:
                stub = test_pb2_grpc.TestServiceStub(channel)
                expect(len(stub.UnaryCall(large(), timeout=DEADLINE_S).payload.body), 314159)

    def concurrent_large_unary(self) -> None:
        calls = [self.stub.UnaryCall.future(large(), timeout=DEADLINE_S) for _ in range(CONCURRENT_CALLS)]
        for call in calls:
            expect(len(call.result().payload.body), 314159)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="host:port or unix:/path")
    parser.add_argument("--ca", help="TLS: certificate authority, PEM")
    parser.add_argument("--server-name", help="TLS: name in the server's certificate")
    parser.add_argument("cases", nargs="+", metavar="CASE")
    arguments = parser.parse_args()

    def connect(*options: tuple[str, object]) -> grpc.Channel:
        if not arguments.ca:
            return grpc.insecure_channel(arguments.target, options)
        with open(arguments.ca, "rb") as ca:
            identity = grpc.ssl_channel_credentials(ca.read())
        name = ("grpc.ssl_target_name_override", arguments.server_name)
        return grpc.secure_channel(arguments.target, identity, [name, *options])

    failed = 0
    for name in arguments.cases:
        try:
            getattr(Cases(connect), name)()
            print("ok   ", name, flush=True)
        except Exception as error:  # noqa: BLE001: whatever it was, the case has failed
            failed = 1
            print("FAIL ", name, "", repr(error).replace("\n", " "), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
