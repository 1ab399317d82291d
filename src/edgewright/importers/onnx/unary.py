"""Functions of one operand, element by element, that the IR has under another name."""

from __future__ import annotations

from edgewright.graph import Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

PLAIN = {
    "Abs": "abs",
    "Ceil": "ceil",
    "Cos": "cos",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "HardSwish": "hard_swish",
    "Log": "log",
    "Mish": "mish",
    "Neg": "neg",
    "Not": "logical_not",
    "Reciprocal": "reciprocal",
    "Round": "round",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Sin": "sin",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
}
#: Operator -> (name in the IR, {attribute: default in ONNX})
WITH_ATTRIBUTES: dict[str, tuple[str, dict[str, float]]] = {
    "Elu": ("elu", {"alpha": 1.0}),
    "HardSigmoid": ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
    "LeakyRelu": ("leaky_relu", {"alpha": 0.01}),
    "Selu": ("selu", {"alpha": 1.6732631921768188, "gamma": 1.0507010221481323}),
}


@rule(*PLAIN)
def plain(n: SourceNode) -> Value:
    """The IR's function of the same meaning; whole numbers round to themselves."""
    x = n.input(0)
    if n.op_type in ("Ceil", "Floor", "Round") and x.type.dtype.is_integer:
        return x
    return n.add(PLAIN[n.op_type], x)


@rule(*WITH_ATTRIBUTES)
def with_attributes(n: SourceNode) -> Value:
    """A function with constants in it."""
    name, defaults = WITH_ATTRIBUTES[n.op_type]
    return n.add(name, n.input(0), **{k: n.number(k, v) for k, v in defaults.items()})


@rule("Gelu", since=20)
@rule("Gelu", domain="com.microsoft")
def gelu(n: SourceNode) -> Value:
    """The product x * Phi(x), exactly or through tanh."""
    return n.add("gelu", n.input(0), approximate=n.text("approximate", "none") == "tanh")


@rule("FastGelu", domain="com.microsoft")
def fast_gelu(n: SourceNode) -> Value:
    """Gelu through tanh, of x plus an optional bias."""
    bias = n.optional(1)
    x = n.input(0) if bias is None else n.add("add", n.input(0), bias)
    return n.add("gelu", x, approximate=True)


@rule("Swish", since=24)
@rule("QuickGelu", domain="com.microsoft")
def swish(n: SourceNode) -> Value:
    """The product x * sigmoid(alpha * x)."""
    x = n.input(0)
    alpha = n.number("alpha", 1.0 if n.op_type == "Swish" else 1.702)
    if alpha == 1.0:
        return n.add("silu", x)
    return n.add("mul", x, n.add("sigmoid", n.add("mul", x, n.scalar(alpha, x))))


@rule("Tan")
def tangent(n: SourceNode) -> Value:
    """sin(x) / cos(x)."""
    x = n.input(0)
    return n.add("div", n.add("sin", x), n.add("cos", x))


@rule("Sinh", "Cosh")
def hyperbolic(n: SourceNode) -> Value:
    """(exp(x) -+ exp(-x)) / 2."""
    x = n.input(0)
    op = "sub" if n.op_type == "Sinh" else "add"
    twice = n.add(op, n.add("exp", x), n.add("exp", n.add("neg", x)))
    return n.add("mul", twice, n.scalar(0.5, x))


@rule("Celu")
def celu(n: SourceNode) -> Value:
    """The product alpha * elu(x / alpha)."""
    x, alpha = n.input(0), n.number("alpha", 1.0)
    if alpha == 1.0:
        return n.add("elu", x, alpha=1.0)
    scaled = n.add("div", x, n.scalar(alpha, x))
    return n.add("mul", n.add("elu", scaled, alpha=1.0), n.scalar(alpha, x))


@rule("ThresholdedRelu")
def thresholded_relu(n: SourceNode) -> Value:
    """The operand where x > alpha, else 0."""
    x = n.input(0)
    above = n.add("greater", x, n.scalar(n.number("alpha", 1.0), x))
    return n.add("select", above, x, n.scalar(0, x))


@rule("Shrink")
def shrink(n: SourceNode) -> Value:
    """The sum x + bias below -lambd, x - bias above lambd, 0 between."""
    x, bias, lambd = n.input(0), n.number("bias", 0.0), n.number("lambd", 0.5)
    low = n.add("less", x, n.scalar(-lambd, x))
    high = n.add("greater", x, n.scalar(lambd, x))
    below = n.add("select", low, n.add("add", x, n.scalar(bias, x)), n.scalar(0, x))
    return n.add("select", high, n.add("sub", x, n.scalar(bias, x)), below)


@rule("IsNaN")
def is_nan(n: SourceNode) -> Value:
    """NaN is what differs from itself."""
    return n.add("not_equal", n.input(0), n.input(0))


@rule("IsInf", since=10)
def is_inf(n: SourceNode) -> Value:
    """Whether an element is infinite, of one sign or both."""
    x = n.input(0)
    both = n.integer("detect_positive", 1) and n.integer("detect_negative", 1)
    if both:
        return n.add("equal", n.add("abs", x), n.scalar(float("inf"), x))
    n.require(
        bool(n.integer("detect_positive", 1) or n.integer("detect_negative", 1)),
        "it detects nothing",
    )
    sign = 1 if n.integer("detect_positive", 1) else -1
    return n.add("equal", x, n.scalar(sign * float("inf"), x))
