"""Move transposes that cannot vanish next to the inputs of the model."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, rebuilt
from edgewright.passes.editing import become, insert, sole_feeder, transposed
from edgewright.passes.transposition import elementwise_names


@rewrite("transpose")
def hoist_transposes(graph: Graph, node: Node) -> bool:
    """Transpose an input before its elementwise preparation rather than after it.

    There the first kernel can absorb the transpose, and it counts as one of the interface. Runs
    after every pass that sinks transposes.

    Given:
        graph main(%x: float32[1,3,4,4]) -> (%z) {
          const %m: float32[3,1,1] = [1.0, 2.0, 3.0]
          %y = add(%x, %m)
          %z = transpose(%y) {perm=[0, 2, 3, 1]}
        }
    Result:
        graph main(%x: float32[1,3,4,4]) -> (%z) {
          const %m.1: float32[1,1,1,3] = [1.0, 2.0, 3.0]
          %x.1 = transpose(%x) {perm=[0, 2, 3, 1]}
          %z = add(%x.1, %m.1)
        }
    """
    made = sole_feeder(graph, node, 0, *elementwise_names())
    if made is None or _root(made) not in graph.root().inputs:
        return False
    perm = tuple(node.attrs["perm"])
    inputs = [_moved(graph, node, v, perm) for v in made.inputs]
    y = insert(graph, node, made.op, inputs, made.attrs, like=made.output, type=node.output.type)
    assert y.producer is not None
    y.producer.origin = made.origin
    become(graph, node, y)
    graph.remove(made)
    return True


def _root(node: Node | None) -> Value | None:
    """The value that a chain of functions starts from, if all other operands are constants."""
    names = elementwise_names()
    while node is not None and node.op in names:
        moving = [v for v in node.arguments if frozen(v) is None]
        if len(moving) != 1 or moving[0].type.shape != node.output.type.shape:
            return None
        if moving[0].producer is None:
            return moving[0]
        node = moving[0].producer
    return None


def _moved(graph: Graph, node: Node, value: Value | None, perm: tuple[int, ...]) -> Value | None:
    if value is None:
        return None
    held = frozen(value)
    if held is None or held.data is None:
        source = transposed(value.source, perm)
        return insert(graph, node, "transpose", [value], {"perm": perm}, like=value, source=source)
    if held.data.size == 1:
        return value
    aligned = held.data.reshape([1] * (len(perm) - held.data.ndim) + list(held.data.shape))
    return rebuilt(graph, node, value, np.transpose(aligned, perm), held.type.quant)
