"""Split a transpose that a reshape holds up."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.blocks import gather_blocks, permute_reshape
from edgewright.passes.editing import become, drop_unused, feeder, insert, inverse, transposed
from edgewright.passes.transposition import Perm, swap


@rewrite("reshape")
def split_transposes(graph: Graph, node: Node) -> bool:
    """Shuffle channels where they are, and leave a plain transpose behind that can vanish.

    A reshape that merges axes which lie apart holds a transpose up. The part of the transpose that
    brings them together stays; the rest, when it is from channels last to channels first, moves on.

    Given:
        graph main(%x: float32[1,4,5,2,3]) -> (%z) {
          %y = transpose(%x) {perm=[0, 4, 3, 1, 2]}
          %z = reshape(%y) {shape=[1, 6, 4, 5]}
        }
    Result:
        graph main(%x: float32[1,4,5,2,3]) -> (%z) {
          %y.1 = transpose(%x) {perm=[0, 1, 2, 4, 3]}
          %z.1 = reshape(%y.1) {shape=[1, 4, 5, 6]}
          %z = transpose(%z.1) {perm=[0, 3, 1, 2]}
        }
    """
    made = feeder(node, 0, "transpose")
    if made is None or node.output.type.quant != made.input(0).type.quant:
        return False
    x, perm = made.input(0), tuple(made.attrs["perm"])
    inner = gather_blocks(x.type.shape, perm, node.attrs["shape"])
    rank = len(node.attrs["shape"])
    if rank < 3 or inner is None or inner == tuple(range(len(inner))):
        return False
    shape = tuple(x.type.shape[p] for p in inner)
    rest = tuple(inner.index(p) for p in perm)
    swapped = permute_reshape(shape, rest, node.attrs["shape"])
    if swapped is None or swapped[1] != (0, rank - 1, *range(1, rank - 1)):
        return graph.keep(node, f"what is left of {made.output} would not be a plain transpose")
    if not _moves_on(node, swapped[1]):
        return graph.keep(node, f"what is left of {made.output} would stay where it is")
    moved = insert(graph, node, "transpose", [x], {"perm": inner}, like=made.output)
    flat = insert(graph, node, "reshape", [moved], {"shape": swapped[0]}, like=node.output)
    flat.source = transposed(node.output.source, inverse(swapped[1]))
    back = insert(graph, node, "transpose", [flat], {"perm": swapped[1]}, like=node.output)
    become(graph, node, back)
    drop_unused(graph, made)
    return True


def _moves_on(node: Node, perm: Perm) -> bool:
    """Whether a reader would take its operand untransposed, or there is none: an output.

    Attention hands the heads' results to a product that would not.
    """
    readers = node.output.users
    return not readers or any(r.op == "transpose" or swap(r, perm) is not None for r in readers)
