"""A server with no descriptor left, and one whose disk is full: who is there already is served on, and when
there is room again, everybody is."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import resource
import socket
import subprocess
import time

import fault
from fault import e2e

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
DISK_BYTES = 1 << 20
SIGN = ("--key", "ec-p256", "--algorithm", "ECDSA_P256_SHA256")


class Descriptors(fault.Case):
    def echo_exit(self, address: str) -> int:
        return e2e.run("echo", address, "--deadline", "1s").returncode

    def crowd(self, server: fault.Server, stack: contextlib.ExitStack, count: int) -> None:
        """Connections that take what descriptors there are; the kernel accepts the rest."""
        host, port = server.tcp.rsplit(":", 1)
        for _ in range(count):
            stack.enter_context(socket.create_connection((host, int(port)), e2e.TIMEOUT_S))

    def test_none_is_left_under_load(self) -> None:
        server = self.serve()
        pid = server.process.pid
        before = self.warm_up(server)
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        held = self.hold(server.unix, 100)
        loads = self.mixed(server)
        for load in loads:
            load.let_run(0.5)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (fault.descriptors(pid) + 4, limits[1]))
        with contextlib.ExitStack() as stack:
            self.crowd(server, stack, 20)
            # Newcomers are turned away, or wait in vain for as long as their deadlines are.
            codes = {self.echo_exit(address) for address in (server.tcp, server.unix) for _ in range(2)}
            self.assertLessEqual(codes, {e2e.exit_of_status(e2e.UNAVAILABLE),
                                         e2e.exit_of_status(e2e.DEADLINE_EXCEEDED)})  # fmt: skip
            for load in loads:
                self.assert_statuses(load.interrupt(), ["OK"])
            self.assertIsNone(held.process.poll())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for address in (server.tcp, server.unix):
            self.assertTrue(e2e.eventually(lambda: self.echo_exit(address) == e2e.EXIT_OK))  # noqa: B023
        held.kill()
        self.assert_level(server, before)
        self.assert_statuses(self.stop(server), ["OK", "CANCELLED"], ["DEADLINE_EXCEEDED"])


def mount_disk(path: pathlib.Path) -> None:
    """A small tmpfs in a mount namespace of this process, with which it goes. OSError: not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result: int, what: str) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")

    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount /")
    check(libc.mount(b"none", bytes(path), b"tmpfs", 0, f"size={DISK_BYTES}".encode()), f"mount {path}")


class FullDisk(fault.Case):
    def setUp(self) -> None:
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        try:
            mount_disk(self.disk)
        except OSError as why:
            self.skipTest(f"no small disk: {why}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.log, self.audit, self.ballast = (self.disk / name for name in ("log", "audit", "ballast"))

    def serve_on_it(self, *arguments: str) -> fault.Server:
        return self.serve("--audit", str(self.audit), "--log-file", str(self.log),
                          "--log-level", "debug", "--log-sample", "20", *arguments)  # fmt: skip

    def fill(self) -> None:
        with contextlib.suppress(OSError), open(self.ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self.ballast.unlink()
        self.log.write_bytes(b"")  # it is appended to

    def sign(self, server: fault.Server, count: int = 20) -> dict[str, int]:
        return self.start("sign", server.unix, "-c", "1", "-m", "1", "-n", str(count), *SIGN).finish()

    def records_and_lost(self) -> tuple[int, int]:
        """Signatures with a record, and without one."""
        summary = self.assert_json("audit", "verify", str(self.audit))
        self.assertTrue(summary["whole"])
        text = self.audit.read_text()
        lost = [int(part.split(",")[0].rstrip("}")) for part in text.split('"lost":')[1:]]
        return summary["records"] - len(lost), sum(lost)

    def run_full(self, *arguments: str) -> tuple[dict[str, int], int]:
        """Signatures on the full disk by status, and how many were made in all."""
        server = self.serve_on_it(*arguments)
        signed = self.sign(server)["OK"]
        self.start("echo", server.tcp, "-n", "2000").finish()
        before = server.level()
        honest = self.honest(server.tcp, 5)
        held = self.hold(server.unix, 100)
        honest.let_run(0.3)
        self.fill()
        full = self.sign(server, 200)
        self.assertIsNone(held.process.poll())
        self.make_room()
        self.assertTrue(e2e.eventually(lambda: set(self.sign(server, 1)) == {"OK"}))
        time.sleep(1.1)  # the rest of the log's and the audit's lines
        after = self.sign(server)
        self.assertEqual(after, {"OK": 20})
        self.finish_honest(honest)
        held.kill()
        self.assert_level(server, before)
        self.assertTrue("draining" in self.stopped_log(server))  # the log, too, goes on
        return full, signed + full.get("OK", 0) + 1 + 20

    def stopped_log(self, server: fault.Server) -> str:
        self.assertEqual(server.metric("saker_invariants_broken_total"), 0)
        self.assertEqual(server.stop(), e2e.EXIT_OK)
        return self.log.read_text(errors="replace")

    def test_audit_required(self) -> None:
        full, made = self.run_full("--audit-required", "--audit-sync", "always")
        self.assert_statuses(full, ["UNAVAILABLE"], ["OK"])
        self.assertEqual(self.records_and_lost()[0], made)

    def test_audit_not_required(self) -> None:
        full, made = self.run_full()
        self.assertEqual(full, {"OK": 200})
        self.assertEqual(sum(self.records_and_lost()), made)


if __name__ == "__main__":
    fault.main()
