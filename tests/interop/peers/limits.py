"""What a peer cannot do, by its own documentation or code: these cells of the matrix are not run, and are printed as `-`.
Everything else must pass; what passes and shows less is in LESS."""

from __future__ import annotations

import dataclasses

CLIENT_COMPRESSED = ("client_compressed_unary", "client_compressed_streaming")
SERVER_COMPRESSED = ("server_compressed_unary", "server_compressed_streaming")


@dataclasses.dataclass(frozen=True)
class Limit:
    peer: str
    role: str  # what the peer is in it: "server", "client"
    cases: tuple[str, ...]
    reason: str
    source: str


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
        ("client_compressed_streaming",),
        "compression of requests is an option of the client, not of a message",
        "tonic::client::Grpc::send_compressed, API reference",
    ),
)

# These cells are run and must pass, and are printed as `ok*`: they show less than the case asks.
LESS = (
    Limit(
        "rust",
        "client",
        ("cancel_after_begin",),
        "a call is cancelled by dropping it, and then has no status: that the requests are let go and the connection goes on "
        "is asserted",
        "tonic::client::Grpc, API reference",
    ),
    Limit(
        "rust",
        "client",
        ("cancel_after_first_response",),
        "a call is cancelled by dropping its requests and replies, and then has no status: that the connection goes on is "
        "asserted",
        "tonic::Streaming, API reference",
    ),
    Limit(
        "rust",
        "client",
        ("timeout_on_sleeping_server",),
        "the status is CANCELLED, asserted to be 'Timeout expired' by the client's clock or the server's RST_STREAM(CANCEL)",
        "tonic, Status::try_from_error: TimeoutExpired; Status::code_from_h2",
    ),
)

def _reason_of(limits: tuple[Limit, ...], peer: str, role: str, case: str) -> str | None:
    for limit in limits:
        if (limit.peer, limit.role) == (peer, role) and case in limit.cases:
            return f"{limit.reason} ({limit.source})"
    return None


def limit_of(peer: str, role: str, case: str) -> str | None:
    """Why that cell is not run; None: it is."""
    return _reason_of(LIMITS, peer, role, case)


def less_of(peer: str, role: str, case: str) -> str | None:
    """What that cell does not show; None: it shows what the case asks."""
    return _reason_of(LESS, peer, role, case)
