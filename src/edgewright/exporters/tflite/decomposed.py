"""Functions without a builtin operator, made of those that have one; in float32."""

from __future__ import annotations

import math

from edgewright.exporters.tflite.elementwise import (
    SIGMOID,
    finish_float,
    in_float,
    require_float,
    takes,
)
from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule

#: above it, e**x in float32 swamps what is added to it
_HIGH = 20.0
#: Abramowitz and Stegun, 7.1.26: erf to 1.5e-7
_ERF_T = 0.3275911
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


class Formula:
    """Operators on float32 tensors, written as a formula is."""

    def __init__(self, node: ExportedNode) -> None:
        require_float(node)
        self.node = node
        self.x, self.y = in_float(node, node.input(0))

    def of(self, code: str, a: Tensor, b: Tensor | float | None = None) -> Tensor:
        """A temporary: one operator on one or two operands."""
        return self.into(self.node.like(self.x), code, a, b)

    def into(self, output: Tensor, code: str, a: Tensor, b: Tensor | float | None = None) -> Tensor:
        """The same into a tensor that is there."""
        operands = [a] if b is None else [a, self.operand(b)]
        fused = {"fused_activation_function": 0} if code in ("ADD", "SUB", "MUL", "DIV") else {}
        return self.node.add(code, operands, output, **fused)

    def operand(self, value: Tensor | float) -> Tensor:
        """A tensor, or a number as one."""
        return value if isinstance(value, Tensor) else self.node.number(value, self.x.type)

    def end(self, code: str, a: Tensor, b: Tensor | float | None = None) -> None:
        """The last operator, into the node's result."""
        self.into(self.y, code, a, b)
        finish_float(self.node, self.y)


@rule("reciprocal")
def reciprocal(node: ExportedNode) -> None:
    """1 / x."""
    f = Formula(node)
    node.add("DIV", [f.operand(1.0), f.x], f.y, fused_activation_function=0)
    finish_float(node, f.y)


@rule("silu")
def silu(node: ExportedNode) -> None:
    """x * LOGISTIC(x), on quantised operands too."""
    x = node.input(0)
    if node.is_quantised and takes(node, ("int8", "uint8")):
        gate = node.temporary(x.type.with_quant(SIGMOID[x.type.dtype]), "logistic")
        node.add("LOGISTIC", [x], gate)
        node.add("MUL", [x, gate], node.output(), fused_activation_function=0)
        return
    f = Formula(node)
    f.end("MUL", f.x, f.of("LOGISTIC", f.x))


@rule("mish")
def mish(node: ExportedNode) -> None:
    """x * n / (n + 2) with n = e**x * (e**x + 2), which is x * tanh(log(1 + e**x))."""
    f = Formula(node)
    power = f.of("EXP", f.of("MINIMUM", f.x, _HIGH))
    n = f.of("MUL", power, f.of("ADD", power, 2.0))
    f.end("MUL", f.x, f.of("DIV", n, f.of("ADD", n, 2.0)))


@rule("softplus")
def softplus(node: ExportedNode) -> None:
    """max(x, 0) + log(1 + e**-|x|)."""
    f = Formula(node)
    power = f.of("EXP", f.of("NEG", f.of("ABS", f.x)))
    f.end("ADD", f.of("RELU", f.x), f.of("LOG", f.of("ADD", power, 1.0)))


@rule("softsign")
def softsign(node: ExportedNode) -> None:
    """x / (1 + |x|)."""
    f = Formula(node)
    f.end("DIV", f.x, f.of("ADD", f.of("ABS", f.x), 1.0))


@rule("erf")
def erf(node: ExportedNode) -> None:
    """sign(x) * (1 - p(t) e**-x**2) with t = 1 / (1 + c |x|)."""
    f = Formula(node)
    size = f.of("ABS", f.x)
    t = node.add("DIV", [f.operand(1.0), f.of("ADD", f.of("MUL", size, _ERF_T), 1.0)],
                 node.like(f.x), fused_activation_function=0)  # fmt: skip
    *first, last = _ERF
    total = f.of("MUL", t, last)
    for factor in reversed(first):
        total = f.of("MUL", f.of("ADD", total, factor), t)
    tail = f.of("MUL", total, f.of("EXP", f.of("NEG", f.of("SQUARE", f.x))))
    rest = node.add("SUB", [f.operand(1.0), tail], node.like(f.x), fused_activation_function=0)
    f.end("MUL", rest, f.of("SIGN", f.x))


@rule("hard_sigmoid")
def hard_sigmoid(node: ExportedNode) -> None:
    """alpha * x + beta between 0 and 1; by RELU6 where it is a sixth of that."""
    alpha, beta = float(node.attrs.alpha), float(node.attrs.beta)
    f = Formula(node)
    if math.isclose(alpha * 6.0, 1.0, rel_tol=1e-6) and beta == 0.5:
        moved = node.like(f.x)
        node.add("ADD", [f.x, f.operand(3.0)], moved, fused_activation_function=3)
        f.end("MUL", moved, 1 / 6)
        return
    line = node.like(f.x)
    scaled = f.of("MUL", f.x, alpha)
    node.add("ADD", [scaled, f.operand(beta)], line, fused_activation_function=1)
    f.end("MINIMUM", line, 1.0)


@rule("elu")
def elu(node: ExportedNode) -> None:
    """ELU, whose alpha is 1; another one is written out."""
    if node.attrs.alpha == 1.0 and takes(node, ("float32", "int8")):
        node.add("ELU", [node.input(0)], node.output())
        return
    f = Formula(node)
    _exponential(f, float(node.attrs.alpha), 1.0)


@rule("selu")
def selu(node: ExportedNode) -> None:
    """gamma * elu(x)."""
    _exponential(Formula(node), float(node.attrs.alpha), float(node.attrs.gamma))


def _exponential(f: Formula, alpha: float, gamma: float) -> None:
    """gamma * (max(x, 0) + alpha * (e**min(x, 0) - 1)), by way of ELU."""
    low = f.of("MUL", f.of("ELU", f.of("MINIMUM", f.x, 0.0)), alpha * gamma)
    high = f.of("RELU", f.x)
    f.end("ADD", low, high if gamma == 1.0 else f.of("MUL", high, gamma))


@rule("layer_norm")
def layer_norm(node: ExportedNode) -> None:
    """(x - mean) * rsqrt(variance + epsilon) * scale + bias."""
    x, y = node.input(0), node.output()
    row = node.like(x.type.with_shape(*x.type.shape[:-1], 1))
    axis = node.ints([x.type.rank - 1], "axis")
    plain = {"fused_activation_function": 0}
    mean = node.add("MEAN", [x, axis], row, keep_dims=True)
    centred = node.add("SUB", [x, mean], node.like(x), **plain)
    square = node.add("MUL", [centred, centred], node.like(x), **plain)
    variance = node.add("MEAN", [square, axis], node.like(row), keep_dims=True)
    epsilon = node.number(float(node.attrs.epsilon), x.type)
    total = node.add("ADD", [variance, epsilon], node.like(row), **plain)
    by = node.add("RSQRT", [total], node.like(row))
    normal = node.add("MUL", [centred, by], node.like(x), **plain)
    scaled = node.add("MUL", [normal, node.input(1)], node.like(x), **plain)
    node.add("ADD", [scaled, node.input(2)], y, **plain)
