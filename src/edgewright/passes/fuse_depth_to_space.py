"""Recognise pixel shuffles written as reshape, transpose, reshape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewright.graph import Graph, Node, Size, Value
from edgewright.passes import rewrite
from edgewright.passes.editing import become, drop_unused, feeder, insert

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
Shape = tuple[Size, ...]


@dataclass(frozen=True)
class Shuffle:
    """One spelling: `split(n, c, h, w, b)` is the shape in the middle, for the operand of the
    operator in the order N, C, H, W; `block` is the place of b in it.
    """

    op: str
    mode: str
    channels_first: bool
    perm: tuple[int, ...]
    split: Callable[[int, int, Size, Size, int], Shape]
    block: int


SHUFFLES = [
    Shuffle("depth_to_space", "crd", True, (0, 1, 4, 2, 5, 3),
             lambda n, c, h, w, b: (n, c // (b * b), b, b, h, w), 2),
    Shuffle("depth_to_space", "dcr", True, (0, 3, 4, 1, 5, 2),
             lambda n, c, h, w, b: (n, b, b, c // (b * b), h, w), 1),
    Shuffle("depth_to_space", "dcr", False, (0, 1, 3, 2, 4, 5),
             lambda n, c, h, w, b: (n, h, w, b, b, c // (b * b)), 3),
    Shuffle("depth_to_space", "crd", False, (0, 1, 4, 2, 5, 3),
             lambda n, c, h, w, b: (n, h, w, c // (b * b), b, b), 4),
    Shuffle("space_to_depth", "dcr", True, (0, 3, 5, 1, 2, 4),
             lambda n, c, h, w, b: (n, c, h // b, b, w // b, b), 3),
    Shuffle("space_to_depth", "crd", True, (0, 1, 3, 5, 2, 4),
             lambda n, c, h, w, b: (n, c, h // b, b, w // b, b), 3),
    Shuffle("space_to_depth", "dcr", False, (0, 1, 3, 2, 4, 5),
             lambda n, c, h, w, b: (n, h // b, b, w // b, b, c), 2),
]  # fmt: skip


@rewrite("reshape")
def fuse_depth_to_space(graph: Graph, node: Node) -> bool:
    """Turn reshape, transpose, reshape of a pixel shuffle (or its inverse) into one operator.

    Given:
        graph main(%x: float32[1,8,3,5]) -> (%y) {
          %a = reshape(%x) {shape=[1, 2, 2, 2, 3, 5]}
          %b = transpose(%a) {perm=[0, 1, 4, 2, 5, 3]}
          %y = reshape(%b) {shape=[1, 2, 6, 10]}
        }
    Result:
        graph main(%x: float32[1,8,3,5]) -> (%y) {
          %x.1 = transpose(%x) {perm=[0, 2, 3, 1]}
          %y.1 = depth_to_space(%x.1) {block=2, mode="crd"}
          %y = transpose(%y.1) {perm=[0, 3, 1, 2]}
        }
    """
    transpose = feeder(node, 0, "transpose")
    split = feeder(transpose, 0, "reshape") if transpose else None
    if transpose is None or split is None or split.input(0).type.rank != 4:
        return False
    x, middle = split.input(0), split.output.type.shape
    for shuffle in SHUFFLES:
        if len(middle) == 6 and tuple(transpose.attrs["perm"]) == shuffle.perm:
            block = middle[shuffle.block]
            if isinstance(block, int) and _fits(shuffle, x, middle, node.output, block):
                _replace(graph, node, x, shuffle, block)
                drop_unused(graph, transpose)
                return True
    return False


def _order(shuffle: Shuffle, shape: Sequence[Size]) -> list[Size]:
    """N, C, H, W of a shape."""
    return list(shape) if shuffle.channels_first else [shape[a] for a in TO_FIRST]


def _fits(shuffle: Shuffle, x: Value, middle: Shape, y: Value, block: int) -> bool:
    n, c, h, w = _order(shuffle, x.type.shape)
    if y.type.rank != 4 or not isinstance(n, int) or not isinstance(c, int):
        return False
    if shuffle.split(n, c, h, w, block) != middle:
        return False
    if shuffle.op == "depth_to_space":
        expected = [n, c // (block * block), h * block, w * block]
    else:
        expected = [n, c * block * block, h // block, w // block]
    return _order(shuffle, y.type.shape) == expected


def _replace(graph: Graph, node: Node, x: Value, shuffle: Shuffle, block: int) -> None:
    attrs = {"block": block, "mode": shuffle.mode}
    if not shuffle.channels_first:
        become(graph, node, insert(graph, node, shuffle.op, [x], attrs, like=node.output))
        return
    last = insert(graph, node, "transpose", [x], {"perm": TO_LAST}, like=x)
    y = insert(graph, node, shuffle.op, [last], attrs, like=node.output)
    become(graph, node, insert(graph, node, "transpose", [y], {"perm": TO_FIRST}, like=node.output))
