"""Quantised sums and differences of two tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from edgewright.ops.integer.fixed_point import (
    Array,
    Multiplier,
    multiply,
    quantize_multiplier,
)
from edgewright.ops.integer.requantize import Bounds


def add(
    a: Array,
    b: Array,
    scales: Sequence[float],
    zeros: Sequence[int],
    bounds: Bounds,
    mode: str,
    *,
    subtract: bool = False,
) -> Array:
    """Return a + b (or a - b) in the requantization mode; int16 is always `fixed`.

    Args:
        a: int8, uint8 or int16.
        b: the same dtype; operands broadcast.
        scales: of a, b and the result.
        zeros: zero points of a, b and the result.
        bounds: lowest and highest quantised value of the result.
        mode: "float" or "fixed".
        subtract: take b from a.
    """
    zero = (zeros[0], zeros[1], zeros[2])
    if mode == "float" and a.dtype != np.int16:
        short = add_short_constants(scales[0], scales[1], scales[2], subtract)
        return add_short(a, b, zero, short, bounds)
    fixed = add_fixed_constants(scales[0], scales[1], scales[2], a.dtype)
    return add_fixed(a, b, zero, fixed, bounds, subtract=subtract)


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
    a, b = (min(int(np.rint(np.ldexp(x, shift))), 1 << 21) for x in (first, second))
    return AddShort(a, -b if subtract else b, shift)


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
