#!/usr/bin/env python3
"""Flow-control windows over a path with 20 ms of round trip: adaptive ones reach what bare TCP reaches, fixed ones of 64 KiB
do not. The sender is gRPC Python; the receiver, whose windows count, is `saker serve`.

    windows_test.py --bin-dir build/release/tests/interop --saker build/release/saker
"""
import argparse
import importlib.util
import socket
import subprocess
import sys
import threading
import time
import unittest

from long_path import LongPath

MESSAGE_BYTES = 1024 * 1024
MESSAGES = 64
ROUND_TRIP_S = 0.02
BYTES_PER_SECOND = 40_000_000


def seconds_of(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


class Serve:
    def __init__(self, saker, *flags):
        command = [saker, "serve", "--listen", "127.0.0.1:0", "--no-vsock", "--key", "ec-p256", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().removeprefix("listening on ").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=60)


def bare_tcp(target_bytes):
    """Seconds for as many bytes to go through the path and one byte back."""
    listener = socket.create_server(("127.0.0.1", 0))

    def sink():
        connection, _ = listener.accept()
        left = target_bytes
        while left > 0:
            left -= len(connection.recv(1 << 20))
        connection.sendall(b"x")
        connection.close()

    threading.Thread(target=sink, daemon=True).start()
    with listener, LongPath("127.0.0.1:%d" % listener.getsockname()[1], ROUND_TRIP_S, BYTES_PER_SECOND) as path:
        host, _, port = path.address.rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            def transfer():
                for _ in range(MESSAGES):
                    connection.sendall(b"y" * MESSAGE_BYTES)
                connection.recv(1)

            return seconds_of(transfer)


def upload(saker, *flags, messages=MESSAGES):
    """Seconds for one client-streaming call, and what the server counted."""
    import grpc
    from saker.echo.v1 import echo_pb2, echo_pb2_grpc
    with Serve(saker, *flags) as server, LongPath(server.address, ROUND_TRIP_S, BYTES_PER_SECOND) as path, \
            grpc.insecure_channel(path.address) as channel:
        stub = echo_pb2_grpc.EchoStub(channel)
        stub.Echo(echo_pb2.EchoRequest(payload=b"warm"), timeout=30)
        request = echo_pb2.EchoRequest(payload=b"y" * MESSAGE_BYTES)
        replies = []
        took = seconds_of(lambda: replies.append(stub.EchoCollect(iter([request] * messages), timeout=120)))
        return took, replies[0]


class Windows(unittest.TestCase):
    saker = ""

    def test_adaptive_windows_fill_the_path(self):
        best = 0
        for _ in range(3):  # whatever else runs here only makes it slower
            bare = bare_tcp(MESSAGES * MESSAGE_BYTES)
            took, reply = upload(self.saker)
            self.assertEqual(reply.payload_bytes, MESSAGES * MESSAGE_BYTES)
            print(f"bare TCP {bare:.2f} s, one stream {took:.2f} s: {bare / took:.2f} of it")
            best = max(best, bare / took)
            if best >= 0.8:
                break
        self.assertGreaterEqual(best, 0.8)

    def test_fixed_windows_do_not(self):
        messages = MESSAGES // 8
        took, reply = upload(self.saker, "--adaptive-window", "off", "--initial-window", "65535", messages=messages)
        self.assertEqual(reply.messages, messages)
        share = messages * MESSAGE_BYTES / took / BYTES_PER_SECOND
        print(f"windows of 64 KiB: {share:.2f} of the path")
        self.assertLess(share, 0.3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--saker", required=True)
    arguments = parser.parse_args()
    Windows.saker = arguments.saker
    if importlib.util.find_spec("grpc") is None:
        print("skipped: no module grpc (package python3-grpcio)")
        return 126
    return 0 if unittest.main(argv=[sys.argv[0]], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
