"""From real numbers to integers, back, and from one quantisation to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgewright.ops.integer.fixed_point import Array, quantize_multiplier, round_half_away
from edgewright.ops.integer.requantize import bounds_of, requantize_fixed, round_into

Quant = tuple[float, int]  # scale, zero point


def quantize(x: Array, quant: Quant, dtype: DTypeLike, mode: str) -> Array:
    """Return float32 values as integers; NaN becomes the zero point.

    Mode `float` multiplies by the inverse scale (float32) and rounds half to even; mode `fixed`
    divides by the scale (float32) and rounds halves away from zero. Both saturate.
    """
    bounds = bounds_of(dtype)
    scale, zero = np.float32(quant[0]), quant[1]
    with np.errstate(over="ignore"):
        if mode == "float":
            units = x.astype(np.float32) * (np.float32(1.0) / scale)
        else:
            units = x.astype(np.float32) / scale
    units = np.where(np.isnan(units), np.float32(0.0), units)
    if mode == "float":
        return round_into(units, zero, bounds, dtype)
    limit = np.clip(units.astype(np.float64), -(2.0**31), 2.0**31)
    return np.asarray(np.clip(round_half_away(limit) + zero, *bounds).astype(dtype))


def dequantize(x: Array, quant: Quant) -> NDArray[np.float32]:
    """Return scale * (x - zero) in float32, the same in both modes."""
    return np.float32(quant[0]) * (x.astype(np.int32) - np.int32(quant[1])).astype(np.float32)


def requantize(x: Array, before: Quant, after: Quant, dtype: DTypeLike, mode: str) -> Array:
    """Return the same real values in another quantisation (int8, uint8 or int16 on both sides).

    Mode `float` between tensors of one 8-bit dtype uses a factor with eight bits after the point,
    as XNNPACK does; everything else is `fixed`.
    """
    bounds = bounds_of(dtype)
    ratio = np.float32(before[0]) / np.float32(after[0])
    centred = x.astype(np.int64) - before[1]
    same = x.dtype == np.dtype(dtype) and x.dtype.itemsize == 1
    if mode == "float" and same and 2.0**-8 <= float(ratio) <= 2.0**7:
        factor = int(np.rint(np.float32(256.0) * ratio))
        result = ((centred * factor + 128) >> 8) + after[1]
        return np.asarray(np.clip(result, *bounds).astype(x.dtype))
    exact = float(np.float32(before[0])) / float(np.float32(after[0]))
    return requantize_fixed(centred, quantize_multiplier(exact), after[1], bounds, dtype)
