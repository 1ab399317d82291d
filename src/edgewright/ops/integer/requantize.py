"""The step from sums back to small integers, in both modes, and the clamps of activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from edgewright.ops.integer.fixed_point import (
    Array,
    Multiplier,
    multiply,
    multiply_once,
    multiply_wide,
    quantize_multiplier,
    round_half_away,
)

Float32 = NDArray[np.float32]
Bounds = tuple[int, int]


def bounds_of(dtype: DTypeLike) -> Bounds:
    """Return the lowest and the highest value of an integer dtype."""
    info = np.iinfo(np.dtype(dtype))
    return int(info.min), int(info.max)


def clamp_bounds(
    clamp: tuple[float, float] | None, scale: float, zero: int, dtype: DTypeLike
) -> Bounds:
    """Return the bounds in quantised units of a clamp in real units (None: those of the dtype).

    Each bound is divided by the scale in float32 and rounded, halves away from zero.
    """
    low, high = bounds_of(dtype)
    if clamp is None:
        return low, high
    return max(low, quantized_bound(clamp[0], scale, zero)), min(
        high, quantized_bound(clamp[1], scale, zero)
    )


def quantized_bound(real: float, scale: float, zero: int) -> int:
    """Return one real bound in quantised units; infinities lie beyond every dtype."""
    with np.errstate(over="ignore"):
        units = float(np.float32(real) / np.float32(scale))
    return zero + int(np.clip(round_half_away(units), -(2.0**31), 2.0**31))


def float_scale(scale_in: ArrayLike, scale_weight: ArrayLike, scale_out: ArrayLike) -> Float32:
    """Return in * weight / out in float32, from left to right (mode `float`)."""
    product = np.asarray(scale_in, np.float32) * np.asarray(scale_weight, np.float32)
    return np.asarray(product / np.asarray(scale_out, np.float32), np.float32)


def fixed_scale(
    scale_in: ArrayLike, scale_weight: ArrayLike, scale_out: ArrayLike, narrow: bool = False
) -> Multiplier:
    """Return in * weight / out as a multiplier (mode `fixed`), computed in float64.

    Args:
        scale_in: scale of the input, a float32 value.
        scale_weight: scales of the weight, one or one per channel.
        scale_out: scale of the output.
        narrow: form the product in float32 first, as TFLite does for uint8 convolutions.
    """
    dtype: Any = np.float32 if narrow else np.float64
    left, right = np.asarray(scale_in, np.float32), np.asarray(scale_weight, np.float32)
    product = left.astype(dtype) * right.astype(dtype)
    return quantize_multiplier(
        product.astype(np.float64) / np.asarray(scale_out, np.float32).astype(np.float64)
    )


def requantize_float(
    acc: Array, scale: ArrayLike, zero: int, bounds: Bounds, dtype: DTypeLike
) -> Array:
    """Return clamp(round_half_even(float32(acc) * scale) + zero).

    Args:
        acc: int32 [..., C] (converted to float32 by rounding to nearest even).
        scale: float32, one or one per channel.
        zero: zero point of the output.
        bounds: lowest and highest quantised value.
        dtype: of the result.
    """
    scaled = acc.astype(np.float32) * np.asarray(scale, np.float32)
    return round_into(scaled, zero, bounds, dtype)


def round_into(real: Array, zero: int, bounds: Bounds, dtype: DTypeLike) -> Array:
    """Clamp float32 values (in output units, before the zero point), round half to even, shift.

    Clamping first keeps huge values defined; NaN cannot occur.
    """
    low, high = np.float32(bounds[0] - zero), np.float32(bounds[1] - zero)
    return np.asarray((np.rint(np.clip(real, low, high)).astype(np.int32) + zero).astype(dtype))


def requantize_fixed(
    acc: Array, factor: Multiplier, zero: int, bounds: Bounds, dtype: DTypeLike
) -> Array:
    """Return clamp(acc times the factor + zero) with TFLite's double rounding.

    Args:
        acc: int32 [..., C].
        factor: one, or one per channel.
        zero: zero point of the output.
        bounds: lowest and highest quantised value.
        dtype: of the result.
    """
    return np.asarray(np.clip(multiply(acc, factor) + zero, *bounds).astype(dtype))


def requantize_once(
    acc: Array, factor: Multiplier, zero: int, bounds: Bounds, dtype: DTypeLike
) -> Array:
    """Return the same rounded once: `fully_connected` in mode `fixed`, as LiteRT rounds it."""
    return np.asarray(np.clip(multiply_once(acc, factor) + zero, *bounds).astype(dtype))


def requantize_wide(
    acc: Array, factor: Multiplier, zero: int, bounds: Bounds, dtype: DTypeLike
) -> Array:
    """Return the same for int64 sums (int16 activations with int8 weights): 15-bit factor."""
    return np.asarray(np.clip(multiply_wide(acc, factor) + zero, *bounds).astype(dtype))
