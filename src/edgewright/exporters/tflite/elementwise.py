"""Functions of one or two operands that have a builtin operator."""

from __future__ import annotations

import math

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.exporters.tflite.window import pot_scale
from edgewright.graph import DType, Quant, Size, TensorType

FLOAT = ("float32",)
#: builtin operator, and the element types that it takes (quantised 8- and 16-bit ones included)
UNARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "abs": ("ABS", ("float32", "int8", "int16", "int32")),
    "ceil": ("CEIL", FLOAT),
    "cos": ("COS", FLOAT),
    "exp": ("EXP", ("float32", "int8")),
    "floor": ("FLOOR", FLOAT),
    "hard_swish": ("HARD_SWISH", ("float32", "int8", "uint8")),
    "log": ("LOG", ("float32", "int8")),
    "neg": ("NEG", ("float32", "int32", "int64")),
    "round": ("ROUND", FLOAT),
    "rsqrt": ("RSQRT", FLOAT),
    "sigmoid": ("LOGISTIC", ("float32", "int8", "uint8")),
    "sign": ("SIGN", ("float32", "int32")),
    "sin": ("SIN", FLOAT),
    "sqrt": ("SQRT", FLOAT),
    "square": ("SQUARE", FLOAT),
    "tanh": ("TANH", ("float32", "int8", "uint8")),
}
#: the quantisation of a sigmoid's result that every runtime takes
SIGMOID = {DType.INT8: Quant((1 / 256,), (-128,)), DType.UINT8: Quant((1 / 256,), (0,))}
_PLAIN = ("float32", "int32", "int64")
_COMPARED = ("float32", "int32", "int64", "int8", "uint8")
BINARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "equal": ("EQUAL", (*_COMPARED, "bool")),
    "floor_div": ("FLOOR_DIV", ("float32", "int32")),
    "floor_mod": ("FLOOR_MOD", _PLAIN),
    "greater": ("GREATER", _COMPARED),
    "greater_equal": ("GREATER_EQUAL", _COMPARED),
    "less": ("LESS", _COMPARED),
    "less_equal": ("LESS_EQUAL", _COMPARED),
    "logical_and": ("LOGICAL_AND", ("bool",)),
    "logical_or": ("LOGICAL_OR", ("bool",)),
    "logical_xor": ("NOT_EQUAL", ("bool",)),
    "maximum": ("MAXIMUM", (*_COMPARED, "int16")),
    "minimum": ("MINIMUM", (*_COMPARED, "int16")),
    "not_equal": ("NOT_EQUAL", (*_COMPARED, "bool")),
    "pow": ("POW", ("float32", "int32")),
    "prelu": ("PRELU", ("float32", "int8", "uint8")),
    "squared_difference": ("SQUARED_DIFFERENCE", ("float32", "int32", "int8")),
}
ARITHMETIC: dict[str, tuple[str, tuple[str, ...]]] = {
    "add": ("ADD", (*_PLAIN, "int8", "uint8", "int16")),
    "sub": ("SUB", (*_PLAIN, "int8", "uint8", "int16")),
    "mul": ("MUL", (*_PLAIN, "int8", "uint8", "int16")),
    "div": ("DIV", ("float32", "int32")),
}
#: axes that every runtime broadcasts over
MOST_AXES = 4
CLIPS = {(0.0, math.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}


def takes(node: ExportedNode, types: tuple[str, ...], index: int = 0) -> bool:
    """Whether a builtin operator takes the operand's element type, as numbers or quantised."""
    type = node.value(index).type
    quantised = type.quant is not None
    if type.dtype in (DType.INT8, DType.UINT8, DType.INT16) and not quantised:
        return False
    return type.dtype.value in types


def in_float(node: ExportedNode, x: Tensor) -> tuple[Tensor, Tensor]:
    """x in float32, and a float32 tensor for the result; `finish_float` brings it back."""
    real = node.real(x)
    if node.type.dtype is DType.FLOAT32:
        return real, node.output()
    return real, node.temporary(TensorType(DType.FLOAT32, node.type.shape), "real")


def finish_float(node: ExportedNode, y: Tensor) -> None:
    """Bring a float32 result to the quantisation of the node's."""
    if y is not node.output():
        node.add("QUANTIZE", [y], node.output())


def require_float(node: ExportedNode) -> None:
    """Refuse what is neither float32 nor quantised."""
    type = node.value(0).type
    known = type.dtype is DType.FLOAT32 or type.quant is not None
    node.require(known, f"{type} has no builtin operator", "cast it to float32 before")


def _strict_output(node: ExportedNode) -> Tensor:
    """The result; only XNNPACK knows sigmoids of any scale."""
    y = node.output()
    quant = SIGMOID.get(y.type.dtype)
    if node.node.op != "sigmoid" or y.type.quant in (None, quant):
        return y
    return node.temporary(y.type.with_quant(quant))


@rule(*UNARY)
def unary(node: ExportedNode) -> None:
    """One operator; quantised operands that it does not take are computed with in float32."""
    code, types = UNARY[node.node.op]
    if takes(node, types):
        made = _strict_output(node)
        node.add(code, [node.input(0)], made)
        if made is not node.output():
            node.requantized(made, node.output())
        return
    if node.node.op == "square" and takes(node, ("int32", "int64")):
        x = node.input(0)
        node.add("MUL", [x, x], node.output(), fused_activation_function=0)
        return
    require_float(node)
    x, y = in_float(node, node.input(0))
    node.add(code, [x], y)
    finish_float(node, y)


def aligned(node: ExportedNode, *operands: Tensor) -> list[Tensor]:
    """Operands with as few axes as they can be broadcast over."""
    rank = max(t.type.rank for t in operands)
    same = len({t.type.shape for t in operands}) == 1
    node.require(same or rank <= MOST_AXES, f"the operands are broadcast over {rank} axes")
    return list(operands)


@rule(*BINARY)
def binary(node: ExportedNode) -> None:
    """One operator, in float32 where it does not take quantised operands."""
    code, types = BINARY[node.node.op]
    if takes(node, types):
        fused_or_folded(node, code, node.inputs(), node.output())
        return
    _binary_in_float(node, code)


def _binary_in_float(node: ExportedNode, code: str) -> None:
    require_float(node)
    operands = [node.real(t) for t in node.inputs()]
    if node.type.dtype is DType.BOOL:
        fused_or_folded(node, code, operands, node.output())
        return
    _, y = in_float(node, operands[0])
    fused_or_folded(node, code, operands, y)
    finish_float(node, y)


def fused_or_folded(node: ExportedNode, code: str, operands: list[Tensor], output: Tensor) -> None:
    """One operator on two operands, with merged axes where there are too many to broadcast."""
    folded = folded_shapes([t.type.shape for t in operands])
    if folded is None:
        node.add(code, aligned(node, *operands), output)
        return
    a, b = (node.reshape(t, *s) for t, s in zip(operands, folded, strict=True))
    shape = tuple(max(p, q, key=lambda d: d != 1) for p, q in zip(*folded, strict=True))
    y = node.add(code, [a, b], node.like(output, *shape))
    node.reshape(y, *output.type.shape, output=output)


def folded_shapes(shapes: list[tuple[Size, ...]]) -> list[tuple[Size, ...]] | None:
    """Shapes of a broadcast over many axes, with neighbours merged; None where that is not needed.

    Neighbouring axes are merged where each operand has both or neither of them at size 1.
    """
    rank = max(map(len, shapes))
    if len(set(shapes)) == 1 or rank <= MOST_AXES:
        return None
    full = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    merged: list[list[Size]] = [[] for _ in full]
    last: tuple[bool, ...] | None = None
    for sizes in zip(*full, strict=True):
        if all(s == 1 for s in sizes):
            continue
        pattern = tuple(s == 1 for s in sizes)
        for held, size in zip(merged, sizes, strict=True):
            if pattern == last:
                held[-1] = held[-1] * size
            else:
                held.append(size)
        last = pattern
    return [tuple(m) or (1,) for m in merged]


@rule(*ARITHMETIC)
def arithmetic(node: ExportedNode) -> None:
    """ADD, SUB, MUL and DIV with a fused activation."""
    code, types = ARITHMETIC[node.node.op]
    clamp = node.attrs.clamp
    if not takes(node, types):
        require_float(node)
        x, y = in_float(node, node.input(0))
        _arithmetic(node, code, [x, node.real(node.input(1))], y)
        finish_float(node, y)
        return
    plain = node.value(0).type.dtype.is_integer and not node.is_quantised
    node.require(not plain or clamp is None, "a clamp of plain integers")
    _arithmetic(node, code, node.inputs(), node.output())


def _arithmetic(node: ExportedNode, code: str, operands: list[Tensor], output: Tensor) -> None:
    options = pot_scale(node, operands[0]) if code in ("ADD", "SUB") else {}
    clamp = node.attrs.clamp
    folded = folded_shapes([t.type.shape for t in operands])
    if folded is None:
        node.add_clamped(code, aligned(node, *operands), output, clamp, **options)
        return
    a, b = (node.reshape(t, *s) for t, s in zip(operands, folded, strict=True))
    shape = tuple(max(p, q, key=lambda d: d != 1) for p, q in zip(*folded, strict=True))
    y = node.like(output, *shape)
    node.add_clamped(code, [a, b], y, clamp, **options)
    node.reshape(y, *output.type.shape, output=output)


@rule("logical_not")
def logical_not(node: ExportedNode) -> None:
    """LOGICAL_NOT."""
    node.add("LOGICAL_NOT", node.inputs(), node.output())


@rule("clip")
def clip(node: ExportedNode) -> None:
    """RELU and its kin, else MAXIMUM and MINIMUM."""
    bounds = (node.attrs.lo, node.attrs.hi)
    x = node.input(0)
    code = CLIPS.get(bounds)
    if code is not None and (x.type.dtype is DType.FLOAT32 or code_fits(code, x)):
        node.add(code, [x], node.output())
        return
    if x.type.quant is not None and x.type.quant != node.type.quant:
        x = node.requantized(x, node.like(node.type))
    known = x.type.quant is not None or takes(node, BINARY["maximum"][1])
    node.require(known, f"{x.type} has no builtin operator")
    node.clamp(x, node.output(), bounds)


def code_fits(code: str, x: Tensor) -> bool:
    """Whether an activation takes a quantised tensor."""
    if x.type.quant is None:
        return False
    narrow = (DType.INT8, DType.UINT8)
    return x.type.dtype in narrow or (x.type.dtype is DType.INT16 and code == "RELU")


@rule("leaky_relu")
def leaky_relu(node: ExportedNode) -> None:
    """LEAKY_RELU."""
    require_float(node)
    node.add("LEAKY_RELU", [node.input(0)], node.output(), alpha=float(node.attrs.alpha))


@rule("gelu")
def gelu(node: ExportedNode) -> None:
    """GELU, exact or by tanh."""
    approximate = bool(node.attrs.approximate)
    if takes(node, ("float32", "int8", "uint8")):
        node.add("GELU", [node.input(0)], node.output(), approximate=approximate)
        return
    require_float(node)
    x, y = in_float(node, node.input(0))
    node.add("GELU", [x], y, approximate=approximate)
    finish_float(node, y)


@rule("select")
def select(node: ExportedNode) -> None:
    """SELECT, or SELECT_V2 where operands are broadcast."""
    operands = node.inputs()
    shapes = {t.type.shape for t in operands}
    code = "SELECT" if len(shapes) == 1 and operands[0].type.rank <= MOST_AXES else "SELECT_V2"
    node.add(code, operands, node.output())


@rule("cast")
def cast(node: ExportedNode) -> None:
    """CAST."""
    from edgewright.exporters.tflite.serialize import tensor_type

    x, y = node.input(0), node.output()
    known = {tensor_type(t.type.dtype) for t in (x, y)}
    node.require(None not in known, f"a cast from {x.type} to {y.type}")
    node.add("CAST", [x], y, in_data_type=tensor_type(x.type.dtype),
             out_data_type=tensor_type(y.type.dtype))  # fmt: skip


@rule("quantize")
def quantize(node: ExportedNode) -> None:
    """QUANTIZE, from real numbers or from another quantisation."""
    node.add("QUANTIZE", [node.input(0)], node.output())


@rule("dequantize")
def dequantize(node: ExportedNode) -> None:
    """DEQUANTIZE; int32 has none and is cast and scaled."""
    x, quant = node.input(0), node.value(0).type.quant
    if x.type.dtype in (DType.INT8, DType.UINT8, DType.INT16):
        node.add("DEQUANTIZE", [x], node.output())
        return
    node.require(quant is not None and x.type.dtype is DType.INT32, f"{x.type} as real numbers")
    assert isinstance(quant, Quant)
    _scaled(node, x, quant)


def _scaled(node: ExportedNode, x: Tensor, quant: Quant) -> None:
    import numpy as np

    from edgewright.exporters.tflite.serialize import tensor_type

    node.require(set(quant.zero) == {0}, f"{x.type} as real numbers")
    shape = [1] * x.type.rank
    if quant.axis is not None:
        shape[quant.axis] = -1
    real = node.add("CAST", [x], node.temporary(TensorType(DType.FLOAT32, x.type.shape)),
                    in_data_type=tensor_type(DType.INT32),
                    out_data_type=tensor_type(DType.FLOAT32))  # fmt: skip
    scale = node.constant("scale", np.array(quant.scale, np.float32).reshape(shape))
    node.add("MUL", [real, scale], node.output(), fused_activation_function=0)
