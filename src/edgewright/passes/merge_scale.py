"""Multiply weights ahead of time by per-channel constants."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import float_like, is_float, per_channel
from edgewright.passes.editing import absorb, sole_feeder

#: operators with weights, and the axis of the weight that runs over output channels
WEIGHTED = {"conv": 0, "conv_transpose": 0, "fully_connected": 0, "depthwise_conv": 2}


@rewrite("mul", "div")
def merge_scale(graph: Graph, node: Node) -> bool:
    """Scale weights and bias instead of the result.

    Given:
        graph main(%x: float32[1,4,4,1]) -> (%z) {
          const %w: float32[2,1,1,1] = [1.0, 2.0]
          const %b: float32[2] = [5.0, 6.0]
          const %s: float32[2] = [10.0, 100.0]
          %y = conv(%x, %w, %b)
          %z = mul(%y, %s)
        }
    Result:
        graph main(%x: float32[1,4,4,1]) -> (%z) {
          const %w.1: float32[2,1,1,1] = [10.0, 200.0]
          const %b.1: float32[2] = [50.0, 600.0]
          %z = conv(%x, %w.1, %b.1)
        }
    """
    for index in (0, 1) if node.op == "mul" else (0,):
        made = sole_feeder(graph, node, index, *WEIGHTED)
        if made is not None and _is_plain(made):
            factor = _factor(node, made, 1 - index)
            if factor is not None:
                return _scale(graph, node, made, factor)
    return False


def _is_plain(made: Node) -> bool:
    bias = made.inputs[2] if len(made.inputs) > 2 else None
    plain = made.attrs.get("clamp") is None and len(made.inputs) < 4
    return plain and is_float(made.inputs[1]) and (bias is None or is_float(bias))


def _factor(node: Node, made: Node, index: int) -> Array | None:
    """[channels]: what the result is multiplied by."""
    y = made.output
    channels = y.type.shape[-1]
    if y.type.shape != node.output.type.shape or not isinstance(channels, int):
        return None
    factor = per_channel(node.input(index), y.type.rank, channels)
    if factor is None or node.op == "mul":
        return factor
    return None if np.any(factor == 0) else 1.0 / factor


def _scale(graph: Graph, node: Node, made: Node, factor: Array) -> bool:
    w, bias = made.input(1), made.inputs[2] if len(made.inputs) > 2 else None
    assert w.data is not None
    shape = [1] * w.data.ndim
    shape[WEIGHTED[made.op]] = -1
    if bias is not None and bias.data is not None:
        bias = float_like(graph, bias.data * factor, like=bias)
    weight = float_like(graph, w.data * factor.reshape(shape), like=w)
    graph.set_inputs(made, [made.input(0), weight, bias])
    if node.attrs.get("clamp") is not None:
        made.attrs["clamp"] = node.attrs["clamp"]
    absorb(graph, node, made.output)
    return True
