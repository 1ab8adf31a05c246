#!/usr/bin/python3
"""gRPC Python's server of the interoperability tests: Echo and the test service.

    grpc_peer_server.py --listen ADDRESS [--max-streams N]

Prints "listening on ADDRESS" when it listens; drains on SIGTERM.
"""
import argparse
import signal
import threading
import time
from concurrent import futures

import grpc
import interop_pb2 as pb
import interop_pb2_grpc as pb_grpc
from saker.echo.v1 import echo_pb2, echo_pb2_grpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
DRAIN_S = 20


class Cancelled(Exception):
    """Nobody waits for the answer."""


class Marks:
    def __init__(self):
        self.lock = threading.Lock()
        self.marks = {}

    def add(self, mark, what):
        if not mark:
            return
        with self.lock:
            marked = self.marks.setdefault(mark, pb.Marked())
            setattr(marked, what, getattr(marked, what) + 1)

    def get(self, mark):
        with self.lock:
            return self.marks.get(mark, pb.Marked())


def echo_metadata(context):
    initial, trailing = [], []
    for name, value in context.invocation_metadata():
        if not name.startswith("x-"):
            continue
        initial.append((name, value))
        is_binary = name.endswith("-bin")
        trailing.append((name[:-4] + "-trailer-bin" if is_binary else name + "-trailer", value))
    context.send_initial_metadata(initial)
    context.set_trailing_metadata(trailing)


def end_with_status(context, instruction):
    """Raises, unless the status is OK."""
    if instruction.details:
        context.set_trailing_metadata((("grpc-status-details-bin", instruction.details),))
    if instruction.code:
        context.abort(CODES[instruction.code], instruction.message)


def answer_to(context, instruction, index=0):
    left = context.time_remaining()
    payload = b"r" * instruction.reply_bytes if instruction.reply_bytes else instruction.payload
    return pb.Answer(
        payload=payload,
        index=index,
        remaining_ms=-1 if left is None or left > 1e9 else int(left * 1000),
        peer=context.peer(),
    )


COMPRESSIONS = {pb.DEFLATE: grpc.Compression.Deflate, pb.GZIP: grpc.Compression.Gzip}


class InteropService(pb_grpc.InteropServicer):
    def __init__(self):
        self.marks = Marks()

    def obey(self, context, instruction, with_status=True):
        """What all kinds do before they answer; raises when no answer is due."""
        if instruction.compression:
            context.set_compression(COMPRESSIONS[instruction.compression])
        if instruction.echo_metadata:
            echo_metadata(context)
        until = time.monotonic() + instruction.sleep_ms / 1000
        while time.monotonic() < until:
            time.sleep(min(0.005, instruction.sleep_ms / 1000))
            if not context.is_active():
                self.marks.add(instruction.mark, "cancelled")
                raise Cancelled
        if instruction.throw_exception:
            raise RuntimeError("as instructed")
        if with_status:
            end_with_status(context, instruction)

    def Unary(self, instruction, context):
        self.marks.add(instruction.mark, "started")
        try:
            self.obey(context, instruction)
            return answer_to(context, instruction)
        except Cancelled:
            return pb.Answer()
        finally:
            self.marks.add(instruction.mark, "ended")

    def Collect(self, instructions, context):
        instruction, count = pb.Instruction(), 0
        for instruction in instructions:
            self.obey(context, instruction)
            count += 1
        return answer_to(context, instruction, count)

    def Expand(self, instruction, context):
        self.marks.add(instruction.mark, "started")
        try:
            for index in range(instruction.reply_count):
                self.obey(context, instruction, with_status=False)
                instruction.echo_metadata = False
                yield answer_to(context, instruction, index)
            end_with_status(context, instruction)
        except Cancelled:
            pass
        except GeneratorExit:
            self.marks.add(instruction.mark, "cancelled")
            raise
        finally:
            self.marks.add(instruction.mark, "ended")

    def Chat(self, instructions, context):
        mark = ""
        try:
            for index, instruction in enumerate(instructions):
                mark = instruction.mark
                self.marks.add(mark, "started")
                self.obey(context, instruction)
                yield answer_to(context, instruction, index)
        finally:
            if mark and self.is_cancelled_soon(context):
                self.marks.add(mark, "cancelled")

    @staticmethod
    def is_cancelled_soon(context):
        """Requests may end a moment before the context knows that the call was cancelled."""
        give_up_at = time.monotonic() + 2
        while context.is_active() and time.monotonic() < give_up_at:
            time.sleep(0.005)
        return not context.is_active()

    def Watch(self, mark, context):
        return self.marks.get(mark.mark)


def echo_reply(request, index=0):
    return echo_pb2.EchoReply(
        payload=request.payload,
        client_send_time_ns=request.client_send_time_ns,
        sequence=request.sequence,
        expand_index=index,
    )


class EchoService(echo_pb2_grpc.EchoServicer):
    """The times are no part of the tests."""

    def Echo(self, request, context):
        return echo_reply(request)

    def EchoStream(self, requests, context):
        for request in requests:
            yield echo_reply(request)

    def EchoCollect(self, requests, context):
        reply = echo_pb2.EchoCollectReply()
        for request in requests:
            reply.messages += 1
            reply.payload_bytes += len(request.payload)
            reply.sequence = request.sequence
            reply.client_send_time_ns = request.client_send_time_ns
        return reply

    def EchoExpand(self, request, context):
        for index in range(request.expand_count):
            yield echo_reply(request, index)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    parser.add_argument("--max-streams", type=int, default=0)
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before any thread: all inherit it
    options = []
    if arguments.max_streams:
        options.append(("grpc.max_concurrent_streams", arguments.max_streams))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=options)
    pb_grpc.add_InteropServicer_to_server(InteropService(), server)
    echo_pb2_grpc.add_EchoServicer_to_server(EchoService(), server)
    port = server.add_insecure_port(arguments.listen)
    server.start()
    bound = arguments.listen
    if not bound.startswith("unix"):
        bound = f"{bound.rpartition(':')[0]}:{port}"
    print(f"listening on {bound}", flush=True)
    signal.sigwait({signal.SIGTERM})
    server.stop(DRAIN_S).wait()


if __name__ == "__main__":
    main()
