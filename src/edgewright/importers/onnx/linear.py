"""Matrix products: Gemm and MatMul."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Array, DType, Size, TensorType, Value, product
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
    if b.type.rank == 2 and (is_weight(b) or _is_stored_in_blocks(b)) and not integers:
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


def _is_stored_in_blocks(x: Value) -> bool:
    """Whether a value is a constant with a scale for each block."""
    return x.producer is not None and x.producer.op == "dequantize_blocks"


@rule("MatMulNBits", domain="com.microsoft")
def matmul_n_bits(n: SourceNode) -> Value:
    """A @ dequantised(B) transposed: B is [N, blocks, bytes], 4-bit numbers from low to high."""
    a, bits = n.input(0), n.integer("bits", 4)
    n.require(bits in (4, 8), f"weights of {bits} bits", "use 4 or 8 bits")
    n.require(n.optional(4) is None, "g_idx is not supported", "quantise without reordering")
    depth, columns, block = (n.integer(name, 0) for name in ("K", "N", "block_size"))
    blocks = -(-depth // block) if block > 0 else 0
    packed = n.array(1, "the weight")
    if packed.shape != (columns, blocks, block * bits // 8) or a.type.shape[-1] != depth:
        n.invalid(f"a weight {packed.shape} for K {depth}, N {columns}, blocks of {block}")
    dtype = DType.UINT4 if bits == 4 else DType.UINT8
    w = _from_bytes(packed, bits).reshape(columns, -1)[:, :depth]
    scale = n.constant(n.array(2, "the scales").astype(np.float32).reshape(columns, blocks))
    zeros = _zero_points(n, bits, columns, blocks)
    weight = n.add(
        "dequantize_blocks", n.constant(np.array(w, order="C"), TensorType(dtype, w.shape)), scale,
        n.constant(zeros, TensorType(dtype, zeros.shape)), axis=1, block=block,
    )  # fmt: skip
    bias = n.optional(5)
    return n.add("fully_connected", a, weight, None if bias is None else bias)


def _from_bytes(packed: Array, bits: int) -> Array:
    """uint8 numbers along the last axis; of two of 4 bits, the lower half is the first."""
    if bits == 8:
        return packed.astype(np.uint8)
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)


def _zero_points(n: SourceNode, bits: int, columns: int, blocks: int) -> Array:
    """uint8 [columns, blocks]; absent ones are in the middle of the range."""
    if n.optional(3) is None:
        return np.full((columns, blocks), 1 << (bits - 1), np.uint8)
    held = n.array(3, "the zero points")
    n.require(held.dtype == np.uint8, "zero points that are not integers", "store them packed")
    wide = _from_bytes(held.reshape(columns, -1), bits)
    if wide.shape[1] < blocks:
        n.invalid(f"{held.shape} zero points for {columns} x {blocks} scales")
    return np.ascontiguousarray(wide[:, :blocks])
