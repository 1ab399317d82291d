"""Constant weights and biases: rearranged ahead of time, stored as the user wishes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgewright.exporters.onnx.layout import Perm
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.graph import Array, DType, Quant, TensorType, Value

#: elements; smaller weights stay as they are
LEAST_QUANTISED = 1024
LARGEST_CODE = 127


def weight_of(
    n: NodeWriter, w: Value, arrange: Callable[[Array], Array], axis: int, perm: Perm | None = None
) -> str:
    """A weight as real numbers, rearranged.

    Args:
        n: the node that reads it.
        w: the weight; quantised ones stay integers behind a DequantizeLinear.
        arrange: from our order of axes to ONNX's.
        axis: of the output channels in ONNX's order.
        perm: the same as `arrange`, for weights that are computed at run time.
    """
    if w.data is None:
        if perm is None:
            n.refuse("the weight is computed at run time", "use constant weights")
        return n.real(w, perm)
    array = np.ascontiguousarray(arrange(w.data))
    quant = w.type.quant
    if quant is None and n.file.weights == "dynamic_range" and _is_worth_it(array, n):
        array, quant = _quantised(array, axis)
        return _dequantized(n, w, array, quant, DType.INT8)
    if quant is None:
        return n.writer.stored(w, array, w.name)
    if quant.block is not None:
        n.refuse("a weight with a scale per block", "quantise per channel")
    if quant.axis is not None:
        quant = Quant(quant.scale, quant.zero, axis)
    return _dequantized(n, w, array, quant, w.type.dtype)


def _dequantized(n: NodeWriter, w: Value, array: Array, quant: Quant, dtype: DType) -> str:
    stored = n.file.constant(w.name, array, dtype)
    type = TensorType(dtype, array.shape, quant)
    return n.writer.dequantized(stored, type, tuple(range(array.ndim)), w.name)


def _is_worth_it(array: Array, n: NodeWriter) -> bool:
    return array.dtype == np.float32 and array.size >= LEAST_QUANTISED


def _quantised(array: Array, axis: int) -> tuple[Array, Quant]:
    """Symmetric 8 bits, one scale per output channel."""
    others = tuple(a for a in range(array.ndim) if a != axis)
    largest = np.abs(array).max(axis=others).astype(np.float32)
    scale = np.where(largest > 0, largest / np.float32(LARGEST_CODE), np.float32(1))
    scale = np.maximum(scale, np.finfo(np.float32).tiny).astype(np.float32)
    shape = [-1 if a == axis else 1 for a in range(array.ndim)]
    codes = np.clip(np.rint(array / scale.reshape(shape)), -LARGEST_CODE, LARGEST_CODE)
    quant = Quant(tuple(map(float, scale)), (0,) * scale.size, axis)
    return codes.astype(np.int8), quant


def bias_of(n: NodeWriter, bias: Value | None, x: Value, w: Value) -> str | None:
    """A bias as real numbers; 32-bit ones stay integers, in units of scale(x) * scale(w)."""
    if bias is None:
        return None
    if bias.type.dtype.is_float:
        return n.real(bias)
    quant = _bias_quant(n, bias, x, w)
    if bias.data is None or bias.type.dtype is not DType.INT32:
        return _float_bias(n, bias, quant)
    type = bias.type.with_quant(quant)
    return n.writer.dequantized(n.writer.tensor(bias), type, (0,), bias.name)


def _bias_quant(n: NodeWriter, bias: Value, x: Value, w: Value) -> Quant:
    """The bias's own scales, or those that the sums of products have."""
    if bias.type.quant is not None:
        return bias.type.quant
    if x.type.quant is None or w.type.quant is None:
        n.refuse(f"the bias {bias.type} has no scale", "quantise all operands, or none")
    scales = np.float32(x.type.quant.scale[0]) * np.array(w.type.quant.scale, np.float32)
    one = len(scales) == 1
    return Quant(tuple(map(float, scales)), (0,) * len(scales), None if one else 0)


def _float_bias(n: NodeWriter, bias: Value, quant: Quant) -> str:
    """A 64-bit bias, for which ONNX has no DequantizeLinear."""
    if bias.data is None:
        n.refuse("a 64-bit bias is computed at run time", "use a constant bias")
    real = bias.data.astype(np.float64) * np.array(quant.scale, np.float64)
    return n.file.constant(bias.name, real.astype(np.float32))
