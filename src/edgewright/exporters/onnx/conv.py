"""Convolution, depthwise convolution and transposed convolution, channels first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgewright.exporters.onnx.layout import CHANNELS_FIRST, Perm
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.exporters.onnx.weights import bias_of, weight_of
from edgewright.graph import Array, Value


def window(op: Any, kernel: Sequence[int]) -> dict[str, Any]:
    """The attributes that all windows have."""
    (top, bottom), (left, right) = op.pad
    return {
        "kernel_shape": list(kernel),
        "strides": list(op.stride),
        "dilations": list(op.dilation),
        "pads": [top, left, bottom, right],
    }


@rule("conv")
def conv(n: NodeWriter) -> None:
    """[O,KH,KW,I] becomes [O,I,KH,KW]."""
    w = n.node.input(1)
    weight = weight_of(n, w, lambda a: a.transpose(0, 3, 1, 2), 0, (0, 3, 1, 2))
    _convolve(n, weight, w.type.dims[1:3], n.op.groups)


@rule("depthwise_conv")
def depthwise_conv(n: NodeWriter) -> None:
    """[KH,KW,O] becomes [O,1,KH,KW], with a group per input channel."""
    w = n.node.input(1)
    kernel, channels = w.type.dims[:2], n.x.type.shape[3]
    if not isinstance(channels, int):
        n.refuse(f"{channels} channels", "fix the number of channels")
    if w.is_constant:
        weight = weight_of(n, w, lambda a: a.transpose(2, 0, 1)[:, None], 0)
    else:
        weight = n.emit("Unsqueeze", [n.real(w, (2, 0, 1)), n.integers([1])])
    _convolve(n, weight, kernel, channels)


def _convolve(n: NodeWriter, weight: str, kernel: Sequence[int], groups: int) -> None:
    x, w, perm = n.x, n.node.input(1), CHANNELS_FIRST
    given = [n.real(x, perm), weight, bias_of(n, n.operand(2), x, w)]
    result = n.emit("Conv", given, group=groups, **window(n.op, kernel))
    skip = n.operand(3)
    if skip is not None:
        result = n.emit("Add", [_inner(n, result), n.real(skip, perm)])
    n.finish(n.clamped(result, n.op.clamp, n.y.type), perm)


def _inner(n: NodeWriter, result: str) -> str:
    """The convolution's own quantisation, before a quantised tensor is added to it."""
    if n.op.inner is None or n.y.type.quant is None:
        return result
    from edgewright.graph import Quant

    type = n.y.type.with_quant(Quant.per_tensor(*n.op.inner))
    stored = n.quantized(result, type, f"{n.y.name}/inner")
    return n.writer.dequantized(stored, type, CHANNELS_FIRST, f"{n.y.name}/inner")


@rule("conv_transpose")
def conv_transpose(n: NodeWriter) -> None:
    """[O,KH,KW,I/groups] becomes [I,O/groups,KH,KW]."""
    x, w, perm = n.x, n.node.input(1), CHANNELS_FIRST
    kernel = w.type.dims[1:3]
    if not w.is_constant:
        n.refuse("the weight is computed at run time", "use constant weights")
    if n.op.groups > 1 and w.type.quant is not None and len(w.type.quant.scale) > 1:
        n.refuse("groups with a scale per channel", "quantise the weight per tensor")
    weight = weight_of(n, w, lambda a: _grouped(a, n.op.groups), 1)
    attrs = window(n.op, kernel)
    if any(n.op.output_pad):
        attrs["output_padding"] = list(n.op.output_pad)
    given = [n.real(x, perm), weight, bias_of(n, n.operand(2), x, w)]
    result = n.emit("ConvTranspose", given, group=n.op.groups, **attrs)
    n.finish(n.clamped(result, n.op.clamp, n.y.type), perm)


def _grouped(weight: Array, groups: int) -> Array:
    """[O,KH,KW,I/groups] as [I,O/groups,KH,KW]."""
    outputs, kh, kw, inputs = weight.shape
    apart = weight.reshape(groups, outputs // groups, kh, kw, inputs).transpose(0, 4, 1, 2, 3)
    return np.ascontiguousarray(apart).reshape(groups * inputs, outputs // groups, kh, kw)


def channels_first(value: Value) -> Perm:
    """Channels second, whatever the number of axes."""
    rank = value.type.rank
    return (0, rank - 1, *range(1, rank - 1)) if rank > 1 else (0,)
