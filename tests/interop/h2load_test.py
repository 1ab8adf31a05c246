#!/usr/bin/python3
"""nghttp2's programs against Saker's server: counts and bytes under load, a drain in mid-load, a clean exchange.

    h2load_test.py --bin-dir DIR [unittest arguments]

1,000,000 calls; 100,000 under sanitizers.
"""
import argparse
import gzip
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

import harness

CALLS = 1_000_000 if harness.SLOWNESS == 1 else 100_000
CONNECTIONS, STREAMS = 10, 100
PAYLOAD = struct.pack(">BI", 0, 100) + b"x" * 100  # one gRPC message; Reflect's reply is the same
HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
REFLECT = "/saker.interop.v1.Interop/Reflect"
ECHO = "/saker.echo.v1.Echo/Echo"
LARGEST_STREAM_ID = 2**31 - 1
SETTINGS, PING, GOAWAY = 4, 6, 7


class LoadResult:
    """What h2load prints at its end."""

    def __init__(self, text):
        numbers = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, "
                            r"(\d+) failed, (\d+) errored, (\d+) timeout", text)
        (self.total, self.started, self.done, self.succeeded, self.failed, self.errored,
         self.timed_out) = map(int, numbers.groups())
        self.not_2xx = sum(map(int, re.search(r"2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx",
                                              text).groups()))
        traffic = re.search(r"traffic: \S+ \((\d+)\) total, .*, \S+ \((\d+)\) data", text)
        self.bytes, self.data_bytes = map(int, traffic.groups())


class Observer:
    """A connection without calls that writes down what the server says when it drains."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(SETTINGS, 0, b""))
        self.goaways = []
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    @staticmethod
    def frame(kind, flags, payload):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, 0) + payload

    def read(self):
        stream = self.socket.makefile("rb")
        while len(header := stream.read(9)) == 9:
            length, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
            payload = stream.read(length)
            if kind == SETTINGS and not flags:
                self.socket.sendall(self.frame(SETTINGS, 1, b""))
            elif kind == PING and not flags:
                self.socket.sendall(self.frame(PING, 1, payload))
            elif kind == GOAWAY:
                self.goaways.append(struct.unpack(">II", payload[:8]))
        self.socket.close()


class H2Load(unittest.TestCase):
    bin_dir = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="saker-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.directory)
        self.body = os.path.join(self.directory, "request")
        with open(self.body, "wb") as file:
            file.write(PAYLOAD)

    def serve(self, address="127.0.0.1:0"):
        server = harness.Server(harness.implementations(self.bin_dir)["saker"], address)
        self.addCleanup(server.kill)
        return server

    def counts_of(self, server):
        code, output = server.wait()
        self.assertEqual(code, 0)
        return json.loads(output)

    def h2load(self, server, path, calls):
        command = ["h2load", "-n", str(calls), "-c", str(CONNECTIONS), "-m", str(STREAMS),
                   "-d", self.body, *HEADERS]
        if server.address.startswith("unix:"):
            command += ["--base-uri", server.address, f"http://localhost{path}"]
        else:
            command.append(f"http://{server.address}{path}")
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True)

    def load(self, server, path, calls):
        output, _ = self.h2load(server, path, calls).communicate(timeout=300 * harness.SLOWNESS)
        result = LoadResult(output)
        self.assertEqual((result.succeeded, result.failed, result.errored, result.timed_out,
                          result.not_2xx), (calls, 0, 0, 0, 0))
        return result

    def count_calls(self, address):
        server = self.serve(address)
        result = self.load(server, REFLECT, CALLS)
        self.assertEqual(result.data_bytes, CALLS * len(PAYLOAD))
        server.terminate()
        counts = self.counts_of(server)
        self.assertEqual((counts["ok"], counts["not_ok"]), (CALLS, 0))
        # All that the server sent has arrived, but for a last frame or two on each connection.
        self.assertGreaterEqual(counts["bytes_sent"], result.bytes)
        self.assertLess(counts["bytes_sent"], result.bytes + CONNECTIONS * 100)

    def test_every_call_is_counted_over_tcp(self):
        self.count_calls("127.0.0.1:0")

    def test_every_call_is_counted_over_unix(self):
        self.count_calls(f"unix:{self.directory}/socket")

    def test_echo(self):
        server = self.serve()
        # Field 1 of EchoRequest, 98 bytes.
        with open(self.body, "wb") as file:
            file.write(struct.pack(">BI", 0, 100) + b"\x0a\x62" + b"e" * 98)
        result = self.load(server, ECHO, CALLS // 10)
        self.assertGreater(result.data_bytes, CALLS // 10 * len(PAYLOAD))
        server.terminate()
        self.assertEqual(self.counts_of(server)["ok"], CALLS // 10)

    def test_a_drain_in_mid_load_loses_no_accepted_call(self):
        server = self.serve()
        observer = Observer(int(server.address.rpartition(":")[2]))
        load = self.h2load(server, REFLECT, 50_000_000)
        time.sleep(2 * harness.SLOWNESS)  # it has connected and is at it
        server.terminate()
        output, _ = load.communicate(timeout=120 * harness.SLOWNESS)
        result = LoadResult(output)
        counts = self.counts_of(server)
        observer.thread.join()
        self.assertGreater(result.succeeded, 0)
        # What reached the server and was not refused by GOAWAY was answered, OK, and counted; all else never started.
        self.assertEqual((counts["ok"], counts["not_ok"]), (result.succeeded, 0))
        self.assertEqual(result.data_bytes, result.succeeded * len(PAYLOAD))
        self.assertEqual((result.not_2xx, result.timed_out), (0, 0))
        self.assertLessEqual(result.started - result.succeeded, CONNECTIONS * STREAMS)
        # RFC 9113 section 6.8: first a warning, then the last stream that was processed; NO_ERROR both times.
        self.assertEqual(observer.goaways, [(LARGEST_STREAM_ID, 0), (0, 0)])

    def test_a_clean_exchange(self):
        server = self.serve()
        output = subprocess.run(["nghttp", "-v", "--no-dep", "-d", self.body, *HEADERS,
                                 f"http://{server.address}{REFLECT}"],
                                capture_output=True, check=True, timeout=60).stdout.decode()
        for expected in (":status: 200", "content-type: application/grpc", "grpc-status: 0",
                         f"recv DATA frame <length={len(PAYLOAD)}, "):
            self.assertIn(expected, output)
        for unwanted in ("RST_STREAM", "recv GOAWAY", "INVALID", "error_code=PROTOCOL"):
            self.assertNotIn(unwanted, output)
        self.assertEqual(output.count("recv HEADERS frame"), 2)
        server.terminate()
        self.assertEqual(self.counts_of(server)["ok"], 1)

    def test_encodings(self):
        """What a client can only do by hand, because no library would (gRPC compression.md)."""
        server = self.serve()
        message = b"x" * 1000
        packed = gzip.compress(message)
        accepts = "grpc-accept-encoding: identity,deflate,gzip"
        for encoding, flag, body, expected in (
            ("br", 0, message, ["grpc-status: 12", accepts]),
            ("br", 1, message, ["grpc-status: 12", accepts]),
            (None, 1, packed, ["grpc-status: 13"]),
            ("identity", 1, packed, ["grpc-status: 13"]),
            ("identity", 0, message, ["grpc-status: 0"]),
            ("gzip", 1, b"", ["grpc-status: 13"]),
            ("gzip", 1, message, ["grpc-status: 13"]),
            ("gzip", 1, packed[:-1], ["grpc-status: 13"]),
            ("deflate", 1, packed, ["grpc-status: 13"]),
            ("gzip", 0, message, ["grpc-status: 0"]),
            # It does not say what it accepts, hence gets the reply as it is.
            ("gzip", 1, packed, ["grpc-status: 0", f"recv DATA frame <length={5 + len(message)}, "]),
            ("deflate", 1, zlib.compress(message), ["grpc-status: 0"]),
        ):
            with self.subTest(encoding=encoding, flag=flag, body=body[:10]):
                with tempfile.NamedTemporaryFile() as file:
                    file.write(struct.pack(">BI", flag, len(body)) + body)
                    file.flush()
                    extra = ["-H", f"grpc-encoding: {encoding}"] if encoding else []
                    output = subprocess.run(
                        ["nghttp", "-v", "--no-dep", "-d", file.name, *HEADERS, *extra,
                         f"http://{server.address}{REFLECT}"],
                        capture_output=True, check=True, timeout=60).stdout.decode(errors="replace")
                for words in expected:
                    self.assertIn(words, output)
        server.terminate()
        self.counts_of(server)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    arguments, rest = parser.parse_known_args()
    missing = [name for name in ("h2load", "nghttp") if shutil.which(name) is None]
    if missing:
        print(f"skipped: no {' and no '.join(missing)} (package nghttp2-client)")
        return 126
    H2Load.bin_dir = arguments.bin_dir
    unittest.main(argv=[sys.argv[0], *rest])
    return 0


if __name__ == "__main__":
    sys.exit(main())
