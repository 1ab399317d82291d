"""Two-dimensional convolution, channels last, with the bias, residual and clamp fused."""

from __future__ import annotations

import numpy as np

from edgewright import numerics
from edgewright.graph import DType, Node, Size, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, integer, op, require

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
Clamp = tuple[float, float]


def output_size(size: Size, kernel: int, stride: int, dilation: int, pad: Pair) -> Size:
    """The number of positions of a window along one axis."""
    return (size + pad[0] + pad[1] - dilation * (kernel - 1) - 1) // stride + 1


def accumulator(x: TensorType) -> DType:
    """The type of the bias: what products of `x` and a weight are summed in."""
    if x.dtype.is_float:
        return DType.FLOAT32
    return DType.INT64 if x.dtype is DType.INT16 else DType.INT32


def windows(x: Array, kernel: Pair, stride: Pair, dilation: Pair, pad: Pads, fill: float) -> Array:
    """[N,OH,OW,KH,KW,C]: what the window sees at each position, `fill` outside the image."""
    padded = np.pad(x, ((0, 0), *pad, (0, 0)), constant_values=fill)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return np.moveaxis(view, 3, 5)


@op("conv")
class Conv(Op):
    """y[n,h,w,o] = clamp(sum over the window of x * w + bias + skip).

    The sums are exact for integers; quantised results follow docs/reference/integer.md.
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
        require(
            x.shape[3] == inputs * self.groups,
            f"x has {x.shape[3]} channels, the weight expects {inputs * self.groups}",
        )
        require(outputs % self.groups == 0, f"{outputs} outputs in {self.groups} groups")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        height = output_size(x.shape[1], kh, self.stride[0], self.dilation[0], self.pad[0])
        width = output_size(x.shape[2], kw, self.stride[1], self.dilation[1], self.pad[1])
        y = TensorType(x.dtype, (x.shape[0], height, width, outputs))
        require(upper(height) > 0 and upper(width) > 0, f"the window is larger than {x}")
        require(skip is None or skip.shape == y.shape, f"skip is {skip}, the result {y}")
        return y

    def reference(
        self, call: Call, x: Array, w: Array, bias: Array | None = None, skip: Array | None = None
    ) -> Array:
        kernel = (w.shape[1], w.shape[2])
        fill = call.inputs[0].quant.zero[0] if call.inputs[0] and call.inputs[0].quant else 0
        seen = windows(x, kernel, self.stride, self.dilation, self.pad, fill)
        rows = seen.reshape(-1, kernel[0] * kernel[1], self.groups, x.shape[3] // self.groups)
        shape = call.outputs[0].shape
        kernels = w.reshape(self.groups, w.shape[0] // self.groups, -1)
        parts = [
            integer.linear(call, rows[:, :, g].reshape(rows.shape[0], -1), kernels[g], g)
            for g in range(self.groups)
        ]
        raise NotImplementedError(shape, parts, bias, skip, numerics)

    def macs(self, node: Node) -> int:
        w = node.input(1).type
        _, kh, kw, inputs = w.dims
        return upper(node.output.type.count) * kh * kw * inputs

    def emit(self, e: Emit) -> None:
        raise NotImplementedError

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        raise NotImplementedError
