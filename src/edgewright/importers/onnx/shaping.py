"""Other arrangements of the same elements: Reshape, Flatten, Squeeze, Unsqueeze, Transpose."""

from __future__ import annotations

from edgewright.graph import Dim, Size, Value, product
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("Reshape", since=5)
def reshape(n: SourceNode) -> Value:
    """0 copies a size (unless `allowzero`), -1 is what remains."""
    x = n.input(0)
    wanted = list(n.sizes(1, "the shape"))
    if not n.integer("allowzero", 0):
        for axis, size in enumerate(wanted):
            if isinstance(size, int) and size == 0:
                if axis >= x.type.rank:
                    n.invalid(f"the shape {_text(wanted)} copies axis {axis}, which does not exist")
                wanted[axis] = x.type.shape[axis]
    if any(isinstance(d, int) and d < -1 for d in wanted) or _count_unknown(wanted) > 1:
        n.invalid(f"the shape is {_text(wanted)}")
    shape = [_remaining(n, x, wanted) if _is_unknown(d) else d for d in wanted]
    if product(tuple(shape)) != x.type.count:
        n.invalid(f"{x.type} does not fit into {_text(wanted)}")
    return n.reshape(x, shape)


def _is_unknown(size: Size) -> bool:
    return isinstance(size, int) and size == -1


def _count_unknown(sizes: list[Size]) -> int:
    return sum(_is_unknown(d) for d in sizes)


def _text(sizes: list[Size]) -> str:
    return f"[{', '.join(map(str, sizes))}]"


def _remaining(n: SourceNode, x: Value, wanted: list[Size]) -> Size:
    """The size that -1 stands for: what is left after run-time sizes cancel."""
    have, need = list(x.type.shape), [d for d in wanted if not _is_unknown(d)]
    for size in [d for d in need if isinstance(d, Dim)]:
        if size not in have:
            n.refuse(f"-1 in {_text(wanted)} is not a whole size of {x.type}", "fix the shapes")
        have.remove(size)
        need.remove(size)
    total, divisor = product(tuple(have)), product(tuple(need))
    assert isinstance(divisor, int)
    if divisor == 0 or (isinstance(total, int) and total % divisor):
        n.invalid(f"{x.type} does not fit into {_text(wanted)}")
    return total // divisor


@rule("Flatten")
def flatten(n: SourceNode) -> Value:
    """Two axes: those before `axis`, and the rest."""
    x = n.input(0)
    rank, axis = x.type.rank, n.integer("axis", 1)
    if not -rank <= axis <= rank:
        n.invalid(f"axis is {axis}, but there are {rank} axes")
    axis = axis + rank if axis < 0 else axis
    return n.reshape(x, (product(x.type.shape[:axis]), product(x.type.shape[axis:])))


@rule("Squeeze")
def squeeze(n: SourceNode) -> Value:
    """Without some axes of size 1, or all of them."""
    x = n.input(0)
    given = n.axes_of(1, "axes")
    if given is None:
        axes = tuple(i for i, d in enumerate(x.type.shape) if d == 1)
    else:
        axes = n.axes(given, x.type.rank)
    if any(x.type.shape[a] != 1 for a in axes):
        n.invalid(f"axes {list(axes)} of {x.type} are not all of size 1")
    return n.reshape(x, [d for i, d in enumerate(x.type.shape) if i not in axes])


@rule("Unsqueeze")
def unsqueeze(n: SourceNode) -> Value:
    """With new axes of size 1."""
    x, given = n.input(0), n.axes_of(1, "axes")
    if given is None:
        n.invalid("axes are missing")
    rank = x.type.rank + len(given)
    axes, rest = n.axes(given, rank), iter(x.type.shape)
    return n.reshape(x, [1 if i in axes else next(rest) for i in range(rank)])


@rule("Transpose")
def transpose(n: SourceNode) -> Value:
    """Axes in another order; reversed when `perm` is left out."""
    x = n.input(0)
    perm = n.integers("perm") or tuple(reversed(range(x.type.rank)))
    if sorted(perm) != list(range(x.type.rank)):
        n.invalid(f"perm is {list(perm)}, but there are {x.type.rank} axes")
    return n.transpose(x, perm)


@rule("Expand", since=8)
def expand(n: SourceNode) -> Value:
    """Broadcast to a shape; sizes of 1 in it keep the operand's."""
    x, wanted = n.input(0), n.sizes(1, "the shape")
    rank = max(x.type.rank, len(wanted))
    have = (1,) * (rank - x.type.rank) + x.type.shape
    want = (1,) * (rank - len(wanted)) + wanted
    shape = []
    for a, b in zip(have, want, strict=True):
        if 1 not in (a, b) and a != b:
            n.invalid(f"{x.type} does not broadcast to [{', '.join(map(str, wanted))}]")
        shape.append(b if a == 1 else a)
    return x if tuple(shape) == x.type.shape else n.add("expand", x, shape=tuple(shape))


@rule("Tile", since=6)
def tile(n: SourceNode) -> Value:
    """Each axis repeated."""
    return n.add("tile", n.input(0), repeats=n.sizes(1, "repeats"))
