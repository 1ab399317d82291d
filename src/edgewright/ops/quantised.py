"""From operators to the integer arithmetic of `ops/integer`: scales out of types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from edgewright import numerics as nx
from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops import Array, Call
from edgewright.ops.integer import (
    activations,
    convert,
    fixed_point,
    pool,
    requantize,
    resize,
    tables,
)
from edgewright.ops.integer import add as sums
from edgewright.ops.integer import mul as products
from edgewright.ops.integer import softmax as softmaxes
from edgewright.ops.integer import squared_difference as squares

Clamp = tuple[float, float]
Pair = tuple[float, int]
Function = Callable[[Array], Array]

#: functions of two operands that keep the quantisation
PLAIN = ("minimum", "maximum")
SUFFIXES = {DType.INT8: "s8", DType.UINT8: "u8", DType.INT16: "s16"}


def suffix(type: TensorType) -> str:
    """The name of a quantised type in kernels. Raises UnsupportedModel for others."""
    if type.dtype not in SUFFIXES:
        raise UnsupportedModel(
            f"{type} has no kernel", help="use float32, or int8, uint8 or int16 quantisation"
        )
    return SUFFIXES[type.dtype]


def require_kernel(name: str, type: TensorType) -> None:
    """Raise UnsupportedModel for floats that are not float32: they have no kernels."""
    if type.dtype.is_float and type.dtype is not DType.FLOAT32:
        raise UnsupportedModel(
            f"{name} of {type} has no kernel", help="convert the model to float32"
        )


def quant_of(type: TensorType | None) -> Quant:
    """The quantisation of an operand. Raises UnsupportedModel when it has none."""
    if type is None or type.quant is None:
        raise UnsupportedModel(
            f"{type} meets quantised operands", help="quantise all operands, or none"
        )
    return type.quant


def pair(type: TensorType | None) -> Pair:
    """Scale and zero point of a tensor that has one of each. Raises UnsupportedModel."""
    quant = quant_of(type)
    if len(quant.scale) != 1:
        raise UnsupportedModel(f"{type}: this operator takes one scale per tensor")
    return quant.scale[0], quant.zero[0]


def bounds(clamp: Clamp | None, type: TensorType) -> tuple[int, int]:
    """A clamp in real units as quantised values of a type."""
    scale, zero = pair(type)
    return requantize.clamp_bounds(clamp, scale, zero, type.dtype.numpy)


# -- one operand -----------------------------------------------------------------------------------


def function(
    call: Call, name: str, attributes: Mapping[str, Any], evaluate: Function, x: Array
) -> Array:
    """A function of one operand; `evaluate` is its meaning on real numbers."""
    given, result = call.inputs[0], call.outputs[0]
    before, after = pair(given), pair(result)
    if name == "clip":
        limits = (attributes["lo"], attributes["hi"])
        return activations.clamp(x, before, after, limits)
    if name == "leaky_relu":
        return activations.leaky_relu(x, before, after, attributes["alpha"], call.requantization)
    if x.dtype.itemsize > 1:
        raise UnsupportedModel(
            f"{name} has no 16-bit arithmetic", help="keep this operator in float32 or int8"
        )
    if name == "hard_swish":
        return activations.hard_swish(x, before, after)
    table = tables.table_8(cast(tables.Function, evaluate), before, after, x.dtype)
    return tables.look_up(x, table)


def every_code(type: TensorType) -> Array:
    """All 256 values of an 8-bit type, ordered by their bits."""
    return np.arange(256).astype(np.uint8).view(type.dtype.numpy)


def quantize(call: Call, x: Array) -> Array:
    """Real numbers to integers, or one quantisation to another."""
    given, result = call.inputs[0], call.outputs[0]
    dtype = result.dtype.numpy
    if given is not None and given.quant is not None:
        return convert.requantize(x, pair(given), pair(result), dtype, call.requantization)
    return convert.quantize(x, pair(result), dtype, call.requantization)


def dequantize(call: Call, x: Array) -> Array:
    """Integers to real numbers, with one scale or one per index of an axis."""
    quant = quant_of(call.inputs[0])
    if quant.axis is None:
        return convert.dequantize(x, (quant.scale[0], quant.zero[0]))
    shape = [-1 if axis == quant.axis % x.ndim else 1 for axis in range(x.ndim)]
    scale = np.array(quant.scale, np.float32).reshape(shape)
    zero = np.array(quant.zero, np.int32).reshape(shape)
    return np.asarray(scale * (x.astype(np.int32) - zero).astype(np.float32))


# -- two operands ----------------------------------------------------------------------------------


def binary(
    call: Call,
    name: str,
    clamp: Clamp | None,
    plain: Callable[[Array, Array], Array],
    a: Array,
    b: Array,
) -> Array:
    """A function of two operands; `plain` compares or selects integers of one quantisation."""
    first, second, result = call.inputs[0], call.inputs[1], call.outputs[0]
    if name in PLAIN or result.dtype is DType.BOOL:
        require_alike(name, first, second, result)
        return plain(a, b)
    quants = [pair(first), pair(second), pair(result)]
    scales, zeros = [q[0] for q in quants], [q[1] for q in quants]
    limits, mode = bounds(clamp, result), call.requantization
    if name in ("add", "sub"):
        return sums.add(a, b, scales, zeros, limits, mode, subtract=name == "sub")
    if name == "mul":
        return products.mul(a, b, scales, zeros, limits, mode)
    if name == "squared_difference":
        return squares.squared_difference(a, b, scales, zeros)
    if name == "prelu":
        return _prelu(a, b, scales, zeros, limits)
    raise UnsupportedModel(f"{name} has no integer arithmetic", help="keep it in float32")


def prelu_factors(scales: Sequence[float]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multiplier and shift for x from 0 up, and for x * slope below."""
    x, slope, y = (np.float32(scale) for scale in scales)
    above = fixed_point.quantize_multiplier(float(x / y))
    below = fixed_point.quantize_multiplier(float(x * slope / y))
    return (int(above.value), int(above.shift)), (int(below.value), int(below.shift))


def _prelu(
    a: Array, b: Array, scales: Sequence[float], zeros: Sequence[int], limits: tuple[int, int]
) -> Array:
    """The operand from 0 up, times its slope below, each with its own multiplier; both modes."""
    x, slope = a.astype(np.int64) - zeros[0], b.astype(np.int64) - zeros[1]
    above, below = (
        fixed_point.Multiplier(np.asarray(value, np.int32), np.asarray(shift, np.int32))
        for value, shift in prelu_factors(scales)
    )
    real = np.where(x >= 0, fixed_point.multiply(x, above), fixed_point.multiply(x * slope, below))
    return np.asarray(np.clip(real + zeros[2], *limits).astype(a.dtype))


def require_alike(
    name: str, first: TensorType | None, second: TensorType | None, result: TensorType
) -> None:
    """Raise UnsupportedModel unless the operands have one quantisation (and a quantised result)."""
    quants = {quant_of(first), quant_of(second)}
    quants |= set() if result.dtype is DType.BOOL else {quant_of(result)}
    if len(quants) != 1:
        raise UnsupportedModel(
            f"{name} of {first} and {second} to {result}: the quantisations differ",
            help="give operands and result the same scale and zero point",
        )


# -- pools, reductions, softmax, resizing ----------------------------------------------------------


def average(call: Call, clamp: Clamp | None, total: Array, count: Array) -> Array:
    """Means of windows from their sums; the input's quantisation is the result's."""
    require_alike("avg_pool", call.inputs[0], call.inputs[0], call.outputs[0])
    result = call.outputs[0]
    return pool.average(total, count, bounds(clamp, result)).astype(result.dtype.numpy)


def reduce(call: Call, kind: str, x: Array, axes: tuple[int, ...]) -> Array:
    """A reduction over axes, without them."""
    given, result = call.inputs[0], call.outputs[0]
    if kind in ("max", "min"):
        return np.asarray(x.max(axis=axes) if kind == "max" else x.min(axis=axes))
    if kind == "prod":
        raise UnsupportedModel("reduce_prod has no integer arithmetic", help="keep it in float32")
    total = x.sum(axis=axes, dtype=np.int64)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    reduce_sum = pool.mean if kind == "mean" else pool.sum_
    dtype, mode = result.dtype.numpy, call.requantization
    return reduce_sum(total, count, pair(given), pair(result), dtype, mode)


def softmax(call: Call, beta: float, x: Array) -> Array:
    """Softmax over the last axis."""
    result = call.outputs[0]
    scale, _ = pair(call.inputs[0])
    if x.dtype == np.int16:
        return softmaxes.softmax_int16(x, scale, beta)
    if call.requantization == "fixed":
        constants = softmaxes.softmax_fixed_constants(scale, beta)
        return softmaxes.softmax_fixed(x, constants, pair(result), result.dtype.numpy)
    table = softmaxes.softmax_float_table(scale, beta)
    return softmaxes.softmax_float(x, table, *pair(result), result.dtype.numpy)


def resize_bilinear(call: Call, x: Array, size: tuple[int, int], coordinate: str) -> Array:
    """An 8-bit image resized."""
    if x.dtype.itemsize > 1:
        raise UnsupportedModel("resize_bilinear has no 16-bit arithmetic", help="use int8")
    return resize.bilinear(
        x,
        size,
        align_corners=coordinate == "align_corners",
        half_pixel=coordinate == "half_pixel",
        mode=call.requantization,
    )


def product(call: Call, a: Array, b: Array) -> Array:
    """Matrix products of two quantised tensors, one scale each."""
    first, second, result = call.inputs[0], call.inputs[1], call.outputs[0]
    (scale_a, zero_a), (scale_b, zero_b) = pair(first), pair(second)
    total = nx.matmul_int(a.astype(np.int64) - zero_a, b.astype(np.int64) - zero_b, np.int32)
    scale_out, zero = pair(result)
    limits, dtype = bounds(None, result), result.dtype.numpy
    if call.requantization == "float":
        scale = requantize.float_scale(scale_a, scale_b, scale_out)
        return requantize.requantize_float(total, scale, zero, limits, dtype)
    factor = requantize.fixed_scale(scale_a, scale_b, scale_out, narrow=True)
    return requantize.requantize_fixed(total, factor, zero, limits, dtype)
