#!/usr/bin/python3
"""gRPC Python's client of the interoperability tests: does the calls that the runner commands, over one channel.

    grpc_peer_client.py --target ADDRESS

Messages are bytes, as in the other clients. Ends when stdin does.
"""
import argparse
import os
import struct
import sys
import threading
import time

import grpc
import interop_pb2 as pb

MAX_METADATA_BYTES = 64 * 1024  # what we receive; the default of 8 KiB is not what is tested here


class Session:
    def __init__(self, target):
        self.channel = grpc.insecure_channel(
            target, options=[("grpc.max_metadata_size", MAX_METADATA_BYTES)]
        )
        self.calls = {}
        self.lock = threading.Lock()

    def send(self, outcome):
        body = outcome.SerializeToString()
        with self.lock:
            sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
            sys.stdout.buffer.flush()

    def obey(self, command):
        if command.WhichOneof("what") == "start":
            DrivenCall(self, command.start).start()
        elif command.cancel in self.calls:
            self.calls[command.cancel].cancel()


COMPRESSIONS = {pb.DEFLATE: grpc.Compression.Deflate, pb.GZIP: grpc.Compression.Gzip}


class DrivenCall:
    def __init__(self, session, spec):
        self.session = session
        self.spec = spec
        self.outcome = pb.Outcome(id=spec.id)
        self.replied = threading.Semaphore(0)
        self.started_at = time.monotonic()

    def start(self):
        spec = self.spec
        options = {
            "timeout": spec.timeout_ms / 1000 if spec.timeout_ms else None,
            "metadata": [(h.name, self.value_of(h)) for h in spec.metadata],
            "wait_for_ready": spec.wait_for_ready or None,
            "compression": COMPRESSIONS.get(spec.compression),
        }
        if spec.kind == pb.UNARY:
            call = self.session.channel.unary_unary(spec.path).future(spec.requests[0], **options)
            self.session.calls[spec.id] = call
            call.add_done_callback(self.unary_done)
        else:
            call = self.session.channel.stream_stream(spec.path)(self.requests(), **options)
            self.session.calls[spec.id] = call
            threading.Thread(target=self.read, args=(call,), daemon=True).start()

    @staticmethod
    def value_of(header):
        return header.value if header.name.endswith("-bin") else header.value.decode("ascii")

    def requests(self):
        spec = self.spec
        for count in range(len(spec.requests) * max(spec.repeat, 1)):
            if spec.lockstep and count:
                self.replied.acquire()
                if self.outcome.reply_count < count:
                    return  # the call has ended
            yield spec.requests[count % len(spec.requests)]

    def unary_done(self, call):
        if call.code() == grpc.StatusCode.OK:
            self.add_reply(call.result())
        self.finish(call)

    def read(self, call):
        try:
            for reply in call:
                self.add_reply(reply)
                self.replied.release()
                if self.outcome.reply_count == self.spec.cancel_after_replies:
                    call.cancel()
                if self.outcome.reply_count == 1:
                    time.sleep(self.spec.pause_ms / 1000)
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass  # the status tells
        self.replied.release()
        self.finish(call)

    def add_reply(self, reply):
        self.outcome.reply_count += 1
        self.outcome.reply_bytes += len(reply)
        if not self.spec.count_only:
            self.outcome.replies.append(reply)

    def finish(self, call):
        outcome = self.outcome
        outcome.code = call.code().value[0]
        outcome.message = call.details() or ""
        self.add_headers(call.initial_metadata(), outcome.initial_metadata)
        self.add_headers(call.trailing_metadata(), outcome.trailing_metadata)
        for header in outcome.trailing_metadata:
            if header.name == "grpc-status-details-bin":
                outcome.details = header.value
        outcome.duration_ms = int((time.monotonic() - self.started_at) * 1000)
        self.session.send(outcome)
        self.session.calls.pop(outcome.id, None)

    @staticmethod
    def add_headers(metadata, headers):
        for name, value in metadata or ():
            headers.add(name=name, value=value.encode() if isinstance(value, str) else value)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", required=True)
    session = Session(parser.parse_args().target)
    session.send(pb.Outcome())
    while len(prefix := sys.stdin.buffer.read(4)) == 4:
        body = sys.stdin.buffer.read(struct.unpack("<I", prefix)[0])
        session.obey(pb.Command.FromString(body))
    os._exit(0)  # threads may still wait in calls that nobody asks about any more


if __name__ == "__main__":
    main()
