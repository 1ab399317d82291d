"""Operators on integers with scales: QLinearConv, QLinearMatMul, and ONNX Runtime's own."""

from __future__ import annotations

from edgewright.graph import DType, Quant, Value, product
from edgewright.importers.onnx.conv import convolve
from edgewright.importers.onnx.linear import product_of
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.quantization import operand, quant_of, stored_type
from edgewright.importers.onnx.rule import rule
from edgewright.importers.onnx.softmax import over_last_axis

MICROSOFT = "com.microsoft"
#: Whole numbers up to this are exact in float32.
EXACT_FLOAT = 1 << 24
LARGEST_PRODUCT = 255 * 255


def _result(n: SourceNode, y: Value, scale: int) -> Value:
    """Give a result the quantisation that the operands at `scale` and behind it state."""
    dtype = stored_type(n, scale + 1, y.type.dtype)
    n.require(dtype is y.type.dtype, f"a result of {dtype.value} from {y.type.dtype.value}")
    y.type = y.type.with_quant(quant_of(n, scale, scale + 1, y.type))
    return y


@rule("QLinearConv", since=10)
def qlinear_conv(n: SourceNode) -> Value:
    """Conv on integers; the weight may have one scale per output channel."""
    x, w = operand(n, 0), operand(n, 3, axis=0)
    n.require(w.is_constant, "the weight is computed at run time", "use constant weights")
    y = _result(n, convolve(n, n.to_nhwc(x), x, w, n.optional(8)), 6)
    return n.from_nhwc(y, x.type.rank)


@rule("QLinearMatMul", since=10)
def qlinear_matmul(n: SourceNode) -> Value:
    """MatMul on integers; a constant second operand may have one scale per column."""
    a, b = operand(n, 0), n.input(3)
    b = operand(n, 3, axis=b.type.rank - 1)
    y = product_of(n, a, b)
    quant = quant_of(n, 6, 7, y.type)
    return _requantized(y, quant)


def _requantized(y: Value, quant: Quant) -> Value:
    """State the quantisation of a product, and of a reshape behind it."""
    y.type = y.type.with_quant(quant)
    node = y.producer
    if node is not None and node.op == "reshape" and not node.input(0).is_constant:
        node.input(0).type = node.input(0).type.with_quant(quant)
    return y


@rule("QGemm", domain=MICROSOFT)
def qgemm(n: SourceNode) -> Value:
    """Gemm on integers; without a result scale the result is float32."""
    n.require(not n.integer("transA", 0), "transA is 1", "transpose the operand before")
    n.require(n.number("alpha", 1.0) == 1.0, "alpha is not 1", "multiply it into the scale")
    a = operand(n, 0)
    transposed = bool(n.integer("transB", 0))
    b = operand(n, 3, axis=0 if transposed else 1)
    weight = b if transposed else n.transpose(b, (1, 0))
    n.require(b.is_constant, "the second operand is computed at run time", "use QLinearMatMul")
    n.require(n.optional(7) is not None, "a float result", "state the scale of the result")
    bias = n.optional(6)
    flat = None if bias is None else n.flat_weight(bias)
    return _result(n, n.add("fully_connected", a, weight, flat), 7)


@rule("QLinearAdd", "QLinearMul", domain=MICROSOFT)
def qlinear_binary(n: SourceNode) -> Value:
    """A sum or product of integers with scales."""
    op = "add" if n.op_type == "QLinearAdd" else "mul"
    return _result(n, n.add(op, operand(n, 0), operand(n, 3)), 6)


UNARY = {"QLinearSigmoid": "sigmoid", "QLinearLeakyRelu": "leaky_relu"}


@rule(*UNARY, domain=MICROSOFT)
def qlinear_unary(n: SourceNode) -> Value:
    """A function of one integer operand: a table of 256 entries in the end."""
    attrs = {"alpha": n.number("alpha", 0.01)} if n.op_type == "QLinearLeakyRelu" else {}
    return _result(n, n.add(UNARY[n.op_type], operand(n, 0), **attrs), 3)


@rule("QLinearSoftmax", domain=MICROSOFT)
def qlinear_softmax(n: SourceNode) -> Value:
    """Softmax over one axis of integers."""
    operand(n, 0)
    axis = n.integer("axis", -1)
    last = n.axis(axis, n.input(0).type.rank) == n.input(0).type.rank - 1
    n.require(last or n.integer("opset", 13) >= 13, "softmax over several axes", "export again")
    return over_last_axis(n, axis, lambda x: _result(n, n.add("softmax", x), 3))


@rule("QLinearGlobalAveragePool", domain=MICROSOFT)
def qlinear_global_average_pool(n: SourceNode) -> Value:
    """The mean over all pixels of integers."""
    x = operand(n, 0)
    if n.integer("channels_last", 0):
        axes = tuple(range(1, x.type.rank - 1))
        return _result(n, n.add("reduce_mean", x, axes=axes, keepdims=True), 3)
    y = n.add("reduce_mean", n.to_nhwc(x), axes=(1, 2), keepdims=True)
    return n.from_nhwc(_result(n, y, 3), x.type.rank)


@rule("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(n: SourceNode) -> Value:
    """Integers end to end, brought to one scale."""
    parts = [operand(n, i) for i in range(2, len(n.inputs), 3)]
    axis = n.axis(n.integer("axis", 0), parts[0].type.rank)
    y = n.add("concat", *parts, axis=axis)
    y.type = y.type.with_quant(quant_of(n, 0, 1, y.type))
    return y


@rule("MatMulInteger", since=10)
def matmul_integer(n: SourceNode) -> Value:
    """(a - a_zero) @ (b - b_zero) in int32."""
    a, b = (_centred(n, i, i + 2) for i in (0, 1))
    return product_of(n, a, b)


def _centred(n: SourceNode, index: int, zero: int) -> Value:
    """An integer operand minus its zero point, in int32; a row's or column's own where given."""
    x = n.cast(n.input(index), DType.INT32)
    point = n.optional(zero)
    if point is None:
        return x
    point = n.cast(point, DType.INT32)
    if index == 0 and point.type.rank == 1 and point.type.count != 1:
        point = n.reshape(point, (*point.type.shape, 1))
    if point.type.rank == 1 and x.type.rank < 1:
        point = n.reshape(point, ())
    return n.add("sub", x, point)


@rule("ConvInteger", since=10)
def conv_integer(n: SourceNode) -> Value:
    """(x - x_zero) * (w - w_zero) in int32, computed in float32, where such sums are exact."""
    x, w = n.input(0), n.input(1)
    products = product(w.type.shape[1:])
    n.require(
        isinstance(products, int) and products * LARGEST_PRODUCT <= EXACT_FLOAT,
        f"sums of {products} products",
        "quantise statically, with QuantizeLinear and DequantizeLinear around the Conv",
    )
    points = [n.optional(2), n.optional(3)]
    n.require(
        all(p is None or p.is_constant for p in points), "a zero point is computed at run time"
    )
    zero = 0 if points[0] is None else int(n.array(2, "x_zero_point").reshape(-1)[0])
    nhwc = n.cast(n.to_nhwc(x), DType.FLOAT32)
    nhwc = n.add("sub", nhwc, n.scalar(zero, nhwc)) if zero else nhwc
    weight = n.cast(w, DType.FLOAT32)
    if points[1] is not None and points[1].data is not None:
        shift = points[1].data.reshape(-1, *[1] * (w.type.rank - 1))
        weight = n.add("sub", weight, n.constant(shift.astype("float32")))
    y = n.cast(convolve(n, nhwc, x, weight, None), DType.INT32)
    return n.from_nhwc(y, x.type.rank)
