"""Fully connected with float32 activations and weights of 8 or 4 bits."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Node, Quant, TensorType, Value, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, block_scales, linear, op, require
from edgewright.ops.linear import Clamp, Epilogue, clamp_of
from edgewright.ops.linear_emit import constant_data, float_text
from edgewright.ops.packing import pack_q8

#: EW_PRODUCT_ROWS of kernels/product_blocks.h, and numbers whose sums of products fit int32
ROWS, QUADS_DEPTH = 4, 4096


def as_one_value(node: Node) -> Value:
    """The weight [N, K] of a node with its scales: for files that keep them together.

    8-bit ones with a scale per channel stay integers, others become float32.
    """
    w, scale, zero = [*node.inputs, None][1:4]
    assert w is not None and w.data is not None and scale is not None and scale.data is not None
    zeros = None if zero is None else zero.data
    if w.type.dtype.bits != 8 or scale.data.shape[1] != 1:
        real = block_scales.real(w.data, scale.data, zeros, 1, node.attrs["block"])
        return Value(w.name, TensorType(DType.FLOAT32, w.type.shape), data=real)
    scales = tuple(float(s) for s in scale.data.ravel())
    held = (0,) * len(scales) if zeros is None else tuple(int(z) for z in zeros.ravel())
    quant = Quant(scales, held, axis=0)
    if len(set(zip(scales, held, strict=True))) == 1:
        quant = Quant(scales[:1], held[:1])
    return Value(w.name, w.type.with_quant(quant), data=w.data)


@op("fully_connected_blocks")
class FullyConnectedBlocks(Op):
    """y[..., n] = clamp(sum over k of x[..., k] * scale * (w[n, k] - zero) + bias[n]).

    w is [N, K] in 8 or 4 bits; scale and zero (absent: 0) are [N, ceil(K / block)], one for each
    `block` numbers of a row.
    """

    block: int = 32
    clamp: Clamp | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        scale: TensorType,
        zero: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> TensorType:
        require(w.rank == 2 and x.rank >= 1, "fully_connected_blocks needs [...,K] and [N,K]")
        outputs, inputs = w.dims
        require(x.dtype is DType.FLOAT32, f"fully_connected_blocks of {x}")
        require(w.dtype in block_scales.STORED, f"the weight is {w}")
        require(x.shape[-1] == inputs, f"x has {x.shape[-1]} features, the weight expects {inputs}")
        fits = w.dtype.bits == 8 or self.block % 8 == 0 or self.block >= inputs
        require(fits, f"blocks of {self.block} numbers of 4 bits: they are packed by eights")
        wanted = (outputs, -(-inputs // self.block))
        require(scale.shape == wanted, f"the scales are {scale}, expected {wanted}")
        require(zero is None or zero.shape == wanted, f"the zero points are {zero}")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        return TensorType(x.dtype, (*x.shape[:-1], outputs))

    def reference(
        self,
        call: Call,
        x: Array,
        w: Array,
        scale: Array,
        zero: Array | None = None,
        bias: Array | None = None,
    ) -> Array:
        weight = block_scales.real(w, scale, zero, 1, self.block).astype(np.float64)
        rows = x.astype(np.float64).reshape(-1, w.shape[1])
        total = linear.product(rows, weight).reshape(*x.shape[:-1], w.shape[0])
        return Epilogue(self.clamp)(call, total, bias, None)

    def macs(self, node: Node) -> int:
        return upper(node.output.type.count) * node.input(1).type.dims[1]

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        columns, blocks = node.input(2).type.dims
        has_zeros = len(node.inputs) > 3 and node.inputs[3] is not None
        has_zeros |= node.input(1).type.dtype in (DType.UINT8, DType.UINT4)
        sums = 4 * (upper(node.output.type.count) // columns) * blocks if has_zeros else 0
        w = node.input(1).type
        if w.dtype.bits == 4 or self._in_quads(node, target):
            return sums + block_scales.digits_bytes(w.dims[1], blocks, w.dtype.bits)
        return sums

    def _in_quads(self, node: Node, target: Packing) -> bool:
        """Whether 8-bit weights are read by fours: x86 multiplies few rows as integers.

        Of more rows converting the weights once is cheaper, at least on AVX2.
        """
        w, y = node.input(1).type, node.output.type
        columns, depth = w.dims
        whole = self.block % 4 == 0 or self.block >= depth
        few = y.is_static and upper(y.count) < ROWS * columns
        fits = whole and few and min(self.block, depth) <= QUADS_DEPTH
        return target.dot == "us" and w.dtype.bits == 8 and fits

    def emit(self, e: Emit) -> None:
        x, w, scale, zero, bias = [*e.inputs, None, None][:5]
        y = e.outputs[0]
        assert x is not None and w is not None and w.data is not None
        columns, depth = w.type.dims
        stored, offset = block_scales.signed(w.data, w.type.dtype)
        scales, zeros = constant_data(scale), constant_data(zero)
        assert scales is not None
        lo, hi = map(float_text, clamp_of(self.clamp))
        bits = w.type.dtype.bits
        quads = self._in_quads(e.node, e.target)
        packed = block_scales.pack_8(stored) if bits == 8 else block_scales.pack_4(stored)
        packed = pack_q8(stored) if quads else packed
        fields = {
            "rows": f"{e.count(y)} / {columns}",
            "depth": depth, "columns": columns, "block": self.block, "blocks": scales.shape[1],
            "x": e.ptr(x), "w": e.weight(packed),
            "scale": e.weight(block_scales.pack_scales(scales)),
        }  # fmt: skip
        if zeros is not None or offset:
            given = np.zeros(scales.shape) if zeros is None else zeros.astype(np.float64)
            fields["zero"] = e.weight(block_scales.pack_scales(given - offset))
        held = np.zeros((columns, 1)) if bias is None else constant_data(bias)
        assert held is not None
        fields["bias"] = e.weight(block_scales.pack_scales(held.reshape(-1, 1)))
        fields |= {"y": e.ptr(y), "lo": lo, "hi": hi}
        e.header("product_quads.h" if quads else "product_blocks.h")
        text = ", ".join(f".{name} = {value}" for name, value in fields.items())
        kernel = "ew_product_quads" if quads else f"ew_product_w{bits}"
        e.call(kernel, f"(ew_product_blocks){{{text}}}", e.scratch())
