"""Functions of two operands, and the choice between two."""

from __future__ import annotations

from typing import Final

from edgewright.exporters.onnx.layout import Perm
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

PLAIN: Final = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "minimum": "Min",
    "maximum": "Max", "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual",
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "logical_and": "And",
    "logical_or": "Or", "logical_xor": "Xor",
}  # fmt: skip


def _operands(n: NodeWriter) -> tuple[str, str, Perm]:
    """Both operands in one order of axes."""
    a, b = n.node.input(0), n.node.input(1)
    perm = n.agreed([a, b])
    return n.aligned(a, perm), n.aligned(b, perm), perm


@rule(*PLAIN)
def plain(n: NodeWriter) -> None:
    """One node, and the clamp behind it."""
    a, b, perm = _operands(n)
    result = n.emit(PLAIN[n.node.op], [a, b])
    n.finish(n.clamped(result, getattr(n.op, "clamp", None), n.y.type), perm)


@rule("not_equal")
def not_equal(n: NodeWriter) -> None:
    """not (a == b)."""
    a, b, perm = _operands(n)
    n.finish(n.emit("Not", [n.emit("Equal", [a, b])]), perm)


@rule("squared_difference")
def squared_difference(n: NodeWriter) -> None:
    """(a - b)**2."""
    a, b, perm = _operands(n)
    difference = n.emit("Sub", [a, b])
    n.finish(n.emit("Mul", [difference, difference]), perm)


@rule("prelu")
def prelu(n: NodeWriter) -> None:
    """PRelu, whose slope is broadcast to the operand, never the other way around."""
    a, b, perm = _operands(n)
    if n.x.type.shape == n.y.type.shape:
        n.finish(n.emit("PRelu", [a, b]), perm)
        return
    zero = n.number(0.0, n.x.type)
    above, below = n.emit("Max", [a, zero]), n.emit("Mul", [n.emit("Min", [a, zero]), b])
    n.finish(n.emit("Add", [above, below]), perm)


@rule("floor_div")
def floor_div(n: NodeWriter) -> None:
    """floor(a / b); ONNX's division of integers rounds towards zero."""
    a, b, perm = _operands(n)
    if n.x.type.dtype.is_float or n.x.type.quant is not None:
        n.finish(n.emit("Floor", [n.emit("Div", [a, b])]), perm)
        return
    rest = n.emit("Mod", [a, b])  # with the sign of b
    n.finish(n.emit("Div", [n.emit("Sub", [a, rest]), b]), perm)


@rule("floor_mod")
def floor_mod(n: NodeWriter) -> None:
    """The remainder with the sign of b; ONNX's of floats has that of a."""
    a, b, perm = _operands(n)
    if not n.x.type.dtype.is_float and n.x.type.quant is None:
        n.finish(n.emit("Mod", [a, b]), perm)
        return
    zero, rest = n.number(0.0, n.x.type), n.emit("Mod", [a, b], fmod=1)
    signs = [n.emit("Less", [v, zero]) for v in (rest, b)]
    is_zero = n.emit("Equal", [rest, zero])
    wrong = n.emit("And", [n.emit("Xor", signs), n.emit("Not", [is_zero])])
    n.finish(n.emit("Where", [wrong, n.emit("Add", [rest, b]), rest]), perm)


@rule("select")
def select(n: NodeWriter) -> None:
    """Where."""
    values = [n.node.input(i) for i in range(3)]
    perm = n.agreed(values)
    n.finish(n.emit("Where", [n.aligned(v, perm) for v in values]), perm)
