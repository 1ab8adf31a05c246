"""Messages of every size, many calls at once, streams of all kinds."""
import interop_pb2 as pb
from case import (
    ECHO, INTEROP, MIB, OK, RESOURCE_EXHAUSTED, answer, case, instruct,
)
from saker.echo.v1 import echo_pb2

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
