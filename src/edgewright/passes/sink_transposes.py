"""Move transposes towards the outputs, where they meet their inverses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgewright.graph import Graph, Node, Quant, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, has_scales, rebuilt
from edgewright.passes.editing import (
    drop_unused,
    feeder,
    forward,
    insert,
    insert_many,
    inverse,
    substitute,
    transposed,
)
from edgewright.passes.transposition import (
    Perm,
    moved_quant,
    moved_type,
    operands,
    swap,
    unpermuted,
)


@rewrite()
def sink_transposes(graph: Graph, node: Node) -> bool:
    """Compute a node on untransposed operands and transpose its result instead.

    Channels-first models come with transposes around every convolution; pushed down past what does
    not care about the order of axes, they meet in pairs and vanish.

    Given:
        graph main(%x: float32[1,4,5,3]) -> (%z) {
          const %b: float32[3,1,1] = [1.0, 2.0, 3.0]
          %a = transpose(%x) {perm=[0, 3, 1, 2]}
          %s = add(%a, %b)
          %m = reduce_max(%s) {axes=[1], keepdims=true}
          %y = transpose(%m) {perm=[0, 2, 3, 1]}
          %z = neg(%y)
        }
    Result:
        graph main(%x: float32[1,4,5,3]) -> (%z) {
          const %b.1: float32[1,1,1,3] = [1.0, 2.0, 3.0]
          %s.1 = add(%x, %b.1)
          %m.1 = reduce_max(%s.1) {axes=[3], keepdims=true}
          %z = neg(%m.1)
        }
    """
    first = _transposed_operand(node)
    if first is None:
        return False
    perm: Perm = tuple(first.attrs["perm"])
    if node.op == "transpose":
        return _merge(graph, first, node)
    swapped = swap(node, perm)
    if swapped is None and first.input(0) in graph.root().inputs:
        return False  # a transpose of the interface, in the only place where it can be
    if swapped is None:
        return graph.keep(node, f"{node.op} needs the axes of {first.output} in place")
    stuck = [v for v in _tensors(node) if not _can_carry(node, v, perm)]
    if stuck:
        return graph.keep(node, f"{stuck[0]} is not transposed as {first.output} is")
    carried = [_carry(graph, node, v, perm) for v in _tensors(node)]
    inputs = [*carried, *node.inputs[len(carried) :]]
    pairs = list(zip(node.outputs, swapped.perms, strict=True))
    types = [moved_type(v.type, moved) for v, moved in pairs]
    results = insert_many(
        graph, node, node.op, inputs, swapped.attrs, likes=node.outputs, types=types
    )
    for new, (old, moved) in zip(results, pairs, strict=True):
        new.source = transposed(old.source, inverse(moved))
    _transpose_back(graph, node, results, swapped.perms)
    return True


def _transposed_operand(node: Node) -> Node | None:
    """The transpose that feeds a node, if one does."""
    for index in operands(node):
        made = feeder(node, index, "transpose")
        if made is not None:
            return made
    return None


def _tensors(node: Node) -> list[Value | None]:
    return [node.inputs[i] for i in operands(node)]


def _merge(graph: Graph, first: Node, second: Node) -> bool:
    """Make one transpose of two in turn, or none."""
    perm = tuple(first.attrs["perm"][p] for p in second.attrs["perm"])
    x = first.input(0)
    if perm == tuple(range(len(perm))) and forward(graph, second, x):
        drop_unused(graph, first)
        return True
    second.attrs["perm"] = perm
    graph.set_input(second, 0, x)
    drop_unused(graph, first)
    return True


def _can_carry(node: Node, value: Value | None, perm: Perm) -> bool:
    """Whether an operand is to be had in the order of axes before the transpose at no cost."""
    if value is None or _is_transposed_by(node, value, perm):
        return True
    if value.type.rank > len(perm):
        return False
    if frozen(value) is not None:
        return True
    if has_scales(value.type):
        return False
    # What only moves axes of one element is a reshape.
    shape = (1,) * (len(perm) - value.type.rank) + value.type.shape
    axes = [a for a in inverse(perm) if shape[a] != 1]
    return axes == sorted(axes)


def _is_transposed_by(node: Node, value: Value, perm: Perm) -> bool:
    made = value.producer
    return (
        made is not None
        and made.graph is node.graph
        and made.op == "transpose"
        and tuple(made.attrs["perm"]) == perm
    )


def _carry(graph: Graph, node: Node, value: Value | None, perm: Perm) -> Value | None:
    """The operand in the order of axes before the transpose."""
    if value is None:
        return None
    if _is_transposed_by(node, value, perm):
        assert value.producer is not None
        return value.producer.input(0)
    shape = (1,) * (len(perm) - value.type.rank) + value.type.shape
    held = frozen(value)
    if held is not None and held.data is not None:
        if held.data.size == 1 and held.type.quant is None and node.op != "concat":
            return value
        array = np.transpose(held.data.reshape([int(str(d)) for d in shape]), inverse(perm))
        return rebuilt(graph, node, value, array, _aligned_quant(held, perm))
    moved = value.type.with_shape(*unpermuted(shape, perm))
    return insert(graph, node, "reshape", [value], {"shape": moved.shape}, like=value, type=moved)


def _aligned_quant(value: Value, perm: Perm) -> Quant | None:
    """The quantisation of a constant that is first aligned with `perm`, then untransposed."""
    quant = value.type.quant
    if quant is None or quant.axis is None:
        return quant
    return moved_quant(replace(quant, axis=quant.axis + len(perm) - value.type.rank), perm)


def _transpose_back(graph: Graph, node: Node, results: list[Value], perms: list[Perm]) -> None:
    """Put results in the order of axes that readers of the node expect, and remove the node."""
    makers = [v.producer for v in node.arguments]
    for old, new, perm in zip(list(node.outputs), results, perms, strict=True):
        back = new
        if perm != tuple(range(len(perm))):
            attrs = {"perm": perm}
            back = insert(graph, node, "transpose", [new], attrs, like=old, type=old.type)
        substitute(graph, old, back)
    graph.remove(node)
    for maker in makers:
        if maker is not None:
            drop_unused(graph, maker)
