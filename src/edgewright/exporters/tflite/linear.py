"""FULLY_CONNECTED, BATCH_MATMUL, TRANSPOSE_CONV and batch normalisation."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.exporters.tflite.window import SAME, VALID, bias_of, given_bias
from edgewright.graph import Array, Quant, TensorType
from edgewright.ops.fully_connected_blocks import as_one_value


@rule("fully_connected")
def fully_connected(node: ExportedNode) -> None:
    """FULLY_CONNECTED; what is not a matrix keeps its axes."""
    x, value = node.input(0), node.value(1)
    w = node.scope.weight(value.name, node.data(1, "the weight"), value.type.quant, None)
    _product(node, x, w, bias_of(node, x, w, node.optional_value(2)))


@rule("fully_connected_blocks")
def fully_connected_blocks(node: ExportedNode) -> None:
    """FULLY_CONNECTED of a DEQUANTIZE: beside integers LiteRT would quantise the activations."""
    x, value = node.input(0), as_one_value(node.node)
    assert value.data is not None
    if value.type.quant is None:
        w = node.scope.weight(value.name, value.data, None, None)
    else:
        w = node.real(node.scope.constant(value.name, value.data, value.type.quant))
    _product(node, x, w, bias_of(node, x, w, node.optional_value(4)))


@rule("dequantize_blocks")
def dequantize_blocks(node: ExportedNode) -> None:
    """Refused: only what products read is left of it, and theirs is a rule of its own."""
    raise node.fail("no builtin operator has a scale for each block of weights")


def _product(node: ExportedNode, x: Tensor, w: Tensor, bias: Tensor | None) -> None:
    """Rows of x times w."""
    if x.type.rank != 1:
        node.add_clamped("FULLY_CONNECTED", [x, w, bias], node.output(), node.attrs.clamp,
                         keep_num_dims=x.type.rank != 2)  # fmt: skip
        return
    row = node.reshape(x, 1, x.type.shape[0])
    y = node.like(node.type, 1, node.type.shape[0])
    node.add_clamped("FULLY_CONNECTED", [row, w, bias], y, node.attrs.clamp, keep_num_dims=False)
    node.reshape(y, *node.type.shape, output=node.output())


@rule("matmul")
def matmul(node: ExportedNode) -> None:
    """BATCH_MATMUL."""
    node.require(max(v.type.rank for v in node.node.arguments) <= 5, "more than 5 axes")
    a, b = node.inputs()
    node.add("BATCH_MATMUL", [a, b], node.output(), adj_x=False, adj_y=False)


@rule("conv_transpose")
def conv_transpose(node: ExportedNode) -> None:
    """TRANSPOSE_CONV, one for each group, and a SLICE for padding that SAME does not mean."""
    x, op, value = node.input(0), node.attrs, node.value(1)
    fixed = all(isinstance(size, int) for size in x.type.shape[1:])
    node.require(fixed, "a transposed convolution needs a fixed image size")
    data = _spread(node.data(1, "the weight"), op.dilation, value.type.quant)
    if op.groups == 1:
        w = node.scope.weight(value.name, data, value.type.quant, 0)
        _transpose_conv(node, x, w, given_bias(node, x, w), node.output(), op.clamp)
        return
    node.require(not node.is_quantised, "quantised groups in a transposed convolution")
    _by_groups(node, x, data)


def _by_groups(node: ExportedNode, x: Tensor, data: Array) -> None:
    groups, outputs = node.attrs.groups, data.shape[0] // node.attrs.groups
    parts = [node.like(x, *x.type.shape[:3], data.shape[3]) for _ in range(groups)]
    node.add("SPLIT", [node.ints(3, "axis"), x], parts, num_splits=groups)
    bias = node.optional_value(2)
    made = []
    for g, part in enumerate(parts):
        rows = slice(g * outputs, (g + 1) * outputs)
        w = node.constant(f"w{g}", np.ascontiguousarray(data[rows]))
        held: list[Tensor] = []
        if bias is not None:
            held = [node.constant(f"b{g}", node.data(2, "the bias")[rows])]
        y = node.like(node.type, *node.type.shape[:3], outputs)
        _transpose_conv(node, part, w, held, y, node.attrs.clamp)
        made.append(y)
    node.add("CONCATENATION", made, node.output(), axis=3, fused_activation_function=0)


def _spread(data: Array, dilation: tuple[int, int], quant: Quant | None) -> Array:
    """A weight with zeros between its taps, since there is no dilation."""
    if dilation == (1, 1):
        return data
    o, kh, kw, i = data.shape
    zero = quant.zero[0] if quant is not None else 0
    shape = (o, dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1, i)
    wide = np.full(shape, zero, data.dtype)
    wide[:, :: dilation[0], :: dilation[1]] = data
    return wide


def _transpose_conv(
    node: ExportedNode,
    x: Tensor,
    w: Tensor,
    bias: list[Tensor],
    output: Tensor,
    clamp: tuple[float, float] | None,
) -> None:
    """`output` is [N,H,W,O]; what lies outside of it is cut off."""
    op = node.attrs
    batch, *_, channels = output.type.shape
    wanted, size, kernel = image(output.type), image(x.type), w.type.dims[1:3]
    whole = [(n - 1) * s + k for n, s, k in zip(size, op.stride, kernel, strict=True)]
    padding, made = VALID, list(map(max, whole, _reach(node, whole)))
    if _is_same(node, size, whole, wanted):
        padding, made = SAME, wanted
    begin = [p[0] if padding == VALID else 0 for p in op.pad]
    options = {"padding": padding, "stride_h": op.stride[0], "stride_w": op.stride[1]}
    target = output
    if made != wanted:
        target = node.like(output, batch, *made, channels)
    shape = node.shape([batch, *made, channels], "output_shape", is_exact=True)
    # A fused activation needs a newer runtime than one behind it.
    raw = target if clamp is None else node.like(target)
    node.add("TRANSPOSE_CONV", [shape, w, x, *bias], raw, fused_activation_function=0, **options)
    if clamp is not None:
        node.clamp(raw, target, clamp)
    if target is not output:
        at, taken = node.ints([0, *begin, 0], "begin"), node.ints([-1, *wanted, -1], "size")
        node.add("SLICE", [target, at, taken], output)


def image(type: TensorType) -> list[int]:
    """Height and width, which must be fixed."""
    return list(type.with_shape(*type.shape[1:3]).dims)


def _reach(node: ExportedNode, whole: list[int]) -> list[int]:
    """How far the result reaches, counted from the first element without padding."""
    pads, extra = node.attrs.pad, node.attrs.output_pad
    return [size - pad[1] + more for size, pad, more in zip(whole, pads, extra, strict=True)]


def _is_same(node: ExportedNode, size: list[int], whole: list[int], wanted: list[int]) -> bool:
    """Whether SAME pads as the node does."""
    op = node.attrs
    for axis in (0, 1):
        total = whole[axis] - wanted[axis]
        pads = (total // 2, total - total // 2)
        covers = -(-wanted[axis] // op.stride[axis]) == size[axis]
        if total < 0 or op.pad[axis] != pads or op.output_pad[axis] or not covers:
            return False
    return sum(map(sum, op.pad)) > 0


@rule("batch_norm")
def batch_norm(node: ExportedNode) -> None:
    """MUL and ADD with the statistics folded."""
    data = [node.data(i, "a statistic").astype(np.float64) for i in range(1, 5)]
    scale, offset, mean, variance = data
    factor = scale * nx.rsqrt(variance + node.attrs.epsilon)
    moved = (offset - mean * factor).astype(np.float32)
    scaled = node.step("MUL", node.input(0), node.constant("scale", factor.astype(np.float32)),
                       fused_activation_function=0)  # fmt: skip
    node.add("ADD", [scaled, node.constant("offset", moved)], node.output(),
             fused_activation_function=0)  # fmt: skip
