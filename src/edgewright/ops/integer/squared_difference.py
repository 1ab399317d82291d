"""Quantised squared difference of two tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.ops.integer.fixed_point import Array, multiply, quantize_multiplier
from edgewright.ops.integer.requantize import bounds_of

LEFT_SHIFT = 7


def squared_difference(a: Array, b: Array, scales: Sequence[float], zeros: Sequence[int]) -> Array:
    """Return (a - b)**2 for int8; both modes.

    Args:
        a: int8.
        b: int8; operands broadcast.
        scales: of a, b and the result.
        zeros: zero points of a, b and the result.
    """
    scale_a, scale_b, scale_out = (float(np.float32(s)) for s in scales)
    twice = 2.0 * max(scale_a, scale_b)
    first, second = (
        multiply((x.astype(np.int64) - zero) << LEFT_SHIFT, quantize_multiplier(scale / twice))
        for x, zero, scale in ((a, zeros[0], scale_a), (b, zeros[1], scale_b))
    )
    factor = quantize_multiplier(twice * twice / (2.0 ** (2 * LEFT_SHIFT) * scale_out))
    result = multiply((first - second) * (first - second), factor) + zeros[2]
    return np.asarray(np.clip(result, *bounds_of(a.dtype)).astype(a.dtype))
