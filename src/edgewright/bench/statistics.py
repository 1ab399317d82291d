"""Medians and spreads of timings, and when two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of one thing, in microseconds.

    Attributes:
        median: the middle one.
        spread: half the distance between the quartiles.
        best: the smallest.
        count: how many there were.
    """

    median: float
    spread: float
    best: float
    count: int

    def differs_from(self, other: Timing) -> bool:
        """Whether the medians lie further apart than both spreads together: else it is noise."""
        return abs(self.median - other.median) > self.spread + other.spread


def summarize(values: Sequence[float]) -> Timing:
    """The Timing of measurements in microseconds; there must be one at least."""
    low, middle, high = np.percentile(np.asarray(values, np.float64), [25, 50, 75])
    return Timing(float(middle), float(high - low) / 2, float(min(values)), len(values))
