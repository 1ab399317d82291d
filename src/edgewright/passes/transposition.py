"""How operators look when their operands are read in another order of axes.

`op(transpose(x, perm))` equals `transpose(op'(x), perm')`: a rule gives the attributes of op' and
perm' for each result, or None where the operator needs its axes in place. Throughout, `perm[i]` is
the axis of x that is axis i of the transposed tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgewright import ops
from edgewright.graph import Node, Quant, TensorType
from edgewright.ops.binary import Binary
from edgewright.ops.unary import Unary
from edgewright.passes.blocks import permute_reshape

Perm = tuple[int, ...]
#: elementwise operators beside the two families
MORE = ("cast", "quantize", "dequantize", "select")


@dataclass(frozen=True)
class Swapped:
    """The operator on untransposed operands: its attributes, and the transposes of its results."""

    attrs: dict[str, Any]
    perms: list[Perm]


Rule = Callable[[Node, Perm], Swapped | None]


def is_elementwise(node: Node) -> bool:
    """Whether each element of the result depends on the same element of the operands only."""
    cls = ops.registry().get(node.op)
    return node.op in MORE or (cls is not None and issubclass(cls, Unary | Binary))


def elementwise_names() -> list[str]:
    """The elementwise operators of one result."""
    return [n for n, cls in ops.registry().items() if n in MORE or issubclass(cls, Unary | Binary)]


def swap(node: Node, perm: Perm) -> Swapped | None:
    """The node on untransposed operands, or None."""
    if is_elementwise(node):
        return Swapped(dict(node.attrs), [perm])
    rule = RULES.get(node.op)
    return rule(node, perm) if rule else None


def operands(node: Node) -> range:
    """The inputs that are to be transposed alike: the tensors, not indices or weights."""
    return range(1 if node.op in ("gather", "fully_connected") else len(node.inputs))


def unpermuted(items: Sequence[Any], perm: Perm) -> tuple[Any, ...]:
    """One item per axis, in the order of the untransposed operand."""
    return tuple(items[perm.index(axis)] for axis in range(len(perm)))


def moved_quant(quant: Quant | None, perm: Perm) -> Quant | None:
    """The quantisation of x, given that of `transpose(x, perm)`."""
    if quant is None or quant.axis is None:
        return quant
    return replace(quant, axis=perm[quant.axis])


def moved_type(type: TensorType, perm: Perm) -> TensorType:
    """The type of x, given that of `transpose(x, perm)`."""
    held = type.with_shape(*unpermuted(type.shape, perm))
    return held.with_quant(moved_quant(type.quant, perm))


def squeezed(perm: Perm, gone: Sequence[int]) -> Perm:
    """What is left of a permutation when axes of the transposed tensor disappear."""
    left = [p for axis, p in enumerate(perm) if axis not in gone]
    return tuple(sorted(left).index(p) for p in left)


def _axis(node: Node, perm: Perm) -> Swapped | None:
    if node.attrs.get("perm"):
        return None
    axis = perm[node.attrs.get("axis", 0) % len(perm)]
    return Swapped({**node.attrs, "axis": axis}, [perm] * len(node.outputs))


def _reduce(node: Node, perm: Perm) -> Swapped:
    axes = [a % len(perm) for a in node.attrs["axes"]]
    attrs = {**node.attrs, "axes": tuple(sorted(perm[a] for a in axes))}
    kept = node.output.type.rank == len(perm)
    return Swapped(attrs, [perm if kept else squeezed(perm, axes)])


def _arg(node: Node, perm: Perm) -> Swapped:
    axis = node.attrs["axis"] % len(perm)
    kept = node.output.type.rank == len(perm)
    return Swapped({**node.attrs, "axis": perm[axis]}, [perm if kept else squeezed(perm, [axis])])


def _per_axis(*names: str) -> Rule:
    """Operators whose attributes hold one entry per axis."""

    def rule(node: Node, perm: Perm) -> Swapped | None:
        if any(len(node.attrs[name]) != len(perm) for name in names if name in node.attrs):
            return None
        lists = {n: unpermuted(node.attrs[n], perm) for n in names if n in node.attrs}
        return Swapped({**node.attrs, **lists}, [perm])

    return rule


def _gather(node: Node, perm: Perm) -> Swapped | None:
    axis, rank = node.attrs.get("axis", 0) % len(perm), node.input(1).type.rank
    if node.attrs.get("batch_dims", 0) or rank > 1:
        return None
    moved = perm if rank == 1 else squeezed(perm, [axis])
    return Swapped({**node.attrs, "axis": perm[axis]}, [moved])


def _last_axis(node: Node, perm: Perm) -> Swapped | None:
    return Swapped(dict(node.attrs), [perm]) if perm[-1] == len(perm) - 1 else None


def _reshape(node: Node, perm: Perm) -> Swapped | None:
    made = node.input(0).producer
    assert made is not None
    found = permute_reshape(made.input(0).type.shape, perm, node.attrs["shape"])
    if found is None or node.output.type.quant != node.input(0).type.quant:
        return None
    return Swapped({"shape": found[0]}, [found[1]])


RULES: dict[str, Rule] = {
    "concat": _axis,
    "split": _axis,
    "argmax": _arg,
    "argmin": _arg,
    "slice": _per_axis("begin", "size", "stride"),
    "pad": _per_axis("pads"),
    "tile": _per_axis("repeats"),
    "expand": _per_axis("shape"),
    "gather": _gather,
    "softmax": _last_axis,
    "log_softmax": _last_axis,
    "fully_connected": _last_axis,
    "reshape": _reshape,
    **{f"reduce_{name}": _reduce for name in ("mean", "sum", "prod", "max", "min")},
}
