"""A gRPC Python server for `saker call`: knows reflection v1alpha only, keeps the standard protos to
itself, answers with the request, or fails with details."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterator

import grpc
from google.protobuf import any_pb2, descriptor_pb2
from reflection_e2e_test import field, fields

SERVICE = "peer.v1.Peer"
MIRRORED: list[bytes] = []  # requests that it has answered so
FILE_BY_NAME, FILE_OF_SYMBOL, LIST_SERVICES = 3, 4, 7  # fields of ServerReflectionRequest
FILES, LISTED, ERROR = 4, 6, 7  # fields of ServerReflectionResponse
NOT_FOUND = 5


def peer_file() -> descriptor_pb2.FileDescriptorProto:
    """Value { string text = 1; Any extra = 2; map<string, int32> counts = 3; } and the service."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="peer/v1/peer.proto",
        package="peer.v1",
        syntax="proto3",
        dependency=["google/protobuf/any.proto"],
    )
    value = file.message_type.add(name="Value")
    value.field.add(name="text", number=1, type=kinds.TYPE_STRING, label=1)
    value.field.add(
        name="extra", number=2, type=kinds.TYPE_MESSAGE, label=1, type_name=".google.protobuf.Any"
    )
    value.field.add(
        name="counts",
        number=3,
        type=kinds.TYPE_MESSAGE,
        label=3,
        type_name=".peer.v1.Value.CountsEntry",
    )
    entry = value.nested_type.add(name="CountsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=kinds.TYPE_INT32, label=1)
    service = file.service.add(name="Peer")
    for name in ("Mirror", "Fail", "Garble"):
        service.method.add(name=name, input_type=".peer.v1.Value", output_type=".peer.v1.Value")
    return file


def error(text: bytes) -> bytes:
    return field(ERROR, bytes([1 << 3, NOT_FOUND]) + field(2, text))


def reflect(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    own = field(FILES, field(1, peer_file().SerializeToString()))
    for request in requests:
        asked = dict(fields(request))
        if LIST_SERVICES in asked:
            yield field(LISTED, field(1, field(1, SERVICE.encode())))
        elif asked.get(FILE_OF_SYMBOL, b"").startswith(b"peer.v1."):
            yield own
        elif asked.get(FILE_BY_NAME) == b"peer/v1/peer.proto":
            yield own
        else:
            yield error(b"not known here")


def mirror(request: bytes, context: grpc.ServicerContext) -> bytes:
    received = dict(context.invocation_metadata())
    context.send_initial_metadata(
        [("seen", received.get("ask", "")), ("seen-bin", received.get("ask-bin", b""))]
    )
    context.set_trailing_metadata([("tail", "end")])
    MIRRORED.append(request)
    return request


def failure_details() -> bytes:
    """A google.rpc.Status: an ErrorInfo, a message of the server's own type, and an unknown one."""
    info = field(1, b"NO_STOCK") + field(2, b"shop.example")
    packed = [
        any_pb2.Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info),
        any_pb2.Any(type_url="type.googleapis.com/peer.v1.Value", value=field(1, b"sorry")),
        any_pb2.Any(type_url="type.googleapis.com/no.such.Type", value=b"\x01\x02"),
    ]
    details = bytes([1 << 3, 9]) + field(2, b"none left")
    return details + b"".join(field(3, one.SerializeToString()) for one in packed)


def fail(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.set_code(grpc.StatusCode.FAILED_PRECONDITION)
    context.set_details("none left")
    context.set_trailing_metadata([("grpc-status-details-bin", failure_details())])
    return b""


def garble(_request: bytes, _context: grpc.ServicerContext) -> bytes:
    return b"\xff\xff"


def handlers() -> list[grpc.GenericRpcHandler]:
    methods: dict[str, Callable] = {"Mirror": mirror, "Fail": fail, "Garble": garble}
    return [
        grpc.method_handlers_generic_handler(
            SERVICE,
            {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()},
        ),
        grpc.method_handlers_generic_handler(
            "grpc.reflection.v1alpha.ServerReflection",
            {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(reflect)},
        ),
    ]


@contextlib.contextmanager
def peer() -> Iterator[str]:
    """Its address."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers(handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
