"""The HTML reports of saker bench in a real browser: each kind of page, at the size of a desk and of a
phone, light and dark: nothing goes wrong in it, it asks nobody for anything, its plots are drawn, and
nothing is wider than the screen.

With $SAKER_PAGE_SHOTS, a folder, pictures of all of them are left there.
"""

from __future__ import annotations

import os
import pathlib
import sys

import saker_e2e as e2e

import browser  # of tests/support

SIZES = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
ALWAYS = {"What it cost", "Measured with"}
OF_A_RUN = ALWAYS | {
    "Latency by percentile", "Latency over time", "Rate over time", "Calls by latency", "Latencies", "Statuses",
}  # fmt: skip

# What is on the page. `drawn`: pixels that have the colour of the first curve or are close to it.
FACTS = """(() => {
  const style = getComputedStyle(document.documentElement);
  const rgb = style.getPropertyValue("--one").trim().match(/[0-9a-f]{2}/g).map((hex) => parseInt(hex, 16));
  const isShown = (element) => element.getClientRects().length > 0;
  const heading = (element) => element.closest("section").querySelector("h2").textContent;
  const plots = [...document.querySelectorAll("canvas")].map((canvas) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let drawn = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 200 && rgb.every((tone, k) => Math.abs(tone - data[i + k]) < 8)) ++drawn;
    }
    const section = canvas.closest("section").getBoundingClientRect();
    return { heading: heading(canvas), width, height, drawn, fits: canvas.getBoundingClientRect().right <= section.right };
  });
  const rows = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  return {
    title: document.title, plots,
    headings: [...document.querySelectorAll("h2")].filter(isShown).map((h2) => h2.textContent),
    empty: [...document.querySelectorAll("section > table, section > div")]
      .filter((part) => isShown(part.closest("section")) && !part.childElementCount).map((part) => part.id),
    tables: Object.fromEntries([...document.querySelectorAll("section > table")].map((table) => [table.id, rows(table)])),
    words: document.body.innerText,
    links: [...document.querySelectorAll("[src], [href]")].map((element) => element.src || element.href),
    background: getComputedStyle(document.body).backgroundColor,
    width: document.documentElement.scrollWidth,
  };
})()"""


@e2e.once
class Pages(e2e.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = e2e.Server("--threads", "1", "--key", "ec-p256", "--key", "ec-p384")
        cls.addClassCleanup(cls.server.kill)
        cls.browser = browser.Browser(e2e.TIMEOUT_S)
        cls.addClassCleanup(cls.browser.close)
        cls.page = browser.Page(cls.browser)

    def write_page(self, *arguments: str, code: int = e2e.EXIT_OK) -> tuple[pathlib.Path, dict]:
        command, *rest = arguments
        path = self.directory / "report.html"
        self.assert_run("bench", command, self.server.address, "--quiet", "-o", str(path), *rest, code=code)
        return path, e2e.document_of(path.read_text())

    def check(self, facts: dict, headings: set[str], width: int) -> None:
        self.assertEqual(self.page.problems, [])
        self.assertEqual(facts["links"], ["data:,"])
        self.assertEqual(set(facts["headings"]), headings)
        self.assertEqual(facts["empty"], [])
        self.assertLessEqual(facts["width"], width)  # innerWidth grows with what is too wide for a phone
        for plot in facts["plots"]:
            self.assertGreater(min(plot["width"], plot["height"]), 100, plot)
            self.assertGreater(plot["drawn"], 5, plot)  # a run that was too short for a line has a dot
            self.assertTrue(plot["fits"], plot)

    def look_at(self, path: pathlib.Path, name: str, headings: set[str], plots: int) -> dict:
        """What the page says, once it has been seen at all sizes and in both schemes."""
        for size, (width, height, mobile) in SIZES.items():
            self.page.set_size(width, height, mobile)
            self.page.set_scheme("light")
            self.page.load(path)
            backgrounds = set()
            for scheme in ("light", "dark"):
                self.page.set_scheme(scheme)
                self.page.settle()
                facts = self.page.evaluate(FACTS)
                self.take_shot(f"{name}-{size}-{scheme}")
                backgrounds.add(facts["background"])
                with self.subTest(name, size=size, scheme=scheme):
                    self.check(facts, headings, width)
                    self.assertEqual(len(facts["plots"]), plots)
            self.assertEqual(len(backgrounds), 2)
            self.assertEqual([url for url in self.page.requests if not url.startswith("data:")], [path.as_uri()])
        return facts

    def take_shot(self, name: str) -> None:
        if folder := os.environ.get("SAKER_PAGE_SHOTS"):
            self.page.screenshot(pathlib.Path(folder) / f"{name}.png")

    def check_costs(self, facts: dict, rows: int) -> None:
        costs = facts["tables"]["costs"]
        self.assertEqual(costs[0][3:], ["calls a core-second", "memory, at most", "waited", "preempted"])
        self.assertEqual(len(costs), 1 + rows)
        self.assertTrue(all(cell for row in costs[1:] for cell in row), costs)

    def test_plain_run(self) -> None:
        pid = str(self.server.process.pid)
        path, report = self.write_page("echo", "-z", "2s", "--server-pid", pid)
        facts = self.look_at(path, "plain", OF_A_RUN, plots=4)
        self.check_costs(facts, rows=2)
        self.assertEqual(facts["title"], f"/saker.echo.v1.Echo/Echo at {self.server.address}")
        self.assertEqual(dict(facts["tables"]["environment"]), report["environment"])

    def test_schedule(self) -> None:
        path, report = self.write_page("echo", "--schedule", "ramp 100..400 1s; hold 1s; step 100,300 500ms")
        facts = self.look_at(path, "schedule", OF_A_RUN | {"Phases of the schedule"}, plots=4)
        names = [row[0] for row in facts["tables"]["phases"][1:]]
        self.assertEqual(names, [phase["phase"] for phase in report["phases"]])
        self.assertIn("schedule: ramp 100..400 1s; hold 1s; step 100,300 500ms", facts["words"])

    def test_mix(self) -> None:
        path, _ = self.write_page(
            "sign", "--mix", "ECDSA_P256_SHA256@ec-p256=70,ECDSA_P384_SHA384@ec-p384=30", "-c", "1", "-m", "1", "-n", "400"
        )
        headings = OF_A_RUN | {"Mix", "Latency by entry of the mix"}
        facts = self.look_at(path, "mix", headings, plots=5)
        shares = [row[:3] for row in facts["tables"]["mix"][1:]]
        self.assertEqual(
            shares, [["ECDSA_P256_SHA256 @ ec-p256", "70", "280"], ["ECDSA_P384_SHA384 @ ec-p384", "30", "120"]]
        )

    def test_streams(self) -> None:
        path, _ = self.write_page("echo", "--method", "EchoExpand", "--messages", "50", "-n", "2000", "-m", "5")
        facts = self.look_at(path, "streams", OF_A_RUN | {"Time between messages"}, plots=5)
        self.assertIn("server streaming, 50 messages a stream", facts["words"])
        self.assertIn("messages a second", facts["words"])
        self.assertEqual(facts["tables"]["latencies"][0], ["latency", "a call", "per message"])

    def test_churn_and_failures(self) -> None:
        path, report = self.write_page(
            "echo", "--churn", "50", "-n", "1000", "-c", "2", "-m", "2", "--assert", "p99<1ns",
            code=e2e.EXIT_ASSERTION,
        )  # fmt: skip
        facts = self.look_at(path, "churn", OF_A_RUN | {"Connects"}, plots=4)
        self.assertEqual(int(facts["tables"]["connects"][1][0]), report["connects"]["count"])
        self.assertIn("failed: p99<1ns broken", facts["words"])

    def test_find_max(self) -> None:
        pid = str(self.server.process.pid)
        path, report = self.write_page(
            "echo", "-c", "1", "-m", "1", "--find-max", "--rps", "500", "--round", "100ms",
            "--resolution", "50%", "--assert", "p50<10s", "--server-pid", pid,
        )  # fmt: skip
        headings = ALWAYS | {"Latency by rate", "Achieved by asked rate", "Rates that were tried"}
        facts = self.look_at(path, "find-max", headings, plots=2)
        self.assertEqual(len(facts["tables"]["rates"]), 1 + len(report["curve"]))
        self.check_costs(facts, rows=2 * len(report["curve"]))

    def test_compare(self) -> None:
        with e2e.Server("--threads", "1") as other:
            path, _ = self.write_page("echo", "--compare", other.address, "--round", "100ms", "--rounds", "3")
            targets = [self.server.address, other.address]
        headings = ALWAYS | {"All rounds", "Latency by percentile", "Rate by round", f"Beside {targets[0]}"}
        facts = self.look_at(path, "compare", headings, plots=2)
        self.assertEqual([row[0] for row in facts["tables"]["targets"][1:]], targets)
        self.check_costs(facts, rows=2)


if __name__ == "__main__":
    if browser.PROGRAM is None:
        print("skipped: no chromium")
        sys.exit(e2e.EXIT_SKIPPED)
    e2e.main()
