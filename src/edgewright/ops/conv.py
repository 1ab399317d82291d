"""Two-dimensional convolution, channels last, with bias, residual and clamp fused."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Node, Size, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, linear, op, require
from edgewright.ops import lean as lean_kernels
from edgewright.ops.linear import Clamp, Epilogue, Pads, Pair, sum_dtype
from edgewright.ops.linear_emit import conv_scratch, emit_conv

ROWS_AT_ONCE = 4096


def output_size(size: Size, kernel: int, stride: int, dilation: int, pad: Pair) -> Size:
    """The number of positions of a window along one axis."""
    return (size + pad[0] + pad[1] - dilation * (kernel - 1) - 1) // stride + 1


def windows(
    x: Array, kernel: Pair, stride: Pair, dilation: Pair, pad: Pads, fill: float = 0
) -> Array:
    """[N,OH,OW,KH,KW,C]: what the window sees at each position; `fill` outside the image."""
    padded = np.pad(x, ((0, 0), *pad, (0, 0)), constant_values=fill)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return np.moveaxis(view, 3, 5)


@op("conv")
class Conv(Op):
    """y[n,h,w,o] = clamp(sum over the window of x * w + bias + skip).

    Sums are exact for integers; results are quantised as docs/reference/integer.md says. Those of
    bfloat16 are float32.
    """

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pads = ((0, 0), (0, 0))
    groups: int = 1
    clamp: Clamp | None = None
    inner: tuple[float, int] | None = None

    inplace = (3,)

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        bias: TensorType | None = None,
        skip: TensorType | None = None,
    ) -> TensorType:
        require(x.rank == 4 and w.rank == 4, f"conv needs 4 axes, got {x} and {w}")
        outputs, kh, kw, inputs = w.dims
        wanted = inputs * self.groups
        require(x.shape[3] == wanted, f"x has {x.shape[3]} channels, the weight expects {wanted}")
        require(outputs % self.groups == 0, f"{outputs} outputs in {self.groups} groups")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        height = output_size(x.shape[1], kh, self.stride[0], self.dilation[0], self.pad[0])
        width = output_size(x.shape[2], kw, self.stride[1], self.dilation[1], self.pad[1])
        require(upper(height) > 0 and upper(width) > 0, f"the window is larger than {x}")
        y = TensorType(sum_dtype(x), (x.shape[0], height, width, outputs))
        require(skip is None or skip.shape == y.shape, f"skip is {skip}, the result {y}")
        return y

    def reference(
        self, call: Call, x: Array, w: Array, bias: Array | None = None, skip: Array | None = None
    ) -> Array:
        x, w = linear.centred(x, call.inputs[0]), linear.centred(w, call.inputs[1])
        seen = windows(x, w.shape[1:3], self.stride, self.dilation, self.pad)
        total = np.concatenate([self._group(seen, w, g) for g in range(self.groups)], axis=-1)
        narrow = linear.is_narrow(call.inputs[0])
        return Epilogue(self.clamp, narrow, self.inner)(call, total, bias, skip)

    def _group(self, seen: Array, w: Array, group: int) -> Array:
        inputs, outputs = w.shape[3], w.shape[0] // self.groups
        part = seen[..., group * inputs : (group + 1) * inputs]
        kernels = w[group * outputs : (group + 1) * outputs].reshape(outputs, -1)
        flat = part.reshape(-1, *part.shape[3:])
        rows = [
            linear.product(flat[i : i + ROWS_AT_ONCE].reshape(-1, kernels.shape[1]), kernels)
            for i in range(0, len(flat), ROWS_AT_ONCE)
        ]
        return np.concatenate(rows).reshape(*seen.shape[:3], outputs)

    def inplace_operands(self, node: Node, target: Packing) -> tuple[int, ...]:
        """The residual; and x itself where the kernel copies its rows before it writes any."""
        lean = lean_kernels.applies(target, node.input(0)) and lean_kernels.is_pointwise(node)
        return (*self.inplace, 0) if lean else self.inplace

    def macs(self, node: Node) -> int:
        _, kh, kw, inputs = node.input(1).type.dims
        return upper(node.output.type.count) * kh * kw * inputs

    def emit(self, e: Emit) -> None:
        emit_conv(e, self)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        return conv_scratch(node, self, target)
