"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Quant, Size, TensorType, Value
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule
from edgewright.ops import block_scales

Pair = tuple[int, int]
SAME = 0


def same_pad(size: Size, kernel: int, stride: int, dilation: int) -> Pair:
    """Padding before and after so that there are ceil(size / stride) positions."""
    extent = dilation * (kernel - 1) + 1
    if not isinstance(size, int):
        total = extent - stride
        return max(total // 2, 0), max(total - total // 2, 0)
    positions = -(-size // stride)
    total = max((positions - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def spatial_pads(
    node: SourceNode, x: TensorType, kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[Pair, Pair]:
    """The explicit padding of a window operator."""
    if int(node.option("padding")) != SAME:
        return ((0, 0), (0, 0))
    for axis in (1, 2):
        known = isinstance(x.shape[axis], int) or stride[axis - 1] == 1
        node.require(known, "SAME padding with a stride needs fixed image sizes")
    return (
        same_pad(x.shape[1], kernel[0], stride[0], dilation[0]),
        same_pad(x.shape[2], kernel[1], stride[1], dilation[1]),
    )


def strides(node: SourceNode) -> Pair:
    """The strides of a window operator."""
    return int(node.option("stride_h", 1)), int(node.option("stride_w", 1))


def dilations(node: SourceNode) -> Pair:
    """The dilations of a window operator."""
    return int(node.option("dilation_h_factor", 1)), int(node.option("dilation_w_factor", 1))


def weight(node: SourceNode, x: Value, index: int = 1) -> Value:
    """The weight, in float32 where x is float: dynamic-range models store it in int8."""
    w = node.input(index)
    node.require(w.data is not None, "the weight is computed at run time", "make it a constant")
    if w.type.dtype.is_float and w.type.dtype is not DType.FLOAT32:
        assert w.data is not None
        return node.make_constant(f"{w.name}.float32", w.data.astype(np.float32))
    if x.type.dtype.is_float and w.type.dtype.is_integer:
        return dequantized(node, w)
    if w.type.dtype is DType.INT4:  # integer kernels read bytes
        assert w.data is not None
        return node.make_constant(f"{w.name}.int8", w.data, w.type.quant)
    return w


def dequantized(node: SourceNode, w: Value) -> Value:
    """A quantised constant as float32."""
    quant = w.type.quant
    node.require(quant is not None, f"the integer weight '{w.name}' has no scale")
    assert quant is not None and w.data is not None
    shape = [1] * w.data.ndim
    if quant.axis is not None:
        shape[quant.axis] = -1
    scale = np.array(quant.scale, np.float32).reshape(shape)
    zero = np.array(quant.zero, np.int64).reshape(shape)
    real = (w.data.astype(np.int64) - zero).astype(np.float32) * scale
    node.scope.options.note(f"weight '{w.name}' is stored quantised and computed in float32")
    return node.make_constant(f"{w.name}.float32", real.astype(np.float32))


def bias(node: SourceNode, x: Value, index: int = 2) -> Value | None:
    """The bias in the accumulator's type."""
    value = node.optional(index)
    if value is None:
        return None
    node.require(value.data is not None, "the bias is computed at run time", "make it a constant")
    assert value.data is not None
    if x.type.dtype is DType.INT16 and value.type.dtype is DType.INT32:
        return node.make_constant(f"{value.name}.int64", value.data.astype(np.int64))
    return value


@rule("CONV_2D")
def conv_2d(node: SourceNode) -> Value:
    """Weights are [O,KH,KW,I] already; fewer input channels than x has means groups."""
    x = node.input(0)
    w = weight(node, x)
    node.require(w.type.rank == 4 and x.type.rank == 4, "x and the weight need 4 axes")
    _, kh, kw, inputs = w.type.dims
    channels = x.type.shape[3]
    node.require(isinstance(channels, int), "the number of channels must be fixed")
    stride, dilation = strides(node), dilations(node)
    pad = spatial_pads(node, x.type, (kh, kw), stride, dilation)
    groups = int(channels) // inputs if isinstance(channels, int) and inputs else 1
    return node.add("conv", [x, w, bias(node, x)], stride=stride, dilation=dilation, pad=pad,
                    groups=groups, clamp=node.clamp())  # fmt: skip


@rule("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(node: SourceNode) -> Value:
    """Weights come as [1,KH,KW,C*m]."""
    x = node.input(0)
    w = weight(node, x)
    node.require(w.type.rank == 4 and w.type.dims[0] == 1, f"the weight has shape {w.type.shape}")
    assert w.data is not None
    quant = w.type.quant
    if quant is not None and quant.axis is not None:
        quant = Quant(quant.scale, quant.zero, quant.axis - 1)
    kernel = node.make_constant(f"{w.name}.hwc", w.data[0], quant)
    stride, dilation = strides(node), dilations(node)
    kh, kw = kernel.type.dims[:2]
    pad = spatial_pads(node, x.type, (kh, kw), stride, dilation)
    return node.add("depthwise_conv", [x, kernel, bias(node, x)], stride=stride,
                    dilation=dilation, pad=pad, clamp=node.clamp())  # fmt: skip


@rule("TRANSPOSE_CONV")
def transpose_conv(node: SourceNode) -> Value:
    """Inputs: output shape, weight [O,KH,KW,I], x, bias.

    An output shape that is not constant can only be the one that the file declares for the result.
    """
    known = node.input(0).data is not None
    shape = node.ints(0, "the output shape") if known else node.output_type().dims
    _, height, width, _ = shape
    x = node.input(2)
    w = weight(node, x)
    kernel, stride = w.type.dims[1:3], strides(node)
    pads = []
    extra = []
    for size, wanted, k, s in zip(x.type.shape[1:3], (height, width), kernel, stride, strict=True):
        node.require(isinstance(size, int), "the image size must be fixed")
        assert isinstance(size, int)
        full = (size - 1) * s + k
        total = max(full - wanted, 0)
        before = total // 2 if int(node.option("padding")) == SAME else 0
        pads.append((before, total - before if int(node.option("padding")) == SAME else 0))
        extra.append(max(wanted - full, 0))
    return node.add("conv_transpose", [x, w, bias(node, x, 3)], stride=stride,
                    pad=tuple(pads), output_pad=tuple(extra), clamp=node.clamp())  # fmt: skip


def small_weight(node: SourceNode, x: Value) -> Value:
    """As `weight`; 8-bit and 4-bit ones are dequantised by a node, for a pass to fuse."""
    w = node.input(1)
    made = w.producer
    if made is not None and made.op == "dequantize" and made.input(0).is_constant:
        return w
    if w.data is None or not x.type.dtype.is_float or w.type.dtype not in block_scales.STORED:
        return weight(node, x)
    node.require(w.type.quant is not None, f"the integer weight '{w.name}' has no scale")
    node.scope.options.note(f"weight '{w.name}' is stored quantised and computed in float32")
    return node.add("dequantize", [w], final=False)


@rule("FULLY_CONNECTED")
def fully_connected(node: SourceNode) -> Value:
    """x is flattened to rows of K unless keep_num_dims is set."""
    x = node.input(0)
    w = small_weight(node, x)
    node.require(int(node.option("weights_format")) == 0, "shuffled weights are not supported")
    features = w.type.dims[1]
    if x.type.shape[-1] != features or (x.type.rank != 2 and not node.option("keep_num_dims")):
        rows = x.type.count // features if features else 0
        x = node.add("reshape", [x], final=False, shape=(rows, features))
    return node.add("fully_connected", [x, w, bias(node, x)], clamp=node.clamp())


@rule("BATCH_MATMUL")
def batch_matmul(node: SourceNode) -> Value:
    """Products of the last two axes; `adj_x` and `adj_y` transpose an operand before."""
    operands = [node.input(0), node.input(1)]
    for index, option in enumerate(("adj_x", "adj_y")):
        x = operands[index]
        if node.option(option, False):
            perm = (*range(x.type.rank - 2), x.type.rank - 1, x.type.rank - 2)
            turned = node.add("transpose", [x], final=False, perm=perm)
            turned.type = turned.type.with_quant(x.type.quant)
            operands[index] = turned
    if operands[0].type.dtype.is_float and operands[1].type.dtype.is_integer:
        operands[1] = dequantized(node, operands[1])
    return node.add("matmul", operands)
