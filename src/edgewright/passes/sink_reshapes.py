"""Move reshapes behind functions of one operand."""

from __future__ import annotations

from edgewright import ops
from edgewright.graph import Graph, Node
from edgewright.ops.unary import Unary
from edgewright.passes import rewrite
from edgewright.passes.editing import become, drop_unused, feeder, insert


@rewrite()
def sink_reshapes(graph: Graph, node: Node) -> bool:
    """Apply a function of one operand before a reshape, next to what it may be fused with.

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
    if not _is_unary(node):
        return False
    first = feeder(node, 0, "reshape")
    if first is None or graph.only_user(first.output) is not node:
        return False
    x, old = first.input(0), node.output
    if any(q is not None and q.axis is not None for q in (x.type.quant, old.type.quant)):
        return graph.keep(node, "it has one scale per channel")
    held = old.type.with_shape(*x.type.shape)
    y = insert(graph, node, node.op, [x], node.attrs, like=old, type=held)
    become(graph, node, insert(graph, node, "reshape", [y], {"shape": old.type.shape}, like=old))
    drop_unused(graph, first)
    return True


def _is_unary(node: Node) -> bool:
    cls = ops.registry().get(node.op)
    names = ("cast", "quantize", "dequantize")
    return node.op in names or (cls is not None and issubclass(cls, Unary))
