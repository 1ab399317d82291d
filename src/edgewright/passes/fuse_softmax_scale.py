"""Scale in a softmax."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.editing import sole_feeder


@rewrite("softmax")
def fuse_softmax_scale(graph: Graph, node: Node) -> bool:
    """Let a softmax multiply its operand by a number, as attention does with its scores.

    Given:
        graph main(%x: float32[2,4]) -> (%z) {
          const %s: float32[] = [8.0]
          %y = div(%x, %s)
          %z = softmax(%y)
        }
    Result:
        graph main(%x: float32[2,4]) -> (%z) {
          %z = softmax(%x) {beta=0.125}
        }
    """
    if not node.output.type.dtype.is_float:
        return False
    for index in (0, 1):
        made = sole_feeder(graph, node, 0, "mul", "div")
        if made is None or (index == 0 and made.op == "div"):
            continue
        factor, x = scalar(made.inputs[index]), made.input(1 - index)
        if factor is None or made.attrs.get("clamp") is not None or x.type != made.output.type:
            continue
        if not factor > 0:
            return graph.keep(node, f"{made.output} turns the order of the operand around")
        scale = factor if made.op == "mul" else 1.0 / factor
        node.attrs["beta"] = node.attrs.get("beta", 1.0) * scale
        graph.set_input(node, 0, x)
        graph.remove(made)
        return True
    return False
