"""What a peer cannot do, by its own documentation or code: these cells of the matrix are not run, and are printed as `-`.
Everything else must pass."""

from __future__ import annotations

import dataclasses

CLIENT_COMPRESSED = ("client_compressed_unary", "client_compressed_streaming")
SERVER_COMPRESSED = ("server_compressed_unary", "server_compressed_streaming")


@dataclasses.dataclass(frozen=True)
class Limit:
    peer: str
    role: str  # what the peer is in it: "server", "client"
    cases: tuple[str, ...]  # none: all
    reason: str
    source: str
    transport: str = ""  # none: all


LIMITS = (
    Limit(
        "go",
        "server",
        CLIENT_COMPRESSED + SERVER_COMPRESSED,
        "the official server looks at neither expect_compressed nor response_compressed",
        "google.golang.org/grpc/interop, test_utils.go: UnaryCall, StreamingOutputCall",
    ),
    Limit(
        "go",
        "client",
        CLIENT_COMPRESSED + SERVER_COMPRESSED,
        "the official client has no cases of compression",
        "google.golang.org/grpc/interop/client: the help of --test_case",
    ),
    Limit(
        "java",
        "server",
        (*CLIENT_COMPRESSED, "server_compressed_streaming"),
        "the official server looks at response_compressed of UnaryCall, at nothing else about compression",
        "io.grpc:grpc-interop-testing, TestServiceImpl: unaryCall, streamingOutputCall",
    ),
    Limit(
        "python",
        "server",
        CLIENT_COMPRESSED,
        "a handler is not told whether a request came compressed",
        "grpc.ServicerContext, API reference",
    ),
    Limit(
        "python",
        "client",
        ("client_compressed_streaming",),
        "a stream's messages cannot be sent compressed one and plain the other",
        "grpc.StreamUnaryMultiCallable, API reference: compression is of the call",
    ),
    Limit(
        "node",
        "server",
        CLIENT_COMPRESSED + SERVER_COMPRESSED,
        "compression is an option of the channel; handlers neither see nor choose it for a message",
        "@grpc/grpc-js, README: grpc.default_compression_algorithm",
    ),
    Limit(
        "rust",
        "server",
        CLIENT_COMPRESSED,
        "a handler is not told whether a request came compressed",
        "tonic::Request, API reference",
    ),
    Limit(
        "rust",
        "server",
        ("server_compressed_streaming",),
        "a stream's messages cannot be sent compressed one and plain the other",
        "tonic::codec::CompressionEncoding and tonic::Response::disable_compression, API reference: of the whole response",
    ),
    Limit(
        "rust",
        "client",
        CLIENT_COMPRESSED,
        "compression of requests is an option of the client, not of a message",
        "tonic::client::Grpc::send_compressed, API reference",
    ),
)

def limit_of(peer: str, role: str, case: str, transport: str) -> str | None:
    """Why that cell is not run; None: it is."""
    for limit in LIMITS:
        if (limit.peer, limit.role) != (peer, role) or limit.transport not in ("", transport):
            continue
        if case in limit.cases or not limit.cases:
            return f"{limit.reason} ({limit.source})"
    return None
