"""The referee between load generators: latencies of HTTP/2 streams as the kernel saw them pass on the loopback device. A
stream's begins when the last byte of its request's HEADERS is sent, and ends when the last byte of its reply is; what either
process takes to wake up is not in it."""
import ctypes
import socket
import statistics
import struct
import threading

SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35  # socket(7)
RECEIVE_BYTES = 64 << 20
ETH_P_IP = 0x0800  # packet(7)
PREFACE_BYTES = 24
DATA, HEADERS, END_STREAM = 0, 1, 1
LONGEST_WAIT_S = 0.1


def may_listen():
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0):
            return True
    except OSError:
        return False


def attach_filter(packets, port):
    """TCP from or to the port alone (BPF, socket(7)): whatever else passes on the device costs nothing."""
    program = (
        (0x30, 0, 0, 9),  # the protocol
        (0x15, 0, 6, socket.IPPROTO_TCP),
        (0xb1, 0, 0, 0),  # the length of the IP header
        (0x48, 0, 0, 0),  # the source port
        (0x15, 2, 0, port),
        (0x48, 0, 0, 2),  # the target port
        (0x15, 0, 1, port),
        (0x06, 0, 0, 0xFFFFFFFF),
        (0x06, 0, 0, 0),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))


def enlarge(packets):
    try:
        packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES)
    except PermissionError:  # no CAP_NET_ADMIN: as far as net.core.rmem_max allows
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)


class Frames:
    """Of one direction of a connection."""

    def __init__(self, preface_bytes):
        self.held, self.skip, self.expected = bytearray(), preface_bytes, None

    def feed(self, sequence, payload):
        """(type, flags, stream) of each frame that `payload` ends."""
        if self.expected is not None and sequence != self.expected:
            if (sequence - self.expected) % 2**32 >= 2**31:
                return  # sent once more
            raise RuntimeError("packets were lost between the kernel and the referee")
        self.expected = (sequence + len(payload)) % 2**32
        self.held += payload
        cut = min(self.skip, len(self.held))
        self.skip -= cut
        del self.held[:cut]
        while len(self.held) >= 9:
            size = int.from_bytes(self.held[:3], "big")
            if len(self.held) < 9 + size:
                return
            yield self.held[3], self.held[4], int.from_bytes(self.held[5:9], "big")
            del self.held[:9 + size]


class Streams:
    """The latencies, in nanoseconds, of all streams to one port."""

    def __init__(self, port):
        self.port, self.directions, self.began, self.latencies = port, {}, {}, []

    def packet(self, at_ns, data):
        ip = (data[0] & 15) * 4
        if data[9] != socket.IPPROTO_TCP:
            return
        source, target, sequence = struct.unpack_from("!HHI", data, ip)
        payload = data[ip + (data[ip + 12] >> 4) * 4:struct.unpack_from("!H", data, 2)[0]]
        if self.port not in (source, target) or not payload:
            return
        is_request = target == self.port
        client = source if is_request else target
        frames = self.directions.setdefault((client, is_request), Frames(PREFACE_BYTES if is_request else 0))
        for kind, flags, stream in frames.feed(sequence, payload):
            if is_request and kind == HEADERS:
                self.began.setdefault((client, stream), at_ns)
            elif not is_request and kind in (DATA, HEADERS) and flags & END_STREAM:
                self.latencies.append(at_ns - self.began[client, stream])


class Wire:
    """Listens while it is entered; needs CAP_NET_RAW, and begins before the first connection does."""

    def __init__(self, address):
        self.port = int(address.rsplit(":", 1)[1])
        self.packets, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            try:
                data, control, _, _ = self.socket.recvmsg(65536, 64)
            except TimeoutError:
                continue
            seconds, nanoseconds = struct.unpack("qq", control[0][2])
            self.packets.append((seconds * 10**9 + nanoseconds, data))

    def __enter__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        enlarge(self.socket)
        attach_filter(self.socket, self.port)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.settimeout(LONGEST_WAIT_S)
        self.socket.bind(("lo", ETH_P_IP))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.socket.close()

    def latencies(self):
        streams = Streams(self.port)
        for at_ns, data in list(self.packets):
            streams.packet(at_ns, data)
        return streams.latencies

    def median(self):
        return statistics.median(self.latencies())
