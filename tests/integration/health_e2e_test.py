"""grpc.health.v1 as gRPC's own client sees it: bytes of HealthCheckRequest and HealthCheckResponse."""

import threading

import grpc
import saker_e2e as e2e

SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"
SERVICE_UNKNOWN = b"\x08\x03"


def request(service: str) -> bytes:
    return b"\x0a" + bytes([len(service)]) + service.encode() if service else b""


class Health(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = e2e.Server("--threads", "2")
        self.addCleanup(self.server.kill)
        self.channel = grpc.insecure_channel(self.server.grpc_address)
        self.addCleanup(self.channel.close)
        self.check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        self.watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch")

    def test_check(self) -> None:
        for service in ("", "saker.echo.v1.Echo", "grpc.health.v1.Health"):
            self.assertEqual(self.check(request(service), timeout=e2e.TIMEOUT_S), SERVING)
        with self.assertRaises(grpc.RpcError) as raised:
            self.check(request("no.Such"), timeout=e2e.TIMEOUT_S)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_watch_sees_the_drain_and_does_not_hold_it_up(self) -> None:
        seen: dict[str, list[bytes]] = {"": [], "saker.echo.v1.Echo": [], "no.Such": []}
        codes = {}
        first = threading.Barrier(len(seen) + 1, timeout=e2e.TIMEOUT_S)

        def follow(service: str) -> None:
            call = self.watch(request(service), timeout=e2e.TIMEOUT_S)
            try:
                for reply in call:
                    seen[service].append(reply)
                    if len(seen[service]) == 1:
                        first.wait()
            except grpc.RpcError as error:
                codes[service] = error.code()

        threads = [threading.Thread(target=follow, args=(service,)) for service in seen]
        for thread in threads:
            thread.start()
        first.wait()
        self.assertEqual(self.server.stop(), 0)
        for thread in threads:
            thread.join(e2e.TIMEOUT_S)
        self.assertEqual(seen[""], [SERVING, NOT_SERVING])
        self.assertEqual(seen["saker.echo.v1.Echo"], [SERVING, NOT_SERVING])
        self.assertEqual(seen["no.Such"], [SERVICE_UNKNOWN])
        self.assertEqual(set(codes.values()), {grpc.StatusCode.UNAVAILABLE})


if __name__ == "__main__":
    e2e.main()
