"""What passes ask about constants."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, Graph, Value


def scalar(value: Value | None) -> float | None:
    """The number that a constant of one element holds; None for anything else.

    Longer constants are trained: which of them happen to be all ones must not shape the code.
    """
    if value is None or value.data is None or value.data.size != 1 or value.type.quant:
        return None
    return float(value.data.ravel()[0])


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
    return graph.constant(like.name, np.ascontiguousarray(array, like.type.dtype.numpy))
