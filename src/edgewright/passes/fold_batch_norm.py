"""Fold batch normalisation into weights, or into one multiplication and one addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright import numerics
from edgewright.graph import Array, Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import float_like, is_float
from edgewright.passes.editing import absorb, become, forward, insert, sole_feeder

AFTER = ("conv", "depthwise_conv", "conv_transpose", "fully_connected")
BEFORE = ("conv", "depthwise_conv", "fully_connected")
#: the axis of the weight that runs over output channels
OUTPUT_AXIS = {"depthwise_conv": 2}


@dataclass(frozen=True)
class _Affine:
    """x * factor + shift per channel, in float64."""

    factor: Array
    shift: Array


@rewrite("batch_norm")
def fold_batch_norm(graph: Graph, node: Node) -> bool:
    """Scale the weights of the convolution before (or after) a batch normalisation.

    Without such a convolution it becomes a multiplication and an addition.

    Given:
        graph main(%x: float32[1,4,4,1]) -> (%z) {
          const %w: float32[2,1,1,1] = [1.0, 2.0]
          const %scale: float32[2] = [1.0, 3.0]
          const %offset: float32[2] = [0.5, 0.0]
          const %mean: float32[2] = [0.0, 2.0]
          const %variance: float32[2] = [1.0, 4.0]
          %y = conv(%x, %w, none)
          %z = batch_norm(%y, %scale, %offset, %mean, %variance) {epsilon=0.0}
        }
    Result:
        graph main(%x: float32[1,4,4,1]) -> (%z) {
          const %w.1: float32[2,1,1,1] = [1.0, 3.0]
          const %offset.1: float32[2] = [0.5, -3.0]
          %z = conv(%x, %w.1, %offset.1)
        }
    """
    if not all(is_float(v) for v in node.inputs[1:]):
        return graph.keep(node, "its parameters are not constants")
    affine = _affine(node)
    before = sole_feeder(graph, node, 0, *AFTER)
    if before is not None and _takes_scale(before):
        return _fold_after(graph, node, before, affine)
    after = graph.only_user(node.output)
    if after is not None and after.op in BEFORE and _takes_input_scale(graph, node, after):
        return _fold_before(graph, node, after, affine)
    return _split(graph, node, affine)


def _affine(node: Node) -> _Affine:
    arrays = [v.data.astype(np.float64) for v in node.arguments[1:] if v.data is not None]
    scale, offset, mean, variance = arrays
    factor = scale / np.sqrt(variance + node.attrs.get("epsilon", 1e-5))
    return _Affine(factor, offset - mean * factor)


def _takes_scale(node: Node) -> bool:
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    plain = node.attrs.get("clamp") is None and len(node.inputs) < 4
    return plain and is_float(node.inputs[1]) and (bias is None or is_float(bias))


def _fold_after(graph: Graph, node: Node, conv: Node, affine: _Affine) -> bool:
    w, bias = conv.input(1), conv.inputs[2] if len(conv.inputs) > 2 else None
    assert w.data is not None
    shape = [1] * w.data.ndim
    shape[OUTPUT_AXIS.get(conv.op, 0)] = -1
    shift = affine.shift
    if bias is not None and bias.data is not None:
        shift = shift + bias.data.astype(np.float64) * affine.factor
    weight = float_like(graph, w.data * affine.factor.reshape(shape), like=w)
    graph.set_inputs(conv, [conv.input(0), weight, float_like(graph, shift, like=node.input(2))])
    absorb(graph, node, conv.output)
    return True


def _takes_input_scale(graph: Graph, node: Node, after: Node) -> bool:
    if after.inputs[0] is not node.output or after.graph is not graph:
        return False
    bias = after.inputs[2] if len(after.inputs) > 2 else None
    if not is_float(after.inputs[1]) or not (bias is None or is_float(bias)):
        return False
    # Padding with zeros would have to become padding with the offset.
    return not any(n for pair in after.attrs.get("pad", ()) for n in pair)


def _fold_before(graph: Graph, node: Node, conv: Node, affine: _Affine) -> bool:
    w, bias = conv.input(1), conv.inputs[2] if len(conv.inputs) > 2 else None
    assert w.data is not None
    factor, shift = (_per_weight(conv, a) for a in (affine.factor, affine.shift))
    flat = np.asarray(w.data * shift, np.float64)
    axes = (0, 1) if conv.op == "depthwise_conv" else tuple(range(1, flat.ndim))
    total = numerics.sum(flat, axis=axes)
    if bias is not None and bias.data is not None:
        total = total + bias.data.astype(np.float64)
    weight = float_like(graph, w.data * factor, like=w)
    inputs = [conv.input(0), weight, float_like(graph, total, like=node.input(2))]
    graph.set_inputs(conv, [*inputs, *conv.inputs[3:]])
    return forward(graph, node, node.input(0))


def _per_weight(conv: Node, channel: Array) -> Array:
    """One number per input channel, in a shape that multiplies the weight."""
    if conv.op == "depthwise_conv":
        return np.repeat(channel, conv.input(1).type.dims[2] // len(channel))
    groups = conv.attrs.get("groups", 1)
    outputs = conv.input(1).type.dims[0]
    by_group = np.repeat(channel.reshape(groups, -1), outputs // groups, axis=0)
    return by_group if conv.op == "fully_connected" else by_group[:, None, None, :]


def _split(graph: Graph, node: Node, affine: _Affine) -> bool:
    factor = float_like(graph, affine.factor, like=node.input(1))
    shift = float_like(graph, affine.shift, like=node.input(2))
    scaled: Value = insert(graph, node, "mul", [node.input(0), factor], like=node.output)
    return become(graph, node, insert(graph, node, "add", [scaled, shift], like=node.output))
