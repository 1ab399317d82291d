"""Matrix products: Gemm and MatMul."""

from __future__ import annotations

from edgewright.graph import Size, Value, product
from edgewright.importers.onnx.node import SourceNode, is_weight
from edgewright.importers.onnx.rule import rule


@rule("Gemm")
def gemm(n: SourceNode) -> Value:
    """The sum alpha * A @ B + beta * C, with either operand transposed."""
    a, b, c = n.input(0), n.input(1), n.optional(2)
    if a.type.rank != 2 or b.type.rank != 2:
        n.invalid("both operands need two axes")
    alpha, beta = n.number("alpha", 1.0), n.number("beta", 1.0)
    a = n.transpose(a, (1, 0)) if n.integer("transA", 0) else a
    # The constant operand takes the factor, so that it costs nothing at run time.
    if alpha != 1.0 and b.is_constant:
        b = n.add("mul", b, n.scalar(alpha, b))
    if c is not None and beta != 1.0:
        c = n.add("mul", c, n.scalar(beta, c))
    scaled = alpha != 1.0 and not n.input(1).is_constant
    weight = b if n.integer("transB", 0) else n.transpose(b, (1, 0))
    if c is not None and not scaled and (bias := _bias(n, c, weight.type.shape[0])) is not None:
        return n.add("fully_connected", a, weight, bias)
    y = n.add("fully_connected", a, weight, None)
    if scaled:
        y = n.add("mul", y, n.scalar(alpha, y))
    return y if c is None else n.add("add", y, c)


def _bias(n: SourceNode, c: Value, outputs: Size) -> Value | None:
    """C as a vector with one entry per output, or None when it differs per row."""
    if not is_weight(c) or product(c.type.shape) != outputs or c.type.shape[-1:] != (outputs,):
        return None
    return n.flat_weight(c)


@rule("MatMul")
def matmul(n: SourceNode) -> Value:
    """NumPy's matrix product; `fully_connected` when the second operand is a constant matrix."""
    return product_of(n, n.input(0), n.input(1))


def product_of(n: SourceNode, a: Value, b: Value) -> Value:
    """The product a @ b for operands of any rank."""
    if 0 in (a.type.rank, b.type.rank):
        n.invalid("a matrix product of a scalar")
    if a.type.shape[-1] != b.type.shape[-2 if b.type.rank > 1 else 0]:
        n.invalid("the inner sizes differ")
    integers = a.type.dtype.is_integer and a.type.quant is None
    if b.type.rank == 2 and is_weight(b) and not integers:
        return n.add("fully_connected", a, n.transpose(b, (1, 0)), None)
    left = a if a.type.rank > 1 else n.reshape(a, (1, *a.type.shape))
    right = b if b.type.rank > 1 else n.reshape(b, (*b.type.shape, 1))
    y = n.add("matmul", left, right)
    shape = list(y.type.shape)
    if b.type.rank == 1:
        del shape[-1]
    if a.type.rank == 1:
        del shape[-1 if b.type.rank == 1 else -2]
    return n.reshape(y, shape)
