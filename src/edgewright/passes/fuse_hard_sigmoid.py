"""Recognise hard sigmoid written out."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.editing import become, drop_unused, insert
from edgewright.passes.fuse_hard_swish import SIXTH, TOLERANCE
from edgewright.passes.products import factored


@rewrite("mul", "div")
def fuse_hard_sigmoid(graph: Graph, node: Node) -> bool:
    """Turn clip(x + 3, 0, 6) / 6 into `hard_sigmoid`: how TensorFlow Lite writes it.

    One operator instead of two or three. Runs behind `fuse_hard_swish`, which wants the same parts.

    Given:
        graph main(%x: float32[8]) -> (%y) {
          const %three: float32[] = [3.0]
          const %sixth: float32[] = [0.1666666716337204]
          %a = add(%x, %three) {clamp=[0.0, 6.0]}
          %y = mul(%a, %sixth)
        }
    Result:
        graph main(%x: float32[8]) -> (%y) {
          %y = hard_sigmoid(%x) {alpha=0.1666666716337204, beta=0.5}
        }
    """
    if node.attrs.get("clamp") is not None or node.output.type.quant is not None:
        return False
    factor, values = factored(node.output)
    x = _moved(values[0]) if len(values) == 1 else None
    if x is None or abs(factor - SIXTH) > TOLERANCE or x.type.shape != node.output.type.shape:
        return False
    attrs = {"alpha": float(np.float32(SIXTH)), "beta": 0.5}
    makers = [v.producer for v in node.arguments]
    become(graph, node, insert(graph, node, "hard_sigmoid", [x], attrs, like=node.output))
    for maker in makers:
        if maker is not None:
            drop_unused(graph, maker)
    return True


def _moved(gate: Value) -> Value | None:
    """The x of clip(x + 3, 0, 6)."""
    made = gate.producer
    bounds = made.attrs.get("clamp") if made else None
    if made is not None and made.op == "clip":
        bounds = (made.attrs.get("lo"), made.attrs.get("hi"))
        made = made.input(0).producer
    if made is None or made.op != "add" or bounds != (0.0, 6.0):
        return None
    for index in (0, 1):
        if scalar(made.input(1 - index)) == 3.0:
            return made.input(index)
    return None
