"""Weights of few bits, with a scale for each block of them, as real numbers."""

from __future__ import annotations

from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, TensorType
from edgewright.ops import Array, Call, Emit, Op, block_scales, op, require


@op("dequantize_blocks")
class DequantizeBlocks(Op):
    """y = scale * (x - zero) in float32, for constants.

    Each scale, and each zero point (absent: 0), stands for `block` numbers that follow each other
    along `axis`; along the other axes there is one for each number.
    """

    axis: int = -1
    block: int = 32

    def infer(self, x: TensorType, scale: TensorType, zero: TensorType | None = None) -> TensorType:
        require(x.dtype in block_scales.STORED, f"dequantize_blocks of {x}")
        require(-x.rank <= self.axis < x.rank and self.block > 0, f"no axis {self.axis} of {x}")
        wanted = list(x.dims)
        wanted[self.axis] = -(-wanted[self.axis] // self.block)
        require(list(scale.shape) == wanted, f"the scales are {scale}, expected {wanted}")
        require(scale.dtype is DType.FLOAT32, f"the scales are {scale}")
        held = zero is None or (zero.shape == scale.shape and zero.dtype is x.dtype)
        require(held, f"the zero points are {zero}, expected {x.dtype.value}{wanted}")
        return TensorType(DType.FLOAT32, x.shape)

    def reference(self, call: Call, x: Array, scale: Array, zero: Array | None = None) -> Array:
        return block_scales.real(x, scale, zero, self.axis, self.block)

    def emit(self, e: Emit) -> None:
        raise UnsupportedModel(
            "weights with a scale per block are read by matrix products only",
            help="multiply by them as a constant matrix, or quantise per channel",
        )
