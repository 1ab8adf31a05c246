"""Deadlines, cancellation, and connections that come and go."""
import threading
import time

import interop_pb2 as pb
from case import (
    CANCELLED, DEADLINE_EXCEEDED, INTEROP, OK, UNAVAILABLE, answer, case,
    instruct,
)
from harness import SLOWNESS

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
                     [instruct(reply_count=100_000, sleep_ms=20)], timeout_ms=round(2000 * SLOWNESS))
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


@case(reconnects=True)
def fails_at_once_without_server(t):
    client = t.start_client(t.unused_address())
    outcome = client.start(INTEROP + "Unary", pb.UNARY, [instruct()]).wait()
    t.check(outcome, UNAVAILABLE)
    t.assertLess(outcome.duration_ms, 5000 * SLOWNESS)


@case(reconnects=True)
def wait_for_ready(t):
    address = t.unused_address()
    client = t.start_client(address)
    call = client.start(INTEROP + "Unary", pb.UNARY, [instruct(payload=b"late")],
                        wait_for_ready=True, timeout_ms=round(20_000 * SLOWNESS))
    time.sleep(0.3)
    t.start_server(address)
    outcome = call.wait()
    t.check(outcome, OK, replies=1)
    t.assertGreaterEqual(outcome.duration_ms, 250)


@case(reconnects=True)
def wait_for_ready_within_the_deadline(t):
    client = t.start_client(t.unused_address())
    outcome = client.start(INTEROP + "Unary", pb.UNARY, [instruct()], wait_for_ready=True,
                           timeout_ms=300).wait()
    t.check(outcome, DEADLINE_EXCEEDED)
    t.assertGreaterEqual(outcome.duration_ms, 299)


@case(reconnects=True)
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
                         timeout_ms=round(20_000 * SLOWNESS)).wait(), OK, replies=1)


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


# gRPC's servers answer CANCELLED to some calls that arrive just as they begin to stop: theirs, not ours.
@case(only=lambda client, server: server != "grpc_python", reconnects=True)
def restart_loses_no_call(t):
    server = t.start_server(t.unused_address())
    client = t.start_client(server.address)
    calls = []
    stop = threading.Event()

    def keep_calling():
        while not stop.wait(0.002 * SLOWNESS):
            calls.append(client.start(INTEROP + "Unary", pb.UNARY, [instruct(sleep_ms=5)],
                                      wait_for_ready=True, timeout_ms=round(30_000 * SLOWNESS)))

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
        outcome = call.wait()
        if t.server_name == "saker" or outcome.code != CANCELLED:
            t.check(outcome, OK, replies=1)
