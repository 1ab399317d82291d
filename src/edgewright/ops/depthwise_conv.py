"""Depthwise convolution: each channel has `multiplier` windows of its own."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Node, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, half, linear, op, packing, require
from edgewright.ops import lean as lean_kernels
from edgewright.ops.conv import output_size, windows
from edgewright.ops.linear import Clamp, Epilogue, Pads, Pair
from edgewright.ops.linear_emit import depthwise_scratch, emit_depthwise


@op("depthwise_conv")
class DepthwiseConv(Op):
    """y[n,h,w,c*m+j] = clamp(sum over the window of x[..., c] * w[..., c*m+j] + bias)."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pads = ((0, 0), (0, 0))
    clamp: Clamp | None = None

    def infer(self, x: TensorType, w: TensorType, bias: TensorType | None = None) -> TensorType:
        require(x.rank == 4 and w.rank == 3, "depthwise_conv needs [N,H,W,C] and [KH,KW,C*m]")
        kh, kw, outputs = w.dims
        channels = x.shape[3]
        fits = isinstance(channels, int) and channels > 0 and outputs % channels == 0
        require(fits, f"{outputs} outputs for {channels} channels")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        height = output_size(x.shape[1], kh, self.stride[0], self.dilation[0], self.pad[0])
        width = output_size(x.shape[2], kw, self.stride[1], self.dilation[1], self.pad[1])
        require(upper(height) > 0 and upper(width) > 0, f"the window is larger than {x}")
        return TensorType(x.dtype, (x.shape[0], height, width, outputs))

    def reference(self, call: Call, x: Array, w: Array, bias: Array | None = None) -> Array:
        x = linear.centred(x, call.inputs[0])
        w = linear.centred(w, call.inputs[1], axis_last=True)
        seen = windows(x, w.shape[:2], self.stride, self.dilation, self.pad)
        repeat = w.shape[2] // x.shape[3]
        total: Array = np.zeros((*seen.shape[:3], w.shape[2]), x.dtype)
        for i, j in np.ndindex(w.shape[:2]):
            total += np.repeat(seen[:, :, :, i, j], repeat, axis=-1) * w[i, j]
        epilogue = Epilogue(self.clamp, linear.is_narrow(call.inputs[0]))
        return epilogue(call, total, bias, None)

    def inplace_operands(self, node: Node, target: Packing) -> tuple[int, ...]:
        """`x`, where the kernel keeps the lines that it overwrites."""
        x, y = node.input(0), node.output
        reach = (node.input(1).type.dims[0] - 1) * self.dilation[0]
        keeps = self.stride == (1, 1) and x.type.shape == y.type.shape and self.pad[0][0] <= reach
        return (0,) if keeps and lean_kernels.applies(target, x) else ()

    def macs(self, node: Node) -> int:
        kh, kw, _ = node.input(1).type.dims
        return upper(node.output.type.count) * kh * kw

    def emit(self, e: Emit) -> None:
        own = depthwise_scratch(e.node, self, e.target)
        emit_depthwise(half.widen(e, own, _packed_counts(e.node)), self)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        return half.scratch(node, depthwise_scratch(node, self, target), _packed_counts(node))


def _packed_counts(node: Node) -> list[int]:
    """Numbers of the packed weight."""
    kh, kw, outputs = node.input(1).type.dims
    return [kh * kw * packing.round_up(outputs, packing.LANES)]
