"""Fixed-point arithmetic on int32: the multiplier and shift of TFLite, and gemmlowp's functions.

Arrays are held in int64 and every step is brought back into 32 bits as the C code would; `Qn` means
a 32-bit number with n bits before the binary point (and 31 - n after it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Int64 = NDArray[np.int64]

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
ONE_Q0 = INT32_MAX  # one minus one unit: the nearest to 1.0 that Q0 holds


class Multiplier(NamedTuple):
    """A real factor as `value * 2**(shift - 31)`; both int32, scalars or one per channel."""

    value: NDArray[np.int32]
    shift: NDArray[np.int32]


def quantize_multiplier(real: ArrayLike) -> Multiplier:
    """Split non-negative factors (float64) into 31-bit mantissa and exponent.

    Factors below 2**-32 become zero, as one shifted by more than 31 bits would.
    """
    fraction, shift = np.frexp(np.asarray(real, np.float64))
    value = round_half_away(fraction * 2.0**31).astype(np.int64)
    carried = value == 2**31
    value, shift = np.where(carried, value // 2, value), np.where(carried, shift + 1, shift)
    lost = shift < -31
    return Multiplier(
        np.where(lost, 0, value).astype(np.int32), np.where(lost, 0, shift).astype(np.int32)
    )


def round_half_away(x: ArrayLike) -> Array:
    """Round to the nearest whole number, halves away from zero (C's `round`)."""
    values = np.asarray(x)
    magnitude = np.abs(values)
    whole = np.floor(magnitude)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.copysign(whole + (magnitude - whole >= 0.5), values))


def wrap32(x: ArrayLike) -> Int64:
    """Return x modulo 2**32 as a signed 32-bit number (held in int64)."""
    return np.asarray(np.asarray(x).astype(np.int32).astype(np.int64))


def saturate32(x: ArrayLike) -> Int64:
    """Clamp to the range of int32."""
    return np.asarray(np.clip(np.asarray(x, np.int64), INT32_MIN, INT32_MAX))


def high_mul(a: ArrayLike, b: ArrayLike) -> Int64:
    """Return round(a * b / 2**31), halves away from zero, -1 * -1 saturated."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.asarray(np.minimum(high, INT32_MAX))


def divide_by_power(x: ArrayLike, exponent: ArrayLike) -> Int64:
    """Return round(x / 2**exponent), halves away from zero."""
    values, bits = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << bits) - 1
    threshold = (mask >> 1) + (values < 0)
    return np.asarray((values >> bits) + ((values & mask) > threshold))


def multiply_by_power(x: ArrayLike, exponent: int) -> Int64:
    """Return x * 2**exponent, saturated for positive exponents and rounded for negative ones."""
    if exponent <= 0:
        return divide_by_power(x, -exponent)
    return saturate32(np.asarray(x, np.int64) << exponent)


def multiply(x: ArrayLike, factor: Multiplier) -> Int64:
    """Return x times the factor: left shift modulo 2**32, `high_mul`, rounding right shift."""
    shift = factor.shift.astype(np.int64)
    shifted = wrap32(np.asarray(x, np.int64) << np.maximum(shift, 0))
    return divide_by_power(high_mul(shifted, factor.value), np.maximum(-shift, 0))


def multiply_once(x: ArrayLike, factor: Multiplier) -> Int64:
    """Return x times the factor, rounded once, halves away from zero.

    In 32-bit steps: floor(|x| * value / 2**31), which is `high_mul` less its rounding, then
    `divide_by_power`; `high_mul` alone where there is no right shift.
    """
    values, bits = np.asarray(x, np.int64), 31 - factor.shift.astype(np.int64)
    magnitude = (np.abs(values) * factor.value + (np.int64(1) << (bits - 1))) >> bits
    return wrap32(np.where(values < 0, -magnitude, magnitude))


def multiply_wide(x: ArrayLike, factor: Multiplier) -> Int64:
    """Return x (up to 48 bits) times the factor cut to 15 bits, halves rounded up."""
    value = factor.value.astype(np.int64)
    reduced = np.where(value < 0x7FFF0000, (value + (1 << 15)) >> 16, 0x7FFF)
    bits = 15 - factor.shift.astype(np.int64)
    return wrap32((np.asarray(x, np.int64) * reduced + (np.int64(1) << (bits - 1))) >> bits)


# -- functions of Q numbers ------------------------------------------------------------------------


def constant(value: float, integer_bits: int) -> int:
    """Return the Q number nearest to a real value, saturated."""
    return int(min(round(value * 2.0 ** (31 - integer_bits)), INT32_MAX))


def half_sum(a: ArrayLike, b: ArrayLike) -> Int64:
    """Return (a + b) / 2, halves away from zero."""
    total = np.asarray(a, np.int64) + np.asarray(b, np.int64)
    nudged = total + np.where(total >= 0, 1, -1)
    return np.asarray(np.where(nudged >= 0, nudged >> 1, -((-nudged) >> 1)))


def _exp_above_minus_quarter(a: Int64) -> Int64:
    """e**a in Q0 for Q0 numbers in [-1/4, 0): Taylor's series about -1/8 to the fourth power."""
    x = a + (1 << 28)
    square = high_mul(x, x)
    cube, fourth = high_mul(square, x), high_mul(square, square)
    third = constant(1.0 / 3.0, 0)
    inner = high_mul(multiply_by_power(fourth, -2) + cube, third) + square
    tail = multiply_by_power(inner, -1)
    eighth = constant(0.8824969025845955, 0)  # e**(-1/8)
    return saturate32(eighth + high_mul(eighth, x + tail))


_POWERS_OF_E = {  # exponent of two -> e**-(2**exponent)
    -2: 0.7788007830714049,
    -1: 0.6065306597126334,
    0: 0.36787944117144233,
    1: 0.1353352832366127,
    2: 0.01831563888873418,
    3: 0.00033546262790251185,
    4: 1.1253517471925912e-07,
}


def exp_on_negative(a: ArrayLike, integer_bits: int) -> Int64:
    """Return e**a in Q0 for numbers a <= 0 in Q(integer_bits)."""
    values = np.asarray(a, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = np.int64(1) << (fraction_bits - 2)
    modulo = (values & (quarter - 1)) - quarter
    result = _exp_above_minus_quarter(multiply_by_power(modulo, integer_bits))
    remainder = modulo - values
    for exponent, power in _POWERS_OF_E.items():
        if integer_bits > exponent:
            bit = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, high_mul(result, constant(power, 0)), result)
    if integer_bits > 5:
        result = np.where(values < -(np.int64(1) << (fraction_bits + 5)), 0, result)
    return np.asarray(np.where(values == 0, ONE_Q0, result))


def _half_denominator(a: Int64) -> tuple[Int64, Int64]:
    """(1 + a) / 2 in Q0, and three Newton steps towards its inverse in Q2."""
    denominator = half_sum(a, ONE_Q0)
    x = constant(48.0 / 17.0, 2) + high_mul(denominator, constant(-32.0 / 17.0, 2))
    for _ in range(3):
        error = constant(1.0, 2) - high_mul(denominator, x)
        x = x + multiply_by_power(high_mul(x, error), 2)
    return denominator, x


def one_over_one_plus(a: ArrayLike) -> Int64:
    """Return 1 / (1 + a) in Q0 for a in [0, 1] in Q0."""
    return multiply_by_power(_half_denominator(np.asarray(a, np.int64))[1], 1)


def one_minus_over_one_plus(a: ArrayLike) -> Int64:
    """Return (1 - a) / (1 + a) in Q0 for a in [0, 1] in Q0."""
    x = _half_denominator(np.asarray(a, np.int64))[1]
    return multiply_by_power(x - constant(1.0, 2), 2)


def logistic(a: ArrayLike, integer_bits: int) -> Int64:
    """Return 1 / (1 + e**-a) in Q0 for a in Q(integer_bits)."""
    values = np.asarray(a, np.int64)
    positive = one_over_one_plus(exp_on_negative(-np.abs(values), integer_bits))
    result = np.where(values < 0, ONE_Q0 - positive, positive)
    return np.asarray(np.where(values == 0, constant(0.5, 0), result))


def tanh(a: ArrayLike, integer_bits: int) -> Int64:
    """Return the hyperbolic tangent in Q0 for a in Q(integer_bits)."""
    values = np.asarray(a, np.int64)
    positive = one_minus_over_one_plus(exp_on_negative(-np.abs(values), integer_bits + 1))
    return np.asarray(np.where(values < 0, -positive, np.where(values == 0, 0, positive)))
