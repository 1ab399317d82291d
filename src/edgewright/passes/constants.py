"""What passes ask about constants and their types."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, Graph, Node, Quant, TensorType, Value
from edgewright.passes.editing import insert


def scalar(value: Value | None) -> float | None:
    """The number that a constant of one element holds; None for anything else.

    Longer constants are trained: which of them happen to be all ones must not shape the code.
    """
    if value is None or value.data is None or value.data.size != 1 or value.type.quant:
        return None
    return float(value.data.ravel()[0])


def has_scales(type: TensorType) -> bool:
    """Whether a type has one scale per index of an axis, which rewrites would have to follow."""
    return type.quant is not None and type.quant.axis is not None


def is_float(value: Value | None) -> bool:
    """Whether a value is a float constant."""
    return value is not None and value.data is not None and value.type.dtype.is_float


def per_channel(value: Value | None, rank: int, channels: int) -> Array | None:
    """[channels] in float64: a float constant that differs along the last of `rank` axes at most.

    None when it is not one, or would broaden a tensor of that rank.
    """
    if value is None or value.data is None or not value.type.dtype.is_float:
        return None
    shape = value.data.shape
    flat = value.data.ndim <= rank and all(d == 1 for d in shape[:-1])
    if not flat or (shape and shape[-1] not in (1, channels)):
        return None
    return np.broadcast_to(value.data.reshape(-1).astype(np.float64), (channels,))


def float_like(graph: Graph, array: Array, like: Value) -> Value:
    """A constant in the dtype of `like`, named after it."""
    return graph.constant(like.name, np.asarray(array, like.type.dtype.numpy, order="C"))


def frozen(value: Value | None) -> Value | None:
    """The constant behind a value: itself, or what it is dequantized from."""
    if value is None or value.is_constant:
        return value
    made = value.producer
    if made is not None and made.op == "dequantize" and made.input(0).is_constant:
        return made.input(0)
    return None


def rebuilt(
    graph: Graph, before: Node, value: Value, array: Array, quant: Quant | None = None
) -> Value:
    """A value like a frozen one with other elements, dequantized again where that one was."""
    held = frozen(value)
    assert held is not None
    type = TensorType(held.type.dtype, array.shape, quant)
    constant = graph.constant(held.name, np.asarray(array, order="C"), type)
    if held is value:
        return constant
    return insert(graph, before, "dequantize", [constant], like=value)
