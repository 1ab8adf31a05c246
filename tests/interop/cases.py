"""The cases, once for all pairs: what the client is told to do, and what must come of it, whoever client and server are.

A case is a function of a Pair (interop_test.py). @case puts it on the list; `only` says for which pairs it makes sense.
"""
import threading
import time

import interop_pb2 as pb
from harness import SLOWNESS
from saker.echo.v1 import echo_pb2

OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED = 0, 1, 2, 4
RESOURCE_EXHAUSTED, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 8, 10, 12, 13, 14
MIB = 1 << 20

INTEROP = "/saker.interop.v1.Interop/"
ECHO = "/saker.echo.v1.Echo/"
CASES = []


def case(function=None, *, only=lambda client, server: True):
    def register(test):
        test.applies = only
        CASES.append(test)
        return test

    return register if function is None else register(function)


def instruct(**fields):
    return pb.Instruction(**fields).SerializeToString()


def answer(outcome, index=0):
    return pb.Answer.FromString(outcome.replies[index])


def metadata(*pairs):
    return [pb.Header(name=name, value=value) for name, value in pairs]


def values(headers):
    """Name to values; only custom names, for each implementation shows some of its own."""
    found = {}
    for header in headers:
        if header.name.startswith("x-"):
            found.setdefault(header.name, []).append(header.value)
    return found


# ---- unary


@case
def unary(t):
    outcome = t.unary(instruct(payload=b"hello"))
    t.check(outcome, OK, replies=1)
    t.assertEqual(answer(outcome).payload, b"hello")
    t.assertEqual(answer(outcome).remaining_ms, -1)
    t.assertEqual(outcome.message, "")


@case
def empty_messages(t):
    outcome = t.call(INTEROP + "Watch", pb.UNARY, [b""])
    t.check(outcome, OK, replies=1)
    t.assertEqual(outcome.replies[0], b"")


@case
def every_size_near_a_boundary(t):
    calls = []
    for centre in (16384, 32768, 65535, 1 << 17):
        for size in range(centre - 24, centre + 4):
            payload = bytes([size % 251]) * size
            calls.append((payload, t.start_unary(instruct(payload=payload))))
    for payload, call in calls:
        outcome = call.wait()
        t.check(outcome, OK, replies=1)
        t.assertEqual(answer(outcome).payload, payload)


@case
def four_mib_both_ways(t):
    # A request of exactly 4 MiB: tag and length take five bytes.
    outcome = t.unary(instruct(payload=b"q" * (4 * MIB - 7), reply_bytes=1))
    t.check(outcome, OK, replies=1)
    payload = bytes(range(256)) * (4 * MIB // 256 - 1)
    outcome = t.unary(instruct(payload=payload))
    t.check(outcome, OK, replies=1)
    t.assertTrue(answer(outcome).payload == payload)


@case
def over_limit_request(t):
    before = answer(t.unary(instruct())).peer
    outcome = t.unary(instruct(payload=b"q" * (5 * MIB)))
    t.check(outcome, RESOURCE_EXHAUSTED)
    t.check(t.call(INTEROP + "Chat", pb.BIDI_STREAMING, [instruct(payload=b"q" * (5 * MIB))]),
            RESOURCE_EXHAUSTED)
    after = answer(t.unary(instruct(payload=b"still here")))
    t.assertEqual(after.peer, before)  # the connection lives


@case
def over_limit_reply(t):
    before = answer(t.unary(instruct())).peer
    t.check(t.unary(instruct(reply_bytes=5 * MIB)), RESOURCE_EXHAUSTED)
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(reply_bytes=5 * MIB, reply_count=3)])
    t.check(outcome, RESOURCE_EXHAUSTED)
    t.assertEqual(answer(t.unary(instruct())).peer, before)


@case
def many_concurrent_calls(t):
    calls = [t.start_unary(instruct(payload=str(number).encode(), sleep_ms=number % 20))
             for number in range(500)]
    for number, call in enumerate(calls):
        outcome = call.wait()
        t.check(outcome, OK, replies=1)
        t.assertEqual(answer(outcome).payload, str(number).encode())


@case
def stream_limit(t):
    server = t.start_server(max_streams=8)
    client = t.start_client(server.address)
    calls = [client.start(INTEROP + "Unary", pb.UNARY, [instruct(payload=b"x", sleep_ms=2)])
             for _ in range(200)]
    for call in calls:
        t.check(call.wait(), OK, replies=1)


# ---- streams


@case
def collect(t):
    outcome = t.call(INTEROP + "Collect", pb.CLIENT_STREAMING, [instruct(payload=b"c" * 100)],
                     repeat=1000)
    t.check(outcome, OK, replies=1)
    t.assertEqual(answer(outcome).index, 1000)


@case
def expand(t):
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(payload=b"e" * 100, reply_count=1000)])
    t.check(outcome, OK, replies=1000)
    t.assertEqual([answer(outcome, index).index for index in range(1000)], list(range(1000)))


@case
def chat(t):
    requests = [instruct(payload=str(number).encode() * (number % 50)) for number in range(1000)]
    outcome = t.call(INTEROP + "Chat", pb.BIDI_STREAMING, requests)
    t.check(outcome, OK, replies=1000)
    for number in range(1000):
        t.assertEqual(answer(outcome, number).payload, str(number).encode() * (number % 50))


@case
def chat_in_lockstep(t):
    outcome = t.call(INTEROP + "Chat", pb.BIDI_STREAMING, [instruct(payload=b"ping")], repeat=200,
                     lockstep=True)
    t.check(outcome, OK, replies=200)


@case
def empty_streams(t):
    outcome = t.call(INTEROP + "Collect", pb.CLIENT_STREAMING, [])
    t.check(outcome, OK, replies=1)
    t.assertEqual(answer(outcome).index, 0)
    t.check(t.call(INTEROP + "Expand", pb.SERVER_STREAMING, [instruct()]), OK, replies=0)
    t.check(t.call(INTEROP + "Chat", pb.BIDI_STREAMING, []), OK, replies=0)


@case
def large_messages_both_ways_and_a_slow_reader(t):
    outcome = t.call(INTEROP + "Chat", pb.BIDI_STREAMING, [instruct(payload=b"L" * (MIB // 2))],
                     repeat=32, pause_ms=300, count_only=True)
    t.check(outcome, OK, replies=32)
    t.assertGreater(outcome.reply_bytes, 32 * MIB // 2)


@case
def slow_reader_of_many_replies(t):
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(payload=b"s" * 32768, reply_count=1000)], pause_ms=300,
                     count_only=True)
    t.check(outcome, OK, replies=1000)
    t.assertGreater(outcome.reply_bytes, 1000 * 32768)


@case
def echo_of_all_kinds(t):
    request = echo_pb2.EchoRequest(payload=b"payload", client_send_time_ns=1 << 60, sequence=77,
                                   expand_count=50).SerializeToString()
    outcomes = [
        t.call(ECHO + "Echo", pb.UNARY, [request]),
        t.call(ECHO + "EchoStream", pb.BIDI_STREAMING, [request], repeat=50),
        t.call(ECHO + "EchoExpand", pb.SERVER_STREAMING, [request]),
    ]
    for outcome, count in zip(outcomes, (1, 50, 50)):
        t.check(outcome, OK, replies=count)
        for bytes_of_reply in outcome.replies:
            reply = echo_pb2.EchoReply.FromString(bytes_of_reply)
            t.assertEqual((reply.payload, reply.client_send_time_ns, reply.sequence),
                          (b"payload", 1 << 60, 77))
    outcome = t.call(ECHO + "EchoCollect", pb.CLIENT_STREAMING, [request], repeat=50)
    t.check(outcome, OK, replies=1)
    reply = echo_pb2.EchoCollectReply.FromString(outcome.replies[0])
    t.assertEqual((reply.messages, reply.payload_bytes, reply.sequence), (50, 350, 77))


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


# ---- deadlines, cancellation


@case
def deadline(t):
    mark = t.new_mark()
    outcome = t.unary(instruct(sleep_ms=20_000, mark=mark), timeout_ms=200)
    t.check(outcome, DEADLINE_EXCEEDED)
    t.assertGreaterEqual(outcome.duration_ms, 199)
    t.assertLess(outcome.duration_ms, 3000 * SLOWNESS)
    t.await_mark(mark, lambda marked: marked.cancelled == 1 and marked.ended == 1)


@case
def deadline_is_propagated(t):
    outcome = t.unary(instruct(), timeout_ms=10_000)
    t.check(outcome, OK)
    t.assertGreater(answer(outcome).remaining_ms, 10_000 - 3000 * SLOWNESS)
    t.assertLessEqual(answer(outcome).remaining_ms, 10_100)  # gRPC rounds up to three digits


@case
def deadline_within_a_stream(t):
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(reply_count=100_000, sleep_ms=20)], timeout_ms=400)
    t.check(outcome, DEADLINE_EXCEEDED)
    t.assertGreater(outcome.reply_count, 0)


@case
def deadline_of_a_millisecond(t):
    for _ in range(20):
        t.check(t.unary(instruct(sleep_ms=100), timeout_ms=1), DEADLINE_EXCEEDED)
    t.check(t.unary(instruct()), OK)


@case
def cancel(t):
    mark = t.new_mark()
    call = t.start_unary(instruct(sleep_ms=20_000, mark=mark))
    t.await_mark(mark, lambda marked: marked.started == 1)
    call.cancel()
    t.check(call.wait(), CANCELLED)
    t.await_mark(mark, lambda marked: marked.cancelled == 1 and marked.ended == 1)


@case
def cancel_a_stream(t):
    mark = t.new_mark()
    outcome = t.call(INTEROP + "Expand", pb.SERVER_STREAMING,
                     [instruct(reply_count=100_000, sleep_ms=5, mark=mark)],
                     cancel_after_replies=3)
    t.check(outcome, CANCELLED)
    t.await_mark(mark, lambda marked: marked.cancelled == 1 and marked.ended == 1)


@case
def cancel_while_the_server_waits_for_requests(t):
    mark = t.new_mark()
    outcome = t.call(INTEROP + "Chat", pb.BIDI_STREAMING, [instruct(mark=mark)], repeat=5,
                     lockstep=True, cancel_after_replies=3)
    t.check(outcome, CANCELLED)
    t.await_mark(mark, lambda marked: marked.cancelled == 1)


@case
def cancel_many(t):
    calls = [t.start_unary(instruct(sleep_ms=20_000)) for _ in range(50)]
    calls += [t.client.start(INTEROP + "Expand", pb.SERVER_STREAMING,
                             [instruct(reply_bytes=65536, reply_count=100_000)], pause_ms=100)
              for _ in range(4)]
    time.sleep(0.1)
    for call in calls:
        call.cancel()
    for call in calls:
        t.check(call.wait(), CANCELLED)
    t.check(t.unary(instruct()), OK)


# ---- the connection's life


@case
def fails_at_once_without_server(t):
    client = t.start_client(t.unused_address())
    outcome = client.start(INTEROP + "Unary", pb.UNARY, [instruct()]).wait()
    t.check(outcome, UNAVAILABLE)
    t.assertLess(outcome.duration_ms, 5000 * SLOWNESS)


@case
def wait_for_ready(t):
    address = t.unused_address()
    client = t.start_client(address)
    call = client.start(INTEROP + "Unary", pb.UNARY, [instruct(payload=b"late")],
                        wait_for_ready=True, timeout_ms=20_000)
    time.sleep(0.3)
    t.start_server(address)
    outcome = call.wait()
    t.check(outcome, OK, replies=1)
    t.assertGreaterEqual(outcome.duration_ms, 250)


@case
def wait_for_ready_within_the_deadline(t):
    client = t.start_client(t.unused_address())
    outcome = client.start(INTEROP + "Unary", pb.UNARY, [instruct()], wait_for_ready=True,
                           timeout_ms=300).wait()
    t.check(outcome, DEADLINE_EXCEEDED)
    t.assertGreaterEqual(outcome.duration_ms, 299)


@case
def server_killed_in_mid_call(t):
    server = t.start_server(t.unused_address())
    client = t.start_client(server.address)
    mark = t.new_mark()
    calls = [client.start(INTEROP + "Unary", pb.UNARY, [instruct(sleep_ms=20_000, mark=mark)]),
             client.start(INTEROP + "Expand", pb.SERVER_STREAMING,
                          [instruct(sleep_ms=10, reply_count=10_000, mark=mark)])]
    t.await_mark(mark, lambda marked: marked.started == 2, client)
    server.kill()
    for call in calls:
        t.check(call.wait(), UNAVAILABLE)
    t.start_server(server.address)
    t.check(client.start(INTEROP + "Unary", pb.UNARY, [instruct()], wait_for_ready=True,
                         timeout_ms=20_000).wait(), OK, replies=1)


@case
def drain_while_calls_run(t):
    server = t.start_server()
    client = t.start_client(server.address)
    mark = t.new_mark()
    calls = [client.start(INTEROP + "Unary", pb.UNARY, [instruct(sleep_ms=800, mark=mark)])
             for _ in range(20)]
    stream = client.start(INTEROP + "Expand", pb.SERVER_STREAMING,
                          [instruct(sleep_ms=20, reply_count=50, mark=mark)])
    t.await_mark(mark, lambda marked: marked.started == 21, client)
    server.terminate()
    for call in calls:
        t.check(call.wait(), OK, replies=1)
    t.check(stream.wait(), OK, replies=50)
    code, _ = server.wait()
    t.assertEqual(code, 0)
    t.check(client.start(INTEROP + "Unary", pb.UNARY, [instruct()]).wait(), UNAVAILABLE)


# gRPC Python's server answers CANCELLED to some calls that arrive just as it begins to stop.
@case(only=lambda client, server: server != "grpc_python")
def restart_loses_no_call(t):
    server = t.start_server(t.unused_address())
    client = t.start_client(server.address)
    calls = []
    stop = threading.Event()

    def keep_calling():
        while not stop.wait(0.002):
            calls.append(client.start(INTEROP + "Unary", pb.UNARY, [instruct(sleep_ms=5)],
                                      wait_for_ready=True, timeout_ms=30_000))

    caller = threading.Thread(target=keep_calling)
    caller.start()
    try:
        time.sleep(0.3)
        server.terminate()
        t.assertEqual(server.wait()[0], 0)
        t.start_server(server.address)
        time.sleep(0.3)
    finally:
        stop.set()
        caller.join()
    t.assertGreater(len(calls), 20)
    for call in calls:
        t.check(call.wait(), OK, replies=1)


# ---- compression


@case(only=lambda client, server: client != "saker" and server == "saker")
def compressed_requests_are_refused(t):
    outcome = t.unary(instruct(payload=b"z" * 10_000), gzip=True)
    t.check(outcome, UNIMPLEMENTED)
    t.check(t.unary(instruct()), OK)
