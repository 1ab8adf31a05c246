"""gRPC Python as a client of the Crypto service: the tests' own, that shares nothing with Saker's."""

from __future__ import annotations

import atexit
import importlib
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable

import grpc

import saker_e2e as e2e

_directory = tempfile.TemporaryDirectory(prefix="saker-protos-")
atexit.register(_directory.cleanup)
subprocess.run(
    ["protoc", f"-I{e2e.ROOT / 'proto'}", f"--python_out={_directory.name}",
     str(e2e.ROOT / "proto/saker/crypto/v1/crypto.proto")],
    check=True,
)  # fmt: skip
sys.path.insert(0, _directory.name)
pb = importlib.import_module("saker.crypto.v1.crypto_pb2")

METHODS = {
    "ListKeys": (pb.ListKeysRequest, pb.ListKeysReply),
    "GetPublicKey": (pb.GetPublicKeyRequest, pb.GetPublicKeyReply),
    "Sign": (pb.SignRequest, pb.SignReply),
    "SignBatch": (pb.SignBatchRequest, pb.SignBatchReply),
    "Verify": (pb.VerifyRequest, pb.VerifyReply),
}


def crc32c(data: bytes) -> int:
    """CRC-32C, RFC 3720 section 12.1, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Client:
    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        """With credentials the server is one for `localhost`, whatever its address."""
        if credentials is None:
            self.channel = grpc.insecure_channel(address)
        else:
            options = [("grpc.ssl_target_name_override", "localhost")]
            self.channel = grpc.secure_channel(address, credentials, options)
        self.calls = {
            name: self.channel.unary_unary(
                f"/saker.crypto.v1.Crypto/{name}",
                request_serializer=request.SerializeToString,
                response_deserializer=reply.FromString,
            )
            for name, (request, reply) in METHODS.items()
        }
        self.stream = self.channel.stream_unary(
            "/saker.crypto.v1.Crypto/SignStream",
            request_serializer=pb.SignStreamRequest.SerializeToString,
            response_deserializer=pb.SignReply.FromString,
        )

    def call(self, method: str, request):
        return self.calls[method](request, timeout=e2e.TIMEOUT_S)

    def sign_stream(self, requests: Iterable):
        return self.stream(iter(requests), timeout=e2e.TIMEOUT_S)

    def sign(self, key: str = "ec-p256", message: bytes = b"message", **fields: object):
        fields.setdefault("algorithm", pb.ECDSA_P256_SHA256)
        return self.call("Sign", pb.SignRequest(key_name=key, message=message, **fields))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()


def write_private(path: pathlib.Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)
