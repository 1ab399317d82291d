"""One-input and two-input functions of elements."""

from __future__ import annotations

import math

from edgewright.graph import Value
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule

_UNARY = {
    "ABS": "abs", "NEG": "neg", "EXP": "exp", "LOG": "log", "SQRT": "sqrt", "RSQRT": "rsqrt",
    "SQUARE": "square", "SIN": "sin", "COS": "cos", "TANH": "tanh", "LOGISTIC": "sigmoid",
    "HARD_SWISH": "hard_swish", "FLOOR": "floor", "CEIL": "ceil", "ROUND": "round",
    "SIGN": "sign", "LOGICAL_NOT": "logical_not",
}  # fmt: skip
_BINARY = {
    "POW": "pow", "MAXIMUM": "maximum", "MINIMUM": "minimum", "FLOOR_DIV": "floor_div",
    "FLOOR_MOD": "floor_mod", "SQUARED_DIFFERENCE": "squared_difference", "PRELU": "prelu",
    "EQUAL": "equal", "NOT_EQUAL": "not_equal", "LESS": "less", "LESS_EQUAL": "less_equal",
    "GREATER": "greater", "GREATER_EQUAL": "greater_equal", "LOGICAL_AND": "logical_and",
    "LOGICAL_OR": "logical_or",
}  # fmt: skip
_CLAMPED = {"ADD": "add", "SUB": "sub", "MUL": "mul", "DIV": "div"}
_CLIPS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0),
          "RELU_0_TO_1": (0.0, 1.0)}  # fmt: skip


@rule(*_UNARY)
def unary(node: SourceNode) -> Value:
    """y = f(x)."""
    return node.add(_UNARY[node.operator.code], [node.input(0)])


@rule(*_BINARY)
def binary(node: SourceNode) -> Value:
    """y = f(a, b), with broadcasting."""
    return node.add(_BINARY[node.operator.code], node.inputs())


@rule(*_CLAMPED)
def arithmetic(node: SourceNode) -> Value:
    """y = clamp(f(a, b)), with broadcasting."""
    return node.add(_CLAMPED[node.operator.code], node.inputs(), clamp=node.clamp())


@rule("ADD_N")
def add_n(node: SourceNode) -> Value:
    """The sum of any number of tensors."""
    total, *rest = node.inputs()
    for index, value in enumerate(rest):
        total = node.add("add", [total, value], final=index == len(rest) - 1)
    return total


@rule(*_CLIPS)
def relu(node: SourceNode) -> Value:
    """y = min(max(x, lo), hi)."""
    lo, hi = _CLIPS[node.operator.code]
    return node.add("clip", [node.input(0)], lo=lo, hi=hi)


@rule("LEAKY_RELU")
def leaky_relu(node: SourceNode) -> Value:
    """y = x where positive, else alpha * x."""
    return node.add("leaky_relu", [node.input(0)], alpha=float(node.option("alpha")))


@rule("ELU")
def elu(node: SourceNode) -> Value:
    """y = x where positive, else e**x - 1."""
    return node.add("elu", [node.input(0)], alpha=1.0)


@rule("GELU")
def gelu(node: SourceNode) -> Value:
    """x times the normal distribution, exact or by tanh."""
    return node.add("gelu", [node.input(0)], approximate=bool(node.option("approximate", False)))


@rule("SELECT", "SELECT_V2")
def select(node: SourceNode) -> Value:
    """a where the condition holds, else b."""
    return node.add("select", node.inputs())


@rule("CAST")
def cast(node: SourceNode) -> Value:
    """Another element type."""
    return node.add("cast", [node.input(0)], to=node.output_type().dtype.value)
