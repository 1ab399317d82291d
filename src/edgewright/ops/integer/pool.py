"""Quantised pooling, means and sums."""

from __future__ import annotations

import numpy as np

from edgewright.ops.integer.fixed_point import Array
from edgewright.ops.integer.requantize import Bounds


def average(total: Array, count: Array | int, bounds: Bounds) -> Array:
    """Return total / count rounded, halves away from zero, clamped (int64).

    Args:
        total: sums of the quantised values inside the image.
        count: how many they are, of a shape that broadcasts.
        bounds: lowest and highest quantised value.
    """
    values, half = total.astype(np.int64), np.asarray(count, np.int64) // 2
    magnitude = (np.abs(values) + half) // np.asarray(count, np.int64)
    return np.asarray(np.clip(np.where(values > 0, magnitude, -magnitude), *bounds))
