"""Quantised activations that TFLite computes with multipliers instead of tables."""

from __future__ import annotations

import numpy as np

from edgewright.ops.integer.convert import Quant
from edgewright.ops.integer.fixed_point import (
    Array,
    Int64,
    Multiplier,
    divide_by_power,
    high_mul,
    multiply,
    quantize_multiplier,
)
from edgewright.ops.integer.requantize import bounds_of, clamp_bounds


def clamp(x: Array, before: Quant, after: Quant, limits: tuple[float, float]) -> Array:
    """Return x clamped to real limits (relu is 0 .. inf) in another quantisation; both modes."""
    ratio = float(np.float32(before[0]) / np.float32(after[0]))
    result = multiply(x.astype(np.int64) - before[1], quantize_multiplier(ratio)) + after[1]
    return np.asarray(np.clip(result, *clamp_bounds(limits, *after, x.dtype)).astype(x.dtype))


def leaky_relu(x: Array, before: Quant, after: Quant, alpha: float, mode: str) -> Array:
    """Return x where it is positive, else alpha * x, in another quantisation.

    Mode `float` uses factors with eight bits after the point where both fit, as XNNPACK does.
    """
    ratio = np.float32(before[0]) / np.float32(after[0])
    slope = np.float32(before[0]) * np.float32(alpha) / np.float32(after[0])
    centred = x.astype(np.int64) - before[1]
    if mode == "float" and x.dtype.itemsize == 1 and _fits_short(ratio) and _fits_short(slope):
        first, second = (int(np.rint(np.float32(256.0) * r)) for r in (ratio, slope))
        result = (np.where(centred >= 0, centred * first, centred * second) + 128) >> 8
    else:
        below = multiply(centred, _signed(float(slope)))
        result = np.where(centred >= 0, multiply(centred, _signed(float(ratio))), below)
    return np.asarray(np.clip(result + after[1], *bounds_of(x.dtype)).astype(x.dtype))


def _fits_short(ratio: np.float32) -> bool:
    return 2.0**-8 <= abs(float(ratio)) <= 127.5


def _signed(real: float) -> Multiplier:
    factor = quantize_multiplier(abs(real))
    return Multiplier(-factor.value, factor.shift) if real < 0 else factor


def _high_mul_16(a: Int64, b: int) -> Int64:
    """Return round(a * b / 2**15) on int16, halves away from zero, -1 * -1 saturated."""
    return np.minimum(high_mul(a << 16, b), 32767)


def _saturate_16(x: Int64) -> Int64:
    return np.asarray(np.clip(x, -32768, 32767))


def hard_swish(x: Array, before: Quant, after: Quant) -> Array:
    """Return x * clamp(x + 3, 0, 6) / 6 in TFLite's 16-bit arithmetic; both modes.

    Args:
        x: int8 or uint8.
        before: scale and zero point of x.
        after: scale and zero point of the result.
    """
    high_resolution = float(np.float32(1.0 / 128.0) * np.float32(before[0]))
    output = quantize_multiplier(float(np.float32(high_resolution) / np.float32(after[0])))
    relu = quantize_multiplier(float(np.float32(high_resolution) / np.float32(3.0 / 32768.0)))
    value = (x.astype(np.int64) - before[1]) << 7
    gate = (_reluish(value, relu) + (1 << 15)) >> 1
    product = gate * _high_mul_16(value, _to_int16(output))
    truncated = np.where(product >= 0, product >> 15, -((-product) >> 15))
    result = divide_by_power(truncated, np.maximum(-output.shift, 0)) + after[1]
    return np.asarray(np.clip(result, *bounds_of(x.dtype)).astype(x.dtype))


def _reluish(value: Int64, factor: Multiplier) -> Int64:
    """Return the input in units where 3.0 is 2**15, saturated."""
    shift = int(factor.shift)
    if shift <= 0:
        return divide_by_power(_high_mul_16(value, _to_int16(factor)), -shift)
    scaled = _high_mul_16(_saturate_16(value << (shift - 1)), _to_int16(factor))
    return _saturate_16(scaled << 1)


def _to_int16(factor: Multiplier) -> int:
    """Return the upper 16 bits of a multiplier, halves rounded up, saturated."""
    return min((int(factor.value) + (1 << 15)) >> 16, 32767)
