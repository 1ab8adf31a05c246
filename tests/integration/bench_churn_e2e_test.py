"""saker bench: connections that are replaced on purpose."""

from __future__ import annotations

import saker_e2e as e2e


class Churn(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1")
        cls.addClassCleanup(cls.server.kill)

    def bench(self, *arguments: str) -> dict:
        return self.assert_json("bench", "echo", self.server.address, *arguments)

    def test_by_calls(self) -> None:
        for arguments in (
            ["-c", "1", "-m", "1", "-n", "200", "--churn", "1"],
            ["-c", "4", "-m", "10", "-n", "2000", "--churn", "10"],
            ["-c", "4", "-m", "10", "-t", "2", "--rps", "200", "-z", "1s", "--churn", "5"],
        ):
            with self.subTest(arguments):
                report = self.bench(*arguments)
                self.assertEqual((report["errors"], report["unfinished"]), (0, 0))
                churn = int(arguments[-1])
                connects = report["connects"]
                # The first and the last connections are not, or not wholly, within the run.
                self.assertAlmostEqual(
                    connects["count"], report["calls"] / churn, delta=8 + report["calls"] / churn / 5
                )
                rate = connects["count"] / report["duration_ns"] * 1e9
                self.assertAlmostEqual(connects["per_second"], rate, delta=rate / 100)
                self.assertGreater(connects["latency_ns"]["p50"], 0)
                self.assertIn("--churn", report["environment"]["flags"])

    def test_by_time(self) -> None:
        report = self.bench("-c", "3", "-m", "2", "-z", "2s", "--churn-every", "200ms")
        self.assertEqual((report["errors"], report["unfinished"]), (0, 0))
        self.assertGreaterEqual(report["connects"]["count"], 5)
        self.assertLessEqual(report["connects"]["count"], 3 * 12)

    def test_text(self) -> None:
        done = self.assert_run(
            "bench", "echo", self.server.address, "-n", "500", "-c", "2", "-m", "5", "--churn", "20"
        )
        self.assertRegex(done.stdout, r"\n  connects +\d+   [\d,]+/s, p50 .*, p99 .*, max ")
        done = self.assert_run("bench", "echo", self.server.address, "-n", "50")
        self.assertNotIn("connects", done.stdout)

    def test_the_server_sees_the_connections(self) -> None:
        with e2e.Server() as server:
            report = self.assert_json(
                "bench", "echo", server.address, "-c", "2", "-m", "2", "-n", "100", "--churn", "5"
            )
            self.assertEqual(report["errors"], 0)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(server.calls(), {"OK": 100})


if __name__ == "__main__":
    e2e.main()
