"""Compressed messages, both ways (gRPC compression.md)."""
import random

import interop_pb2 as pb
from case import INTEROP, OK, answer, case, instruct


def check_compression(t, requests, replies):
    """Whoever it is, what arrives is what was sent; where one side is Saker, that it came compressed."""
    payload = b"z" * 100_000
    outcome = t.unary(instruct(payload=payload, compression=replies), compression=requests)
    t.check(outcome, OK, replies=1)
    t.assertEqual(answer(outcome).payload, payload)
    if t.server_name == "saker":
        t.assertEqual(answer(outcome).request_was_compressed, requests != pb.IDENTITY)
    if t.client_name == "saker":
        t.assertEqual(outcome.compressed_replies, int(replies != pb.IDENTITY))


@case
def compressed_requests(t):
    for compression in (pb.DEFLATE, pb.GZIP):
        check_compression(t, compression, pb.IDENTITY)


@case
def compressed_replies(t):
    for compression in (pb.DEFLATE, pb.GZIP):
        check_compression(t, pb.IDENTITY, compression)


@case
def compressed_both_ways(t):
    for requests in (pb.DEFLATE, pb.GZIP):
        for replies in (pb.DEFLATE, pb.GZIP):
            check_compression(t, requests, replies)


@case
def compressed_streams(t):
    payloads = [b"s" * size for size in (0, 1, 5000, 200_000, 2)]
    requests = [instruct(payload=payload, compression=pb.GZIP) for payload in payloads]
    outcome = t.call(INTEROP + "Chat", pb.BIDI_STREAMING, requests, compression=pb.DEFLATE)
    t.check(outcome, OK, replies=len(payloads))
    t.assertEqual([answer(outcome, at).payload for at in range(len(payloads))], payloads)
    if t.client_name == "saker":
        t.assertGreaterEqual(outcome.compressed_replies, 2)


@case
def what_does_not_compress(t):
    noise = random.Random(1).randbytes(50_000)
    outcome = t.unary(instruct(payload=noise, compression=pb.GZIP), compression=pb.GZIP)
    t.check(outcome, OK, replies=1)
    t.assertEqual(answer(outcome).payload, noise)
