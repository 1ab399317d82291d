"""Compute ahead of time what does not depend on the input."""

from __future__ import annotations

import numpy as np

from edgewright import ops
from edgewright.errors import EdgewrightError
from edgewright.graph import Array, DType, Graph, Node, TensorType
from edgewright.passes import rewrite
from edgewright.passes.movement import MOVERS

#: A fold may always make this many bytes …
FREE_BYTES = 1 << 20
#: … and beyond that this many times what it reads, up to the ceiling: a file of 150 bytes can ask
#: for gigabytes.
GROWTH = 16
CEILING_BYTES = 64 << 20

#: Integer weights stay integers until it is known whether a quantised operator wants them.
KEPT = ("dequantize", "dequantize_blocks", "read_state", "write_state")


@rewrite()
def fold_constants(graph: Graph, node: Node) -> bool:
    """Replace a node whose operands are all constants by its results, as the reference gives them.

    Given:
        graph main(%x: float32[2,3]) -> (%y) {
          const %a: float32[3] = [1.0, 2.0, 3.0]
          const %b: float32[1] = [2.0]
          %c = mul(%a, %b)
          %y = add(%x, %c)
        }
    Result:
        graph main(%x: float32[2,3]) -> (%y) {
          const %c: float32[3] = [2.0, 4.0, 6.0]
          %y = add(%x, %c)
        }
    """
    if node.regions or node.op in KEPT or not node.outputs:
        return False
    if node.op == "shape" and node.input(0).type.is_static:
        return _replace(graph, node, [np.array(node.input(0).type.dims, np.int64)])
    if not node.arguments or not all(v.is_constant for v in node.arguments):
        return False
    why = _obstacle(graph, node)
    if why:
        return graph.keep(node, why)
    try:
        return _replace(graph, node, _evaluate(node))
    except EdgewrightError as error:
        return graph.keep(node, f"it cannot be computed ahead of time: {error.what}")


def _obstacle(graph: Graph, node: Node) -> str:
    """Why a node with constant operands is left to run time; empty when it is not."""
    if any(graph.is_output(v) for v in node.outputs):
        return "it is an output"
    if any(v.type.quant for v in node.arguments) and node.op not in MOVERS:
        return "quantised arithmetic depends on the requantization mode"
    if not all(v.type.is_static for v in node.outputs):
        return "its result has run-time sizes"
    made = sum(v.type.max_bytes for v in node.outputs)
    read = sum(v.type.max_bytes for v in node.arguments)
    if made > max(read, FREE_BYTES, min(GROWTH * read, CEILING_BYTES)):
        return f"it would turn {read} bytes into {made}"
    return ""


def _evaluate(node: Node) -> list[Array]:
    types: list[TensorType | None] = [v.type if v else None for v in node.inputs]
    call = ops.Call(types, [v.type for v in node.outputs])
    with np.errstate(all="ignore"):
        return ops.evaluate_node(node, [v.data if v else None for v in node.inputs], call)


def _replace(graph: Graph, node: Node, arrays: list[Array]) -> bool:
    if any(graph.is_output(v) for v in node.outputs):
        return graph.keep(node, "it is an output")
    for value, array in zip(node.outputs, arrays, strict=True):
        held = TensorType(DType(value.type.dtype), array.shape, value.type.quant)
        constant = graph.constant(value.name, np.array(array, order="C"), held)
        constant.source = value.source
        constant.name, value.name = value.name, constant.name
        graph.replace_uses(value, constant)
    graph.remove(node)
    return True
