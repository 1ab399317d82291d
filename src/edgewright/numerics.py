"""Array mathematics that gives the same bits on every CPU.

NumPy's `exp`, `log`, `tanh`, matrix products and sums choose their code by CPU, and so do the last
bits of their answers. Here everything is built from operations that IEEE 754 defines exactly
(`+ - * /`, `sqrt`, `rint`, `frexp`, `ldexp`), and matrix products are split into slices small
enough that every float64 BLAS product is exact whatever its order of summation.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Float = NDArray[np.float64]

EXACT_BITS = 53  # integers up to 2**53 are exact in float64
LARGEST_CHUNK = 8192  # products summed in one exact BLAS call; leaves 20 bits per operand

LN2_HI = float.fromhex("0x1.62e42feep-1")  # low bits are zero: k * LN2_HI is exact for |k| < 2**20
LN2_LO = float.fromhex("0x1.a39ef35793c76p-33")
LN2 = LN2_HI + LN2_LO
TWO_OVER_SQRT_PI = float.fromhex("0x1.20dd750429b6dp+0")
HALF_PI = math.pi / 2
# Leading 33 bits, next 33 bits, rest: k times the first two is exact for k < 2**20.
HALF_PI_PARTS = (
    float.fromhex("0x1.921fb544p+0"),
    float.fromhex("0x1.0b4611a6p-34"),
    float.fromhex("0x1.3198a2e037073p-69"),
)
LARGE_ANGLE = float(2**20)


# -- sums and matrix products ----------------------------------------------------------------------


def matmul(a: ArrayLike, b: ArrayLike) -> Float:
    """Return `a @ b` in float64, the same bits on every CPU.

    The error is below 1e-11 of (largest of the row) x (largest of the column) for up to some
    thousand terms, and grows with their number. NaN and infinity follow IEEE rules; one that is
    not finite costs a slow path for its row or column.

    Args:
        a: [..., M, K] or [K], any real dtype.
        b: [..., K, N] or [K].
    """
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    row, column = left.ndim == 1, right.ndim == 1
    left = left[None, :] if row else left
    right = right[:, None] if column else right
    out = _matmul_matrices(left, right)
    out = out[..., 0] if column else out
    return (out[..., 0] if column else out[..., 0, :]) if row else out


def _matmul_matrices(a: Float, b: Float) -> Float:
    bad_rows = (~np.isfinite(a)).any(axis=-1)
    bad_columns = (~np.isfinite(b)).any(axis=-2)
    if not bad_rows.any() and not bad_columns.any():
        return _matmul_finite(a, b)
    out = _matmul_finite(np.where(np.isfinite(a), a, 0.0), np.where(np.isfinite(b), b, 0.0))
    affected = np.expand_dims(bad_rows, -1) | np.expand_dims(bad_columns, -2)
    return np.where(affected, _matmul_in_order(a, b), out)


def _matmul_in_order(a: Float, b: Float) -> Float:
    """Add the products one after the other: slow, but right for NaN and infinity."""
    total = np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1]))
    with np.errstate(all="ignore"):
        for k in range(a.shape[-1]):
            total = total + a[..., :, k, None] * b[..., None, k, :]
    return np.where(np.isnan(total), np.nan, total)  # one NaN, whatever its sign was


def _matmul_finite(a: Float, b: Float) -> Float:
    a, a_exponent = _scale_to_one(a, axis=-1)
    b, b_exponent = _scale_to_one(b, axis=-2)
    total = np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1]))
    for start in range(0, a.shape[-1], LARGEST_CHUNK):
        part = slice(start, start + LARGEST_CHUNK)
        total = total + _matmul_chunk(a[..., part], b[..., part, :])
    with np.errstate(over="ignore"):
        return np.asarray(np.ldexp(total, a_exponent + b_exponent))


def _matmul_chunk(a: Float, b: Float) -> Float:
    """Product of two matrices with entries below one: four exact products of half the bits each."""
    bits = (EXACT_BITS - max(a.shape[-1] - 1, 1).bit_length()) // 2
    a_high, a_low = _split(a, bits)
    b_high, b_low = _split(b, bits)
    low = np.matmul(a_high, b_low) + np.matmul(a_low, b_high)
    return np.asarray(np.matmul(a_high, b_high) + (low + np.matmul(a_low, b_low)))


def _split(x: Float, bits: int) -> tuple[Float, Float]:
    """Return the first and the second `bits` bits after the binary point of |x| < 1."""
    high = np.ldexp(np.rint(np.ldexp(x, bits)), -bits)
    low = np.ldexp(np.rint(np.ldexp(x - high, 2 * bits)), -2 * bits)
    return high, low


def _scale_to_one(x: Float, axis: int) -> tuple[Float, NDArray[np.int32]]:
    """Divide each row or column by a power of two, so that its largest entry is in [0.5, 1)."""
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    exponent = np.frexp(largest)[1]
    return np.ldexp(x, -exponent), exponent


def matmul_int(a: Array, b: Array, wrap: type[np.signedinteger[Any]] = np.int64) -> Array:
    """Return the exact integer product `a @ b`, wrapped to `wrap` (np.int32 or np.int64).

    Args:
        a: [..., M, K] integers.
        b: [..., K, N] integers.
        wrap: the dtype of the result.
    """
    terms = max(a.shape[-1], 1)
    bits = _magnitude_bits(a) + _magnitude_bits(b)
    chunk = max(1 << max(EXACT_BITS - bits, 0), 1)
    if bits > EXACT_BITS:  # NumPy's own integer product is exact modulo 2**64, only slower
        return np.asarray(np.matmul(a.astype(np.int64), b.astype(np.int64)).astype(wrap))
    left, right = a.astype(np.float64), b.astype(np.float64)
    total = np.matmul(left[..., :chunk], right[..., :chunk, :]).astype(np.int64)
    for start in range(chunk, terms, chunk):
        part = slice(start, start + chunk)
        total = total + np.matmul(left[..., part], right[..., part, :]).astype(np.int64)
    return np.asarray(total.astype(wrap))


def _magnitude_bits(x: Array) -> int:
    largest = max(abs(int(x.max())), abs(int(x.min()))) if x.size else 0
    return largest.bit_length()


def sum(x: ArrayLike, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Float:
    """Return the float64 sum over `axis` (all axes when None), adding halves pairwise."""
    values = np.asarray(x, np.float64)
    axes = _axes(values.ndim, axis)
    kept = [i for i in range(values.ndim) if i not in axes]
    rest = values.transpose(kept + axes).reshape([values.shape[i] for i in kept] + [-1])
    while (count := rest.shape[-1]) > 1:
        half = count // 2
        pairs = rest[..., :half] + rest[..., half : 2 * half]
        rest = np.concatenate([pairs, rest[..., 2 * half :]], axis=-1) if count % 2 else pairs
    total = rest[..., 0] if rest.shape[-1] else np.zeros(rest.shape[:-1])
    return np.expand_dims(total, axes) if keepdims else np.asarray(total)


def mean(x: ArrayLike, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Float:
    """Return the float64 mean over `axis`; the mean of nothing is NaN."""
    values = np.asarray(x, np.float64)
    count = math.prod(values.shape[i] for i in _axes(values.ndim, axis))
    return sum(values, axis, keepdims) / count if count else sum(values, axis, keepdims) * np.nan


def _axes(ndim: int, axis: int | tuple[int, ...] | None) -> list[int]:
    if axis is None:
        return list(range(ndim))
    axes = (axis,) if isinstance(axis, int) else axis
    return sorted({int(i) % ndim for i in axes})


# -- exponentials and logarithms -------------------------------------------------------------------


def _polynomial(x: Float, coefficients: tuple[float, ...]) -> Float:
    """Horner's rule; the coefficient of the highest power comes first."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


_EXPM1_TAIL = tuple(1.0 / math.factorial(n) for n in range(15, 1, -1))  # r**15 ... r**2
_ATANH_TAIL = tuple(2.0 / n for n in range(25, 1, -2))  # 2/25 ... 2/3


def _reduce_by_ln2(x: Float) -> tuple[Float, NDArray[np.int32]]:
    """Split x = k ln 2 + r with |r| <= ln 2 / 2."""
    k = np.rint(x * (1.0 / LN2))
    return (x - k * LN2_HI) - k * LN2_LO, k.astype(np.int32)


def exp(x: ArrayLike) -> Float:
    """Return e**x in float64, relative error below 1e-15; NaN stays NaN."""
    values = np.asarray(x, np.float64)
    r, k = _reduce_by_ln2(_finite_between(values, -746.0, 710.0))
    with np.errstate(over="ignore", under="ignore"):
        result = np.ldexp(1.0 + (r + r * r * _polynomial(r, _EXPM1_TAIL)), k)
    return np.asarray(np.where(np.isnan(values), np.nan, result))


def expm1(x: ArrayLike) -> Float:
    """Return e**x - 1 in float64, accurate near zero as well."""
    values = np.asarray(x, np.float64)
    r, k = _reduce_by_ln2(_finite_between(values, -40.0, 710.0))
    small = r + r * r * _polynomial(r, _EXPM1_TAIL)
    with np.errstate(over="ignore"):
        result = np.ldexp(small, k) + (np.ldexp(1.0, k) - 1.0)
    result = np.where(k == 0, small, result)
    result = np.where(values == 0, values, result)  # keeps the sign of zero
    return np.asarray(np.where(np.isnan(values), np.nan, result))


def _finite_between(x: Float, low: float, high: float) -> Float:
    """Clip, and put 0 for NaN (so that conversions to int are defined)."""
    return np.clip(np.where(np.isnan(x), 0.0, x), low, high)


def log(x: ArrayLike) -> Float:
    """Return the natural logarithm in float64; -inf at zero, NaN below."""
    values = np.asarray(x, np.float64)
    usable = np.isfinite(values) & (values > 0)
    fraction, k = np.frexp(np.where(usable, values, 1.0))
    low = fraction < math.sqrt(0.5)
    fraction, k = np.where(low, fraction * 2.0, fraction), np.where(low, k - 1, k)
    result = k * LN2_HI + (_log1p_small(fraction - 1.0) + k * LN2_LO)
    return _log_special(values, values, usable, result)


def log1p(x: ArrayLike) -> Float:
    """Return log(1 + x) in float64, accurate near zero as well."""
    values = np.asarray(x, np.float64)
    usable = np.isfinite(values) & (values > -1)
    safe = np.where(usable, values, 0.0)
    total = 1.0 + safe
    lost = np.where(safe < 1.0, safe - (total - 1.0), 1.0 - (total - safe))
    near = np.abs(safe) < 0.25
    result = np.where(near, _log1p_small(np.where(near, safe, 0.0)), log(total) + lost / total)
    with np.errstate(invalid="ignore"):
        return _log_special(values, values + 1.0, usable, result)


def _log1p_small(f: Float) -> Float:
    """Return log(1 + f) for -0.3 < f < 0.42 as 2 atanh(f / (2 + f))."""
    s = f / (2.0 + f)
    square = s * s
    half = 0.5 * f * f  # f - (half - s * (half + ...)): the rounding of s is multiplied by f**2
    return f - (half - s * (half + square * _polynomial(square, _ATANH_TAIL)))


def _log_special(x: Float, argument: Float, usable: Array, result: Float) -> Float:
    outside = np.where(argument == 0, -np.inf, np.where(argument == np.inf, np.inf, np.nan))
    return np.asarray(np.where(usable, np.where(x == 0, x + result, result), outside))


def log2(x: ArrayLike) -> Float:
    """Return the logarithm to base two in float64; exact for powers of two."""
    values = np.asarray(x, np.float64)
    usable = np.isfinite(values) & (values > 0)
    fraction, k = np.frexp(np.where(usable, values, 1.0))
    power = fraction == 0.5
    result = np.where(power, k - 1.0, log(np.where(usable, values, 1.0)) / LN2)
    return np.asarray(np.where(usable, result, log(values)))


def power(x: ArrayLike, y: ArrayLike) -> Float:
    """Return x**y in float64 with IEEE's special cases.

    Relative error below 1e-15 for whole y up to 64 in magnitude and for halves, else below 2e-13.
    """
    base, exponent = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    whole = np.isfinite(exponent) & (np.rint(exponent) == exponent)
    small = whole & (np.abs(exponent) <= 64)
    result = np.where(small, _power_whole(base, np.where(small, exponent, 0.0)), 0.0)
    result = np.where(small, result, _power_real(base, exponent, whole))
    with np.errstate(invalid="ignore"):
        root = np.sqrt(base)
    half = (exponent == 0.5) & (base >= 0)
    return np.asarray(np.where(half, root, np.where(base == 1.0, 1.0, result)))


def _power_whole(base: Float, exponent: Float) -> Float:
    count = np.abs(exponent).astype(np.int64)
    result, square = np.ones_like(base), base.copy()
    with np.errstate(all="ignore"):
        while count.any():
            result = np.where(count & 1, result * square, result)
            square, count = square * square, count >> 1
        return np.where(exponent < 0, 1.0 / result, result)


def _power_real(base: Float, exponent: Float, whole: Array) -> Float:
    with np.errstate(all="ignore"):
        magnitude = exp(exponent * log(np.abs(base)))
    odd = whole & (np.abs(np.where(whole, exponent, 0.0)) < 2.0**53)
    odd &= np.fmod(np.where(whole, exponent, 0.0), 2.0) != 0
    signed = np.where(np.signbit(base) & odd, -magnitude, magnitude)
    bad = np.isfinite(base) & (base < 0) & np.isfinite(exponent) & ~whole
    unit = (np.abs(base) == 1.0) & np.isinf(exponent)
    result = np.where(unit, 1.0, np.where(bad, np.nan, signed))
    return np.where(np.isnan(base) | np.isnan(exponent), np.nan, result)


def sqrt(x: ArrayLike) -> Float:
    """Return the square root in float64 (IEEE defines it exactly); NaN below zero."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.asarray(x, np.float64))


def rsqrt(x: ArrayLike) -> Float:
    """Return 1 / sqrt(x) in float64; infinity at zero."""
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / sqrt(x))


# -- functions made of exponentials and logarithms -------------------------------------------------


def sigmoid(x: ArrayLike) -> Float:
    """Return 1 / (1 + e**-x) in float64, accurate on both sides."""
    values = np.asarray(x, np.float64)
    small = exp(-np.abs(values))
    return np.asarray(np.where(values < 0, small, 1.0) / (1.0 + small))


def softplus(x: ArrayLike) -> Float:
    """Return log(1 + e**x) in float64."""
    values = np.asarray(x, np.float64)
    return np.maximum(values, 0.0) + log1p(exp(-np.abs(values)))


def tanh(x: ArrayLike) -> Float:
    """Return the hyperbolic tangent in float64."""
    values = np.asarray(x, np.float64)
    growth = expm1(2.0 * np.clip(np.abs(values), 0.0, 22.0))
    return np.copysign(growth / (growth + 2.0), values)


def sinh(x: ArrayLike) -> Float:
    """Return the hyperbolic sine in float64."""
    values = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        growth = expm1(np.abs(values))
        near = 0.5 * (growth + growth / (growth + 1.0))
        half = exp(0.5 * np.abs(values))
        far = 0.5 * half * half
    return np.copysign(np.where(np.abs(values) < 30.0, near, far), values)


def cosh(x: ArrayLike) -> Float:
    """Return the hyperbolic cosine in float64."""
    with np.errstate(over="ignore"):
        half = exp(0.5 * np.abs(np.asarray(x, np.float64)))
        return np.asarray(0.5 * half * half + 0.5 / half / half)


def asinh(x: ArrayLike) -> Float:
    """Return the inverse hyperbolic sine in float64."""
    values = np.asarray(x, np.float64)
    size = np.abs(values)
    with np.errstate(all="ignore"):
        square = size * size
        near = log1p(size + square / (1.0 + np.sqrt(1.0 + square)))
        far = log(size) + LN2
    return np.copysign(np.where(size < 1e8, near, far), values)


def acosh(x: ArrayLike) -> Float:
    """Return the inverse hyperbolic cosine in float64; NaN below one."""
    values = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        above = values - 1.0
        near = log1p(above + np.sqrt(above * (values + 1.0)))
        result = np.where(values < 1e8, near, log(np.abs(values)) + LN2)
    return np.asarray(np.where(values < 1.0, np.nan, result))


def atanh(x: ArrayLike) -> Float:
    """Return the inverse hyperbolic tangent in float64; infinite at one, NaN beyond."""
    values = np.asarray(x, np.float64)
    size = np.abs(values)
    with np.errstate(all="ignore"):
        return np.copysign(0.5 * log1p(2.0 * size / (1.0 - size)), values)


def erf(x: ArrayLike) -> Float:
    """Return the error function in float64 within 4e-15, by its series of positive terms."""
    values = np.asarray(x, np.float64)
    size = _finite_between(np.abs(values), 0.0, 6.0)  # erf(6) rounds to one
    twice = 2.0 * size * size
    series = np.ones_like(size)
    for n in range(241, 1, -2):
        series = 1.0 + series * twice / n
    coarse = np.ldexp(np.rint(np.ldexp(size, 20)), -20)  # its square is exact
    decay = exp(-coarse * coarse) * exp((coarse - size) * (coarse + size))
    result = np.minimum(TWO_OVER_SQRT_PI * size * series * decay, 1.0)
    return np.asarray(np.where(np.isnan(values), np.nan, np.copysign(result, values)))


# -- trigonometry ----------------------------------------------------------------------------------

_SIN_TAIL = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(9, 0, -1))
_COS_TAIL = tuple((-1.0) ** n / math.factorial(2 * n) for n in range(9, 1, -1))
_ATAN_TAIL = tuple((-1.0) ** n / (2 * n + 1) for n in range(14, 0, -1))


def sin(x: ArrayLike) -> Float:
    """Return the sine in float64; NaN for what is not finite."""
    return _quadrant(x, 0)


def cos(x: ArrayLike) -> Float:
    """Return the cosine in float64; NaN for what is not finite."""
    return _quadrant(x, 1)


def tan(x: ArrayLike) -> Float:
    """Return the tangent in float64; NaN for what is not finite."""
    with np.errstate(divide="ignore"):
        return sin(x) / cos(x)


def _quadrant(x: ArrayLike, shift: int) -> Float:
    values = np.asarray(x, np.float64)
    r, k = _reduce_by_half_pi(np.where(np.isfinite(values), values, 0.0))
    square = r * r
    sine = r + r * square * _polynomial(square, _SIN_TAIL)
    cosine = 1.0 - (0.5 * square - square * square * _polynomial(square, _COS_TAIL))
    k = (k + shift) % 4
    result = np.where(k % 2 == 0, sine, cosine) * np.where(k < 2, 1.0, -1.0)
    result = np.where((values == 0) & (shift == 0), values, result)  # keeps the sign of zero
    return np.asarray(np.where(np.isfinite(values), result, np.nan))


def _reduce_by_half_pi(x: Float) -> tuple[Float, NDArray[np.int64]]:
    """Split x = k pi/2 + r with |r| <= pi/4; k is given modulo four."""
    large = np.abs(x) > LARGE_ANGLE
    near = np.where(large, 0.0, x)
    k = np.rint(near * (1.0 / HALF_PI))
    first, second, third = HALF_PI_PARTS
    r, quadrant = ((near - k * first) - k * second) - k * third, k.astype(np.int64) % 4
    r, quadrant = np.atleast_1d(r), np.atleast_1d(quadrant)
    for place in np.flatnonzero(large):  # exact rational arithmetic; rare, so speed is no matter
        r.flat[place], quadrant.flat[place] = _reduce_exactly(float(x.flat[place]))
    return r.reshape(x.shape), quadrant.reshape(x.shape)


def _reduce_exactly(x: float) -> tuple[float, int]:
    half_pi = _pi_fraction() / 2
    k = round(Fraction(x) / half_pi)
    return float(Fraction(x) - k * half_pi), k % 4


@functools.cache
def _pi_fraction() -> Fraction:
    """Return pi to 1280 bits (more than float64's largest exponent), by Machin's formula."""
    unit = 1 << 1300

    def arctan_of_inverse(n: int) -> int:
        term, total, k = unit // n, 0, 0
        while term:
            total += term // (2 * k + 1) * (-1) ** k
            term, k = term // (n * n), k + 1
        return total

    return Fraction(16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239), unit)


def atan(x: ArrayLike) -> Float:
    """Return the inverse tangent in float64."""
    values = np.asarray(x, np.float64)
    size = np.abs(values)
    with np.errstate(divide="ignore", over="ignore"):
        inner = np.where(size > 1.0, 1.0 / size, size)
    base = np.rint(np.where(np.isnan(inner), 0.0, inner) * 4.0) / 4.0  # 0, 1/4, 1/2, 3/4, 1
    r = (inner - base) / (1.0 + inner * base)
    square = r * r
    angle = _ATAN_OF_QUARTERS[(base * 4).astype(np.int64)]
    result = angle + (r + r * square * _polynomial(square, _ATAN_TAIL))
    return np.copysign(np.where(size > 1.0, HALF_PI - result, result), values)


_ATAN_OF_QUARTERS = np.array(
    [
        0.0,
        float.fromhex("0x1.f5b75f92c80ddp-3"),
        float.fromhex("0x1.dac670561bb4fp-2"),
        float.fromhex("0x1.4978fa3269ee1p-1"),
        float.fromhex("0x1.921fb54442d18p-1"),
    ]
)


def asin(x: ArrayLike) -> Float:
    """Return the inverse sine in float64; NaN beyond one."""
    values = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        return atan(values / np.sqrt((1.0 - values) * (1.0 + values)))


def acos(x: ArrayLike) -> Float:
    """Return the inverse cosine in float64; NaN beyond one."""
    values = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        return 2.0 * atan(np.sqrt((1.0 - values) / (1.0 + values)))
