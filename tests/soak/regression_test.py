"""regression.py against figures that are known, and what soak.py concludes from them."""

import random
import unittest

import regression
import soak


class Regression(unittest.TestCase):
    def test_students_t(self) -> None:
        for freedom, known in ((3, 3.182), (10, 2.228), (100, 1.984)):
            self.assertAlmostEqual(regression.student_t(freedom) / known, 1, delta=0.04)

    def test_a_line_is_a_line(self) -> None:
        found = regression.slope(range(10), [3 + 2 * x for x in range(10)])
        self.assertAlmostEqual(found.low, 2)
        self.assertAlmostEqual(found.high, 2)

    def share_inside(self, next_noise) -> float:
        """Of intervals around a slope of 1 that contain it."""
        inside = 0
        for _ in range(300):
            noise, y = 0.0, []
            for x in range(120):
                noise = next_noise(noise)
                y.append(x + noise)
            found = regression.slope(range(120), y)
            inside += found.low <= 1 <= found.high
        return inside / 300

    def test_the_interval_contains_the_slope_as_often_as_it_says(self) -> None:
        chance = random.Random(1)
        self.assertGreater(self.share_inside(lambda _: chance.gauss(0, 5)), 0.92)
        # Samples that are like those before them: without independent() it would be one in two.
        self.assertGreater(self.share_inside(lambda last: 0.8 * last + chance.gauss(0, 5)), 0.85)

    def test_too_few(self) -> None:
        with self.assertRaises(ValueError):
            regression.slope([1, 2], [1, 2])

    def test_verdicts(self) -> None:
        half_an_hour, half_a_minute = 1800, 30
        for value, margin, growth, seconds, expected in (
            (0.2, 0.1, 0, half_an_hour, "flat"),
            (-3, 1, 0, half_an_hour, "flat"),
            (3, 1, 1, half_an_hour, "grows"),
            (0.2, 0.8, 1, half_an_hour, soak.TOO_WIDE),
            (3, 2.5, 1, half_an_hour, soak.TOO_WIDE),
            (3, 2.5, 1, half_an_hour - 1, "interval too wide to say"),
            (300, 1, 3, half_a_minute, "too short to say"),
            (9000, 1, 65, half_a_minute, "grows"),
        ):
            line = regression.Slope(value, value - margin, value + margin)
            self.assertEqual(soak.verdict(line, growth, seconds), expected, line)
        line = regression.Slope(9.0, 8.0, 10.0)
        self.assertEqual(soak.verdict(line, 1.0, 1800, 8.0), "no more than its report")
        self.assertEqual(soak.verdict(line, 8.1, 1800, 8.0), "grows")

    def verdict_on(self, seconds: int, per_hour: float, noise: float) -> str:
        """On a server that has 12 MiB, grows by so many of them an hour and swings by `noise`; a sample a second."""
        chance = random.Random(7)
        server = soak.Subject("server", 0, False)
        server.samples = [
            soak.Sample(at, 12 + per_hour * at / 3600 + chance.gauss(0, noise), 20, 4) for at in range(seconds)
        ]
        server.judge(seconds)
        return server.verdict

    def test_soaks(self) -> None:
        half_an_hour, a_quarter, half_a_minute = 1800, 900, 30
        for seconds, per_hour, noise, fails, expected in (
            (half_an_hour, 0, 0.5, False, "flat"),
            (half_an_hour, 0.3, 0.5, False, "flat"),
            (half_an_hour, 2, 0.5, True, "grows"),
            (half_an_hour, 0, 20, True, soak.TOO_WIDE),
            (a_quarter, 0, 20, False, "interval too wide to say"),
            (a_quarter, 20, 0.5, True, "grows"),
            (half_a_minute, 0, 20, False, "too short to say"),
        ):
            said = self.verdict_on(seconds, per_hour, noise)
            self.assertEqual((said, soak.is_failure(said)), (expected, fails), (seconds, per_hour, noise))


if __name__ == "__main__":
    unittest.main(verbosity=2)
