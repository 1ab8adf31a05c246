"""LongPath: a TCP relay on loopback that behaves like a path with delay and limited bandwidth, where the kernel has no netem.
Bytes leave at the path's rate and arrive a delay later; what waits is bounded, as in a router."""
import collections
import socket
import threading
import time

CHUNK_BYTES = 64 * 1024
QUEUE_BYTES = 4 * 1024 * 1024


class Direction:
    def __init__(self, source, sink, delay_s, bytes_per_second):
        self.source, self.sink = source, sink
        self.delay_s, self.bytes_per_second = delay_s, bytes_per_second
        self.queue = collections.deque()
        self.queued_bytes = 0
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.read, self.write)]
        for thread in self.threads:
            thread.start()

    def read(self):
        departs = time.monotonic()
        while True:
            try:
                data = self.source.recv(CHUNK_BYTES)
            except OSError:
                data = b""
            departs = max(departs, time.monotonic()) + len(data) / self.bytes_per_second
            with self.changed:
                self.changed.wait_for(lambda: self.queued_bytes < QUEUE_BYTES)
                self.queue.append((departs + self.delay_s, data))
                self.queued_bytes += len(data)
                self.changed.notify_all()
            if not data:
                return

    def write(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.queue)
                arrives, data = self.queue.popleft()
                self.queued_bytes -= len(data)
                self.changed.notify_all()
            time.sleep(max(arrives - time.monotonic(), 0))
            try:
                if not data:
                    return self.sink.shutdown(socket.SHUT_WR)
                self.sink.sendall(data)
            except OSError:
                return None


class LongPath:
    """As a context: `address` leads to `target` ("host:port")."""

    def __init__(self, target, round_trip_s, bytes_per_second):
        self.target = target
        self.delay_s = round_trip_s / 2
        self.bytes_per_second = bytes_per_second
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            host, _, port = self.target.rpartition(":")
            far = socket.create_connection((host, int(port)))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += [near, far]
            Direction(near, far, self.delay_s, self.bytes_per_second)
            Direction(far, near, self.delay_s, self.bytes_per_second)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self.listener, *self.sockets]:
            each.close()
