"""wire.py against packets whose latencies are known."""
import socket
import struct
import time
import unittest

import wire

SERVER, CLIENT = 50051, 40000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = 4


def frame(kind, flags, stream, payload=b"x"):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def ip_packet(source, target, sequence, payload):
    tcp = struct.pack("!HHIIBBHHH", source, target, sequence % 2**32, 0, 5 << 4, 0, 0, 0, 0)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, socket.IPPROTO_TCP, 0, b"", b"") + tcp + payload


class Streams(unittest.TestCase):
    def setUp(self):
        self.streams = wire.Streams(SERVER)
        self.sequence = {True: 2**32 - 30, False: 7}  # the requests' wraps around

    def send(self, at_ns, payload, is_request):
        ends = (CLIENT, SERVER) if is_request else (SERVER, CLIENT)
        self.streams.packet(at_ns, ip_packet(*ends, self.sequence[is_request], payload))
        self.sequence[is_request] += len(payload)

    def request(self, at_ns, payload):
        self.send(at_ns, payload, True)

    def reply(self, at_ns, payload):
        self.send(at_ns, payload, False)

    def test_from_the_heads_last_byte_to_the_replys(self):
        self.request(100, PREFACE + frame(SETTINGS, 0, 0, b""))
        self.reply(150, frame(SETTINGS, 0, 0, b""))
        head = frame(wire.HEADERS, 4, 1, b"h" * 50)
        self.request(200, head[:20])
        self.request(300, head[20:] + frame(wire.DATA, 1, 1) + frame(wire.HEADERS, 4, 3))
        self.request(400, frame(wire.DATA, 1, 3))
        last = frame(wire.HEADERS, 5, 1)
        self.reply(900, frame(wire.HEADERS, 4, 3) + frame(wire.DATA, 0, 3) + last[:3])
        self.reply(1000, last[3:])
        self.reply(1100, frame(wire.DATA, 1, 3))
        self.assertEqual(self.streams.latencies, [700, 800])

    def test_settings_acknowledged_end_no_stream(self):
        self.request(100, PREFACE + frame(wire.HEADERS, 5, 1))
        self.reply(200, frame(SETTINGS, 1, 0, b""))
        self.assertEqual(self.streams.latencies, [])

    def test_what_is_sent_again_counts_once(self):
        self.request(100, PREFACE + frame(wire.HEADERS, 5, 1))
        answer = frame(wire.HEADERS, 5, 1)
        self.reply(200, answer)
        self.sequence[False] -= len(answer)
        self.reply(300, answer)
        self.assertEqual(self.streams.latencies, [100])

    def test_a_packet_that_is_missing_is_an_error(self):
        self.request(100, PREFACE)
        self.sequence[True] += 1
        with self.assertRaisesRegex(RuntimeError, "packets were lost"):
            self.request(200, frame(wire.HEADERS, 5, 1))

    def test_other_traffic_is_left_out(self):
        self.streams.packet(100, ip_packet(1, 2, 0, b"x" * 100))
        self.request(200, b"")
        self.assertEqual((self.streams.directions, self.streams.latencies), ({}, []))


class Wire(unittest.TestCase):
    def test_a_real_connection(self):
        if not wire.may_listen():
            self.skipTest("needs CAP_NET_RAW")
        with socket.create_server(("127.0.0.1", 0)) as listener, \
                wire.Wire(f"127.0.0.1:{listener.getsockname()[1]}") as seen:
            with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as server:
                client.sendall(PREFACE + frame(wire.HEADERS, 5, 1))
                server.recv(1000)
                time.sleep(0.05)
                server.sendall(frame(wire.HEADERS, 5, 1))
                client.recv(1000)
            give_up_at = time.monotonic() + 10
            while not seen.latencies() and time.monotonic() < give_up_at:
                time.sleep(wire.LONGEST_WAIT_S)
        self.assertGreaterEqual(seen.median(), 45e6)  # the clock of the packets may be adjusted meanwhile
        self.assertLess(seen.median(), 5e9)


if __name__ == "__main__":
    unittest.main()
