"""Functions of one operand."""

from __future__ import annotations

import math
from typing import Final

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

#: operators that ONNX has under a name of its own, with the attributes that are the same
PLAIN: Final = {
    "abs": "Abs", "neg": "Neg", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin",
    "cos": "Cos", "tanh": "Tanh", "sigmoid": "Sigmoid", "erf": "Erf", "leaky_relu": "LeakyRelu",
    "elu": "Elu", "selu": "Selu", "hard_sigmoid": "HardSigmoid", "softplus": "Softplus",
    "softsign": "Softsign", "floor": "Floor", "ceil": "Ceil", "round": "Round", "sign": "Sign",
    "reciprocal": "Reciprocal",
}  # fmt: skip
GELU_OPSET: Final = 20
MISH_OPSET: Final = 18
HARD_SWISH_OPSET: Final = 14


@rule(*PLAIN)
def plain(n: NodeWriter) -> None:
    """One node."""
    perm, attrs = n.held(), {k: float(v) for k, v in n.op.attributes.items()}
    n.finish(n.emit(PLAIN[n.node.op], [n.real(n.x, perm)], **attrs), perm)


@rule("rsqrt")
def rsqrt(n: NodeWriter) -> None:
    """1 / sqrt(x)."""
    perm = n.held()
    n.finish(n.emit("Reciprocal", [n.emit("Sqrt", [n.real(n.x, perm)])]), perm)


@rule("square")
def square(n: NodeWriter) -> None:
    """x * x."""
    perm = n.held()
    x = n.real(n.x, perm)
    n.finish(n.emit("Mul", [x, x]), perm)


@rule("silu")
def silu(n: NodeWriter) -> None:
    """x * sigmoid(x), as ONNX's own exporters write it."""
    perm = n.held()
    x = n.real(n.x, perm)
    n.finish(n.emit("Mul", [x, n.emit("Sigmoid", [x])]), perm)


@rule("mish")
def mish(n: NodeWriter) -> None:
    """x * tanh(softplus(x))."""
    perm = n.held()
    x = n.real(n.x, perm)
    if n.file.opset >= MISH_OPSET:
        n.finish(n.emit("Mish", [x]), perm)
    else:
        n.finish(n.emit("Mul", [x, n.emit("Tanh", [n.emit("Softplus", [x])])]), perm)


@rule("hard_swish")
def hard_swish(n: NodeWriter) -> None:
    """x * hard_sigmoid(x), with a slope of 1/6."""
    perm = n.held()
    x = n.real(n.x, perm)
    if n.file.opset >= HARD_SWISH_OPSET:
        n.finish(n.emit("HardSwish", [x]), perm)
    else:
        n.finish(n.emit("Mul", [x, n.emit("HardSigmoid", [x], alpha=1 / 6, beta=0.5)]), perm)


@rule("gelu")
def gelu(n: NodeWriter) -> None:
    """Gelu from opset 20 on; before, the products that every exporter writes and runtimes fuse."""
    perm = n.held()
    x = n.real(n.x, perm)
    if n.file.opset >= GELU_OPSET:
        how = "tanh" if n.op.approximate else "none"
        n.finish(n.emit("Gelu", [x], approximate=how), perm)
        return
    inner = _tanh_part(n, x) if n.op.approximate else _erf_part(n, x)
    sum_ = n.emit("Add", [inner, n.number(1.0, n.x.type)])
    product = n.emit("Mul", [x, sum_])
    n.finish(n.emit("Mul", [product, n.number(0.5, n.x.type)]), perm)


def _erf_part(n: NodeWriter, x: str) -> str:
    return n.emit("Erf", [n.emit("Div", [x, n.number(math.sqrt(2.0), n.x.type)])])


def _tanh_part(n: NodeWriter, x: str) -> str:
    cube = n.emit("Pow", [x, n.number(3.0, n.x.type)])
    scaled = n.emit("Mul", [cube, n.number(0.044715, n.x.type)])
    total = n.emit("Add", [x, scaled])
    slope = n.number(math.sqrt(2.0 / math.pi), n.x.type)
    return n.emit("Tanh", [n.emit("Mul", [total, slope])])


@rule("clip")
def clip(n: NodeWriter) -> None:
    """Relu where that is what it is."""
    perm = n.held()
    x = n.real(n.x, perm)
    result = n.clamped(x, (n.op.lo, n.op.hi), n.x.type)
    n.finish(n.emit("Identity", [x]) if result == x else result, perm)


@rule("logical_not")
def logical_not(n: NodeWriter) -> None:
    """not x."""
    perm = n.held()
    n.finish(n.emit("Not", [n.real(n.x, perm)]), perm)
