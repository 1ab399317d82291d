"""Permute weights ahead of time instead of activations at run time."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, Graph, Node, Size
from edgewright.passes import rewrite
from edgewright.passes.blocks import blocks
from edgewright.passes.constants import frozen, rebuilt
from edgewright.passes.editing import drop_unused, feeder, insert


@rewrite("fully_connected")
def permute_weights(graph: Graph, node: Node) -> bool:
    """Drop the transpose before a flattening reshape, and permute the weight's columns instead.

    Given:
        graph main(%x: float32[1,2,1,2]) -> (%y) {
          const %w: float32[1,4] = [1.0, 2.0, 3.0, 4.0]
          %t = transpose(%x) {perm=[0, 3, 1, 2]}
          %f = reshape(%t) {shape=[1, 4]}
          %y = fully_connected(%f, %w, none)
        }
    Result:
        graph main(%x: float32[1,2,1,2]) -> (%y) {
          const %w.1: float32[1,4] = [1.0, 3.0, 2.0, 4.0]
          %f.1 = reshape(%x) {shape=[1, 4]}
          %y = fully_connected(%f.1, %w.1, none)
        }
    """
    reshape = feeder(node, 0, "reshape")
    transpose = feeder(reshape, 0, "transpose") if reshape else None
    if reshape is None or transpose is None:
        return False
    weight = frozen(node.input(1))
    if weight is None or weight.data is None:
        return graph.keep(node, "the weight is not a constant")
    x = transpose.input(0)
    columns = _permuted(x.type.shape, transpose.attrs["perm"], reshape.attrs["shape"], weight.data)
    if columns is None:
        return graph.keep(node, f"{transpose.output} moves axes that are not flattened")
    flat = reshape.output
    y = insert(graph, node, "reshape", [x], {"shape": flat.type.shape}, like=flat, type=flat.type)
    w = rebuilt(graph, node, node.input(1), columns, weight.type.quant)
    graph.set_inputs(node, [y, w, *node.inputs[2:]])
    drop_unused(graph, reshape)
    return True


def _permuted(
    shape: tuple[Size, ...], perm: tuple[int, ...], new: tuple[Size, ...], weight: Array
) -> Array | None:
    """The weight whose columns are in the order of x; None when other axes move too."""
    found = blocks([shape[p] for p in perm], new) or []
    held = [block for block in found if block.after == [len(new) - 1]]
    if not held:
        return None
    flattened = [perm[a] for a in held[0].before]
    rest = [perm[a] for block in found if block is not held[0] for a in block.before]
    others = [a for a in rest if shape[a] != 1]
    sizes = [shape[a] for a in flattened]
    if others != sorted(others) or any(a > min(flattened) for a in others):
        return None
    if not all(isinstance(size, int) for size in sizes):
        return None
    order = sorted(range(len(flattened)), key=lambda i: flattened[i])
    split = weight.reshape([weight.shape[0], *[int(str(size)) for size in sizes]])
    return np.transpose(split, [0, *[i + 1 for i in order]]).reshape(weight.shape)
