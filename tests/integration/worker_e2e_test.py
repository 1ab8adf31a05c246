"""saker worker: a driver makes it a server and a client, under every load, and refuses what it cannot do."""

from __future__ import annotations

import json
import math
import socket
import textwrap
import time

import grpc
import saker_e2e as e2e
from google.protobuf import json_format
from tls_case import make_ca
from worker_driver import CLOSED, Run, Worker, bytebuf, control, messages, poisson, results, saker_worker, simple

OK = grpc.StatusCode.OK
INVALID = grpc.StatusCode.INVALID_ARGUMENT
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED


class TwoWorkers(e2e.TestCase):
    """One as the server, one as the client."""

    arguments: tuple[str, ...] = ()

    def setUp(self) -> None:
        super().setUp()
        self.server = self.enterContext(saker_worker(*self.arguments))
        self.client = self.enterContext(saker_worker(*self.arguments))

    def serve(self, **config: object) -> tuple[Run, str]:
        run = self.server.serve(**config)
        return run, f"127.0.0.1:{run.next().port}"

    def measure(self, load: Run, seconds: float = 0.5):
        """What a driver gets: marks with reset before and behind the measured time."""
        load.next()
        load.mark(reset=True)
        time.sleep(seconds * (4 if e2e.SANITIZED else 1))
        return load.mark(reset=True)

    def check_histogram(self, stats) -> None:
        latencies = stats.latencies
        self.assertGreater(latencies.count, 0)
        self.assertEqual(len(latencies.bucket), 2495)
        self.assertEqual(sum(latencies.bucket), latencies.count)
        self.assertLessEqual(latencies.min_seen, latencies.sum / latencies.count)
        self.assertLessEqual(latencies.sum / latencies.count, latencies.max_seen)
        self.assertLessEqual(latencies.sum**2 / latencies.count, latencies.sum_of_squares * (1 + 1e-9))
        filled = [index for index, count in enumerate(latencies.bucket) if count]
        for index, seen in ((filled[0], latencies.min_seen), (filled[-1], latencies.max_seen)):
            self.assertAlmostEqual(index, math.log(max(seen, 1)) / math.log(1.01), delta=1)

    def check_run(self, server: dict, client: dict, least: int = 10) -> object:
        """A server and its load, to the end; every call must have gone well."""
        served, target = self.serve(**server)
        load = self.client.load(target, **client)
        stats = self.measure(load)
        self.check_histogram(stats)
        self.assertGreaterEqual(stats.latencies.count, least // 20 if e2e.SANITIZED else least)
        self.assertEqual(results(stats), {0: stats.latencies.count})
        self.assertGreaterEqual(stats.time_elapsed, 0.5)
        self.assertGreater(stats.time_user + stats.time_system, 0)
        self.assertEqual(load.end(), OK)
        self.assertEqual(served.end(), OK)
        return stats


class Loads(TwoWorkers):
    def test_unary(self) -> None:
        self.check_run({}, {"payload_config": simple(10, 20)}, least=100)
        self.check_run({}, {})

    def test_unary_bytes(self) -> None:
        payload = bytebuf(10, 20)
        self.check_run({"payload_config": payload}, {"payload_config": payload}, least=100)

    def test_streaming(self) -> None:
        self.check_run({}, {"rpc_type": "STREAMING", "payload_config": simple(0, 0)}, least=100)
        payload = bytebuf(0, 100_000)
        generic = {"server_type": "ASYNC_GENERIC_SERVER", "payload_config": payload}
        self.check_run(generic, {"rpc_type": "STREAMING", "payload_config": payload})

    def test_streams_that_end(self) -> None:
        for number in (1, 7):
            self.check_run({}, {"rpc_type": "STREAMING", "messages_per_stream": number}, least=50)

    def test_streams_one_way(self) -> None:
        for rpc_type in ("STREAMING_FROM_CLIENT", "STREAMING_FROM_SERVER"):
            for payload in (simple(100, 100), bytebuf(100, 100)):
                with self.subTest(rpc_type=rpc_type, payload=payload):
                    client = {"rpc_type": rpc_type, "payload_config": payload}
                    self.check_run({"payload_config": payload}, client, least=100)

    def test_streams_from_the_client_that_end(self) -> None:
        self.check_run({}, {"rpc_type": "STREAMING_FROM_CLIENT", "messages_per_stream": 3}, least=30)

    def test_poisson(self) -> None:
        for rpc_type in ("UNARY", "STREAMING"):
            for payload in (simple(1, 1), bytebuf(1, 1)):
                with self.subTest(rpc_type=rpc_type, payload=payload):
                    self.check_poisson({"rpc_type": rpc_type, "payload_config": payload})

    def check_poisson(self, client: dict) -> None:
        many = {"client_channels": 3, "async_client_threads": 2, "outstanding_rpcs_per_channel": 50}
        served, target = self.serve(payload_config=client["payload_config"])
        load = self.client.load(target, **client, **many, load_params=poisson(400))
        stats = self.measure(load, 2)
        self.check_histogram(stats)
        self.assertAlmostEqual(stats.latencies.count / stats.time_elapsed, 400, delta=100)
        self.assertEqual(set(results(stats)), {0})
        self.assertEqual((load.end(), served.end()), (OK, OK))

    def test_channels_and_threads(self) -> None:
        wide = {"client_channels": 5, "outstanding_rpcs_per_channel": 20, "async_client_threads": 2}
        for rpc_type in ("UNARY", "STREAMING"):
            self.check_run({"async_server_threads": 2}, wide | {"rpc_type": rpc_type}, least=1000)

    def test_several_servers(self) -> None:
        with saker_worker() as other:
            served, target = self.serve()
            more = other.serve()
            load = self.client.load(target, f"127.0.0.1:{more.next().port}", client_channels=2)
            self.check_histogram(self.measure(load))
            self.assertGreater(more.mark().time_elapsed, 0)
            self.assertEqual((load.end(), served.end(), more.end()), (OK, OK, OK))

    def test_large_messages(self) -> None:
        self.check_run({}, {"payload_config": simple(5_000_000, 5_000_000)}, least=2)

    def test_histograms_of_other_shapes(self) -> None:
        served, target = self.serve()
        load = self.client.load(target, histogram_params={"resolution": 1, "max_possible": 2**20})
        stats = self.measure(load)
        self.assertEqual(len(stats.latencies.bucket), 21)
        self.assertEqual(sum(stats.latencies.bucket), stats.latencies.count)
        self.assertEqual((load.end(), served.end()), (OK, OK))


class Marks(TwoWorkers):
    def test_clients(self) -> None:
        served, target = self.serve()
        load = self.client.load(target)
        load.next()
        self.assertTrue(e2e.eventually(lambda: load.mark().latencies.count > 0))
        first = load.mark()
        self.assertTrue(e2e.eventually(lambda: load.mark().latencies.count > first.latencies.count))
        second = load.mark(reset=True)
        self.assertGreater(second.latencies.count, first.latencies.count)
        self.assertGreater(second.time_elapsed, first.time_elapsed)
        third = load.mark()
        self.assertLess(third.time_elapsed, first.time_elapsed)
        self.assertLess(third.latencies.count, first.latencies.count)
        self.assertEqual((load.end(), served.end()), (OK, OK))

    def test_servers(self) -> None:
        run = self.server.serve(async_server_threads=1)
        status = run.next()
        self.assertEqual(status.cores, self.server.cores())
        self.assertGreater(status.port, 0)
        time.sleep(0.2)
        first, second = run.mark(), run.mark(reset=True)
        self.assertGreater(second.time_elapsed, first.time_elapsed)
        self.assertGreater(first.total_cpu_time, 0)
        self.assertGreaterEqual(first.total_cpu_time, first.idle_cpu_time)
        self.assertLess(run.mark().time_elapsed, first.time_elapsed)
        self.assertEqual(run.end(), OK)

    def test_servers_that_go_and_come(self) -> None:
        served, target = self.serve()
        load = self.client.load(target, rpc_type="STREAMING")
        self.assertEqual(set(results(self.measure(load))), {0})
        self.assertEqual(served.end(), OK)
        load.mark(reset=True)
        time.sleep(0.3)
        failed = load.mark(reset=True)
        self.assertEqual(set(results(failed)), {UNAVAILABLE.value[0]})
        self.assertEqual(failed.latencies.count, 0)
        self.assertLess(failed.request_results[0].count, 100)
        served, _ = self.serve(port=int(target.split(":")[1]))
        self.assertTrue(e2e.eventually(lambda: load.mark(reset=True).latencies.count > 0))
        self.assertEqual((load.end(), served.end()), (OK, OK))

    def test_what_servers_do_not_have(self) -> None:
        with e2e.Server() as server:  # gRPC, but not this service
            load = self.client.load(server.address)
            self.assertEqual(set(results(self.measure(load))), {UNIMPLEMENTED.value[0]})
            self.assertEqual(load.end(), OK)


class Tls(TwoWorkers):
    def setUp(self) -> None:
        e2e.TestCase.setUp(self)
        make_ca(self.directory)
        own = ("--tls-cert", f"{self.directory}/server.pem", "--tls-key", f"{self.directory}/server.key")
        self.server = self.enterContext(saker_worker(*own))
        self.client = self.enterContext(saker_worker("--ca", f"{self.directory}/ca.pem", "--connect-timeout", "2s"))

    def test_test_ca(self) -> None:
        security = {"use_test_ca": True, "server_host_override": "localhost"}
        for rpc_type in ("UNARY", "STREAMING"):
            self.check_run({"security_params": security}, {"security_params": security, "rpc_type": rpc_type})

    def test_others(self) -> None:
        served, target = self.serve(security_params={})
        for security, why in (
            ({"use_test_ca": True, "server_host_override": "other.example"}, "not for the name"),
            ({"server_host_override": "localhost"}, "certificate"),
        ):
            code, text = self.client.load(target, security_params=security).status()
            self.assertEqual(code, UNAVAILABLE, text)
            self.assertIn(why, text)
        self.assertEqual(served.end(), OK)

    def test_workers_without(self) -> None:
        code, text = self.client.serve(security_params={}).status()
        self.assertEqual((code, text.split(":")[0]), (INVALID, "security_params"))
        code, text = self.server.load("127.0.0.1:1", security_params={"use_test_ca": True}).status()
        self.assertEqual((code, text.split(":")[0]), (INVALID, "security_params.use_test_ca"))


class Refusals(e2e.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.worker = self.enterContext(saker_worker("--connect-timeout", "1s"))

    def test_one_run_at_a_time(self) -> None:
        run = self.worker.serve()
        target = f"127.0.0.1:{run.next().port}"
        self.assertEqual(self.worker.serve().status()[0], EXHAUSTED)
        self.assertEqual(self.worker.load(target).status()[0], EXHAUSTED)
        with self.assertRaises(grpc.RpcError) as raised:
            self.worker.quit()
        self.assertEqual(raised.exception.code(), EXHAUSTED)
        self.assertGreater(self.worker.cores(), 0)
        self.assertGreater(run.mark().time_elapsed, 0)
        self.assertEqual(run.end(), OK)
        again = self.worker.serve()
        again.next()
        self.assertEqual(again.end(), OK)

    def test_streams_without_a_setup(self) -> None:
        for method, args in (
            (self.worker.run_server, control.ServerArgs),
            (self.worker.run_client, control.ClientArgs),
        ):
            for first in ((), (args(),), (args(mark=control.Mark()),)):
                code, text = Run(method, args, *first).status()
                self.assertEqual(code, INVALID)
                self.assertIn("setup", text)

    def test_streams_with_two_setups(self) -> None:
        setup = control.ServerArgs(setup=control.ServerConfig())
        run = Run(self.worker.run_server, control.ServerArgs, setup, setup)
        target = f"127.0.0.1:{run.next().port}"
        code, text = run.status()
        self.assertEqual(code, INVALID)
        self.assertIn("mark", text)
        with saker_worker() as other:
            served = self.worker.serve(port=int(target.split(":")[1]))
            served.next()
            setup = control.ClientArgs(
                setup=control.ClientConfig(
                    server_targets=[target], client_channels=1, outstanding_rpcs_per_channel=1, load_params=CLOSED
                )
            )
            run = Run(other.run_client, control.ClientArgs, setup, setup)
            run.next()
            self.assertEqual(run.status()[0], INVALID)
            self.assertEqual(served.end(), OK)

    def test_what_it_cannot_do(self) -> None:
        for config, code, field in (
            ({"server_type": "OTHER_SERVER"}, UNIMPLEMENTED, "server_type"),
            ({"core_list": [0]}, UNIMPLEMENTED, "core_list"),
            ({"payload_config": bytebuf(0, -1)}, INVALID, "payload_config.bytebuf_params.resp_size"),
        ):
            got, text = self.worker.serve(**config).status()
            self.assertEqual((got, text.split(":")[0]), (code, field))
        for config, code, field in (
            ({"client_channels": 0}, INVALID, "client_channels"),
            ({"rpc_type": "STREAMING_BOTH_WAYS"}, UNIMPLEMENTED, "rpc_type"),
            ({"load_params": poisson(-1)}, INVALID, "load_params.poisson.offered_load"),
            ({"histogram_params": {"resolution": -1}}, INVALID, "histogram_params"),
        ):
            got, text = self.worker.load("127.0.0.1:1", **config).status()
            self.assertEqual((got, text.split(":")[0]), (code, field))

    def test_nobody_there(self) -> None:
        target = e2e.nobody()
        code, text = self.worker.load(target).status()
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn(target, text)

    def test_ports_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, text = self.worker.serve(port=port).status()
            self.assertEqual(code, UNAVAILABLE)
            self.assertIn(str(port), text)
            self.assert_run("worker", "--host", "127.0.0.1", "--driver-port", str(port), code=e2e.EXIT_USAGE)

    def test_sizes_over_the_limit(self) -> None:
        run = self.worker.serve()
        with grpc.insecure_channel(f"127.0.0.1:{run.next().port}") as channel:
            call = channel.unary_unary(
                "/grpc.testing.BenchmarkService/UnaryCall",
                messages.SimpleRequest.SerializeToString, messages.SimpleResponse.FromString,
            )  # fmt: skip
            with self.assertRaises(grpc.RpcError) as raised:
                call(messages.SimpleRequest(response_size=2**31 - 1), timeout=e2e.TIMEOUT_S)
            self.assertEqual(raised.exception.code(), INVALID)
            self.assertEqual(len(call(messages.SimpleRequest(response_size=5)).payload.body), 5)
        self.assertEqual(run.end(), OK)


class Life(e2e.TestCase):
    def test_quit(self) -> None:
        worker = saker_worker()
        worker.quit()
        self.assertEqual(worker.wait()[0], e2e.EXIT_OK)

    def test_interrupted_runs(self) -> None:
        with saker_worker() as server:
            run = server.serve()
            target = f"127.0.0.1:{run.next().port}"
            client = saker_worker()
            load = client.load(target, client_channels=3, rpc_type="STREAMING")
            load.next()
            self.assertEqual(client.stop()[0], e2e.EXIT_OK)
            self.assertEqual(server.stop()[0], e2e.EXIT_OK)

    def test_drivers_that_go(self) -> None:
        with saker_worker() as server, saker_worker() as client:
            run = server.serve()
            client.load(f"127.0.0.1:{run.next().port}").next()
            client.channel.close()
            server.channel.close()
            for worker in (server, client):
                worker.connect()
                self.assertTrue(e2e.eventually(worker.is_free))

    def test_ports(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with saker_worker("--server-port", str(port)) as worker:
            run = worker.serve(port=1)
            self.assertEqual(run.next().port, port)
            self.assertEqual(run.end(), OK)
        # As gRPC's own workers spell it.
        with saker_worker(f"--server_port={port}", "--driver_port=0") as worker:
            run = worker.serve()
            self.assertEqual(run.next().port, port)
            self.assertEqual(run.end(), OK)

    def test_listens_everywhere_unless_told(self) -> None:
        with Worker([e2e.SAKER, "worker", "--driver-port", "0"]) as worker:
            self.assertGreater(worker.cores(), 0)
            code, err = worker.stop()
        self.assertEqual(code, e2e.EXIT_OK)
        self.assertIn("can steer this worker", err)
        with saker_worker() as worker:
            self.assertEqual(worker.stop(), (e2e.EXIT_OK, ""))

    def test_command_line(self) -> None:
        self.assert_run("worker", "--driver-port", "65536", code=e2e.EXIT_USAGE, stderr="65535")
        self.assert_run("worker", "--tls-cert", "x", code=e2e.EXIT_USAGE, stderr="go together")
        self.assert_run("worker", "--ca", f"{self.directory}/none", code=e2e.EXIT_USAGE, stderr="--ca")


class Manifest(e2e.TestCase):
    """What deploy/kubernetes gives the operator is a scenario that workers take."""

    def test_scenario(self) -> None:
        text = (e2e.ROOT / "deploy/kubernetes/loadtest.yaml").read_text(encoding="utf-8")
        scenario_text = textwrap.dedent(text.split("scenariosJSON: |\n")[1])
        scenarios = json_format.ParseDict(json.loads(scenario_text), control.Scenarios())
        for scenario in scenarios.scenarios:
            with saker_worker() as server, saker_worker() as client:
                setup = control.ServerArgs(setup=scenario.server_config)
                served = Run(server.run_server, control.ServerArgs, setup)
                scenario.client_config.server_targets.append(f"127.0.0.1:{served.next().port}")
                setup = control.ClientArgs(setup=scenario.client_config)
                load = Run(client.run_client, control.ClientArgs, setup)
                load.next()
                time.sleep(0.2)
                self.assertEqual(set(results(load.mark())), {0})
                self.assertEqual((load.end(), served.end()), (OK, OK))


if __name__ == "__main__":
    e2e.main()
