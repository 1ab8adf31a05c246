"""A straight line through samples, and how far its slope can be trusted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

Z = 1.959964  # 95 % of a normal distribution lie within


@dataclasses.dataclass(frozen=True)
class Slope:
    """In units of y for one of x, with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def student_t(freedom: float) -> float:
    """Student's t for 95 %, two-sided, to 3 % from three degrees of freedom on (Cornish-Fisher)."""
    return Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)


def independent(residuals: Sequence[float], total: float) -> float:
    """How many independent samples they are worth. Memory goes up and down in steps, so that a sample is
    much like the one before it; taking them all as news would make the interval far too narrow (Santer et
    al. 2000, doi:10.1029/1999JD901105)."""
    count = len(residuals)
    if total == 0:
        return count
    alike = sum(a * b for a, b in zip(residuals, residuals[1:])) / total
    alike = min(max(alike, 0.0), 0.99)
    return max(5.0, count * (1 - alike) / (1 + alike))


def slope(x: Sequence[float], y: Sequence[float]) -> Slope:
    """Least squares; at least five samples, not all at one x."""
    count = len(x)
    if count < 5:
        raise ValueError(f"{count} samples are too few")
    mean_x, mean_y = sum(x) / count, sum(y) / count
    spread = sum((value - mean_x) ** 2 for value in x)
    value = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread
    residuals = [b - mean_y - value * (a - mean_x) for a, b in zip(x, y)]
    total = sum(residual**2 for residual in residuals)
    freedom = independent(residuals, total) - 2
    margin = student_t(freedom) * math.sqrt(total / freedom / spread)
    return Slope(value, value - margin, value + margin)
