"""Einsum of one or two operands, as transposes, sums and one matrix product."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.graph import Size, Value, product
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("Einsum", since=12)
def einsum(n: SourceNode) -> Value:
    """Letters in both operands and the result are batch axes; those in both only are summed."""
    equation = n.text("equation").replace(" ", "")
    n.require("..." not in equation, f"the equation {equation!r} has an ellipsis", "name all axes")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    n.require(len(terms) <= 2, f"{len(terms)} operands", "use products of two operands")
    if len(terms) != len(n.inputs) or not all(t.isalpha() for t in terms):
        n.invalid(f"the equation is {equation!r} for {len(n.inputs)} operands")
    if not arrow:
        counted = "".join(terms)
        right = "".join(sorted(c for c in set(counted) if counted.count(c) == 1))
    operands = [_Operand(n, n.input(i), term) for i, term in enumerate(terms)]
    if len(operands) == 1:
        return operands[0].summed(right).arranged(right)
    return _product(n, operands[0], operands[1], right)


class _Operand:
    """A value whose axes have letters."""

    def __init__(self, n: SourceNode, value: Value, letters: str) -> None:
        if len(letters) != value.type.rank:
            n.invalid(f"{letters!r} names {len(letters)} axes of {value.type}")
        n.require(len(set(letters)) == len(letters), f"{letters!r} takes a diagonal")
        self.n, self.value, self.letters = n, value, letters

    def size(self, letters: str) -> tuple[Size, ...]:
        """The sizes of some axes."""
        return tuple(self.value.type.shape[self.letters.index(c)] for c in letters)

    def summed(self, kept: str) -> _Operand:
        """Without the axes that nothing else has."""
        axes = tuple(i for i, c in enumerate(self.letters) if c not in kept)
        if not axes:
            return self
        value = self.n.add("reduce_sum", self.value, axes=axes, keepdims=False)
        return _Operand(self.n, value, "".join(c for c in self.letters if c in kept))

    def arranged(self, letters: str) -> Value:
        """The value with its axes in another order."""
        if sorted(letters) != sorted(self.letters):
            self.n.invalid(f"the result {letters!r} is not made of {self.letters!r}")
        return self.n.transpose(self.value, [self.letters.index(c) for c in letters])


def _product(n: SourceNode, a: _Operand, b: _Operand, result: str) -> Value:
    a, b = a.summed(b.letters + result), b.summed(a.letters + result)
    shared = [c for c in a.letters if c in b.letters]
    batch = "".join(c for c in shared if c in result)
    inner = "".join(c for c in shared if c not in result)
    rows = "".join(c for c in a.letters if c not in shared)
    columns = "".join(c for c in b.letters if c not in shared)
    groups = [a.size(batch), a.size(rows), b.size(columns)]
    depth = product(a.size(inner))
    left = n.reshape(a.arranged(batch + rows + inner), (*groups[0], product(groups[1]), depth))
    right = n.reshape(b.arranged(batch + inner + columns), (*groups[0], depth, product(groups[2])))
    y = n.reshape(n.add("matmul", left, right), _joined(groups))
    return _Operand(n, y, batch + rows + columns).arranged(result)


def _joined(groups: Sequence[tuple[Size, ...]]) -> tuple[Size, ...]:
    return tuple(size for group in groups for size in group)
