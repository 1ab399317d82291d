"""Reductions, arg max, softmax and resizing."""

from __future__ import annotations

import numpy as np

from edgewright.exporters.tflite.elementwise import finish_float, in_float, require_float
from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.exporters.tflite.serialize import tensor_type
from edgewright.graph import Array, DType, Quant, Size
from edgewright.ops.resize import positions

_INTEGERS = ("int32", "int64")
#: builtin operator, and the element types that it takes
REDUCE: dict[str, tuple[str, tuple[str, ...]]] = {
    "reduce_mean": ("MEAN", ("float32", "int32", "int64", "int8", "uint8", "int16")),
    "reduce_sum": ("SUM", ("float32", *_INTEGERS, "int8", "uint8")),
    "reduce_prod": ("REDUCE_PROD", ("float32", *_INTEGERS)),
    "reduce_max": ("REDUCE_MAX", ("float32", *_INTEGERS, "int8", "uint8", "int16")),
    "reduce_min": ("REDUCE_MIN", ("float32", *_INTEGERS, "int8", "uint8", "int16")),
}
#: quantisations that runtimes insist on
SOFTMAX = {
    DType.INT8: Quant((1 / 256,), (-128,)),
    DType.UINT8: Quant((1 / 256,), (0,)),
    DType.INT16: Quant((1 / 32768,), (0,)),
}
LOG_SOFTMAX = {DType.INT8: Quant((16 / 256,), (127,)), DType.UINT8: Quant((16 / 256,), (255,))}


@rule(*REDUCE)
def reduce(node: ExportedNode) -> None:
    """One operator over constant axes."""
    code, types = REDUCE[node.node.op]
    x = node.input(0)
    axes = node.ints(node.attrs.normal(x.type.rank), "axes")
    keep = bool(node.attrs.keepdims)
    if x.type.dtype.value in types:
        node.add(code, [x, axes], node.output(), keep_dims=keep)
        return
    require_float(node)
    real, y = in_float(node, x)
    node.add(code, [real, axes], y, keep_dims=keep)
    finish_float(node, y)


@rule("argmax", "argmin")
def argmax(node: ExportedNode) -> None:
    """ARG_MAX or ARG_MIN, which lose the axis."""
    x, y, axis = node.input(0), node.output(), node.attrs.axis % node.value(0).type.rank
    code = "ARG_MAX" if node.node.op == "argmax" else "ARG_MIN"
    options = {"output_type": tensor_type(y.type.dtype)}
    at = node.scope.shared("axis", np.asarray(axis, np.int32))
    if not node.attrs.keepdims:
        node.add(code, [x, at], y, **options)
        return
    shape = [d for a, d in enumerate(y.type.shape) if a != axis]
    flat = node.like(y, *shape) if shape else node.temporary(y.type.with_shape())
    node.reshape(node.add(code, [x, at], flat, **options), *y.type.shape, output=y)


@rule("softmax")
def softmax(node: ExportedNode) -> None:
    """SOFTMAX over the last axis."""
    _normalised(node, "SOFTMAX", SOFTMAX, {"beta": float(node.attrs.beta)})


@rule("log_softmax")
def log_softmax(node: ExportedNode) -> None:
    """LOG_SOFTMAX over the last axis; beta is multiplied in before."""
    beta = float(getattr(node.attrs, "beta", 1.0))
    node.require(beta == 1.0, f"beta is {beta}")
    _normalised(node, "LOG_SOFTMAX", LOG_SOFTMAX, {})


def _normalised(
    node: ExportedNode, code: str, fixed: dict[DType, Quant], options: dict[str, float]
) -> None:
    """Quantised results have the one quantisation that runtimes take, and another one later."""
    x, y = node.input(0), node.output()
    quant = fixed.get(y.type.dtype)
    if y.type.quant is None or y.type.quant == quant:
        node.add(code, [x], y, **options)
        return
    if quant is None:
        real, made = in_float(node, x)
        node.add(code, [real], made, **options)
        finish_float(node, made)
        return
    made = node.add(code, [x], node.temporary(y.type.with_quant(quant)), **options)
    node.requantized(made, y)


def _coordinates(coordinate: str) -> dict[str, bool]:
    return {
        "align_corners": coordinate == "align_corners",
        "half_pixel_centers": coordinate == "half_pixel",
    }


def _size(node: ExportedNode) -> Tensor:
    return node.shape(node.attrs.size, "size", is_exact=True)


@rule("resize_bilinear")
def resize_bilinear(node: ExportedNode) -> None:
    """RESIZE_BILINEAR, whose result has the input's quantisation."""
    x = node.input(0)
    node.require(x.type.dtype.value in ("float32", "int8", "uint8", "int16"), f"{x.type}")
    node.add("RESIZE_BILINEAR", [x, _size(node)], node.output(),
             **_coordinates(node.attrs.coordinate))  # fmt: skip


@rule("resize_nearest")
def resize_nearest(node: ExportedNode) -> None:
    """RESIZE_NEAREST_NEIGHBOR in the coordinates that pick the same pixels, else two GATHERs."""
    x = node.input(0)
    for coordinate in dict.fromkeys((node.attrs.coordinate, *_ROUNDINGS)):
        if _picks_the_same(node, x, coordinate):
            node.add("RESIZE_NEAREST_NEIGHBOR", [x, _size(node)], node.output(),
                     **_coordinates(coordinate))  # fmt: skip
            return
    node.require(x.type.is_static, f"nearest pixels by {node.attrs.rounding} of run-time sizes")
    height, width = node.attrs.size
    rows = node.ints(node.attrs._nearest(height, x.type.dims[1]), "rows")
    columns = node.ints(node.attrs._nearest(width, x.type.dims[2]), "columns")
    n, _, w, c = x.type.shape
    taken = node.add("GATHER", [x, rows], node.like(x, n, height, w, c), axis=1)
    node.add("GATHER", [taken, columns], node.output(), axis=2)


#: what LiteRT does with a position: half pixels are rounded to the nearest, halves up
_ROUNDINGS = {"asymmetric": 0.0, "half_pixel": 0.5, "align_corners": 0.5}


def _picks_the_same(node: ExportedNode, x: Tensor, coordinate: str) -> bool:
    """Whether LiteRT picks the node's pixels in these coordinates, as far as can be told now."""
    pairs = list(zip(node.attrs.size, x.type.shape[1:3], strict=True))
    fixed = [(n, old) for n, old in pairs if isinstance(n, int) and isinstance(old, int)]
    if len(fixed) < len(pairs):
        return coordinate == node.attrs.coordinate and _rounds_the_same(node, pairs)

    def chosen(count: int, size: int) -> Array:
        place = positions(count, size, coordinate) + np.float32(_ROUNDINGS[coordinate])
        return np.clip(np.floor(place), 0, size - 1).astype(np.int64)

    return all(np.array_equal(node.attrs._nearest(*p), chosen(*p)) for p in fixed)


def _rounds_the_same(node: ExportedNode, pairs: list[tuple[Size, Size]]) -> bool:
    """By name; whole multiples have no halves that could be rounded up or down."""
    if node.attrs.coordinate == "asymmetric":
        return bool(node.attrs.rounding == "floor")
    whole = all(any(size == k * old for k in range(1, 9)) for size, old in pairs)
    halves = node.attrs.coordinate == "half_pixel" and whole
    return node.attrs.rounding == "round_half_up" or (
        halves and node.attrs.rounding == "round_half_down"
    )
