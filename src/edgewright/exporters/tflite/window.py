"""Convolutions and pools: CONV_2D, DEPTHWISE_CONV_2D, AVERAGE_POOL_2D, MAX_POOL_2D."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.graph import Array, DType, Quant, TensorType, Value, upper

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
SAME, VALID = 0, 1
NONE: Pads = ((0, 0), (0, 0))


def same_pads(x: TensorType, kernel: Pair, stride: Pair, dilation: Pair) -> Pads | None:
    """The padding that SAME means, if it can be told before run time."""
    pads: list[Pair] = []
    for size, k, s, d in zip(x.shape[1:3], kernel, stride, dilation, strict=True):
        extent = d * (k - 1) + 1
        if isinstance(size, int):
            total = max((-(-size // s) - 1) * s + extent - size, 0)
        elif s == 1:
            total = extent - 1
        else:
            return None
        pads.append((total // 2, total - total // 2))
    return pads[0], pads[1]


def padded(
    node: ExportedNode, x: Tensor, kernel: Pair, fill: float | None = 0.0
) -> tuple[Tensor, int]:
    """x with what padding has no name for made explicit, and the padding to state.

    `fill` is what an explicit padding holds; None where it must not be explicit.
    """
    pad: Pads = node.attrs.pad
    if pad == NONE:
        return x, VALID
    if pad == same_pads(x.type, kernel, node.attrs.stride, node.attrs.dilation):
        return x, SAME
    assert fill is not None
    return explicit(node, x, pad, fill), VALID


def explicit(node: ExportedNode, x: Tensor, pad: Pads, fill: float) -> Tensor:
    """x with a border of one value."""
    pads = [(0, 0), *pad, (0, 0)]
    shape = [size + a + b for size, (a, b) in zip(x.type.shape, pads, strict=True)]
    wide = node.like(x, *shape, what="pad")
    amounts = node.ints(pads, "pads")
    if fill == 0.0:
        return node.add("PAD", [x, amounts], wide)
    return node.add("PADV2", [x, amounts, node.number(fill, x.type)], wide)


def window_options(node: ExportedNode, padding: int) -> dict[str, Any]:
    """Padding, strides and dilations as options."""
    (stride_h, stride_w), (dilation_h, dilation_w) = node.attrs.stride, node.attrs.dilation
    return {
        "padding": padding, "stride_h": stride_h, "stride_w": stride_w,
        "dilation_h_factor": dilation_h, "dilation_w_factor": dilation_w,
    }  # fmt: skip


def bias_of(node: ExportedNode, x: Tensor, w: Tensor, value: Value | None) -> Tensor | None:
    """The bias; quantised ones are in units of the products."""
    if value is None:
        return None
    node.require(value.data is not None, "the bias is computed at run time")
    qx, qw = x.type.quant, w.type.quant
    if qx is None or qw is None or x.type.dtype.is_float:
        return node.scope.tensor(value)
    scales = np.float32(qx.scale[0]) * np.array(qw.scale, np.float32)
    quant = Quant(tuple(map(float, scales)), (0,) * scales.size, 0 if scales.size > 1 else None)
    assert value.data is not None
    return node.scope.constant(value.name, value.data, quant)


def given_bias(node: ExportedNode, x: Tensor, w: Tensor, index: int = 2) -> list[Tensor]:
    """The bias as a list of operands: none or one."""
    bias = bias_of(node, x, w, node.optional_value(index))
    return [] if bias is None else [bias]


def zero_bias(node: ExportedNode, x: Tensor, w: Tensor) -> Tensor:
    """A bias of nothing: kernels insist on one, or crash without."""
    dtype = {DType.FLOAT32: np.float32, DType.INT16: np.int64}.get(x.type.dtype, np.int32)
    count = w.type.dims[3 if node.node.op == "depthwise_conv" else 0]
    return node.scope.shared("zero_bias", np.zeros(count, dtype))


@rule("conv")
def conv(node: ExportedNode) -> None:
    """CONV_2D, with an ADD behind it where a residual was fused; fewer inputs mean groups."""
    value = node.value(1)
    data = node.data(1, "the weight")
    x = node.input(0)
    w = node.scope.weight(value.name, data, value.type.quant, 0)
    padding_of = (data.shape[1], data.shape[2])
    wide, padding = padded(node, x, padding_of)
    operands = [wide, w, *(given_bias(node, x, w) or [zero_bias(node, x, w)])]
    options = window_options(node, padding)
    skip = node.optional_value(3)
    if skip is None:
        node.add_clamped("CONV_2D", operands, node.output(), node.attrs.clamp, **options)
        return
    inner = node.type
    if node.attrs.inner is not None:
        inner = replace(inner, quant=Quant.per_tensor(*node.attrs.inner))
    total = node.temporary(inner)
    node.add_clamped("CONV_2D", operands, total, None, **options)
    scale = pot_scale(node, total)
    node.add_clamped(
        "ADD", [total, node.scope.tensor(skip)], node.output(), node.attrs.clamp, **scale
    )


def pot_scale(node: ExportedNode, x: Tensor) -> dict[str, bool]:
    """The option that int16 sums have scales that are no powers of two."""
    return {"pot_scale_int16": False} if x.type.dtype is DType.INT16 else {}


@rule("depthwise_conv")
def depthwise_conv(node: ExportedNode) -> None:
    """DEPTHWISE_CONV_2D; its weight has one axis more."""
    x, value = node.input(0), node.value(1)
    data = node.data(1, "the weight")
    quant = value.type.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=3)
    w = node.scope.weight(value.name, data[None], quant, 3)
    bias = given_bias(node, x, w) or [zero_bias(node, x, w)]
    _depthwise(node, x, w, bias, node.attrs.clamp)


def _depthwise(
    node: ExportedNode, x: Tensor, w: Tensor, bias: list[Tensor], clamp: tuple[float, float] | None
) -> None:
    _, height, width, outputs = w.type.dims
    wide, padding = padded(node, x, (height, width))
    options = window_options(node, padding)
    multiplier = outputs // upper(x.type.shape[3])
    node.add_clamped("DEPTHWISE_CONV_2D", [wide, w, *bias], node.output(), clamp,
                     depth_multiplier=multiplier, **options)  # fmt: skip


def _pool_options(node: ExportedNode, padding: int) -> dict[str, Any]:
    options = window_options(node, padding)
    del options["dilation_h_factor"], options["dilation_w_factor"]
    height, width = node.attrs.kernel
    return {**options, "filter_height": height, "filter_width": width}


@rule("max_pool")
def max_pool(node: ExportedNode) -> None:
    """MAX_POOL_2D; with dilation, the largest of one slice per place in the window."""
    x = node.input(0)
    lowest = 0.0 if _is_positive(node.value(0)) else -math.inf
    if lowest and x.type.dtype.is_float:
        lowest = float(np.finfo(np.float32).min)
    if node.attrs.dilation != (1, 1):
        _largest_of_slices(node, explicit(node, x, node.attrs.pad, lowest))
        return
    wide, padding = padded(node, x, node.attrs.kernel, lowest)
    options = _pool_options(node, padding)
    node.add_clamped("MAX_POOL_2D", [wide], node.output(), node.attrs.clamp, **options)


def _is_positive(x: Value) -> bool:
    """Whether nothing in x is below zero, so that zeros never win a maximum unfairly."""
    made = x.producer
    if made is None:
        return False
    clamp = made.attrs.get("clamp")
    low = made.attrs.get("lo") if made.op == "clip" else clamp[0] if clamp else None
    return low is not None and float(low) >= 0.0


def _largest_of_slices(node: ExportedNode, x: Tensor) -> None:
    node.require(x.type.is_static, "a dilated maximum needs fixed sizes")
    (height, width), (down, across) = node.attrs.kernel, node.attrs.dilation
    _, rows, columns, _ = node.type.dims
    total: Tensor | None = None
    for i, j in np.ndindex(height, width):
        begin = [0, i * down, j * across, 0]
        strides = [1, *node.attrs.stride, 1]
        reach = [(n - 1) * s + 1 for n, s in zip((rows, columns), strides[1:3], strict=True)]
        end = [x.type.dims[0], begin[1] + reach[0], begin[2] + reach[1], x.type.dims[3]]
        part = node.add("STRIDED_SLICE", [x, node.ints(begin), node.ints(end), node.ints(strides)],
                        node.like(node.type))  # fmt: skip
        total = part if total is None else node.step("MAXIMUM", total, part)
    assert total is not None
    node.clamp(total, node.output(), node.attrs.clamp or (-math.inf, math.inf))


@rule("avg_pool")
def avg_pool(node: ExportedNode) -> None:
    """AVERAGE_POOL_2D, which leaves padding out of its means; other means are made of it."""
    x, op = node.input(0), node.attrs
    plain = op.dilation == (1, 1)
    named = op.pad in (NONE, same_pads(x.type, op.kernel, op.stride, op.dilation))
    if plain and (op.pad == NONE or (named and not op.count_include_pad)):
        padding = VALID if op.pad == NONE else SAME
        node.add_clamped("AVERAGE_POOL_2D", [x], node.output(), op.clamp,
                         **_pool_options(node, padding))  # fmt: skip
    elif plain and op.count_include_pad:
        wide = explicit(node, x, op.pad, 0.0)
        node.add_clamped("AVERAGE_POOL_2D", [wide], node.output(), op.clamp,
                         **_pool_options(node, VALID))  # fmt: skip
    else:
        _weighted_mean(node, x)


def _weighted_mean(node: ExportedNode, x: Tensor) -> None:
    """A sum over the window by DEPTHWISE_CONV_2D, times one over the number of its elements."""
    node.require(x.type.dtype is DType.FLOAT32, "a quantised mean with this padding or dilation")
    node.require(x.type.is_static, "a mean with this padding or dilation needs fixed sizes")
    channels = x.type.dims[3]
    counts: Array = node.attrs.count(np.zeros(x.type.dims, np.float32))
    ones = np.ones((1, *node.attrs.kernel, channels), np.float32)
    w = node.constant("ones", ones)
    wide = explicit(node, x, node.attrs.pad, 0.0) if node.attrs.pad != NONE else x
    bias = node.constant("zeros", np.zeros(channels, np.float32))
    options = window_options(node, VALID)
    total = node.add("DEPTHWISE_CONV_2D", [wide, w, bias], node.like(node.type),
                     depth_multiplier=1, fused_activation_function=0, **options)  # fmt: skip
    with np.errstate(divide="ignore"):  # a window of nothing but padding: 0 / 0, as it should be
        factor = node.constant("factor", (1.0 / counts[None]).astype(np.float32))
    node.add_clamped("MUL", [total, factor], node.output(), node.attrs.clamp)
