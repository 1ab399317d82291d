"""What convolution, depthwise convolution and fully connected share: exact sums, one epilogue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgewright import numerics
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops import Array, Call, require, storage
from edgewright.ops.integer import requantize as rq
from edgewright.ops.integer.add import add

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
Clamp = tuple[float, float]


@dataclass(frozen=True)
class Epilogue:
    """From sums to the result.

    `narrow` is TFLite's habit of forming scale_x * scale_w in float32 (docs/reference/integer.md);
    `once` is LiteRT's 8-bit fully connected in mode `fixed`: rounded once, halves away from zero.
    `inner` is the quantisation of the sum before a quantised `skip` is added.
    """

    clamp: Clamp | None = None
    narrow: bool = False
    inner: tuple[float, int] | None = None
    once: bool = False

    def __call__(self, call: Call, total: Array, bias: Array | None, skip: Array | None) -> Array:
        """`total` [..., N]: float64, or int64 holding exact sums."""
        out = call.outputs[0]
        if out.dtype.is_float:
            return self._float(total, bias, skip).astype(out.dtype.numpy)
        acc = total if bias is None else total + bias.astype(np.int64)
        if skip is None:
            return self.requantize(call, acc, quant_of(out), self.bounds(out))
        assert self.inner is not None
        inner = out.with_quant(Quant.per_tensor(*self.inner))
        value = self.requantize(call, acc, quant_of(inner), rq.bounds_of(out.dtype.numpy))
        other = call.inputs[3]
        assert other is not None
        quants = (quant_of(inner), quant_of(other), quant_of(out))
        scales, zeros = [q.scale[0] for q in quants], [q.zero[0] for q in quants]
        return add(value, skip, scales, zeros, self.bounds(out), call.requantization)

    def _float(self, total: Array, bias: Array | None, skip: Array | None) -> Array:
        if bias is not None:
            total = total + bias
        if skip is not None:
            total = total + skip
        return total if self.clamp is None else np.clip(total, *self.clamp)

    def bounds(self, out: TensorType) -> tuple[int, int]:
        """Lowest and highest stored value of the result."""
        quant = quant_of(out)
        return rq.clamp_bounds(self.clamp, quant.scale[0], quant.zero[0], out.dtype.numpy)

    def requantize(self, call: Call, acc: Array, out: Quant, bounds: tuple[int, int]) -> Array:
        """Integer sums [..., N] in units of scale_x * scale_w, to the quantisation `out`."""
        x, w = call.inputs[0], call.inputs[1]
        assert x is not None and w is not None
        scale_x, scale_w = quant_of(x).scale[0], np.array(quant_of(w).scale, np.float32)
        dtype = call.outputs[0].dtype.numpy
        if x.dtype is DType.INT16:
            factor = rq.fixed_scale(scale_x, scale_w, out.scale[0], self.narrow)
            return rq.requantize_wide(acc, factor, out.zero[0], bounds, dtype)
        wrapped = acc.astype(np.int32)
        if call.requantization == "float":
            scale = rq.float_scale(scale_x, scale_w, out.scale[0])
            return rq.requantize_float(wrapped, scale, out.zero[0], bounds, dtype)
        factor = rq.fixed_scale(scale_x, scale_w, out.scale[0], self.narrow)
        rounded = rq.requantize_once if self.once else rq.requantize_fixed
        return rounded(wrapped, factor, out.zero[0], bounds, dtype)


def quant_of(type: TensorType | None) -> Quant:
    """The quantisation of an operand that must have one."""
    assert type is not None
    require(type.quant is not None, f"{type} is an integer tensor without a scale")
    assert type.quant is not None
    return type.quant


def sum_dtype(x: TensorType) -> DType:
    """The dtype of a convolution of x: sums of bfloat16 are float32."""
    return DType.FLOAT32 if x.dtype is DType.BFLOAT16 else x.dtype


def centred(x: Array, type: TensorType | None, axis_last: bool = False) -> Array:
    """x minus its zero point, in int64; float tensors come back in float64.

    With `axis_last`, per-channel zero points lie along the last axis, else along the first.
    """
    assert type is not None
    if type.dtype.is_float:
        return storage.widened(x, type.dtype).astype(np.float64)
    zeros = np.array(quant_of(type).zero, np.int64)
    if zeros.size > 1 and not axis_last:
        zeros = zeros.reshape(-1, *([1] * (x.ndim - 1)))
    return x.astype(np.int64) - zeros


def product(rows: Array, columns: Array) -> Array:
    """rows [M,K] times columns [N,K] transposed: exact for int64, deterministic for float64."""
    if rows.dtype == np.int64:
        return numerics.matmul_int(rows, columns.T)
    return numerics.matmul(rows, columns.T)


def is_narrow(x: TensorType | None) -> bool:
    """Whether the scales of a convolution are multiplied in float32 first: uint8 ones."""
    return x is not None and x.dtype is DType.UINT8


def clamp_of(clamp: Clamp | None) -> Clamp:
    """The bounds of a float clamp; infinite when there is none."""
    return clamp if clamp is not None else (-math.inf, math.inf)
