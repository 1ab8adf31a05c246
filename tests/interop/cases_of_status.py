"""How calls end, and metadata both ways."""
import interop_pb2 as pb
from case import (
    ABORTED, INTEROP, INTERNAL, OK, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNKNOWN, answer,
    case, instruct, metadata, values,
)

# ---- status


@case
def status_codes(t):
    for code in range(1, 17):
        outcome = t.unary(instruct(code=code, message=f"number {code}"))
        t.check(outcome, code, replies=0)
        t.assertEqual(outcome.message, f"number {code}")


@case
def status_messages(t):
    for message in ("", "grüße, 世界 🦅", "100%", "%41%zz%", "line\nbreak\ttab", " spaces ", "x" * 2000):
        outcome = t.unary(instruct(code=ABORTED, message=message))
        t.check(outcome, ABORTED)
        t.assertEqual(outcome.message, message)


@case
def status_details(t):
    for details in (b"\x00", bytes(range(256)), b"a,b", b"12", b"123"):
        outcome = t.unary(instruct(code=ABORTED, message="with details", details=details))
        t.check(outcome, ABORTED)
        t.assertEqual(outcome.details, details)


@case
def status_after_replies(t):
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(reply_count=3, code=ABORTED, message="after three ☃")])
    t.check(outcome, ABORTED, replies=3)
    t.assertEqual(outcome.message, "after three ☃")


@case
def status_before_all_requests_are_read(t):
    for method, kind in (("Collect", pb.CLIENT_STREAMING), ("Chat", pb.BIDI_STREAMING)):
        outcome = t.call(INTEROP + method, kind,
                         [instruct(code=ABORTED, message="enough", payload=b"f" * 16384)],
                         repeat=400)
        t.check(outcome, ABORTED, replies=0)
        t.assertEqual(outcome.message, "enough")
    t.check(t.unary(instruct()), OK)  # whatever was still under way: the connection lives


@case
def unimplemented(t):
    for path in (INTEROP + "Missing", "/no.such.Service/Method"):
        t.check(t.call(path, pb.UNARY, [b""]), UNIMPLEMENTED, replies=0)
        t.check(t.call(path, pb.BIDI_STREAMING, [b""], repeat=3), UNIMPLEMENTED, replies=0)


@case
def handler_throws(t):
    # Saker calls a bug of the application INTERNAL; gRPC's own servers say UNKNOWN.
    expected = INTERNAL if t.server_name == "saker" else UNKNOWN
    t.check(t.unary(instruct(throw_exception=True)), expected, replies=0)
    t.check(t.call(INTEROP + "Chat", pb.BIDI_STREAMING,
                   [instruct(), instruct(throw_exception=True)], lockstep=True),
            expected, replies=1)
    t.check(t.unary(instruct()), OK)


# ---- metadata


@case
def metadata_both_ways(t):
    sent = metadata(("x-plain", b"value"), ("x-twice", b"one"), ("x-twice", b"two, with comma"),
                    ("x-raw-bin", bytes(range(256))), ("x-pad1-bin", b"a"), ("x-pad2-bin", b"ab"),
                    ("x-two-bin", b"1"), ("x-two-bin", b"\x00,\xff"), ("x-many_chars.-9", b"~ !#%"))
    for method, kind in (("Unary", pb.UNARY), ("Expand", pb.SERVER_STREAMING)):
        outcome = t.call(INTEROP + method, kind, [instruct(echo_metadata=True, reply_count=1)],
                         metadata=sent)
        t.check(outcome, OK, replies=1)
        expected = values(sent)
        t.assertEqual(values(outcome.initial_metadata), expected)
        trailers = {(n[:-4] + "-trailer-bin" if n.endswith("-bin") else n + "-trailer"): v
                    for n, v in expected.items()}
        t.assertEqual(values(outcome.trailing_metadata), trailers)


@case
def metadata_with_an_error(t):
    outcome = t.unary(instruct(echo_metadata=True, code=ABORTED, message="no"),
                      metadata=metadata(("x-key", b"value"), ("x-key-bin", b"\x01\x02")))
    t.check(outcome, ABORTED, replies=0)
    trailers = values(outcome.trailing_metadata)
    t.assertEqual(trailers["x-key-trailer"], [b"value"])
    t.assertEqual(trailers["x-key-trailer-bin"], [b"\x01\x02"])


@case
def metadata_of_many_values(t):
    sent = metadata(*((f"x-number-{number}", b"v" * 20) for number in range(50)))
    for _ in range(3):  # once encoded in full, then from the dynamic table
        outcome = t.unary(instruct(echo_metadata=True), metadata=sent)
        t.check(outcome, OK, replies=1)
        t.assertEqual(values(outcome.initial_metadata), values(sent))


@case
def metadata_over_limit(t):
    # Over Saker's 16 KiB and gRPC's 8 KiB; a header block of more than 32 KiB would end the connection.
    before = answer(t.unary(instruct())).peer
    sent = metadata(*((f"x-large-{number}", b"v" * 4000) for number in range(5)))
    t.check(t.unary(instruct(), metadata=sent), RESOURCE_EXHAUSTED, replies=0)
    t.assertEqual(answer(t.unary(instruct())).peer, before)  # the connection lives
