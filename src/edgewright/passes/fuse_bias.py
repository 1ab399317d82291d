"""Add per-channel constants inside the operator before them."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import float_like, frozen, per_channel
from edgewright.passes.editing import absorb, feeder, insert

BIASED = ("conv", "depthwise_conv", "conv_transpose", "fully_connected")


@rewrite("add")
def fuse_bias(graph: Graph, add: Node) -> bool:
    """Turn the addition of one number per channel into the bias of the operator before it.

    Given:
        graph main(%x: float32[1,4,4,2], %w: float32[2,1,1,2]) -> (%z) {
          const %c: float32[2] = [0.5, 0.25]
          %y = conv(%x, %w, none)
          %z = add(%y, %c)
        }
    Result:
        graph main(%x: float32[1,4,4,2], %w: float32[2,1,1,2]) -> (%z) {
          const %c.1: float32[2] = [0.5, 0.25]
          %z = conv(%x, %w, %c.1)
        }
    """
    for index in (0, 1):
        node = feeder(add, index, *BIASED)
        if node is not None and not add.output.type.quant:
            return _fuse(graph, add, node, add.input(1 - index))
    return False


def _fuse(graph: Graph, add: Node, node: Node, term: Value) -> bool:
    y = node.output
    if (
        frozen(term) is None
        or y.type.shape != add.output.type.shape
        or not isinstance(y.type.shape[-1], int)
    ):
        return False
    if graph.only_user(y) is not add:
        return graph.keep(add, f"{y} is also read without the bias")
    if node.attrs.get("clamp") is not None:
        return graph.keep(add, f"{y} is clamped before the addition")
    bias = _bias(graph, add, node, term)
    if bias is None:
        return False
    inputs = [*node.inputs, None, None, None][: max(3, len(node.inputs))]
    inputs[2] = bias
    graph.set_inputs(node, inputs)
    if add.attrs.get("clamp") is not None:
        node.attrs["clamp"] = add.attrs["clamp"]
    absorb(graph, add, y)
    return True


def _bias(graph: Graph, add: Node, node: Node, term: Value) -> Value | None:
    """The new bias, or None when the term is not one number per channel."""
    y, old = node.output, node.inputs[2] if len(node.inputs) > 2 else None
    channels = y.type.shape[-1]
    assert isinstance(channels, int)
    more = per_channel(term, y.type.rank, channels)
    if more is None:
        return _integer_bias(graph, node, term, channels) if old is None else None
    if old is not None:
        if not old.is_constant or old.data is None:
            return None
        more = more + old.data.astype(np.float64)
    return float_like(graph, more, like=term)


def _integer_bias(graph: Graph, node: Node, term: Value, channels: int) -> Value | None:
    """An integer bias of a QDQ graph: a dequantized constant, flattened where needed."""
    made = term.producer
    if made is None or made.op != "dequantize" or not made.input(0).is_constant:
        return None
    if term.type.shape[-1:] != (channels,) or term.type.count != channels:
        return None
    if term.type.rank == 1:
        # Its producer must come before the node that is to read it.
        return insert(graph, node, "dequantize", [made.input(0)], like=term, source=term.source)
    flat = insert(graph, node, "dequantize", [made.input(0)], like=term)
    return insert(graph, node, "reshape", [flat], {"shape": (channels,)}, like=term)
