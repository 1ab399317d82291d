"""Two-dimensional transposed convolution, channels last, with bias and clamp fused."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, Node, Size, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, linear_emit, op, packing, require
from edgewright.ops.integer.fixed_point import Multiplier
from edgewright.ops.linear import (
    Clamp,
    Epilogue,
    Pads,
    Pair,
    centred,
    clamp_of,
    is_narrow,
    quant_of,
)


def transposed_size(
    size: Size, kernel: int, stride: int, dilation: int, pad: Pair, extra: int
) -> Size:
    """The length of the result along one axis."""
    return (size - 1) * stride + dilation * (kernel - 1) + 1 + extra - pad[0] - pad[1]


@op("conv_transpose")
class ConvTranspose(Op):
    """y[n, h*s + k*d - pad, ..., o] += x[n,h,...,i] * w[o,k,...,i]; then bias and clamp.

    x is [N,H,W,I], w [O,KH,KW,I/groups], bias [O]; output o of group g reads the inputs of group g.
    """

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pads = ((0, 0), (0, 0))
    output_pad: Pair = (0, 0)
    groups: int = 1
    clamp: Clamp | None = None

    def infer(self, x: TensorType, w: TensorType, bias: TensorType | None = None) -> TensorType:
        require(x.rank == 4 and w.rank == 4, f"conv_transpose needs 4 axes, got {x} and {w}")
        outputs, kh, kw, inputs = w.dims
        require(
            x.shape[3] == inputs * self.groups,
            f"x has {x.shape[3]} channels, the weight expects {inputs * self.groups}",
        )
        require(outputs % self.groups == 0, f"{outputs} outputs in {self.groups} groups")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        height, width = (
            transposed_size(
                x.shape[1 + axis],
                (kh, kw)[axis],
                self.stride[axis],
                self.dilation[axis],
                self.pad[axis],
                self.output_pad[axis],
            )
            for axis in (0, 1)
        )
        require(upper(height) > 0 and upper(width) > 0, f"the padding leaves nothing of {x}")
        return TensorType(x.dtype, (x.shape[0], height, width, outputs))

    def reference(self, call: Call, x: Array, w: Array, bias: Array | None = None) -> Array:
        total = self._scatter(centred(x, call.inputs[0]), centred(w, call.inputs[1]))
        with np.errstate(all="ignore"):
            finish = Epilogue(self.clamp, narrow=is_narrow(call.inputs[0]))
            return finish(call, total, bias, None)

    def _scatter(self, x: Array, w: Array) -> Array:
        """The sums of products: [N,OH,OW,O]."""
        outputs, kh, kw, _ = w.shape
        (top, bottom), (left, right) = self.pad
        extent = [
            (x.shape[1 + a] - 1) * self.stride[a]
            + self.dilation[a] * ((kh, kw)[a] - 1)
            + 1
            + self.output_pad[a]
            for a in (0, 1)
        ]
        full = np.zeros((x.shape[0], *extent, outputs), x.dtype)
        for row in range(kh):
            for column in range(kw):
                at = full[:, row * self.dilation[0] :, column * self.dilation[1] :]
                rows = slice(0, (x.shape[1] - 1) * self.stride[0] + 1, self.stride[0])
                columns = slice(0, (x.shape[2] - 1) * self.stride[1] + 1, self.stride[1])
                at[:, rows, columns] += self._tap(x, w[:, row, column])
        return full[:, top : extent[0] - bottom, left : extent[1] - right]

    def _tap(self, x: Array, w: Array) -> Array:
        """Products with the weights of one tap: [N,H,W,O]."""
        parts = zip(np.split(x, self.groups, axis=3), np.split(w, self.groups, axis=0), strict=True)
        product = nx.matmul_int if x.dtype.kind == "i" else nx.matmul
        return np.concatenate([product(a, b.T) for a, b in parts], axis=3)

    def macs(self, node: Node) -> int:
        outputs, kh, kw, inputs = node.input(1).type.dims
        x = node.input(0).type
        return upper(x.with_shape(*x.shape[:3]).count) * outputs * kh * kw * inputs

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        w = linear_emit.weight_data(e)
        shape = linear_emit.shape_text(e, self, w.shape[1:3], self.groups)
        if x.type.dtype is DType.FLOAT32 and self.groups == 1:
            bias = linear_emit.constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
            packed, offsets = packing.pack_f32(w, bias)
            e.header("conv_transpose_f32.h")
            lo, hi = map(linear_emit.float_text, clamp_of(self.clamp))
            weights = (e.weight(packed), e.weight(offsets))
            e.call("ew_conv_transpose_f32", shape, e.ptr(x), *weights, lo, hi, e.ptr(y))
            return
        e.header("conv_transpose_q.h")
        if x.type.dtype is DType.FLOAT32:
            self._emit_groups(e, shape, w)
        elif x.type.dtype is DType.INT16:
            numbers = linear_emit._linear_s16(e, self.clamp, False)
            e.call("ew_conv_transpose_s16", shape, e.ptr(x), *numbers, e.ptr(y))
        else:
            self._emit_8_bits(e, shape, w)

    def _emit_groups(self, e: Emit, shape: str, w: Array) -> None:
        bias = linear_emit.constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
        offsets = np.zeros(w.shape[0], np.float32) if bias is None else bias
        limits = map(linear_emit.float_text, clamp_of(self.clamp))
        weights = (e.weight(w), e.weight(offsets), *limits)
        e.call(
            "ew_conv_transpose_groups_f32", shape, e.ptr(e.inputs[0]), *weights, e.ptr(e.outputs[0])
        )

    def _emit_8_bits(self, e: Emit, shape: str, w: Array) -> None:
        x, y, weight = e.inputs[0], e.outputs[0], e.inputs[1]
        assert x is not None and weight is not None
        count, qx, qy = w.shape[0], quant_of(x.type), quant_of(y.type)
        bias = linear_emit.constant_data(e.inputs[2] if len(e.inputs) > 2 else None)
        total = np.zeros(count, np.int32) if bias is None else bias.astype(np.int32)
        factor = linear_emit._factor(e, qy, is_narrow(x.type), count)
        if isinstance(factor, Multiplier):
            held = np.concatenate([factor.value, factor.shift]).astype(np.int32)
        else:
            held = factor.view(np.int32)
        zeros = np.broadcast_to(np.array(quant_of(weight.type).zero, np.int32), (count,))
        numbers = [*Epilogue(self.clamp).bounds(y.type), qx.zero[0], qy.zero[0]]
        arrays = (w, total, held, np.ascontiguousarray(zeros), np.array(numbers, np.int32))
        name = f"ew_conv_transpose_{linear_emit.suffix(x)}"
        weights = [e.weight(array) for array in arrays]
        e.call(name, shape, e.ptr(x), *weights, e.ptr(y), linear_emit.mode_text(e))
