"""saker serve --metrics: totals are those that clients count, whatever the transport."""

import re
import time
import urllib.error
import urllib.request

import grpc
import saker_e2e as e2e

ECHO = 'method="saker.echo.v1.Echo/Echo"'
CALLS = 20_000 if e2e.SANITIZED else 1_000_000
ROOT = e2e.ROOT


class Metrics(e2e.TestCase):
    def serve(self, *arguments: str) -> e2e.Server:
        """Two loops; listens on TCP and on a Unix socket."""
        server = e2e.Server(
            "--metrics", "127.0.0.1:0", "--threads", "2", *arguments,
            listen=["127.0.0.1:0", f"unix:{self.directory}/s"],
        )  # fmt: skip
        self.addCleanup(server.kill)
        return server

    def url(self, server: e2e.Server) -> str:
        return re.search(r"http://\S+", "\n".join(server.ready_lines)).group(0)

    def text(self, server: e2e.Server) -> str:
        return urllib.request.urlopen(self.url(server), timeout=e2e.TIMEOUT_S).read().decode()

    def scrape(self, server: e2e.Server) -> dict[str, float]:
        lines = [line for line in self.text(server).splitlines() if not line.startswith("#")]
        samples = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
        self.assertEqual(len(samples), len(lines), "a series stands there twice")
        return samples

    def bench(self, target: str, calls: int) -> dict:
        report = self.assert_json("bench", "echo", target, "-n", str(calls), "-m", "50")
        self.assertEqual(report["calls"], calls)
        self.assertEqual(report["errors"], 0)
        return report

    def test_totals_equal_the_clients(self) -> None:
        server = self.serve()
        self.bench(server.addresses[0], CALLS)
        self.bench(server.addresses[1], CALLS // 2)
        samples = self.scrape(server)
        calls = {k: v for k, v in samples.items() if k.startswith("saker_calls_total")}
        expected = {"tcp": CALLS, "unix": CALLS // 2}
        self.assertEqual(
            calls,
            {
                f'saker_calls_total{{{ECHO},transport="{transport}",code="OK"}}': float(count)
                for transport, count in expected.items()
            },
        )
        for transport, count in expected.items():
            labels = f'{ECHO},transport="{transport}"'
            durations = "saker_call_duration_seconds"
            self.assertEqual(samples[f"{durations}_count{{{labels}}}"], count)
            self.assertEqual(samples[f'{durations}_bucket{{{labels},le="+Inf"}}'], count)
            self.assertGreater(samples[f"{durations}_sum{{{labels}}}"], 0)
        self.assertEqual(samples["saker_connections_opened_total"], 20)
        self.assertEqual(samples["saker_invariants_broken_total"], 0)
        self.assertEqual(samples["saker_calls_open"], 0)
        # At least the payloads went both ways.
        self.assertGreater(samples["saker_bytes_received_total"], 16 * CALLS * 1.5)
        self.assertGreater(samples["saker_bytes_sent_total"], 16 * CALLS * 1.5)

    def test_buckets_grow_with_their_bounds(self) -> None:
        server = self.serve()
        self.bench(server.address, 1000)
        buckets = [
            (float(re.search(r'le="([^"]+)"', name).group(1)), value)
            for name, value in self.scrape(server).items()
            if name.startswith("saker_call_duration_seconds_bucket")
        ]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual([count for _, count in buckets], sorted(count for _, count in buckets))
        self.assertEqual(buckets[-1], (float("inf"), 1000))

    def test_statuses_and_unknown_methods(self) -> None:
        server = self.serve()
        self.assert_run("echo", server.address, "--size", "5MiB", code=64 + e2e.RESOURCE_EXHAUSTED)
        with grpc.insecure_channel(server.addresses[1]) as channel:
            for path in ("/no.Such/A", "/no.Such/B", "/saker.echo.v1.Echo/C"):
                with self.assertRaises(grpc.RpcError) as raised:
                    channel.unary_unary(path)(b"", timeout=e2e.TIMEOUT_S)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        samples = self.scrape(server)
        name = "saker_calls_total"
        self.assertEqual(samples[f'{name}{{{ECHO},transport="tcp",code="RESOURCE_EXHAUSTED"}}'], 1)
        self.assertEqual(
            samples[f'{name}{{method="other",transport="unix",code="UNIMPLEMENTED"}}'], 3
        )
        self.assertEqual(sum(k.startswith(name) for k in samples), 2, samples)

    def test_gauges_follow_connections(self) -> None:
        server = self.serve()
        self.assertEqual(self.scrape(server)["saker_connections_open"], 0)
        with grpc.insecure_channel(server.address) as channel:
            channel.unary_unary("/saker.echo.v1.Echo/Echo")(b"", timeout=e2e.TIMEOUT_S)
            self.assertEqual(self.scrape(server)["saker_connections_open"], 1)
        self.assertTrue(
            e2e.eventually(lambda: self.scrape(server)["saker_connections_open"] == 0)
        )

    def test_signatures(self) -> None:
        server = self.serve()
        message = self.write("message", "hello")
        for _ in range(3):
            self.assert_run(
                "sign", server.address, "--key-type", "ec-p256",
                "--algorithm", "ECDSA_P256_SHA256", "--in", message,
                "--out", str(self.directory / "signature"),
            )  # fmt: skip
        samples = self.scrape(server)
        name = "saker_crypto_signatures_total"
        self.assertEqual(samples[f'{name}{{algorithm="ECDSA_P256_SHA256"}}'], 3)
        self.assertEqual(samples[f'{name}{{algorithm="RSA_PSS_SHA256"}}'], 0)
        self.assertEqual(samples['saker_crypto_jobs_submitted_total{lane="cheap"}'], 3)
        self.assertEqual(samples['saker_crypto_jobs_completed_total{lane="cheap"}'], 3)
        self.assertGreater(samples['saker_crypto_wait_seconds_total{lane="cheap"}'], 0)
        self.assertEqual(samples['saker_crypto_jobs_submitted_total{lane="expensive"}'], 0)

    def test_the_process(self) -> None:
        server = self.serve()
        samples = self.scrape(server)
        self.assertAlmostEqual(samples["process_start_time_seconds"], time.time(), delta=120)
        self.assertGreater(samples["process_resident_memory_bytes"], 1e6)
        self.assertGreater(samples["process_max_fds"], samples["process_open_fds"])
        version = e2e.run("--version").stdout.split()[1]
        build = [name for name in samples if name.startswith("saker_build_info{")]
        self.assertIn(f'version="{version}"', build[0])
        self.assertEqual(samples[build[0]], 1)

    def test_every_name_is_in_the_docs(self) -> None:
        server = self.serve("--audit", str(self.directory / "audit.log"), "--max-memory", "1GiB")
        self.assert_run("echo", server.address)
        families = re.findall(r"^# TYPE (\S+) (\S+)$", self.text(server), re.MULTILINE)
        documented = re.findall(
            r"^\| `(\w+)[^`]*` \| (counter|gauge|histogram|summary) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE
        )
        elsewhere = ("saker_proxy_", "saker_token_")  # of saker proxy; of a token, see crypto_token_faults
        ours = [row for row in documented if not row[0].startswith(elsewhere)]
        self.assertEqual(sorted(families), sorted(ours))

    def test_nothing_else_is_served(self) -> None:
        server = self.serve()
        for path in ("/", "/etc/passwd", "/metrics/../../etc/passwd"):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(
                    self.url(server).replace("/metrics", path), timeout=e2e.TIMEOUT_S
                )
            self.assertIn(raised.exception.code, (400, 404))
            raised.exception.close()

    def test_ends_at_once(self) -> None:
        server = self.serve()
        self.scrape(server)
        before = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - before, 10)

    def test_busy_port(self) -> None:
        with e2e.silent_server() as address:
            done = self.assert_run(
                "serve", "--listen", "127.0.0.1:0", "--key", "ec-p256", "--metrics", address,
                code=e2e.EXIT_USAGE, stderr=f"cannot serve metrics: listen on {address}",
            )  # fmt: skip
            self.assertIn("Address already in use", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_tcp_only(self) -> None:
        self.assert_run(
            "serve", "--listen", "127.0.0.1:0", "--key", "ec-p256",
            "--metrics", f"unix:{self.directory}/m",
            code=e2e.EXIT_USAGE, stderr="metrics are served over TCP, at host:port",
        )  # fmt: skip


if __name__ == "__main__":
    e2e.main()
