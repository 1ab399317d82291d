"""Move reshapes behind elementwise operators."""

from __future__ import annotations

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales, scalar
from edgewright.passes.editing import become, drop_unused, feeder, insert
from edgewright.passes.transposition import is_elementwise


@rewrite()
def sink_reshapes(graph: Graph, node: Node) -> bool:
    """Compute elementwise before a reshape, next to what it may be fused with.

    Given:
        graph main(%x: float32[1,4,4,2]) -> (%z) {
          %y = reshape(%x) {shape=[1, 32]}
          %z = clip(%y) {lo=0.0}
        }
    Result:
        graph main(%x: float32[1,4,4,2]) -> (%z) {
          %z.1 = clip(%x) {lo=0.0}
          %z = reshape(%z.1) {shape=[1, 32]}
        }
    """
    if not is_elementwise(node):
        return False
    sources = [_source(graph, node, index) for index in range(len(node.inputs))]
    shapes = {v.type.shape for v in sources if v is not None and not v.is_constant}
    if None in sources or len(shapes) != 1:
        return False
    old, shape, makers = node.output, shapes.pop(), [v.producer for v in node.arguments]
    if any(v is not None and v.type.rank > len(shape) for v in sources):
        return False
    if any(has_scales(v.type) for v in [*node.arguments, old]):
        return graph.keep(node, "it has one scale per channel")
    held = old.type.with_shape(*shape)
    y = insert(graph, node, node.op, sources, node.attrs, like=old, type=held)
    become(graph, node, insert(graph, node, "reshape", [y], {"shape": old.type.shape}, like=old))
    for maker in makers:
        if maker is not None:
            drop_unused(graph, maker)
    return True


def _source(graph: Graph, node: Node, index: int) -> Value | None:
    """The operand before its reshape, or a number; None when it is neither.

    A reshape that others read too stays, and sinking it would only add one.
    """
    value = node.inputs[index]
    if scalar(value) is not None:
        return value
    first = feeder(node, index, "reshape")
    if first is None or graph.only_user(first.output) is not node:
        return None
    return first.input(0) if first.output.type.shape == node.output.type.shape else None
