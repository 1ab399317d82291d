"""The C of quantised operators: trained numbers packed as the kernels read them, and calls."""

from __future__ import annotations

import numpy as np

from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, TensorType, Value
from edgewright.ops import Array, quantised
from edgewright.ops.broadcast import emit_loops
from edgewright.ops.emit import Emit
from edgewright.ops.integer import activations, convert, fixed_point, pool, requantize
from edgewright.ops.integer import add as sums
from edgewright.ops.integer import mul as products
from edgewright.ops.integer import softmax as softmaxes
from edgewright.ops.integer import squared_difference as squares
from edgewright.ops.quantised import Clamp, Function, bounds, pair, suffix

Factor = tuple[int, int]
NONE: Factor = (0, 0)


def bits_of(value: float | np.floating) -> int:
    """A float32 as the int32 with the same bits: arrays of numbers hold both kinds."""
    return int(np.float32(value).view(np.int32))


def factor_of(multiplier: fixed_point.Multiplier) -> Factor:
    """Multiplier and shift as plain numbers."""
    return int(multiplier.value), int(multiplier.shift)


def mode_of(e: Emit, type: TensorType) -> str:
    """The kernels' name of the requantization mode; 16-bit tensors are always `fixed`."""
    is_float = e.requantization == "float" and type.dtype is not DType.INT16
    return "EW_REQUANT_FLOAT" if is_float else "EW_REQUANT_FIXED"


# -- one operand -----------------------------------------------------------------------------------


def emit_function(e: Emit, name: str, attributes: dict[str, float], table: Function) -> None:
    """A function of one operand: a table for 8 bits (`table` maps codes to codes), else slopes."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    e.header("elementwise_q.h")
    if x.type.dtype is DType.INT16:
        numbers = e.weight(_slopes(name, attributes, x.type, y.type))
        e.call("ew_slopes_s16", e.ptr(x), numbers, e.ptr(y), e.count(y))
        return
    suffix(x.type)
    emit_table(e, x, table(quantised.every_code(x.type)))


def emit_table(e: Emit, x: Value, entries: Array) -> None:
    """Any function of one 8-bit operand, by its 256 results in the order of the codes' bits."""
    e.header("elementwise_q.h")
    y = e.outputs[0]
    e.call("ew_table_8", e.ptr(x), e.weight(entries), e.ptr(y), e.count(y))


def _slopes(name: str, attributes: dict[str, float], x: TensorType, y: TensorType) -> Array:
    """The numbers of ew_slopes_s16: `clip` and `leaky_relu` on int16."""
    before, after = pair(x), pair(y)
    above = np.float32(before[0]) / np.float32(after[0])
    limits: Clamp | None = None
    below = above
    if name == "clip":
        limits = (attributes["lo"], attributes["hi"])
    elif name == "leaky_relu":
        below = np.float32(before[0]) * np.float32(attributes["alpha"]) / np.float32(after[0])
    else:
        raise UnsupportedModel(f"{name} has no 16-bit arithmetic", help="keep it in float32")
    factors = [factor_of(activations._signed(float(ratio))) for ratio in (above, below)]
    numbers = [before[1], after[1], *bounds(limits, y), *factors[0], *factors[1]]
    return np.array(numbers, np.int32)


def emit_quantize(e: Emit) -> None:
    """Real numbers to integers, or one quantisation to another."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    scale, zero = pair(y.type)
    if x.type.quant is not None:
        _emit_requantize(e, x, y)
        return
    inverse = np.float32(1.0) / np.float32(scale)
    is_float = e.requantization == "float"
    held = inverse if is_float else np.float32(scale)
    low, high = requantize.bounds_of(y.type.dtype.numpy)
    e.header("quantize.h")
    numbers = e.weight(np.array([bits_of(held), zero, low, high], np.int32))
    mode = "EW_REQUANT_FLOAT" if is_float else "EW_REQUANT_FIXED"
    e.call(f"ew_quantize_{suffix(y.type)}", e.ptr(x), e.ptr(y), e.count(y), numbers, mode)


def _emit_requantize(e: Emit, x: Value, y: Value) -> None:
    before, after, dtype = pair(x.type), pair(y.type), y.type.dtype.numpy
    names = _from_suffix(x.type), suffix(y.type)
    if x.type.dtype.bits == y.type.dtype.bits == 8:
        codes = quantised.every_code(x.type)
        table = convert.requantize(codes, before, after, dtype, e.requantization)
        emit_table(e, x, table)
        return
    exact = float(np.float32(before[0])) / float(np.float32(after[0]))
    factor = factor_of(fixed_point.quantize_multiplier(exact))
    numbers = np.array([before[1], after[1], *requantize.bounds_of(dtype), *factor], np.int32)
    e.header("quantize.h")
    name = f"ew_requantize_{names[0]}_{names[1]}"
    e.call(name, e.ptr(x), e.ptr(y), e.count(y), e.weight(numbers))


def _from_suffix(type: TensorType) -> str:
    """As `suffix`; accumulators (int32) may be left, never entered."""
    return "s32" if type.dtype is DType.INT32 else suffix(type)


def emit_dequantize(e: Emit) -> None:
    """Integers to real numbers: one row per scale."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    quant = quantised.quant_of(x.type)
    name = _from_suffix(x.type)
    e.header("quantize.h")
    scales = e.weight(np.array(quant.scale, np.float32))
    zeros = e.weight(np.array(quant.zero, np.int32))
    if quant.axis is None:
        count = e.count(y)
        e.call(f"ew_dequantize_{name}", e.ptr(x), e.ptr(y), count, f"*{scales}", f"*{zeros}")
        return
    axis = quant.axis % x.type.rank
    rows = e.size(y.type.with_shape(*y.type.shape[:axis]).count)
    inner = e.size(y.type.with_shape(*y.type.shape[axis + 1 :]).count)
    i, k = e.unique("i"), e.unique("k")
    channels = e.dim(y, axis)
    at = f"({i} * {channels} + {k}) * {inner}"
    e.line(f"for (int {i} = 0; {i} < {rows}; ++{i})")
    e.line(f"  for (int {k} = 0; {k} < {channels}; ++{k})")
    operands = (f"{e.ptr(x)} + {at}", f"{e.ptr(y)} + {at}", inner)
    e.call(f"    ew_dequantize_{name}", *operands, f"{scales}[{k}]", f"{zeros}[{k}]")


# -- two operands ----------------------------------------------------------------------------------


def pack_pair(
    zeros: list[int],
    limits: tuple[int, int],
    left: int = 0,
    a: Factor = NONE,
    b: Factor = NONE,
    y: Factor = NONE,
) -> Array:
    """`ew_q_pair` of elementwise_q.h."""
    return np.array([*zeros, *limits, left, *a, *b, *y], np.int32)


def emit_binary(e: Emit, name: str, clamp: Clamp | None) -> None:
    """A function of two quantised operands."""
    first, second = e.inputs[0], e.inputs[1]
    assert first is not None and second is not None
    result = e.outputs[0]
    function, numbers = _binary_kernel(e, name, clamp, first.type, second.type)
    held, c = suffix(first.type), first.type.dtype.c
    e.header("elementwise_q.h")
    stored = e.weight(numbers)

    def inner(kind: str, operands: list[str], to: str, count: str) -> None:
        kernel = f"{function}_{held}_{kind}"
        reads = ", ".join(f"EW_{letter.upper()}_Q" for letter in kind)
        e.define(kernel, f"EW_BINARY_Q({kernel}, {held}, {c}, {reads}, {function})")
        e.call(kernel, *operands, to, count, stored)

    emit_loops(e, (first, second), result, inner)


def _binary_kernel(
    e: Emit, name: str, clamp: Clamp | None, a: TensorType, b: TensorType
) -> tuple[str, Array]:
    """The function of elementwise_q.h and its numbers."""
    y = e.outputs[0].type
    quants = [pair(a), pair(b), pair(y)]
    scales, zeros = [q[0] for q in quants], [q[1] for q in quants]
    limits, short = bounds(clamp, y), mode_of(e, y) == "EW_REQUANT_FLOAT"
    if name in ("add", "sub"):
        return _sum_kernel(name == "sub", short, scales, zeros, limits, y)
    if name == "mul" and short:
        scale = requantize.float_scale(*scales)
        return "ew_q_mul_float", pack_pair(zeros, limits, y=(bits_of(np.float32(scale)), 0))
    if name == "mul":
        factor = factor_of(products.mul_fixed_constant(scales[0], scales[1], scales[2]))
        return "ew_q_mul_fixed", pack_pair(zeros, limits, y=factor)
    if name == "squared_difference":
        return "ew_q_squared_difference", _square_numbers(scales, zeros, limits)
    if name == "prelu":
        return "ew_q_prelu", pack_pair(zeros, limits, 0, *quantised.prelu_factors(scales))
    raise UnsupportedModel(
        f"{name} of {a} and {b} has no integer kernel", help="keep it in float32"
    )


def _sum_kernel(
    subtract: bool,
    short: bool,
    scales: list[float],
    zeros: list[int],
    limits: tuple[int, int],
    y: TensorType,
) -> tuple[str, Array]:
    if short:
        k = sums.add_short_constants(scales[0], scales[1], scales[2], subtract)
        numbers = pack_pair(zeros, limits, 0, (k.first, 0), (k.second, 0), (0, k.shift))
        return "ew_q_add_short", numbers
    fixed = sums.add_fixed_constants(scales[0], scales[1], scales[2], y.dtype.numpy)
    factors = (factor_of(f) for f in (fixed.first, fixed.second, fixed.output))
    function = "ew_q_sub_fixed" if subtract else "ew_q_add_fixed"
    return function, pack_pair(zeros, limits, fixed.left_shift, *factors)


def _square_numbers(scales: list[float], zeros: list[int], limits: tuple[int, int]) -> Array:
    left = squares.LEFT_SHIFT
    scale_a, scale_b, scale_out = (float(np.float32(s)) for s in scales)
    twice = 2.0 * max(scale_a, scale_b)
    reals = (scale_a / twice, scale_b / twice, twice * twice / (2.0 ** (2 * left) * scale_out))
    factors = (factor_of(fixed_point.quantize_multiplier(real)) for real in reals)
    return pack_pair(zeros, limits, left, *factors)


# -- reductions and softmax ------------------------------------------------------------------------


def reduce_numbers(e: Emit, kind: str, count: int) -> tuple[Array, str]:
    """What ew_reduce_sum reads for a sum or a mean of `count` values, and the mode."""
    x, y = e.inputs[0], e.outputs[0].type
    assert x is not None
    (scale_in, zero_in), (scale_out, zero) = pair(x.type), pair(y)
    limits, mean = requantize.bounds_of(y.dtype.numpy), kind == "mean"
    if mode_of(e, y) == "EW_REQUANT_FLOAT" or (not mean and e.requantization == "float"):
        divisor = np.float32(scale_out) * np.float32(count) if mean else scale_out
        scale = np.float32(requantize.float_scale(scale_in, 1.0, divisor))
        numbers = [count * zero_in, zero, *limits, bits_of(scale), 0]
        return np.array(numbers, np.int32), "EW_REQUANT_FLOAT"
    if mean:
        factor = factor_of(pool.mean_constant(scale_in, scale_out, count))
    else:
        ratio = float(np.float32(scale_in)) / float(np.float32(scale_out))
        factor = factor_of(fixed_point.quantize_multiplier(ratio))
    numbers = [count * zero_in, zero, *limits, *factor]
    return np.array(numbers, np.int32), "EW_REQUANT_FIXED"


def emit_softmax(e: Emit, beta: float, rows: str, columns: str) -> None:
    """Softmax of quantised rows: 8-bit ones by a table of the powers of all differences."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    e.header("softmax_q.h")
    if x.type.dtype is DType.INT16 and y.type.dtype is DType.INT16:
        points, inverses, factor = softmaxes.softmax_int16_constants(pair(x.type)[0], beta)
        numbers = np.array(factor_of(factor), np.int32)
        tables = [e.weight(array) for array in (points, inverses, numbers)]
        e.call("ew_softmax_s16", e.ptr(x), e.ptr(y), rows, columns, *tables)
        return
    if x.type.dtype.bits != 8 or x.type.dtype is not y.type.dtype:
        raise UnsupportedModel(f"softmax from {x.type} to {y.type} has no kernel", help="use int8")
    scale, _ = pair(x.type)
    scale_out, zero = pair(y.type)
    low, high = requantize.bounds_of(y.type.dtype.numpy)
    operands = [e.ptr(x), e.ptr(y), rows, columns]
    if e.requantization == "float":
        table = softmaxes.softmax_float_table(scale, beta)
        numbers = np.array([bits_of(scale_out), zero, low, high], np.int32)
        name = f"ew_softmax_float_{suffix(x.type)}"
    else:
        table = _fixed_powers(scale, beta)
        numbers = np.array([zero, low, high, *softmaxes.result_units(scale_out)], np.int32)
        name = f"ew_softmax_fixed_{suffix(x.type)}"
    e.call(name, *operands, e.weight(table), e.weight(numbers))


def _fixed_powers(scale: float, beta: float) -> Array:
    """The powers of all 256 differences in Q0; 0 for those that count as nothing."""
    constants = softmaxes.softmax_fixed_constants(scale, beta)
    difference = -np.arange(256, dtype=np.int64)
    counted = difference >= constants.lowest
    powers = softmaxes.exponentials(np.where(counted, difference, 0), constants)
    return np.where(counted, powers, 0).astype(np.int32)


def pool_limits(x: TensorType, y: TensorType, clamp: Clamp | None) -> Array:
    """lo, hi and the zero point, for pooling."""
    return np.array([*bounds(clamp, y if y.quant else x), pair(x)[1]], np.int32)


def product_numbers(e: Emit) -> Array:
    """What ew_matmul_* of matmul_q.h read."""
    a, b = e.inputs[0], e.inputs[1]
    assert a is not None and b is not None
    quants = [pair(a.type), pair(b.type), pair(e.outputs[0].type)]
    scales, limits = [q[0] for q in quants], bounds(None, e.outputs[0].type)
    if e.requantization == "float":
        factor = (bits_of(np.float32(requantize.float_scale(*scales))), 0)
    else:
        product = requantize.fixed_scale(scales[0], scales[1], scales[2], narrow=True)
        factor = factor_of(product)
    return np.array([*(q[1] for q in quants), *limits, *factor], np.int32)
