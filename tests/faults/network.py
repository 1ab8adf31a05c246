"""Two network namespaces with a path between them that can be cut, slowed and made to lose packets.

A namespace lives as long as its holder, a process that ends when this one does, however that ends; with it
go its devices and addresses. So nothing of this is ever left on the machine.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

NEAR, FAR = "10.211.0.1", "10.211.0.2"
DEVICE = "path0"
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MTU = 1500


class Unavailable(Exception):
    """This machine has no such path, or does not let us make one."""


def run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Unavailable(str(error)) from error
    if done.returncode != 0:
        shown = [word for word in command if word != "nsenter" and not word.startswith("--net=")]
        raise Unavailable(f"{' '.join(shown)}: {done.stderr.strip()}")


class Namespace:
    def __init__(self) -> None:
        try:
            self.holder = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise Unavailable(str(error)) from error
        if self.holder.stdout.readline() != "ready\n":
            why = self.holder.communicate()[1].strip()
            raise Unavailable(f"no network namespaces: {why}")
        self.pid = self.holder.pid
        self.enter = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str) -> None:
        run(*self.enter, "ip", *arguments)

    def set_up(self, address: str, peer: str) -> None:
        self.ip("addr", "add", address, "peer", peer, "dev", DEVICE)
        self.ip("link", "set", DEVICE, "up")

    def join(self) -> None:
        """Brings this thread, or a process before exec, here."""
        descriptor = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)

    def close(self) -> None:
        self.holder.communicate()


class Pair:
    """`near`, where clients are, and `far`, where the server is, at NEAR and FAR."""

    def __init__(self) -> None:
        self.near = Namespace()
        try:
            self.far = Namespace()
        except Unavailable:
            self.near.close()
            raise
        try:
            self.connect()
        except Unavailable:
            self.close()
            raise

    def connect(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.near.close()
        self.far.close()


class VethPair(Pair):
    """A pair of virtual Ethernet devices: the kernel's own path."""

    def connect(self) -> None:
        run("ip", "link", "add", DEVICE, "netns", str(self.near.pid), "type", "veth",
            "peer", "name", DEVICE, "netns", str(self.far.pid))  # fmt: skip
        self.near.set_up(NEAR, FAR)
        self.far.set_up(FAR, NEAR)

    def cut(self, side: Namespace) -> None:
        """Pulls the plug at one side: what either sends is lost, and neither is told."""
        side.ip("link", "set", DEVICE, "down")

    def mend(self, side: Namespace) -> None:
        side.ip("link", "set", DEVICE, "up")

    def impair(self, one_way_ms: float, loss: float) -> None:
        """The kernel's netem, which many kernels leave out."""
        for side in (self.near, self.far):
            run(*side.enter, "tc", "qdisc", "replace", "dev", DEVICE, "root", "netem",
                "delay", f"{one_way_ms}ms", "loss", f"{loss * 100}%")  # fmt: skip


class TunPair(Pair):
    """TUN devices and a thread that carries the packets: loss and delay on any kernel."""

    def connect(self) -> None:
        self.loss = 0.0
        self.delay_s = 0.0
        self.carried = self.lost = 0
        self._chance = random.Random(1)
        self._over, self._stop = os.pipe()
        try:
            self._ends = [self._open(self.near), self._open(self.far)]
        except OSError as error:
            raise Unavailable(f"no TUN device: {error}") from error
        self.near.set_up(NEAR, FAR)
        self.far.set_up(FAR, NEAR)
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    @staticmethod
    def _open(side: Namespace) -> int:
        opened: list[int | OSError] = []

        def work() -> None:  # in a thread of its own, which stays in that namespace until it ends
            try:
                side.join()
                end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
                opened.append(end)
            except OSError as error:
                opened.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(opened[0], OSError):
            raise opened[0]
        return opened[0]

    def impair(self, one_way_ms: float, loss: float) -> None:
        self.delay_s, self.loss = one_way_ms / 1e3, loss

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []  # due, order, to, packet
        order = 0
        while True:
            pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self._over, *self._ends], [], [], pause)
            if self._over in ready:
                return
            for end in ready:
                order += 1
                self._take(end, order, waiting)
            while waiting and waiting[0][0] <= time.monotonic():
                self._give(*heapq.heappop(waiting)[2:])

    def _take(self, end: int, order: int, waiting: list) -> None:
        packet = os.read(end, MTU)
        if self._chance.random() < self.loss:
            self.lost += 1
            return
        to = self._ends[1 - self._ends.index(end)]
        heapq.heappush(waiting, (time.monotonic() + self.delay_s, order, to, packet))

    def _give(self, to: int, packet: bytes) -> None:
        try:
            os.write(to, packet)
            self.carried += 1
        except OSError:  # its queue is full: one more that is lost
            self.lost += 1

    def close(self) -> None:
        if hasattr(self, "_carrier"):
            os.write(self._stop, b"x")
            self._carrier.join()
        for end in (*getattr(self, "_ends", ()), self._over, self._stop):
            os.close(end)
        super().close()
