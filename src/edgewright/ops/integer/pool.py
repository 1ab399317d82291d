"""Quantised pooling, means and sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from edgewright.ops.integer.convert import Quant
from edgewright.ops.integer.fixed_point import Array, Multiplier, multiply, quantize_multiplier
from edgewright.ops.integer.requantize import (
    Bounds,
    bounds_of,
    float_scale,
    requantize_float,
)


def average(total: Array, count: Array | int, bounds: Bounds) -> Array:
    """Return total / count rounded, halves away from zero, clamped (int64); both modes.

    Args:
        total: sums of the quantised values inside the image.
        count: how many they are, of a shape that broadcasts.
        bounds: lowest and highest quantised value.
    """
    values, half = total.astype(np.int64), np.asarray(count, np.int64) // 2
    magnitude = (np.abs(values) + half) // np.asarray(count, np.int64)
    return np.asarray(np.clip(np.where(values > 0, magnitude, -magnitude), *bounds))


def mean_constant(scale_in: float, scale_out: float, count: int) -> Multiplier:
    """Return in / out / count as a multiplier: the division truncates the quantised in / out."""
    factor = quantize_multiplier(float(np.float32(scale_in)) / float(np.float32(scale_out)))
    shift = min(count.bit_length() - 1, 32, 31 + int(factor.shift))
    value = (int(factor.value) << shift) // count
    return Multiplier(np.asarray(value, np.int32), np.asarray(int(factor.shift) - shift, np.int32))


def mean(
    total: Array, count: int, before: Quant, after: Quant, dtype: DTypeLike, mode: str
) -> Array:
    """Return the mean of quantised values.

    Args:
        total: integer sums over the reduced axes.
        count: how many values each sum has.
        before: scale and zero point of the values.
        after: scale and zero point of the result.
        dtype: of the result.
        mode: "float" or "fixed"; int16 is always `fixed`.
    """
    bounds = bounds_of(dtype)
    centred = total.astype(np.int64) - count * before[1]
    if mode == "float" and np.dtype(dtype) != np.int16:
        scale = float_scale(before[0], 1.0, np.float32(after[0]) * np.float32(count))
        return requantize_float(centred, scale, after[1], bounds, dtype)
    result = multiply(centred, mean_constant(before[0], after[0], count)) + after[1]
    return np.asarray(np.clip(result, *bounds).astype(dtype))


def sum_(
    total: Array, count: int, before: Quant, after: Quant, dtype: DTypeLike, mode: str
) -> Array:
    """Return the sum of quantised values; arguments as for `mean`."""
    bounds = bounds_of(dtype)
    centred = total.astype(np.int64) - count * before[1]
    if mode == "float":
        scale = float_scale(before[0], 1.0, after[0])
        return requantize_float(centred, scale, after[1], bounds, dtype)
    ratio = float(np.float32(before[0])) / float(np.float32(after[0]))
    result = multiply(centred, quantize_multiplier(ratio)) + after[1]
    return np.asarray(np.clip(result, *bounds).astype(dtype))
