"""QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, and the meaning of integer operands."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, DType, Quant, TensorType, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule
from edgewright.ops import block_scales

#: What `quantize` can make.
STORED = (DType.INT8, DType.UINT8, DType.INT16, DType.UINT16, DType.INT32)


def quant_of(n: SourceNode, scale: int, zero: int, x: TensorType, axis: int | None = None) -> Quant:
    """The quantisation that operands `scale` and `zero` give to a tensor of type `x`.

    `axis` is where several scales lie; one scale is per tensor.
    """
    scales = n.array(scale, "a scale").astype(np.float32)
    zeros = _zeros(n, zero, scales)
    if scales.size == 1:
        return Quant.per_tensor(float(scales.reshape(())), int(zeros.reshape(())))
    if scales.ndim != 1 or axis is None:
        n.refuse("scales per block", "quantise per tensor or per channel")
    if x.shape[axis] != scales.size:
        n.invalid(f"{scales.size} scales for axis {axis} of {x}")
    return Quant(tuple(map(float, scales)), tuple(map(int, zeros)), axis)


def _zeros(n: SourceNode, zero: int, scales: Array) -> Array:
    """Zero points, one per scale."""
    _check_scales(n, scales)
    if n.optional(zero) is None:
        return np.zeros(scales.shape, np.int64)
    zeros = n.array(zero, "a zero point")
    if zeros.size not in (1, scales.size):
        n.invalid(f"{zeros.size} zero points for {scales.size} scales")
    return np.broadcast_to(zeros.reshape(-1), (scales.size,)).reshape(scales.shape)


def _check_scales(n: SourceNode, scales: Array) -> None:
    """Refuse scales that mean nothing."""
    bad = scales[~(np.isfinite(scales) & (scales > 0))]
    if bad.size:
        n.invalid(f"a scale is {bad.flat[0]}")


def operand(n: SourceNode, first: int, axis: int | None = None) -> Value:
    """The integer operand at `first`, with the scale and zero point that follow it."""
    x = n.input(first)
    return n.with_quant(x, quant_of(n, first + 1, first + 2, x.type, axis), f"operand {first}")


def stored_type(n: SourceNode, zero: int, default: DType) -> DType:
    """The element type that a zero point stands for."""
    value = n.optional(zero)
    return default if value is None else value.type.dtype


def _axis(n: SourceNode, x: Value, scale: int) -> int | None:
    """Where several scales lie."""
    if n.input(scale).type.count == 1:
        return None
    n.require(not n.integer("block_size", 0), "scales per block", "quantise per channel")
    return n.axis(n.integer("axis", 1), x.type.rank)


@rule("QuantizeLinear", since=10)
@rule("QuantizeLinear", domain="com.microsoft")
def quantize_linear(n: SourceNode) -> Value:
    """round(x / scale) + zero, as an integer type with its quantisation."""
    x = n.input(0)
    dtype = n.dtype(n.integer("output_dtype", 2)) if n.integer("output_dtype", 0) else DType.UINT8
    dtype = stored_type(n, 2, dtype)
    n.require(dtype in STORED, f"quantisation to {dtype.value}", "quantise to 8 bits")
    x = n.cast(x, DType.FLOAT32)
    quant = quant_of(n, 1, 2, x.type, _axis(n, x, 1))
    if x.data is not None:
        return n.constant(_stored(x.data, dtype, quant), TensorType(dtype, x.type.shape, quant))
    n.require(quant.axis is None, "scales per channel of an activation", "quantise per tensor")
    return n.quantize(x, dtype, quant)


def _stored(x: Array, dtype: DType, quant: Quant) -> Array:
    """A constant quantised: trained weights that are kept as floats behind a QuantizeLinear."""
    shape = [1] * x.ndim
    if quant.axis is not None:
        shape[quant.axis] = -1
    scale = np.array(quant.scale, np.float32).reshape(shape if x.ndim else ())
    zero = np.array(quant.zero, np.float64).reshape(shape if x.ndim else ())
    limits = np.iinfo(dtype.numpy)
    steps = np.rint(x / scale).astype(np.float64) + zero
    held = np.where(np.isnan(steps), zero, steps)
    return np.clip(held, limits.min, limits.max).astype(dtype.numpy)


@rule("DequantizeLinear", since=10)
@rule("DequantizeLinear", domain="com.microsoft")
def dequantize_linear(n: SourceNode) -> Value:
    """(x - zero) * scale; constant weights stay integers for a pass to fuse."""
    x = n.input(0)
    if n.integer("block_size", 0) and n.input(1).type.rank > 1:
        return _dequantize_blocks(n, x)
    x = n.with_quant(x, quant_of(n, 1, 2, x.type, _axis(n, x, 1)), "x")
    y = n.dequantize(x)
    if n.input(1).type.dtype is DType.FLOAT16:
        return n.cast(y, DType.FLOAT16)
    return y


def _dequantize_blocks(n: SourceNode, x: Value) -> Value:
    """A constant with a scale for each block along one axis (opset 21)."""
    stored = n.array(0, "a tensor with a scale for each block")
    n.require(x.type.dtype in block_scales.STORED, f"scales per block of {x.type.dtype.value}",
              "store it in 8 or 4 bits")  # fmt: skip
    axis, block = n.axis(n.integer("axis", 1), x.type.rank), n.integer("block_size", 0)
    given = n.cast(n.input(1), DType.FLOAT32)
    scales = given.data
    wanted = list(stored.shape)
    wanted[axis] = -(-wanted[axis] // max(block, 1))
    if block < 1 or scales is None or list(scales.shape) != wanted:
        n.invalid(f"scales {given.type} for blocks of {block} along axis {axis} of {x.type}")
    _check_scales(n, scales)
    zero = n.optional(2)
    if zero is not None and (zero.data is None or list(zero.data.shape) != wanted):
        n.invalid(f"zero points {zero.type} for scales {given.type}")
    y = n.add("dequantize_blocks", x, given, zero, axis=axis, block=block)
    return n.cast(y, n.input(1).type.dtype)


@rule("DynamicQuantizeLinear", since=11)
def dynamic_quantize_linear(n: SourceNode) -> list[Value]:
    """uint8 over the range of this very tensor: arithmetic on floats, since the scale is data."""
    x = n.input(0)
    axes, zero = tuple(range(x.type.rank)), n.scalar(0, x)
    low = n.add("minimum", n.add("reduce_min", x, axes=axes, keepdims=False), zero)
    high = n.add("maximum", n.add("reduce_max", x, axes=axes, keepdims=False), zero)
    scale = n.add("div", n.add("sub", high, low), n.scalar(255, x))
    offset = n.add("neg", n.add("div", low, scale))
    point = n.add("clip", n.add("round", offset), lo=0.0, hi=255.0)
    steps = n.add("round", n.add("div", x, scale))
    y = n.add("clip", n.add("add", steps, point), lo=0.0, hi=255.0)
    return [n.cast(y, DType.UINT8), scale, n.cast(point, DType.UINT8)]
