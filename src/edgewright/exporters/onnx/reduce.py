"""Reductions, places of extremes, softmax."""

from __future__ import annotations

from typing import Final

import onnx

from edgewright.exporters.onnx.layout import CHANNELS_FIRST, Perm, identity, without
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

NAMES: Final = {
    "reduce_mean": "ReduceMean", "reduce_sum": "ReduceSum", "reduce_prod": "ReduceProd",
    "reduce_max": "ReduceMax", "reduce_min": "ReduceMin",
}  # fmt: skip
AXES_ARE_INPUTS: Final = {"ReduceSum": 13}
AXES_ARE_INPUTS_FROM: Final = 18
IMAGE: Final = (1, 2)


@rule(*NAMES)
def reduce(n: NodeWriter) -> None:
    """One node; means of whole images by the operator that runtimes quantise."""
    perm, rank = n.held(), n.x.type.rank
    axes = tuple(sorted(a % rank for a in n.op.axes)) or identity(rank)
    kept = bool(n.op.keepdims)
    if n.node.op == "reduce_mean" and axes == IMAGE and perm == CHANNELS_FIRST:
        _average(n, kept)
        return
    result = _reduced(n, n.real(n.x, perm), tuple(sorted(perm.index(a) for a in axes)), kept)
    n.finish(result, perm if kept else without(perm, axes))


def _average(n: NodeWriter, kept: bool) -> None:
    """The mean of each channel of an image."""
    result = n.emit("GlobalAveragePool", [n.real(n.x, CHANNELS_FIRST)])
    if kept:
        n.finish(result, CHANNELS_FIRST)
    elif n.y.type.quant is None:
        n.finish(n.emit("Flatten", [result], axis=1))
    else:
        stored = n.quantized(result, n.y.type, n.y.name)
        n.writer.define(n.y, n.emit("Flatten", [stored], axis=1))


def _reduced(n: NodeWriter, x: str, axes: Perm, kept: bool) -> str:
    name = NAMES[n.node.op]
    if not axes:  # a scalar is its own sum
        return n.emit("Identity", [x])
    if n.file.opset >= AXES_ARE_INPUTS.get(name, AXES_ARE_INPUTS_FROM):
        return n.emit(name, [x, n.integers(axes)], keepdims=int(kept))
    return n.emit(name, [x], axes=list(axes), keepdims=int(kept))


@rule("argmax", "argmin")
def extreme(n: NodeWriter) -> None:
    """The first of equals."""
    perm = n.held()
    axis = n.op.axis % n.x.type.rank
    name = "ArgMax" if n.node.op == "argmax" else "ArgMin"
    kept = int(n.op.keepdims)
    result = n.emit(name, [n.real(n.x, perm)], axis=perm.index(axis), keepdims=kept)
    if n.op.to != "int64":
        result = n.emit("Cast", [result], to=int(onnx.TensorProto.INT32))
    n.writer.define(n.y, result, perm if kept else without(perm, [axis]))


@rule("softmax", "log_softmax")
def softmax(n: NodeWriter) -> None:
    """Over the last axis of the value, wherever that is in the tensor."""
    perm = n.held()
    x = n.real(n.x, perm)
    if n.op.beta != 1.0:
        x = n.emit("Mul", [x, n.number(n.op.beta, n.x.type)])
    name = "Softmax" if n.node.op == "softmax" else "LogSoftmax"
    n.finish(n.emit(name, [x], axis=perm.index(len(perm) - 1)), perm)
