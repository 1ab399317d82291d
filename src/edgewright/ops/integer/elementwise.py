"""Quantised operators that work element by element on one or two tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from edgewright.ops.integer.fixed_point import (
    Array,
    Multiplier,
    divide_by_power,
    multiply,
    quantize_multiplier,
)
from edgewright.ops.integer.requantize import Bounds, bounds_of, requantize_float


class AddFixed(NamedTuple):
    """Constants of the fixed-point sum of two tensors."""

    left_shift: int
    first: Multiplier
    second: Multiplier
    output: Multiplier


def add_fixed_constants(
    scale_a: float, scale_b: float, scale_out: float, dtype: DTypeLike
) -> AddFixed:
    """Both inputs are shifted left and brought to twice the larger scale, then to the output's."""
    left_shift = 15 if np.dtype(dtype) == np.int16 else 20
    twice = 2.0 * max(float(np.float32(scale_a)), float(np.float32(scale_b)))
    output = twice / (2.0**left_shift * float(np.float32(scale_out)))
    return AddFixed(
        left_shift,
        quantize_multiplier(float(np.float32(scale_a)) / twice),
        quantize_multiplier(float(np.float32(scale_b)) / twice),
        quantize_multiplier(output),
    )


def add_fixed(
    a: Array,
    b: Array,
    zeros: tuple[int, int, int],
    constants: AddFixed,
    bounds: Bounds,
    *,
    subtract: bool = False,
) -> Array:
    """Return a + b (or a - b), quantised; operands broadcast.

    Args:
        a: int8, uint8 or int16.
        b: the same dtype.
        zeros: zero points of a, b and the result.
        constants: from `add_fixed_constants`.
        bounds: lowest and highest quantised value of the result.
        subtract: take b from a.
    """
    first = multiply((a.astype(np.int64) - zeros[0]) << constants.left_shift, constants.first)
    second = multiply((b.astype(np.int64) - zeros[1]) << constants.left_shift, constants.second)
    total = first - second if subtract else first + second
    result = multiply(total, constants.output) + zeros[2]
    return np.asarray(np.clip(result, *bounds).astype(a.dtype))


def add_power_of_two(a: Array, b: Array, shifts: tuple[int, int], subtract: bool = False) -> Array:
    """Return the saturated int16 sum after right shifts, for scales that are powers of two."""
    first, second = divide_by_power(a, shifts[0]), divide_by_power(b, shifts[1])
    total = first - second if subtract else first + second
    return np.asarray(np.clip(total, *bounds_of(np.int16)).astype(np.int16))


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


class AddShort(NamedTuple):
    """Constants of the sum with 21-bit factors; the second factor is negative for a difference."""

    first: int
    second: int
    shift: int


def add_short_constants(
    scale_a: float, scale_b: float, scale_out: float, subtract: bool = False
) -> AddShort:
    """The larger of a/out and b/out (float32) is brought to 21 bits, the other to the same shift.

    Ratios beyond 2**-11 .. 2**19 are moved to that range: their sums are zero or saturated anyway.
    """
    first = np.float32(scale_a) / np.float32(scale_out)
    second = np.float32(scale_b) / np.float32(scale_out)
    exponent = int(np.frexp(max(first, second))[1]) - 1
    shift = 20 - min(max(exponent, -11), 19)
    low, high = (min(int(np.rint(np.ldexp(x, shift))), 1 << 21) for x in (first, second))
    return AddShort(low, -high if subtract else high, shift)


def add_short(
    a: Array, b: Array, zeros: tuple[int, int, int], constants: AddShort, bounds: Bounds
) -> Array:
    """Return a * first + b * second in int32, shifted right (halves up), for 8-bit operands.

    This is mode `float`: no floating point, but the same bits as XNNPACK's kernel.
    """
    first = (a.astype(np.int64) - zeros[0]) * constants.first
    second = (b.astype(np.int64) - zeros[1]) * constants.second
    half = 1 << (constants.shift - 1)
    result = ((first + second + half) >> constants.shift) + zeros[2]
    return np.asarray(np.clip(result, *bounds).astype(a.dtype))


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
