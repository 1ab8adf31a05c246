"""What the client does by itself: several servers, servers that die and come back or say that they are
ill, names, retries and hedging against gRPC Python's server, service configs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent import futures

import grpc

import saker_e2e as e2e

ECHO = "/saker.echo.v1.Echo/Echo"


class FlakyServer:
    """gRPC Python's Echo, whose first calls go as planned: (status or None, pushback, seconds).

    `health`: the HealthCheckResponse that its health service gives; None: it has no such service.
    """

    def __init__(
        self,
        *plan: tuple[grpc.StatusCode | None, str | None, float],
        health: bytes | None = None,
    ) -> None:
        self.plan = list(plan)
        self.attempts: list[str] = []
        self.at: list[float] = []
        self.lock = threading.Lock()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        # An EchoReply begins as an EchoRequest does: the same bytes are the right answer.
        handler = grpc.unary_unary_rpc_method_handler(self.answer)
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("saker.echo.v1.Echo", {"Echo": handler}),)
        )
        if health is not None:
            watch = grpc.unary_stream_rpc_method_handler(self.watch)
            self.server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Watch": watch}),)
            )
        self.health = health
        self.watched: list[bytes] = []
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata())
        with self.lock:
            self.at.append(time.monotonic())
            self.attempts.append(metadata.get("grpc-previous-rpc-attempts", ""))
            status, pushback, delay = self.plan.pop(0) if self.plan else (None, None, 0.0)
        if delay:
            time.sleep(delay)
        if pushback is not None:
            context.set_trailing_metadata((("grpc-retry-pushback-ms", pushback),))
        if status is not None:
            context.abort(status, "as planned")
        return request

    def watch(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        over = threading.Event()
        context.add_callback(over.set)
        self.watched.append(request)
        assert self.health is not None
        yield self.health
        over.wait()

    def __enter__(self) -> FlakyServer:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(None).wait()


DOWN = grpc.StatusCode.UNAVAILABLE
SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"


class Client(e2e.TestCase):
    def config(self, policy: dict | None = None, **rest: object) -> str:
        method = {"name": [{"service": "saker.echo.v1.Echo"}], **(policy or {})}
        return self.write("config.json", json.dumps({"methodConfig": [method], **rest}))

    def retry(self, **rest: object) -> str:
        policy = {
            "maxAttempts": 4,
            "initialBackoff": "0.02s",
            "maxBackoff": "0.1s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        return self.config({"retryPolicy": policy}, **rest)

    def backends(self, result: dict) -> dict[str, int]:
        return {item["backend"]: item["calls"] for item in result["summary"]["backends"]}

    # ---- retries and hedging

    @e2e.once
    def test_a_call_is_tried_again(self) -> None:
        with FlakyServer((DOWN, None, 0), (DOWN, None, 0)) as server:
            self.assert_run("echo", server.address, "--service-config", self.retry())
            self.assertEqual(server.attempts, ["", "1", "2"])

    @e2e.once
    def test_without_a_policy_it_is_not(self) -> None:
        with FlakyServer((DOWN, None, 0)) as server:
            self.assert_run("echo", server.address, code=e2e.exit_of_status(e2e.UNAVAILABLE))
            self.assertEqual(server.attempts, [""])

    @e2e.once
    def test_attempts_run_out(self) -> None:
        with FlakyServer(*[(DOWN, None, 0)] * 9) as server:
            done = self.assert_run(
                "echo", server.address, "--service-config", self.retry(),
                code=e2e.exit_of_status(e2e.UNAVAILABLE),
            )  # fmt: skip
            self.assertIn("as planned", done.stderr)
            self.assertEqual(len(server.attempts), 4)

    @e2e.once
    def test_the_servers_pushback_counts(self) -> None:
        with FlakyServer((DOWN, "700", 0)) as server:
            self.assert_run("echo", server.address, "--service-config", self.retry())
            self.assertGreaterEqual(server.at[1] - server.at[0], 0.69)
        with FlakyServer((DOWN, "-1", 0)) as server:
            self.assert_run(
                "echo", server.address, "--service-config", self.retry(),
                code=e2e.exit_of_status(e2e.UNAVAILABLE),
            )  # fmt: skip
            self.assertEqual(server.attempts, [""])

    @e2e.once
    def test_throttled_calls_are_tried_once(self) -> None:
        config = self.retry(retryThrottling={"maxTokens": 2, "tokenRatio": 0.1})
        with FlakyServer((DOWN, None, 0)) as server:
            self.assert_run(
                "echo", server.address, "--service-config", config,
                code=e2e.exit_of_status(e2e.UNAVAILABLE),
            )  # fmt: skip
            self.assertEqual(server.attempts, [""])

    @e2e.once
    def test_a_hedge_overtakes_a_slow_server(self) -> None:
        hedging = {"maxAttempts": 3, "hedgingDelay": "0.1s", "nonFatalStatusCodes": []}
        with FlakyServer((None, None, 8.0)) as server:
            result = self.assert_json(
                "echo", server.address, "--deadline", "30s", "--payload", "hello",
                "--service-config", self.config({"hedgingPolicy": hedging}),
            )  # fmt: skip
            self.assertTrue(result["calls"][0]["ok"])
            self.assertEqual(result["calls"][0]["payload"], "hello")
            self.assertEqual(server.attempts[:2], ["", "1"])
            self.assertLess(result["calls"][0]["total_ns"], 7e9, "the slow one was not awaited")

    @e2e.once
    def test_a_hedge_follows_a_non_fatal_status_at_once(self) -> None:
        hedging = {"maxAttempts": 3, "hedgingDelay": "20s", "nonFatalStatusCodes": ["UNAVAILABLE"]}
        with FlakyServer((DOWN, None, 0), (DOWN, None, 0)) as server:
            self.assert_run(
                "echo", server.address, "--service-config", self.config({"hedgingPolicy": hedging})
            )
            self.assertEqual(server.attempts, ["", "1", "2"])

    @e2e.once
    def test_a_timeout_of_the_config(self) -> None:
        with FlakyServer((None, None, 3.0)) as server:
            self.assert_run(
                "echo", server.address, "--service-config", self.config({"timeout": "0.2s"}),
                code=e2e.exit_of_status(e2e.DEADLINE_EXCEEDED),
            )  # fmt: skip

    @e2e.once
    def test_limits_of_the_config(self) -> None:
        with FlakyServer() as server:
            for limit in ("maxRequestMessageBytes", "maxResponseMessageBytes"):
                self.assert_run(
                    "echo", server.address, "--size", "1000",
                    "--service-config", self.config({limit: 100}),
                    code=e2e.exit_of_status(e2e.RESOURCE_EXHAUSTED),
                )  # fmt: skip

    # ---- several servers

    def test_round_robin_takes_turns(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            result = self.assert_json(
                "echo", one.address, two.address, "--count", "10", "--balance", "round_robin"
            )
            self.assertEqual(self.backends(result), {one.address: 5, two.address: 5})
            self.assertEqual(result["target"], f"{one.address},{two.address}")

    def test_pick_first_takes_one(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            target = f"{one.address},{two.address}"
            result = self.assert_json("echo", target, "--count", "5", "--balance", "pick_first")
            self.assertEqual(self.backends(result), {one.address: 5, two.address: 0})

    def test_a_dead_server_is_left_out(self) -> None:
        dead = e2e.nobody()
        with e2e.Server() as alive:
            for balance in ("pick_first", "round_robin", "least_outstanding"):
                result = self.assert_json(
                    "echo", dead, alive.address, "--count", "4", "--balance", balance
                )
                self.assertEqual(self.backends(result), {dead: 0, alive.address: 4}, balance)

    @e2e.once
    def test_the_summary_counts_for_each_server(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            done = self.assert_run(
                "echo", one.address, two.address, "--count", "4", "--balance", "round_robin"
            )
            for server in (one, two):
                self.assertIn(f"{server.address}  2 calls\n", done.stdout)

    @e2e.once
    def test_bench_spreads_its_load(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            arguments = ["bench", "echo", f"{one.address},{two.address}", "-c", "4", "-m", "4"]
            # So many that each server has its share, though one may not run for a while.
            report = self.assert_json(*arguments, "-n", "200000")
            calls = {item["backend"]: item["calls"] for item in report["backends"]}
            self.assertEqual(set(calls), {one.address, two.address})
            self.assertGreaterEqual(sum(calls.values()), 200_000)
            self.assertGreater(min(calls.values()), 20_000)
            done = self.assert_run(*arguments, "-n", "2000", "--balance", "round_robin")
            self.assertIn(f"to {two.address}", done.stdout)

    @e2e.once
    def test_bench_with_a_service_config(self) -> None:
        with FlakyServer(*[(DOWN, None, 0)] * 3) as server:
            self.assert_run(
                "bench", "echo", server.address, "-c", "1", "-m", "1", "-n", "5",
                "--service-config", self.retry(), "--assert", "errors==0",
            )  # fmt: skip
            self.assertEqual(server.attempts.count(""), 5)
            self.assertEqual(len(server.attempts), 8)

    @e2e.once
    def test_a_server_that_dies_under_load_is_left_and_found_again(self) -> None:
        with e2e.Server() as stays:
            dies = e2e.Server()
            address = dies.address
            bench = e2e.start(
                "bench", "echo", f"{stays.address},{address}", "-c", "2", "-m", "2", "-z", "8s",
                "--rps", "500", "--json", "--balance", "round_robin", "--assert", "errors<20%",
            )  # fmt: skip
            time.sleep(2)
            dies.kill()
            time.sleep(1)
            with e2e.Server(listen=[address]) as back:
                stdout, stderr = bench.communicate(timeout=e2e.TIMEOUT_S)
                self.assertEqual(bench.returncode, e2e.EXIT_OK, f"{stdout}\n{stderr}")
                self.assertEqual(back.stop(), e2e.EXIT_OK)
                self.assertGreater(back.calls().get("OK", 0), 0, "found again")

    @e2e.once
    def test_a_server_that_drains_under_load_loses_no_call(self) -> None:
        with e2e.Server() as stays, e2e.Server() as drains:
            bench = e2e.start(
                "bench", "echo", f"{stays.address},{drains.address}", "-c", "2", "-m", "2",
                "-z", "4s", "--rps", "500", "--json", "--assert", "errors==0",
            )  # fmt: skip
            time.sleep(1.5)
            self.assertEqual(drains.stop(), e2e.EXIT_OK)
            stdout, stderr = bench.communicate(timeout=e2e.TIMEOUT_S)
            self.assertEqual(bench.returncode, e2e.EXIT_OK, f"{stdout}\n{stderr}")

    @e2e.once
    def test_connections_are_shared_evenly(self) -> None:
        self.assert_run(
            "bench", "echo", "a:1,b:1,c:1", "-c", "10",
            code=e2e.EXIT_USAGE, stderr="make it a multiple of 3",
        )  # fmt: skip

    # ---- health (gRFC A17)

    def watching(self, service: str) -> list[str]:
        config = {"healthCheckConfig": {"serviceName": service}}
        return ["--service-config", self.write("health.json", json.dumps(config))]

    @e2e.once
    def test_a_server_that_says_it_is_ill_is_left_out(self) -> None:
        with FlakyServer(health=NOT_SERVING) as ill, FlakyServer(health=SERVING) as well:
            for balance in ("round_robin", "least_outstanding"):
                result = self.assert_json(
                    "echo", ill.address, well.address, "--count", "4", "--balance", balance,
                    *self.watching("a.S"),
                )  # fmt: skip
                self.assertEqual(self.backends(result), {ill.address: 0, well.address: 4}, balance)
            self.assertEqual(ill.attempts, [])
            self.assertEqual(set(ill.watched + well.watched), {b"\x0a\x03a.S"})

    def test_servers_that_are_not_healthy_are_unavailable(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            arguments = ["echo", one.address, two.address]
            result = self.assert_json(*arguments, *self.watching("saker.echo.v1.Echo"))
            self.assertEqual(sum(self.backends(result).values()), 1)
            done = self.assert_run(
                *arguments, *self.watching("no.Such"), code=e2e.exit_of_status(e2e.UNAVAILABLE)
            )
            self.assertIn("is not healthy: its health service says SERVICE_UNKNOWN", done.stderr)
            self.assert_run(*arguments, "--balance", "pick_first", *self.watching("no.Such"))

    @e2e.once
    def test_a_server_without_a_health_service_is_healthy(self) -> None:
        with FlakyServer() as server:
            self.assert_run(
                "echo", server.address, "--balance", "round_robin", *self.watching("a.S")
            )
            self.assertEqual(server.attempts, [""])

    @e2e.once
    def test_bench_waits_for_health_and_counts_its_own_calls(self) -> None:
        with e2e.Server() as one, e2e.Server() as two:
            report = self.assert_json(
                "bench", "echo", f"{one.address},{two.address}", "-c", "4", "-m", "2", "-n", "500",
                "--warmup", "0s", "--assert", "errors==0", *self.watching(""),
            )  # fmt: skip
            self.assertEqual(sum(item["calls"] for item in report["backends"]), 500)

    # ---- names

    @e2e.once
    def test_a_name_with_two_addresses(self) -> None:
        with e2e.Server(listen=["127.0.0.1:0"]) as server:
            port = server.address.rsplit(":", 1)[1]
            hosts = self.write("hosts", "127.0.0.2 pair.test\n127.0.0.1 pair.test\n")
            env = {"CARES_HOSTS": hosts}
            for target in (f"pair.test:{port}", f"dns:///pair.test:{port}"):
                self.assert_run("echo", target, env=env)
            for balance in ("pick_first", "round_robin"):
                result = self.assert_json(
                    "echo", f"pair.test:{port}", "--count", "3", "--balance", balance, env=env
                )
                calls = self.backends(result)
                self.assertEqual(calls[f"127.0.0.1:{port} (pair.test:{port})"], 3)
                self.assertEqual(len(calls), 2)

    @e2e.once
    def test_localhost_and_unknown_names(self) -> None:
        with e2e.Server(listen=["127.0.0.1:0"]) as server:
            self.assert_run("echo", "localhost:" + server.address.rsplit(":", 1)[1])
        done = self.assert_run(
            "echo", "no-such-host.invalid:1", "--deadline", "5s",
            code=e2e.exit_of_status(e2e.UNAVAILABLE),
        )  # fmt: skip
        self.assertIn("no-such-host.invalid", done.stderr)

    # ---- what is wrong

    @e2e.once
    def test_wrong_flags_are_usage_errors(self) -> None:
        cases = [
            (["--balance", "best"], "none of pick_first, round_robin, least_outstanding"),
            (["--service-config", str(self.directory / "missing")], "missing"),
            (["--service-config", self.write("a", "{")], "not JSON"),
            (["--service-config", self.write("b", '{"methodConfig": 1}')], "methodConfig"),
        ]
        for flags, says in cases:
            for command in (["echo"], ["bench", "echo"]):
                self.assert_run(*command, *flags, code=e2e.EXIT_USAGE, stderr=says)


if __name__ == "__main__":
    e2e.main()
