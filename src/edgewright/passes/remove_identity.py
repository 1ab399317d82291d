"""Remove operators that change nothing."""

from __future__ import annotations

import math

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import forward


@rewrite(
    "cast", "reshape", "transpose", "expand", "tile", "pad", "slice", "concat", "split",
    "quantize", "clip", "resize_nearest", "resize_bilinear", "depth_to_space", "space_to_depth",
    "max_pool", "avg_pool", "reduce_mean", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod",
)  # fmt: skip
def remove_identity(graph: Graph, node: Node) -> bool:
    """Let readers of a node that hands its operand on unchanged read the operand.

    Given:
        graph main(%x: float32[2,3]) -> (%y) {
          %a = reshape(%x) {shape=[2, 3]}
          %b = transpose(%a) {perm=[0, 1]}
          %c = pad(%b) {pads=[[0, 0], [0, 0]]}
          %d = slice(%c) {begin=[0, 0], size=[2, 3], stride=[1, 1]}
          %e = cast(%d) {to="float32"}
          %f = concat(%e) {axis=1}
          %y = neg(%f)
        }
    Result:
        graph main(%x: float32[2,3]) -> (%y) {
          %y = neg(%x)
        }
    """
    if len(node.outputs) != 1 or len(node.arguments) != 1:
        return False
    if node.output.type != node.input(0).type or not _hands_on(node):
        return False
    if forward(graph, node, node.input(0)):
        return True
    return graph.keep(node, "it gives an output of the model its name")


def _hands_on(node: Node) -> bool:
    """Whether a node that keeps the type keeps the elements too.

    Clips that a quantised type cannot exceed stay: scales are trained, and must not shape the code.
    """
    attrs = node.attrs
    if node.op == "transpose":
        # Axes of one element may change places.
        moved = [p for p in attrs["perm"] if node.input(0).type.shape[p] != 1]
        return moved == sorted(moved)
    if node.op == "slice":
        return all(b == 0 and s == 1 for b, s in zip(attrs["begin"], attrs["stride"], strict=True))
    if node.op == "clip":
        unbounded = (-math.inf, math.inf)
        return (attrs.get("lo", -math.inf), attrs.get("hi", math.inf)) == unbounded
    if node.op == "pad":
        return all(tuple(p) == (0, 0) for p in attrs["pads"])
    if node.op in ("max_pool", "avg_pool"):
        return _is_unit_window(node)
    if node.op in ("depth_to_space", "space_to_depth"):
        return bool(attrs["block"] == 1)
    if node.op.startswith("reduce_"):
        return all(node.input(0).type.shape[a] == 1 for a in attrs["axes"])
    return True


def _is_unit_window(node: Node) -> bool:
    pads = [n for pair in node.attrs.get("pad", ()) for n in pair]
    unit = all(k == 1 for k in (*node.attrs["kernel"], *node.attrs.get("stride", (1, 1))))
    return unit and not any(pads) and node.attrs.get("clamp") is None
