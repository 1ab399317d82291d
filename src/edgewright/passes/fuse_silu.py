"""Recognise x * sigmoid(x)."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import become, drop_unused, feeder, insert

GATES = {"sigmoid": "silu", "hard_sigmoid": "hard_swish"}


@rewrite("mul")
def fuse_silu(graph: Graph, node: Node) -> bool:
    """Turn x * sigmoid(x) into `silu`, and x * hard_sigmoid(x) with slope 1/6 into `hard_swish`.

    Given:
        graph main(%x: float32[8]) -> (%y) {
          %a = sigmoid(%x)
          %y = mul(%x, %a)
        }
    Result:
        graph main(%x: float32[8]) -> (%y) {
          %y = silu(%x)
        }
    """
    if node.attrs.get("clamp") is not None or node.output.type.quant is not None:
        return False
    for index in (0, 1):
        gate = feeder(node, index, *GATES)
        if gate is not None and gate.input(0) is node.input(1 - index) and _is_exact(gate):
            x = gate.input(0)
            become(graph, node, insert(graph, node, GATES[gate.op], [x], like=node.output))
            drop_unused(graph, gate)
            return True
    return False


def _is_exact(gate: Node) -> bool:
    if gate.op == "sigmoid":
        return True
    alpha, beta = gate.attrs.get("alpha", 0.2), gate.attrs.get("beta", 0.5)
    return bool(abs(alpha - 1 / 6) < 1e-6 and beta == 0.5)
