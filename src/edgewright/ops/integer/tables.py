"""Functions of one quantised input: 256-entry tables for 8 bits, 513 points for 16."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from edgewright.ops.integer.fixed_point import Array, Int64, round_half_away
from edgewright.ops.integer.requantize import bounds_of

Function = Callable[[ArrayLike], NDArray[np.float64]]


def table_8(
    function: Function,
    quant_in: tuple[float, int],
    quant_out: tuple[float, int],
    dtype: DTypeLike,
) -> Array:
    """Return the 256 results of a function, indexed by the input's bits as uint8.

    The real input is formed in float32, the function in float64 and rounded to float32, the
    quotient by the output's scale in float32 and rounded, halves away from zero.

    Args:
        function: of real numbers, such as `numerics.sigmoid`.
        quant_in: scale and zero point of the input.
        quant_out: scale and zero point of the result.
        dtype: of both: int8 or uint8.
    """
    low, high = bounds_of(dtype)
    codes = np.arange(256).astype(np.uint8).view(np.dtype(dtype)).astype(np.int32)
    real = np.float32(quant_in[0]) * (codes - quant_in[1]).astype(np.float32)
    result = np.asarray(function(real)).astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        units = round_half_away(result * (np.float32(1.0) / np.float32(quant_out[0])))
    bounded = np.clip(np.where(np.isnan(units), low, units + quant_out[1]), low, high)
    return np.asarray(bounded.astype(dtype))


def look_up(x: Array, table: Array) -> Array:
    """Return the table's entries for 8-bit codes (int8 or uint8)."""
    return np.asarray(table[x.view(np.uint8)])


def table_513(function: Function, interval: tuple[float, float]) -> NDArray[np.int16]:
    """Return a function with values in [-1, 1] at 513 points of an interval, as int16.

    Each point is moved by half the error that interpolation makes halfway to the next one.
    """
    low, high = interval
    step = (high - low) / 512
    left = low + np.arange(512) * step
    value, following = (np.asarray(function(p)) * 32768.0 for p in (left, left + step))
    midpoint = round_half_away(np.asarray(function(left + step / 2)) * 32768.0)
    between = round_half_away((following + round_half_away(value)) / 2.0)
    bias = round_half_away((between - midpoint) / 2.0)
    last = round_half_away(np.asarray(function(np.array([high]))) * 32768.0)
    points = np.append(round_half_away(value) - bias, last)
    return np.asarray(np.clip(points, -32768, 32767), np.int16)


def interpolate(x: ArrayLike, table: Array) -> Int64:
    """Return the function at int16 arguments: 9 bits choose the point, 7 interpolate."""
    values, points = np.asarray(x, np.int64), table.astype(np.int64)
    index = (values >> 7) + 256
    base = points[index]
    return np.asarray(base + (((points[index + 1] - base) * (values & 127) + 64) >> 7))
