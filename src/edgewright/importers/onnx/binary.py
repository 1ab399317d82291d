"""Functions of two or more operands, element by element, with broadcasting."""

from __future__ import annotations

import functools

import numpy as np

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

PLAIN = {
    "Add": "add",
    "And": "logical_and",
    "Div": "div",
    "Equal": "equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Mul": "mul",
    "Or": "logical_or",
    "Sub": "sub",
    "Xor": "logical_xor",
}
VARIADIC = {"Max": "maximum", "Min": "minimum", "Sum": "add", "Mean": "add"}


@rule(*PLAIN)
def plain(n: SourceNode) -> Value:
    """The IR's function of the same meaning."""
    return n.add(PLAIN[n.op_type], n.input(0), n.input(1))


@rule(*VARIADIC)
def variadic(n: SourceNode) -> Value:
    """A chain of functions of two operands."""
    if not n.inputs:
        n.invalid("there are no operands")
    operands = [n.input(i) for i in range(len(n.inputs))]
    total = functools.reduce(lambda a, b: n.add(VARIADIC[n.op_type], a, b), operands)
    if n.op_type == "Mean" and len(operands) > 1:
        total = n.add("div", total, n.scalar(len(operands), total))
    return total


@rule("Pow")
def power(n: SourceNode) -> Value:
    """The power a ** b, in the element type of a; small whole exponents become products."""
    a, b = n.input(0), n.input(1)
    if b.data is not None and b.data.size == 1 and b.type.rank <= a.type.rank:
        exponent = float(b.data.reshape(()))
        if exponent == 2:
            return n.add("square", a)
        if exponent == 0.5 and a.type.dtype.is_float:
            return n.add("sqrt", a)
        if exponent == 3:
            return n.add("mul", n.add("square", a), a)
    n.require(a.type.dtype.is_float, "a power of integers", "cast the operands to float")
    return n.add("pow", a, n.cast(b, a.type.dtype))


@rule("Mod", since=10)
def modulo(n: SourceNode) -> Value:
    """The remainder with the sign of b, or of a where `fmod` is 1."""
    a, b = n.input(0), n.input(1)
    if not n.integer("fmod", 0):
        return n.add("floor_mod", a, b)
    if a.type.dtype.is_integer:
        return n.add("sub", a, n.add("mul", n.add("div", a, b), b))
    size = n.add("floor_mod", n.add("abs", a), n.add("abs", b))
    return n.add("mul", n.add("sign", a), size)


@rule("PRelu")
def prelu(n: SourceNode) -> Value:
    """The operand where it is positive, else slope * x; the slope broadcasts to x."""
    return n.add("prelu", n.input(0), n.input(1))


@rule("Where", since=9)
def where(n: SourceNode) -> Value:
    """The first operand where the condition holds, else b."""
    return n.add("select", n.input(0), n.input(1), n.input(2))


@rule("Relu")
def relu(n: SourceNode) -> Value:
    """max(x, 0)."""
    return n.add("clip", n.input(0), lo=0.0, hi=float("inf"))


@rule("Clip", since=6)
def clip_by_attributes(n: SourceNode) -> Value:
    """min(max(x, lo), hi) with constant limits."""
    lowest, highest = float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)
    lo, hi = n.number("min", lowest), n.number("max", highest)
    return n.add(
        "clip",
        n.input(0),
        lo=float("-inf") if lo <= lowest else lo,
        hi=float("inf") if hi >= highest else hi,
    )


@rule("Clip", since=11)
def clip(n: SourceNode) -> Value:
    """min(max(x, lo), hi); limits that are computed at run time, or cross, stay separate nodes."""
    x, lo, hi = n.input(0), n.optional(1), n.optional(2)
    low = float("-inf") if lo is None else _number(lo)
    high = float("inf") if hi is None else _number(hi)
    if low is not None and high is not None and low <= high:
        if low == float("-inf") and high == float("inf"):
            return x
        return n.add("clip", x, lo=low, hi=high)
    y = x if lo is None else n.add("maximum", x, lo)
    return y if hi is None else n.add("minimum", y, hi)


def _number(value: Value) -> float | None:
    return (
        float(value.data.reshape(())) if value.data is not None and value.data.size == 1 else None
    )
