"""The C of convolution, depthwise convolution and fully connected: packed weights and one call."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Node, Quant, TensorType, Value, upper
from edgewright.ops import (
    Array,
    Emit,
    Packing,
    conv_choice,
    half,
    half_winograd,
    lean,
    live_taps,
    packing,
    parallel,
    strassen,
    strips,
    winograd,
    winograd_q8,
)
from edgewright.ops.integer import requantize as rq
from edgewright.ops.integer.add import add_fixed_constants, add_short_constants
from edgewright.ops.integer.fixed_point import Multiplier
from edgewright.ops.linear import Clamp, Epilogue, clamp_of, is_narrow, quant_of

if TYPE_CHECKING:
    from edgewright.ops.conv import Conv
    from edgewright.ops.conv_transpose import ConvTranspose
    from edgewright.ops.depthwise_conv import DepthwiseConv
    from edgewright.ops.fully_connected import FullyConnected

#: EW_FEW_COLUMNS of kernels/fully_connected_few_q8.h, and the least depth where they pay.
FEW_COLUMNS, FEW_COLUMNS_DEPTH = 8, 128

_SUFFIX = {DType.FLOAT32: "f32", DType.INT8: "s8", DType.UINT8: "u8", DType.INT16: "s16"}


def suffix(value: Value) -> str:
    """The kernel variant of an element type."""
    return _SUFFIX[value.type.dtype]


def float_text(value: float) -> str:
    """A float32 constant in C."""
    if math.isinf(value):
        return "EW_INFINITY" if value > 0 else "-EW_INFINITY"
    return f"{np.float32(value)!s}f"


def mode_text(e: Emit) -> str:
    """The requantization mode as the kernels spell it."""
    return "EW_REQUANT_FLOAT" if e.requantization == "float" else "EW_REQUANT_FIXED"


def shape_text(e: Emit, op: Conv | ConvTranspose | DepthwiseConv, kernel: tuple[int, int],
               groups: int, form: conv_choice.Form = conv_choice.DEFAULT,
               line: int = 0) -> str:  # fmt: skip
    """A compound literal of `ew_conv_shape`."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    image = [f".batch = {e.dim(x, 0)}"]
    for stem, value in (("in", x), ("out", y)):
        sizes = zip("hwc", (1, 2, 3), strict=True)
        image += [f".{stem}_{name} = {e.dim(value, axis)}" for name, axis in sizes]
    window = []
    for stem, (height, width) in {"kernel": kernel, "stride": op.stride}.items():
        window += [f".{stem}_h = {height}", f".{stem}_w = {width}"]
    edge = [f".dilation_h = {op.dilation[0]}", f".dilation_w = {op.dilation[1]}"]
    edge += [f".pad_top = {e.size(op.pad[0][0])}"]  # a block's, known at run time
    edge += [f".pad_left = {op.pad[1][0]}", f".groups = {groups}"]
    chosen = {"block": form.block, "tile": form.tile, "share": form.share, "line": line}
    edge += [f".{name} = {value}" for name, value in chosen.items() if value]
    lines = [", ".join(part) for part in (image[:4], image[4:], window, edge)]
    return "(ew_conv_shape){" + ",\n        ".join(lines) + "}"


def _held(e: Emit, shape: str) -> str:
    """The address of a shape, in flash: literals take room on the stack, each of its own."""
    values = [value for value in (*e.inputs, *e.outputs) if value]
    if not all(value.type.is_static for value in values):
        return f"&{shape}"
    name = f"shape_{hashlib.sha256(shape.encode()).hexdigest()[:12]}"
    initialiser = shape.removeprefix("(ew_conv_shape)")
    e.define(name, f"static const ew_conv_shape {name} = {initialiser};")
    return f"&{name}"


def constant_data(value: Value | None) -> Array | None:
    """The elements of a constant operand. Raises UnsupportedModel when it is none."""
    if value is None:
        return None
    if value.data is None:
        raise UnsupportedModel(
            f"{value} is a weight or bias that is computed at run time",
            help="freeze the weights when exporting the model",
        )
    return value.data


def weight_data(e: Emit) -> Array:
    """The weight's elements."""
    data = constant_data(e.inputs[1])
    assert data is not None
    return data


# -- 8 bits -----------------------------------------------------------------------------------


def _factor(e: Emit, out: Quant, narrow: bool, channels: int) -> Array | Multiplier:
    """Per-channel scales (mode float) or multipliers (mode fixed)."""
    x, w = e.inputs[0], e.inputs[1]
    assert x is not None and w is not None
    scale_x = quant_of(x.type).scale[0]
    scale_w = np.array(quant_of(w.type).scale, np.float32)
    if e.requantization == "float" and x.type.dtype is not DType.INT16:
        scale = rq.float_scale(scale_x, scale_w, out.scale[0])
        return np.broadcast_to(scale, (channels,)).astype(np.float32)
    factor = rq.fixed_scale(scale_x, scale_w, out.scale[0], narrow)
    return Multiplier(*(np.broadcast_to(part, (channels,)) for part in factor))


def _residual(e: Emit, inner: Quant, clamp: Clamp | None) -> packing.Residual:
    """The numbers of the quantised sum with a residual."""
    skip, out = quant_of(_operand(e, 3)), quant_of(e.outputs[0].type)
    dtype = e.outputs[0].type.dtype.numpy
    bounds = rq.clamp_bounds(clamp, out.scale[0], out.zero[0], dtype)
    scales = inner.scale[0], skip.scale[0], out.scale[0]
    if e.requantization == "float":
        return packing.Residual(skip.zero[0], out.zero[0], bounds, add_short_constants(*scales))
    constants = add_fixed_constants(*scales, dtype)
    return packing.Residual(skip.zero[0], out.zero[0], bounds, constants)


def _operand(e: Emit, index: int) -> TensorType:
    value = e.inputs[index]
    assert value is not None
    return value.type


def _params(
    e: Emit, clamp: Clamp | None, inner: tuple[float, int] | None, x_sum_multiplier: int
) -> str:
    """The numbers of a layer that no channel has of its own."""
    x_zero = quant_of(_operand(e, 0)).zero[0]
    out = e.outputs[0].type
    if inner is None:
        y_zero, bounds, residual = quant_of(out).zero[0], Epilogue(clamp).bounds(out), None
    else:
        held = Quant.per_tensor(*inner)
        y_zero, bounds = held.zero[0], rq.bounds_of(out.dtype.numpy)
        residual = _residual(e, held, clamp)
    return e.weight(packing.pack_q8_params(x_zero, y_zero, bounds, x_sum_multiplier, residual))


def _inner_quant(e: Emit, inner: tuple[float, int] | None) -> Quant:
    return Quant.per_tensor(*inner) if inner else quant_of(e.outputs[0].type)


def _folded(e: Emit, dot: str) -> packing.Folded:
    x, w = _operand(e, 0), _operand(e, 1)
    bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
    zeros = quant_of(x).zero[0], quant_of(w).zero[0]
    return packing.fold_q8(weight_data(e), bias, zeros, x.dtype.numpy, dot)


def _weight_zero(e: Emit) -> int:
    """Whether row sums are needed: by the weight's type, so that retraining keeps the code."""
    w = _operand(e, 1)
    return int(w.dtype is DType.UINT8 or any(quant_of(w).zero))


def _line_q8(e: Emit, op: Conv) -> int:
    """Bytes for a line of an 8-bit window, or 0: kernels for x86 read windows from a copy."""
    x, w = _operand(e, 0), _operand(e, 1)
    if e.target.dot != "us" or x.dtype.bits != 8 or x.shape[0] != 1:
        return 0
    if op.groups != 1 or op.dilation[1] != 1:
        return 0
    _, height, width, channels = w.dims
    return packing.q8_line((height, width), channels)


def _linear_q8(e: Emit, clamp: Clamp | None, narrow: bool, groups: int,
               inner: tuple[float, int] | None, line: int = 0) -> list[str]:  # fmt: skip
    """The weight arguments of an 8-bit convolution or product."""
    folded, w = _folded(e, e.target.dot), weight_data(e)
    factor = _factor(e, _inner_quant(e, inner), narrow, w.shape[0])
    return [
        e.weight(packing.pack_q8(w, groups, line)),
        e.weight(packing.pack_q8_channels(folded.bias, factor, groups)),
        _params(e, clamp, inner, folded.x_sum_multiplier),
    ]


def _linear_lean(e: Emit, clamp: Clamp | None, narrow: bool, groups: int,
                 inner: tuple[float, int] | None) -> list[str]:  # fmt: skip
    """As `_linear_q8`, for the kernels of microcontrollers."""
    folded, w = _folded(e, "ss"), weight_data(e)
    factor = _factor(e, _inner_quant(e, inner), narrow, w.shape[0])
    return [
        e.weight(lean.pack_lean(w, e.target.lean_step, groups)),
        e.weight(lean.pack_lean_channels(folded.bias, factor, e.target.lean_step, groups)),
        _params(e, clamp, inner, folded.x_sum_multiplier),
    ]


def _linear_s16(e: Emit, clamp: Clamp | None, narrow: bool) -> list[str]:
    """The weight arguments of an int16 convolution or product."""
    w, out = weight_data(e), e.outputs[0].type
    bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
    total = np.zeros(w.shape[0], np.int64) if bias is None else bias.astype(np.int64)
    factor = _factor(e, quant_of(out), narrow, w.shape[0])
    assert isinstance(factor, Multiplier)
    bounds = np.array(Epilogue(clamp).bounds(out), np.int32)
    return [e.weight(w), e.weight(total), e.weight(packing.pack_s16_factors(factor, w.shape[0])),
            e.weight(bounds)]  # fmt: skip


# -- the three operators ----------------------------------------------------------------------


def emit_conv(e: Emit, op: Conv) -> None:
    """One call of `ew_conv_*`."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    w = weight_data(e)
    if half.multiplies(e.node):
        half.emit_product(e, shape_text(e, op, w.shape[1:3], op.groups), op.groups, op.clamp)
        return
    kind, skip = suffix(x), e.inputs[3] if len(e.inputs) > 3 else None
    form = conv_choice.form(e.node, op, e.target)
    line = _line_q8(e, op)
    shape = shape_text(e, op, w.shape[1:3], op.groups, form, line)
    if half.applies(e.node):
        if half_winograd.wins(e.node, op, e.target):
            half_winograd.emit(e, op, shape)
        else:
            half.emit_product(e, shape, op.groups, op.clamp)
        return
    narrow = is_narrow(x.type)
    if kind == "f32":
        bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
        packed, offsets = packing.pack_f32(w, bias, op.groups)
        kernel = "conv_live_f32" if form.live else "conv_f32"
        kernel = "conv_winograd_f32" if form.winograd else kernel
        kernel = "conv_strip_f32" if form.strip else kernel
        kernel = "conv_strassen_f32" if form.strassen else kernel
        packed = winograd.weights(w) if form.winograd else packed
        packed = strips.weights(w) if form.strip else packed
        packed = strassen.weights(w) if form.strassen else packed
        lo, hi = map(float_text, clamp_of(op.clamp))
        if parallel.applies(e.node, op, e.target):
            memory = parallel.Memory(e.ptr(x), e.weight(packed), e.weight(offsets), e.ptr(y),
                                     skip=e.ptr(skip))  # fmt: skip
            parallel.emit(e, kernel, [shape, lo, hi], memory)
            return
        e.header(f"{kernel}.h")
        e.call(f"ew_{kernel}", shape, e.ptr(x), e.weight(packed), e.weight(offsets), e.ptr(skip),
               lo, hi, e.ptr(y), e.scratch())  # fmt: skip
    elif kind == "s16":
        e.header("conv_s16.h")
        e.call("ew_conv_s16", shape, e.ptr(x), *_linear_s16(e, op.clamp, narrow), e.ptr(y))
    elif lean.applies(e.target, x):
        e.header("conv_lean.h")
        args = _linear_lean(e, op.clamp, narrow, op.groups, op.inner)
        e.call("ew_conv_lean", _held(e, shape), f"ew_lean_{lean.mode(e)}", lean.flip(x),
               _weight_zero(e), e.ptr(x), *args, e.ptr(skip), e.ptr(y), e.scratch())  # fmt: skip
    elif form.winograd:
        _emit_winograd_q8(e, op, shape, narrow)
    else:
        args = _linear_q8(e, op.clamp, narrow, op.groups, op.inner, line)
        if parallel.applies(e.node, op, e.target):
            _emit_chunks_q8(e, shape, mode_text(e), args, skip)
            return
        e.header("conv_q8.h")
        e.call(f"ew_conv_{kind}", shape, mode_text(e), _weight_zero(e), e.ptr(x), *args,
               e.ptr(skip), e.ptr(y), e.scratch())  # fmt: skip


def _emit_winograd_q8(e: Emit, op: Conv, shape: str, narrow: bool) -> None:
    """An 8-bit convolution in Winograd's form: sums of int8 activations, whatever the target's."""
    x, w = e.inputs[0], weight_data(e)
    assert x is not None
    skip = e.inputs[3] if len(e.inputs) > 3 else None
    factor = _factor(e, _inner_quant(e, op.inner), narrow, w.shape[0])
    args = [
        e.weight(winograd_q8.weights(w)),
        e.weight(packing.pack_q8_channels(_folded(e, "ss").bias, factor)),
        _params(e, op.clamp, op.inner, 0),
    ]
    if parallel.applies(e.node, op, e.target):
        _emit_chunks_q8(e, shape, mode_text(e), args, skip, "conv_winograd_q8")
        return
    e.header("conv_winograd_q8.h")
    e.call(f"ew_conv_winograd_{suffix(x)}", shape, mode_text(e), e.ptr(x), *args, e.ptr(skip),
           e.ptr(e.outputs[0]), e.scratch())  # fmt: skip


def emit_depthwise(e: Emit, op: DepthwiseConv) -> None:
    """One call of `ew_depthwise_*`."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    w, kind = weight_data(e), suffix(x)
    bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
    form = conv_choice.depthwise_form(e.node, op, e.target)
    shape = shape_text(e, op, w.shape[:2], w.shape[2], form)
    narrow = is_narrow(x.type)
    if kind == "f32":
        packed, offsets = packing.pack_depthwise_f32(w, bias)
        lo, hi = map(float_text, clamp_of(op.clamp))
        if parallel.applies(e.node, op, e.target):
            memory = parallel.Memory(e.ptr(x), e.weight(packed), e.weight(offsets), e.ptr(y))
            parallel.emit(e, "depthwise_f32", [shape, lo, hi], memory)
            return
        e.header("depthwise_f32.h")
        e.call("ew_depthwise_f32", shape, e.ptr(x), e.weight(packed), e.weight(offsets), lo, hi,
               e.ptr(y), e.scratch())  # fmt: skip
    elif kind == "s16":
        _emit_depthwise_s16(e, op, w)
    elif lean.applies(e.target, x):
        _emit_depthwise_lean(e, op, w, shape)
    else:
        zeros = quant_of(x.type).zero[0], quant_of(_operand(e, 1)).zero[0]
        packed8, folded = packing.pack_depthwise_q8(w, bias, zeros)
        factor = _factor(e, quant_of(y.type), narrow, w.shape[2])
        args = [e.weight(packed8), e.weight(packing.pack_q8_channels(folded, factor)),
                _params(e, op.clamp, None, 0)]  # fmt: skip
        if parallel.applies(e.node, op, e.target):
            memory = parallel.Memory(e.ptr(x), args[0], args[1], e.ptr(y), params=args[2])
            constants = [shape, mode_text(e)]
            parallel.emit(e, "depthwise_q8", constants, memory, kernel=f"depthwise_{kind}")
            return
        e.header("depthwise_q8.h")
        e.call(f"ew_depthwise_{kind}", shape, mode_text(e), e.ptr(x), *args, e.ptr(y),
               e.scratch())  # fmt: skip


def _emit_depthwise_s16(e: Emit, op: DepthwiseConv, w: Array) -> None:
    """A grouped int16 convolution whose groups are the channels."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    channels = x.type.dims[3]
    bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
    total = np.zeros(w.shape[2], np.int64) if bias is None else bias.astype(np.int64)
    factor = _factor(e, quant_of(y.type), False, w.shape[2])
    assert isinstance(factor, Multiplier)
    e.header("conv_s16.h")
    e.call("ew_conv_s16", shape_text(e, op, w.shape[:2], channels), e.ptr(x),
           e.weight(np.ascontiguousarray(np.moveaxis(w, 2, 0))), e.weight(total),
           e.weight(packing.pack_s16_factors(factor, w.shape[2])),
           e.weight(np.array(Epilogue(op.clamp).bounds(y.type), np.int32)), e.ptr(y))  # fmt: skip


def _emit_depthwise_lean(e: Emit, op: DepthwiseConv, w: Array, shape: str) -> None:
    """One call of `ew_depthwise_lean`."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
    seen = packing.stored_offset(x.type.dtype.numpy, "ss")
    zeros = quant_of(x.type).zero[0] + seen, quant_of(_operand(e, 1)).zero[0]
    packed, folded = lean.pack_depthwise_lean(w, bias, zeros, e.target.lean_step)
    factor = _factor(e, quant_of(y.type), is_narrow(x.type), w.shape[2])
    channels = lean.pack_lean_channels(folded, factor, e.target.lean_step)
    e.header("depthwise_lean.h")
    e.call("ew_depthwise_lean", _held(e, shape), f"ew_lean_{lean.mode(e)}", lean.flip(x),
           e.ptr(x), e.weight(packed), e.weight(channels),
           _params(e, op.clamp, None, 0), e.ptr(y), e.scratch())  # fmt: skip


def emit_fully_connected(e: Emit, op: FullyConnected) -> None:
    """One call of `ew_fully_connected_*`."""
    x, y = e.inputs[0], e.outputs[0]
    assert x is not None
    w = weight_data(e)
    columns, depth = w.shape
    rows = f"{e.count(y)} / {columns}" if not y.type.is_static else str(y.type.count // columns)
    sizes = [rows, str(depth), str(columns)]
    if half.applies(e.node):
        half.emit_product(e, _matrix_text(sizes), 1, op.clamp)
        return
    kind = suffix(x)
    if kind == "f32":
        bias = constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
        packed, offsets = packing.pack_f32(w, bias)
        lo, hi = map(float_text, clamp_of(op.clamp))
        form = conv_choice.product_form(e.node, e.target)
        packed = strassen.weights(w) if form.strassen else packed
        if parallel.applies(e.node, op, e.target):
            memory = parallel.Memory(e.ptr(x), e.weight(packed), e.weight(offsets), e.ptr(y))
            header = "conv_strassen_f32" if form.strassen else "conv_f32"
            parallel.emit(e, header, [_matrix_text(sizes), lo, hi], memory)
            return
        if form.strassen:
            e.header("conv_strassen_f32.h")
            e.call("ew_conv_strassen_f32", _matrix_text(sizes), e.ptr(x), e.weight(packed),
                   e.weight(offsets), "NULL", lo, hi, e.ptr(y), e.scratch())  # fmt: skip
            return
        e.header("fully_connected_f32.h")
        e.call("ew_fully_connected_f32", *sizes, e.ptr(x), e.weight(packed), e.weight(offsets),
               "NULL", lo, hi, e.ptr(y), e.scratch())  # fmt: skip
    elif kind == "s16":
        e.header("conv_s16.h")
        args = _linear_s16(e, op.clamp, False)
        e.call("ew_fully_connected_s16", *sizes, e.ptr(x), *args, e.ptr(y))
    elif lean.applies(e.target, x):
        e.header("conv_lean.h")
        args = _linear_lean(e, op.clamp, False, 1, None)
        e.call("ew_fully_connected_lean", *sizes, f"ew_lean_{lean.mode(e, once=True)}",
               lean.flip(x), _weight_zero(e), e.ptr(x), *args, e.ptr(y), e.scratch())  # fmt: skip
    elif _has_few_columns(e.node, e.target):
        _emit_few_q8(e, op)
    else:
        args = _linear_q8(e, op.clamp, False, 1, None)
        mode = "EW_REQUANT_FLOAT" if e.requantization == "float" else "EW_REQUANT_ONCE"
        if parallel.applies(e.node, op, e.target):
            _emit_chunks_q8(e, _matrix_text(sizes), mode, args, None)
            return
        e.header("fully_connected_q8.h")
        e.call(f"ew_fully_connected_{kind}", *sizes, mode, _weight_zero(e), e.ptr(x),
               *args, "NULL", e.ptr(y), e.scratch())  # fmt: skip


def _has_few_columns(node: Node, target: Packing) -> bool:
    """Whether most of a block of 16 columns of an 8-bit product would be zeros, for one row.

    Depth: below it, the sums of lanes take as long as the products that are saved.
    """
    x, w, y = node.input(0).type, node.input(1).type, node.output.type
    columns, depth = w.dims
    if target.dot != "us" or x.dtype.itemsize > 1 or not y.is_static or upper(y.count) > columns:
        return False
    has_zero = w.dtype is DType.UINT8 or any(quant_of(w).zero)  # as _weight_zero
    return not has_zero and columns <= FEW_COLUMNS and depth >= FEW_COLUMNS_DEPTH


def _emit_few_q8(e: Emit, op: FullyConnected) -> None:
    """One call of `ew_fully_connected_few_*`."""
    x, w = e.inputs[0], weight_data(e)
    assert x is not None
    columns, depth = w.shape
    factor = _factor(e, quant_of(e.outputs[0].type), False, columns)
    mode = "EW_REQUANT_FLOAT" if e.requantization == "float" else "EW_REQUANT_ONCE"
    channels = packing.pack_q8_channels(_folded(e, e.target.dot).bias, factor)
    e.header("fully_connected_few_q8.h")
    e.call(f"ew_fully_connected_few_{suffix(x)}", depth, columns, mode, e.ptr(x),
           e.weight(packing.pack_few_q8(w)), e.weight(channels), _params(e, op.clamp, None, 0),
           e.ptr(e.outputs[0]))  # fmt: skip


def _matrix_text(sizes: list[str]) -> str:
    """The shape of a product of matrices, as an initialiser."""
    return f"ew_matrix_shape({', '.join(sizes)})"


def _emit_chunks_q8(e: Emit, shape: str, mode: str, args: list[str], skip: Value | None,
                    header: str = "conv_q8") -> None:  # fmt: skip
    """An 8-bit convolution or product in chunks; `args` are those of `_linear_q8`."""
    x = e.inputs[0]
    assert x is not None
    signed = int(x.type.dtype is DType.INT8)
    variant = f"ew_q8_variant_of({signed}, {mode}, {_weight_zero(e)}, {int(skip is not None)})"
    memory = parallel.Memory(e.ptr(x), args[0], args[1], e.ptr(e.outputs[0]), params=args[2],
                             skip=e.ptr(skip))  # fmt: skip
    parallel.emit(e, header, [shape, variant], memory)


# -- scratch ----------------------------------------------------------------------------------


def _element_bytes(node: Node) -> int:
    return node.input(0).type.dtype.itemsize


def conv_scratch(node: Node, op: Conv, target: Packing) -> int:
    """Bytes of scratch of a convolution."""
    if half.applies(node):
        if not half.multiplies(node) and half_winograd.wins(node, op, target):
            return half_winograd.scratch_bytes(node, op)
        return half.conv_scratch(node, target)
    _, kh, kw, channels = node.input(1).type.dims
    if node.input(0).type.dtype is DType.INT16:
        return 0
    form = conv_choice.form(node, op, target)
    if form.winograd and winograd_q8.fits(node, op, target):
        return parallel.scratch(node, op, target, winograd_q8.scratch_bytes(node, form.block))
    if form.winograd:
        return parallel.scratch(node, op, target, winograd.scratch_bytes(node, op, form.block))
    if form.strip:
        return parallel.scratch(node, op, target, strips.scratch_bytes(node))
    if form.strassen:
        return parallel.scratch(node, op, target, strassen.scratch_bytes(node))
    if form.live:
        return parallel.scratch(node, op, target, live_taps.scratch_bytes(node, target))
    batch, height, width, _ = node.output.type.shape
    pixels = upper(batch * height * width)
    if lean.applies(target, node.input(0)):
        gathers = (kh, kw, *op.stride) != (1, 1, 1, 1) or op.pad != ((0, 0), (0, 0))
        return lean.conv_scratch_bytes(kh * kw * channels, target.lean_step, pixels, gathers)
    needed = packing.conv_scratch_bytes(
        (kh, kw), channels, _element_bytes(node), target.pointer_bytes, pixels
    )
    return parallel.scratch(node, op, target, needed + _copies_q8(node, op, target))


def _copies_q8(node: Node, op: Conv, target: Packing) -> int:
    """Bytes that 8-bit kernels for large caches copy their input to."""
    if target.dot != "us" or _element_bytes(node) != 1:
        return 0
    outputs, kh, kw, channels = node.input(1).type.dims
    batch, *size = (upper(each) for each in node.output.type.shape[:3])
    image = packing.q8_image_bytes((kh, kw), op.stride, op.dilation, (size[0], size[1]),
                                   channels * op.groups, target.pointer_bytes)  # fmt: skip
    return image + packing.q8_rows_bytes(
        kh * kw * channels, outputs // op.groups, batch * math.prod(size)
    )


def depthwise_scratch(node: Node, op: DepthwiseConv, target: Packing) -> int:
    """Bytes of scratch of a depthwise convolution."""
    x = node.input(0).type
    if x.dtype is DType.INT16:
        return 0
    kh, kw, outputs = node.input(1).type.dims
    if lean.applies(target, node.input(0)):
        width = upper(node.output.type.shape[2])
        columns = (width - 1) * op.stride[1] + (kw - 1) * op.dilation[1] + 1
        return lean.depthwise_scratch_bytes((kh, kw), op.dilation, columns, outputs, target)
    channels = x.shape[3]
    assert isinstance(channels, int)
    needed = packing.depthwise_scratch_bytes((kh, kw), channels, _element_bytes(node),
                                             target.pointer_bytes)  # fmt: skip
    if target.dot == "us" and _element_bytes(node) == 1 and channels == outputs:
        columns = upper(node.output.type.shape[2])
        needed += packing.depthwise_lines_bytes((kh, kw), op.stride[1], op.dilation, columns,
                                                channels)  # fmt: skip
    return parallel.scratch(node, op, target, needed)


def fully_connected_scratch(node: Node, op: FullyConnected, target: Packing) -> int:
    """Bytes of scratch of a fully connected layer."""
    if half.applies(node):
        return half.product_scratch(node, target)
    if node.input(0).type.dtype is DType.INT16:
        return 0
    if conv_choice.product_form(node, target).strassen:
        return parallel.scratch(node, op, target, strassen.scratch_bytes(node))
    columns, depth = node.input(1).type.dims
    rows = upper(node.output.type.count) // columns
    if lean.applies(target, node.input(0)):
        return lean.conv_scratch_bytes(depth, target.lean_step, rows, False, False)
    if _has_few_columns(node, target):
        return 0
    needed = packing.conv_scratch_bytes(
        (1, 1), depth, _element_bytes(node), target.pointer_bytes, rows
    )
    if target.dot == "us" and _element_bytes(node) == 1:
        needed += packing.q8_rows_bytes(depth, columns, rows)
    return parallel.scratch(node, op, target, needed)
