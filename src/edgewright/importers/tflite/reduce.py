"""Pools, reductions, softmax, resizing, arg max and quantisation."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Source, Value
from edgewright.importers.tflite.linear import spatial_pads, strides
from edgewright.importers.tflite.movement import axis_of
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule

_REDUCE = {"MEAN": "reduce_mean", "SUM": "reduce_sum", "REDUCE_PROD": "reduce_prod",
           "REDUCE_MAX": "reduce_max", "REDUCE_MIN": "reduce_min"}  # fmt: skip


@rule("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pool(node: SourceNode) -> Value:
    """Padding does not count in the mean."""
    x = node.input(0)
    kernel = (int(node.option("filter_height", 1)), int(node.option("filter_width", 1)))
    stride = strides(node)
    pad = spatial_pads(node, x.type, kernel, stride, (1, 1))
    op = "avg_pool" if node.operator.code == "AVERAGE_POOL_2D" else "max_pool"
    return node.add(op, [x], kernel=kernel, stride=stride, pad=pad, clamp=node.clamp())


@rule(*_REDUCE)
def reduce(node: SourceNode) -> Value:
    """Over the given axes."""
    x = node.input(0)
    axes = sorted({axis_of(a, x.type.rank) for a in node.ints(1, "the axes")})
    return node.add(_REDUCE[node.operator.code], [x], axes=tuple(axes),
                    keepdims=bool(node.option("keep_dims", False)))  # fmt: skip


@rule("ARG_MAX", "ARG_MIN")
def arg_max(node: SourceNode) -> Value:
    """The index of the first largest (smallest) element."""
    x = node.input(0)
    axis = axis_of(node.ints(1, "the axis")[0], x.type.rank)
    op = "argmax" if node.operator.code == "ARG_MAX" else "argmin"
    return node.add(op, [x], axis=axis, keepdims=False, to=node.output_type().dtype.value)


@rule("SOFTMAX")
def softmax(node: SourceNode) -> Value:
    """exp(beta x) / sum, over the last axis."""
    return node.add("softmax", [node.input(0)], beta=float(node.option("beta", 1.0)))


@rule("LOG_SOFTMAX")
def log_softmax(node: SourceNode) -> Value:
    """log(softmax(x)), over the last axis."""
    return node.add("log_softmax", [node.input(0)])


@rule("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def resize(node: SourceNode) -> Value:
    """Another image size."""
    coordinate = "asymmetric"
    if node.option("align_corners", False):
        coordinate = "align_corners"
    elif node.option("half_pixel_centers", False):
        coordinate = "half_pixel"
    size = node.ints(1, "the size")
    if node.operator.code == "RESIZE_BILINEAR":
        return node.add("resize_bilinear", [node.input(0)], size=size, coordinate=coordinate)
    # LiteRT's floor((i + 0.5) * scale) is the nearest to (i + 0.5) * scale - 0.5.
    rounding = "floor" if coordinate == "asymmetric" else "round_half_up"
    return node.add("resize_nearest", [node.input(0)], size=size, coordinate=coordinate,
                    rounding=rounding)  # fmt: skip


@rule("QUANTIZE", "DEQUANTIZE")
def quantize(node: SourceNode) -> Value:
    """Between real numbers and their stored form, or between two stored forms."""
    stored = node.input(0)
    if stored.type.dtype is DType.FLOAT16:
        if stored.data is None:
            return node.add("cast", [stored], to="float32")
        real = node.make_constant(node.outputs[0].name, stored.data.astype(np.float32))
        real.source = Source(node.outputs[0].name)
        return real
    return node.add_typed(node.operator.code.lower(), [node.input(0)])
