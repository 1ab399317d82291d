"""TFLite's integer LSTM: int8 operands, int16 gates (Q3.12) and cell, gemmlowp's 16-bit functions.

Arrays are held in int64; `Qn` here means a 16-bit number with n bits before the binary point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from edgewright.ops.integer.fixed_point import (
    Array,
    Int64,
    Multiplier,
    divide_by_power,
    half_sum,
    multiply,
    wrap32,
)

INT16_MAX = 32767
GATE_BITS = 3  # gates are Q3.12 before their function


def saturate16(x: ArrayLike) -> Int64:
    """Clamp to the range of int16."""
    return np.asarray(np.clip(np.asarray(x, np.int64), -32768, INT16_MAX))


def _wrap16(x: ArrayLike) -> Int64:
    return np.asarray(np.asarray(x).astype(np.int16).astype(np.int64))


def _high_mul(a: ArrayLike, b: ArrayLike) -> Int64:
    """round(a * b / 2**15), halves away from zero, -1 * -1 saturated."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    high = np.where(nudged >= 0, nudged >> 15, -((-nudged) >> 15))
    return np.asarray(np.minimum(high, INT16_MAX))


def _constant(value: float, integer_bits: int) -> int:
    """A real number in Q: its 32-bit form, rounded once more to 16 bits."""
    wide = min(round(value * 2.0 ** (31 - integer_bits)), 2**31 - 1)
    return int(divide_by_power(wide, 16))


def _scaled_up(x: Int64, exponent: int) -> Int64:
    """Times 2**exponent, saturated where the bits do not fit."""
    threshold = (1 << (15 - exponent)) - 1
    shifted = _wrap16(x << exponent)
    return np.where(x > threshold, INT16_MAX, np.where(x < -threshold, -32768, shifted))


_POWERS_OF_E = {
    -2: 0.7788007830714049,
    -1: 0.6065306597126334,
    0: 0.36787944117144233,
    1: 0.1353352832366127,
    2: 0.01831563888873418,
    3: 0.00033546262790251185,
    4: 1.1253517471925912e-07,
}


def _exp_on_negative(a: Int64, integer_bits: int) -> Int64:
    """e**a in Q0 for a <= 0 in Q(integer_bits)."""
    fraction_bits = 15 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    modulo = (a & (quarter - 1)) - quarter
    x = (_scaled_up(modulo, integer_bits) if integer_bits else modulo) + (1 << 12)
    square = _high_mul(x, x)
    cube, fourth = _high_mul(square, x), _high_mul(square, square)
    inner = _high_mul(divide_by_power(fourth, 2) + cube, _constant(1.0 / 3.0, 0)) + square
    eighth = _constant(0.8824969025845955, 0)
    result = saturate16(eighth + _high_mul(eighth, x + divide_by_power(inner, 1)))
    remainder = modulo - a
    for exponent, power in _POWERS_OF_E.items():
        if integer_bits > exponent:
            bit = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, _high_mul(result, _constant(power, 0)), result)
    if integer_bits > 5:
        result = np.where(a < -(1 << (fraction_bits + 5)), 0, result)
    return np.where(a == 0, INT16_MAX, result)


def _newton(a: Int64) -> Int64:
    """2 / (1 + a) in Q2 for a in [0, 1] in Q0."""
    half = half_sum(a, INT16_MAX)
    x = _constant(48.0 / 17.0, 2) + _high_mul(half, _constant(-32.0 / 17.0, 2))
    for _ in range(3):
        error = (1 << 13) - _high_mul(half, x)
        x = x + _scaled_up(_high_mul(x, error), 2)
    return x


def logistic_16(a: ArrayLike, integer_bits: int = GATE_BITS) -> Int64:
    """1 / (1 + e**-a) in Q0 for int16 numbers in Q(integer_bits)."""
    values = np.asarray(a, np.int64)
    powers = _exp_on_negative(-np.abs(values), integer_bits)
    positive = _scaled_up(_newton(powers), 1)
    result = np.where(values > 0, positive, INT16_MAX - positive)
    return np.where(values == 0, 1 << 14, result)


def tanh_16(a: ArrayLike, integer_bits: int = GATE_BITS) -> Int64:
    """The hyperbolic tangent in Q0 for int16 numbers in Q(integer_bits)."""
    values = np.asarray(a, np.int64)
    powers = _exp_on_negative(-np.abs(values), integer_bits + 1)
    positive = _scaled_up(_newton(powers) - (1 << 13), 2)
    return np.where(values == 0, 0, np.where(values < 0, -positive, positive))


class LstmConstants(NamedTuple):
    """What an integer LSTM is made of beside its state.

    Attributes:
        w: int8 [4H, I]; r: int8 [4H, H].
        bias_w: int32 [4H], the zero point of x folded in; bias_r: the same of h.
        factor_w: to Q3.12, one per row; factor_r: the same.
        factor_h: from Q0 x Q0 to the units of h.
        zero_h: zero point of h.
        cell_bits: bits before the binary point of the cell.
        clip: bound of the cell's magnitude, 0 for none.
    """

    w: Array
    r: Array
    bias_w: Array
    bias_r: Array
    factor_w: Multiplier
    factor_r: Multiplier
    factor_h: Multiplier
    zero_h: int
    cell_bits: int
    clip: int


def lstm_step(x: Array, h: Array, c: Array, k: LstmConstants) -> tuple[Array, Array]:
    """The next (h [N,H] int8, c [N,H] int16) from x [N,I] int8 and the state; gates i, f, g, o."""
    sums = wrap32(x.astype(np.int64) @ k.w.T.astype(np.int64) + k.bias_w)
    gates = saturate16(multiply(sums, k.factor_w))
    sums = wrap32(h.astype(np.int64) @ k.r.T.astype(np.int64) + k.bias_r)
    gates = saturate16(multiply(sums, k.factor_r) + gates)
    i, f, g, o = np.split(gates, 4, axis=-1)
    i, f, g, o = logistic_16(i), logistic_16(f), tanh_16(g), logistic_16(o)
    kept = _wrap16(divide_by_power(f * c.astype(np.int64), 15))
    added = _wrap16(divide_by_power(i * g, 15 + k.cell_bits))
    cell = saturate16(kept + added)
    if k.clip:
        cell = np.clip(cell, -k.clip, k.clip)
    hidden = multiply(o * tanh_16(cell, k.cell_bits), k.factor_h) + k.zero_h
    return np.clip(hidden, -128, 127).astype(np.int8), cell.astype(np.int16)
