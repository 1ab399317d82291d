"""Quantised products of two tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.ops.integer.fixed_point import Array, Multiplier, multiply, quantize_multiplier
from edgewright.ops.integer.requantize import Bounds, float_scale, requantize_float


def mul(
    a: Array, b: Array, scales: Sequence[float], zeros: Sequence[int], bounds: Bounds, mode: str
) -> Array:
    """Return a * b in the requantization mode; int16 is always `fixed`.

    Args:
        a: int8, uint8 or int16.
        b: the same dtype; operands broadcast.
        scales: of a, b and the result.
        zeros: zero points of a, b and the result.
        bounds: lowest and highest quantised value of the result.
        mode: "float" or "fixed".
    """
    zero = (zeros[0], zeros[1], zeros[2])
    if mode == "float" and a.dtype != np.int16:
        return mul_float(a, b, zero, np.float32(float_scale(*scales)), bounds)
    return mul_fixed(a, b, zero, mul_fixed_constant(*scales), bounds)


def mul_fixed_constant(scale_a: float, scale_b: float, scale_out: float) -> Multiplier:
    """The factor a * b / out, computed in float32 as LiteRT does."""
    product = np.float32(scale_a) * np.float32(scale_b) / np.float32(scale_out)
    return quantize_multiplier(float(product))


def mul_fixed(
    a: Array, b: Array, zeros: tuple[int, int, int], factor: Multiplier, bounds: Bounds
) -> Array:
    """Return a * b, quantised; operands broadcast."""
    product = (a.astype(np.int64) - zeros[0]) * (b.astype(np.int64) - zeros[1])
    return np.asarray(np.clip(multiply(product, factor) + zeros[2], *bounds).astype(a.dtype))


def mul_float(
    a: Array, b: Array, zeros: tuple[int, int, int], scale: np.float32, bounds: Bounds
) -> Array:
    """Return round_half_even(float32(product) * scale), quantised (mode `float`).

    Args:
        a: int8 or uint8.
        b: the same dtype.
        zeros: zero points of a, b and the result.
        scale: from `float_scale(scale_a, scale_b, scale_out)`.
        bounds: lowest and highest quantised value.
    """
    product = (a.astype(np.int32) - zeros[0]) * (b.astype(np.int32) - zeros[1])
    return requantize_float(product, scale, zeros[2], bounds, a.dtype)
