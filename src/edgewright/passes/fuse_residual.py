"""Add a residual inside the convolution before it."""

from __future__ import annotations

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import become, drop_unused, insert, sole_feeder


@rewrite("add")
def fuse_residual(graph: Graph, add: Node) -> bool:
    """Turn the addition of a convolution's result and another tensor into the operand `skip`.

    The sum is written over the skip where that is not read again: one pass over memory and one
    buffer less. A quantised convolution keeps its own quantisation in `inner`.

    Given:
        graph main(%x: float32[1,4,4,2], %w: float32[2,1,1,2]) -> (%z) {
          %a = abs(%x)
          %y = conv(%a, %w, none)
          %z = add(%x, %y) {clamp=[0.0, 6.0]}
        }
    Result:
        graph main(%x: float32[1,4,4,2], %w: float32[2,1,1,2]) -> (%z) {
          %a = abs(%x)
          %z = conv(%a, %w, none, %x) {clamp=[0.0, 6.0]}
        }
    """
    # The later of two convolutions takes the sum: the other's result is there by then.
    made = [conv for conv in (_plain_conv(graph, add, 0), _plain_conv(graph, add, 1)) if conv]
    made.sort(key=graph.nodes.index, reverse=True)
    for conv in made:
        if conv is not None:
            skip = add.input(0) if add.input(1) is conv.output else add.input(1)
            why = _obstacle(add, conv, skip)
            return graph.keep(add, why) if why else _fuse(graph, add, conv, skip)
    return False


def _plain_conv(graph: Graph, add: Node, index: int) -> Node | None:
    """The convolution that makes an operand and does nothing after its sum."""
    conv = sole_feeder(graph, add, index, "conv")
    if conv is None or conv.attrs.get("clamp") is not None or len(conv.inputs) > 3:
        return None
    return conv


def _obstacle(add: Node, conv: Node, skip: Value) -> str:
    """Why the sum cannot move into the convolution; empty when it can."""
    if skip is conv.output:
        return "both operands are the same"
    if skip.is_constant:
        return "the other operand is a constant"
    if skip.type.shape != conv.output.type.shape:
        return f"{skip} is broadcast"
    types = [v.type for v in (conv.output, skip, add.output)]
    if len({t.quant is None for t in types}) > 1:
        return "only some of the operands are quantised"
    if any(map(has_scales, types)):
        return "an operand has one scale per channel"
    if skip.type.dtype is not conv.output.type.dtype:
        return f"{skip} is {skip.type.dtype.value}, the convolution {conv.output.type.dtype.value}"
    return ""


def _fuse(graph: Graph, add: Node, conv: Node, skip: Value) -> bool:
    attrs = {name: value for name, value in conv.attrs.items() if name != "clamp"}
    if add.attrs.get("clamp") is not None:
        attrs["clamp"] = add.attrs["clamp"]
    quant = conv.output.type.quant
    if quant is not None:
        attrs["inner"] = (quant.scale[0], quant.zero[0])
    bias = conv.inputs[2] if len(conv.inputs) > 2 else None
    inputs = [conv.input(0), conv.input(1), bias, skip]
    result = insert(graph, add, "conv", inputs, attrs, like=add.output)
    assert result.producer is not None
    result.producer.origin = conv.origin
    become(graph, add, result)
    drop_unused(graph, conv)
    return True
