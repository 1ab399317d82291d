"""Softmax over the last axis of quantised tensors."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgewright import numerics
from edgewright.ops.integer import fixed_point
from edgewright.ops.integer.fixed_point import (
    Array,
    Int64,
    Multiplier,
    divide_by_power,
    high_mul,
    multiply,
    quantize_multiplier,
)
from edgewright.ops.integer.requantize import bounds_of
from edgewright.ops.integer.tables import interpolate, table_513

DIFFERENCE_BITS = 5  # integer bits of the argument of exp
SUM_BITS = 12  # integer bits of the sum of exponentials


def softmax(
    x: Array,
    scale: float,
    beta: float,
    quant_out: tuple[float, int],
    dtype: DTypeLike,
    mode: str,
) -> Array:
    """Return the softmax over the last axis in the requantization mode.

    Args:
        x: int8, uint8 or int16 [..., C].
        scale: of x.
        beta: factor of x.
        quant_out: scale and zero point of the result; int16 is always in units of 1/32768.
        dtype: of the result.
        mode: "float" or "fixed"; int16 is always `fixed`.
    """
    if x.dtype == np.int16:
        return softmax_int16(x, scale, beta)
    if mode == "float":
        return softmax_float(x, softmax_float_table(scale, beta), *quant_out, dtype)
    return softmax_fixed(x, softmax_fixed_constants(scale, beta), quant_out, dtype)


class SoftmaxFixed(NamedTuple):
    """Constants of the fixed-point softmax: differences below `lowest` count as zero."""

    factor: Multiplier
    lowest: int


def softmax_fixed_constants(scale: float, beta: float = 1.0) -> SoftmaxFixed:
    """Turn differences of 8-bit inputs into Q5, capped where the result is zero anyway."""
    step = float(np.float32(beta)) * float(np.float32(scale))
    factor = quantize_multiplier(min(step * 2.0 ** (31 - DIFFERENCE_BITS), 2.0**31 - 1.0))
    radius = (2**DIFFERENCE_BITS - 1) * 2.0 ** (31 - DIFFERENCE_BITS) / 2.0 ** int(factor.shift)
    return SoftmaxFixed(factor, -int(np.floor(radius)))


class ResultUnits(NamedTuple):
    """Units of the fixed-point result: parts are multiplied in Q0, then have 31 - bits shifted out.

    A multiplier of 0 stands for none: TFLite's own scale, 1/256, is a shift alone.
    """

    multiplier: int
    bits: int


LARGEST_SHIFT = 31  # of results; scales below 2^-31 are as good as 2^-31: they saturate


def result_units(scale: float) -> ResultUnits:
    """Return how the fixed-point result gets the scale that it is to have."""
    if np.float32(scale) == np.float32(1.0 / 256.0):
        return ResultUnits(0, 8)
    factor = quantize_multiplier(1.0 / float(np.float32(scale)))
    return ResultUnits(int(factor.value), min(int(factor.shift), LARGEST_SHIFT))


def softmax_fixed(
    x: Array, constants: SoftmaxFixed, quant_out: tuple[float, int], dtype: DTypeLike
) -> Array:
    """Return the softmax as TFLite's integer kernel has it, brought to any scale and zero point.

    Args:
        x: int8 or uint8 [..., C].
        constants: from `softmax_fixed_constants`.
        quant_out: scale and zero point of the result.
        dtype: of the result: int8 or uint8.
    """
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counted = difference >= constants.lowest
    exponential = exponentials(np.where(counted, difference, 0), constants)
    parts = np.where(counted, divide_by_power(exponential, SUM_BITS), 0)
    inverse, bits_over_unit = _reciprocal(parts.sum(axis=-1, keepdims=True))
    units, (low, high) = result_units(quant_out[0]), bounds_of(dtype)
    part = high_mul(inverse, exponential)
    if units.multiplier:
        part = high_mul(part, np.int64(units.multiplier))
    result = divide_by_power(part, np.maximum(bits_over_unit + 31 - units.bits, 0))
    shares = np.where(counted, result, 0) + quant_out[1]
    return np.asarray(np.clip(shares, low, high).astype(dtype))


def exponentials(difference: Array, constants: SoftmaxFixed) -> Int64:
    """Return e**(scale * difference) in Q0 for differences <= 0: at most 256 distinct ones."""
    scaled = multiply(difference, constants.factor)
    return fixed_point.exp_on_negative(scaled, DIFFERENCE_BITS)


def _reciprocal(total: Int64) -> tuple[Int64, Int64]:
    """1 / total in Q0 after normalising total (Q12) to [1, 2), and the bits it was shifted by."""
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)  # leading zeros
    below_one = (total << headroom) - (np.int64(1) << 31)
    return fixed_point.one_over_one_plus(below_one), SUM_BITS - headroom


def softmax_float_table(scale: float, beta: float = 1.0) -> NDArray[np.float32]:
    """Return e**(-scale * beta * d) in float32 for differences d = 0..255 from the maximum."""
    step = -np.float32(scale) * np.float32(beta)
    return numerics.exp(step * np.arange(256, dtype=np.float32)).astype(np.float32)


def softmax_float(x: Array, table: Array, scale_out: float, zero: int, dtype: DTypeLike) -> Array:
    """Return the softmax by table, summed in float32 from the first column to the last.

    Args:
        x: int8 or uint8 [..., C].
        table: from `softmax_float_table`.
        scale_out: scale of the result.
        zero: zero point of the result.
        dtype: of the result.
    """
    values = table[x.max(axis=-1, keepdims=True).astype(np.int64) - x.astype(np.int64)]
    total = np.zeros(x.shape[:-1], np.float32)
    for column in range(x.shape[-1]):
        total = total + values[..., column]
    inverse = np.float32(1.0) / (total * np.float32(scale_out))
    real = values * inverse[..., None]
    whole = fixed_point.round_half_away(real).astype(np.int64) + zero
    return np.asarray(np.clip(whole, *bounds_of(dtype)).astype(dtype))


@functools.cache
def _tables_16() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    exp = table_513(numerics.exp, (-10.0, 0.0))
    inverse = table_513(lambda x: 1.0 / (1.0 + np.asarray(x, np.float64)), (0.0, 1.0))
    return exp, inverse


def softmax_int16_constants(
    scale: float, beta: float = 1.0
) -> tuple[NDArray[np.int16], NDArray[np.int16], Multiplier]:
    """Return the tables of exp and 1 / (1 + x), and the factor from differences to the first."""
    real = float(np.float32(scale)) * float(np.float32(beta)) / (10.0 / 65535.0)
    return *_tables_16(), quantize_multiplier(real)


def softmax_int16(x: Array, scale: float, beta: float = 1.0) -> Array:
    """Return the softmax of int16 in units of 1/32768, by interpolated tables."""
    exp_table, inverse_table, factor = softmax_int16_constants(scale, beta)
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    centred = multiply(difference, factor) + 32767
    exponential = interpolate(np.clip(centred, -32768, 32767), exp_table)
    total = exponential.sum(axis=-1, keepdims=True)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    shifted = ((total << (headroom - 1)) + (1 << 13)) >> 14
    argument = np.clip(shifted - ((1 << 15) + (1 << 16)), -32768, 32767)
    shift = 31 - headroom
    product = exponential * interpolate(argument, inverse_table)
    result = (product + (np.int64(1) << (shift - 1))) >> shift
    return np.asarray(np.clip(result, 0, 32767).astype(np.int16))
