"""What grpcurl and others ask first, as bytes on the wire: reflection by its numbers, v1 and v1alpha."""

from __future__ import annotations

import grpc
from google.protobuf import descriptor_pb2

import saker_e2e as e2e

LIST_SERVICES, FILE_BY_NAME, FILE_OF_SYMBOL = 7, 3, 4  # fields of ServerReflectionRequest
LISTED, FILES, ERROR = 6, 4, 7  # fields of ServerReflectionResponse


def field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def fields(message: bytes) -> list[tuple[int, bytes]]:
    """Those of a message, length-delimited ones as they are and numbers as empty."""
    out, at = [], 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        size = number()
        if key & 7 == 2:
            out.append((key >> 3, message[at : at + size]))
            at += size
        else:
            out.append((key >> 3, b""))
    return out


class Reflection(e2e.TestCase):
    def ask(self, server: e2e.Server, version: str, *requests: bytes) -> list[dict[int, bytes]]:
        path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        with grpc.insecure_channel(server.grpc_address) as channel:
            replies = channel.stream_stream(path)(iter(requests), timeout=e2e.TIMEOUT_S)
            return [dict(fields(reply)) for reply in replies]

    def test_list_and_describe(self) -> None:
        with e2e.Server() as server:
            for version in ("v1", "v1alpha"):
                with self.subTest(version=version):
                    listed, described, unknown = self.ask(
                        server, version, field(LIST_SERVICES, b"*"),
                        field(FILE_OF_SYMBOL, b"saker.crypto.v1.Crypto"),
                        field(FILE_BY_NAME, b"no/such.proto"),
                    )  # fmt: skip
                    names = [dict(fields(one))[1].decode() for _, one in fields(listed[LISTED])]
                    self.assertEqual(names, [
                        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                        "grpc.reflection.v1alpha.ServerReflection", "saker.crypto.v1.Crypto",
                        "saker.echo.v1.Echo",
                    ])  # fmt: skip
                    file = descriptor_pb2.FileDescriptorProto.FromString(
                        fields(described[FILES])[0][1]
                    )
                    self.assertEqual(file.package, "saker.crypto.v1")
                    self.assertIn("Sign", [method.name for method in file.service[0].method])
                    self.assertIn(b"no/such.proto", unknown[ERROR])

    @e2e.once
    def test_may_be_turned_off(self) -> None:
        with e2e.Server("--no-reflection") as server:
            with self.assertRaises(grpc.RpcError) as raised:
                self.ask(server, "v1", field(LIST_SERVICES, b"*"))
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


if __name__ == "__main__":
    e2e.main()
