"""Convolutions, pools, resizing, blocks of pixels: channels first in the file, no transposes."""

import tempfile
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters.onnx import export
from edgewright.graph import DType, Graph, Module, Node, Quant, TensorType, Value
from tests.exporters.onnx.harness import (
    Constant,
    Operand,
    Stored,
    check,
    compare,
    normal,
    operators,
    single,
    stored,
)

RESULT = Quant.per_tensor(0.2, -5)


def weights(*shape: int, axis: int, zero: int = 0) -> Constant:
    """int8, with a scale per output channel along `axis`."""
    count = shape[axis]
    scales = tuple(float(np.float32(0.01 * (i + 1))) for i in range(count))
    codes = np.random.default_rng(1).integers(-127, 128, shape).astype(np.int8)
    return Constant(codes, Quant(scales, (zero,) * count, axis))


def biases(count: int) -> Constant:
    """int32, without scales of its own."""
    return Constant(np.random.default_rng(2).integers(-900, 900, count).astype(np.int32))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("pad", [((0, 0), (0, 0)), ((1, 0), (2, 1))], ids=str)
def test_conv(groups: int, pad: tuple[tuple[int, int], tuple[int, int]]) -> None:
    x, w = normal(2, 6, 7, 4), Constant(normal(6, 3, 2, 4 // groups, seed=1))
    check("conv", x, w, Constant(normal(6)), stride=(2, 1), pad=pad, groups=groups)
    check("conv", x, w, None, dilation=(2, 3), pad=pad, groups=groups, clamp=(0.0, 6.0))


def test_conv_with_residual() -> None:
    x, w = normal(1, 4, 4, 3), Constant(normal(5, 1, 1, 3, seed=1))
    found = check("conv", x, w, Constant(normal(5)), normal(1, 4, 4, 5), clamp=(0.0, np.inf))
    assert [f for f in found if f != "Transpose"] == ["Conv", "Add", "Relu"]


def test_conv_whose_weight_is_computed() -> None:
    check("conv", normal(1, 4, 4, 3), normal(5, 2, 2, 3, seed=1))


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_conv(multiplier: int) -> None:
    x, w = normal(1, 5, 6, 3), normal(3, 2, 3 * multiplier, seed=1)
    check("depthwise_conv", x, Constant(w), Constant(normal(3 * multiplier)), stride=(1, 2))
    check("depthwise_conv", x, w)


@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose(groups: int) -> None:
    x, w = normal(1, 4, 3, 4), Constant(normal(6, 3, 2, 4 // groups, seed=1))
    attrs: dict[str, Any] = {"stride": (2, 2), "pad": ((1, 0), (0, 1)), "output_pad": (1, 0)}
    check("conv_transpose", x, w, Constant(normal(6)), groups=groups, **attrs)


def test_conv_of_int8() -> None:
    w = weights(6, 3, 3, 4, axis=0)
    found = check("conv", stored(1, 6, 6, 4), w, biases(6), results=[RESULT], clamp=(0.0, np.inf))
    names = [f for f in found if f != "Transpose"]
    assert names == ["DequantizeLinear"] * 3 + ["Conv", "Relu", "QuantizeLinear"]


def test_conv_of_int8_with_residual() -> None:
    x, skip = stored(1, 4, 4, 3), stored(1, 4, 4, 5, scale=0.1, seed=4)
    operands = (x, weights(5, 1, 1, 3, axis=0), biases(5), skip)
    check("conv", *operands, results=[RESULT], inner=(0.11, 2))


def test_depthwise_conv_of_int8() -> None:
    w = weights(3, 3, 8, axis=2)
    check("depthwise_conv", stored(1, 6, 6, 8), w, biases(8), results=[RESULT])


def test_conv_transpose_of_int8() -> None:
    w = weights(6, 2, 2, 4, axis=0)
    check("conv_transpose", stored(1, 4, 4, 4), w, biases(6), results=[RESULT], stride=(2, 2))


def test_conv_of_int16_needs_a_newer_opset_and_says_so() -> None:
    codes = np.random.default_rng(0).integers(-9000, 9000, (1, 4, 4, 4)).astype(np.int16)
    x = Stored(codes, Quant.per_tensor(0.001))
    bias = Constant(np.arange(6, dtype=np.int64) * 1000)
    operands = (x, weights(6, 3, 3, 4, axis=0), bias)
    result = [Quant.per_tensor(0.01)]
    module, fed = single("conv", operands, result, mode="fixed")
    exported = compare(module, fed, 1)
    assert exported.minimum.startswith("opset 21,")
    assert any("opset 21 rather than 18" in note for note in exported.notes)
    with pytest.raises(UnsupportedModel, match="16-bit quantisation needs opset 21, not 20"):
        compare(module, fed, 1, opset=20)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_pools(name: str) -> None:
    attrs: dict[str, Any] = {"kernel": (3, 2), "stride": (2, 1), "pad": ((1, 1), (0, 1))}
    check(name, normal(1, 7, 6, 3), clamp=(0.0, np.inf), **attrs)
    check(name, stored(1, 7, 6, 3), results=[Quant.per_tensor(0.05, 3)], **attrs)


def test_average_that_counts_the_padding() -> None:
    attrs: dict[str, Any] = {"kernel": (3, 3), "pad": ((1, 1), (1, 1)), "count_include_pad": True}
    check("avg_pool", normal(1, 5, 5, 2), **attrs)


def test_dilated_pools() -> None:
    check("max_pool", normal(1, 7, 7, 2), kernel=(2, 2), dilation=(2, 3))
    check("avg_pool", normal(1, 7, 7, 2), kernel=(2, 2), dilation=(2, 3))


def test_pool_with_more_padding_than_window_is_refused() -> None:
    module, fed = single("max_pool", [normal(1, 5, 5, 2)], kernel=(2, 2), pad=((2, 0), (0, 0)))
    with pytest.raises(UnsupportedModel, match="padding"):
        compare(module, fed, 0)


@pytest.mark.parametrize("coordinate", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("size", [(8, 9), (3, 2)], ids=str)
def test_resize(coordinate: str, size: tuple[int, int]) -> None:
    x = normal(1, 5, 4, 3)
    check("resize_bilinear", x, size=size, coordinate=coordinate)
    for rounding in ("floor", "round_half_down", "round_half_up", "ceil"):
        check("resize_nearest", x, size=size, coordinate=coordinate, rounding=rounding)


@pytest.mark.parametrize("mode", ["dcr", "crd"])
def test_blocks(mode: str) -> None:
    check("depth_to_space", normal(1, 2, 3, 12), block=2, mode=mode)
    check("space_to_depth", normal(1, 4, 6, 3), block=2, mode=mode)


def test_blocks_of_batches() -> None:
    pads = ((1, 0), (0, 1))
    check("space_to_batch", normal(2, 5, 5, 3), block=(2, 3), pads=pads)
    check("batch_to_space", normal(12, 3, 2, 3), block=(2, 3), crops=pads)
    check("space_to_batch", normal(2, 6, 3), block=(2,), pads=((1, 1),))
    check("batch_to_space", normal(4, 4, 3), block=(2,), crops=((0, 1),))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 5), (2, 3, 5)], ids=str)
def test_batch_norm(shape: tuple[int, ...]) -> None:
    rows = [Constant(np.abs(normal(5, seed=i)) + np.float32(0.5)) for i in range(4)]
    check("batch_norm", normal(*shape), *rows, epsilon=1e-3)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_lookup(dtype: type[np.integer[Any]]) -> None:
    rng, limits = np.random.default_rng(0), np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, (1, 3, 4, 5), dtype, endpoint=True)
    table = Constant(rng.integers(-128, 128, (2, 256)).astype(np.int8), Quant.per_tensor(0.1, 7))
    check("lookup", Stored(x, Quant.per_tensor(0.05, 3)), table, tolerance=0)


@pytest.mark.parametrize(("opset", "operator"), [(17, "LayerNormalization"), (13, "ReduceMean")])
def test_layer_norm_by_opset(opset: int, operator: str) -> None:
    rows = (Constant(normal(6)), Constant(normal(6)))
    assert operator in check("layer_norm", normal(2, 5, 6), *rows, opset=opset, epsilon=1e-3)


def test_channels_first_operands_keep_their_order() -> None:
    """The transposes of the harness vanish: what is held channels first stays so."""
    operands: list[Operand] = [normal(1, 4, 4, 3), Constant(normal(5, 3, 3, 3, seed=1))]
    module, fed = single("conv", operands, turned=True)
    assert operators(compare(module, fed, 1e-5)) == ["Conv"]


def test_onnx_runtime_fuses_all_of_a_quantised_net() -> None:
    """A convolution, its residual and a mean: nothing but integer kernels are left."""
    w, quant = weights(8, 3, 3, 8, axis=0), Quant.per_tensor(0.05, -3)
    graph = Graph("main")
    x = graph.add_input("x", TensorType(DType.INT8, (1, 6, 6, 8), quant))
    held = [graph.constant(n, c.array, TensorType(DType.of(c.array.dtype), c.array.shape, c.quant))
            for n, c in (("w", w), ("b", biases(8)))]  # fmt: skip
    attrs: dict[str, object] = {"pad": ((1, 1), (1, 1)), "clamp": (0.0, np.inf), "inner": (0.3, 2)}
    y = add(graph, "conv", [x, *held, x], Quant.per_tensor(0.2, -128), attrs)
    mean = add(graph, "reduce_mean", [y], RESULT, {"axes": (1, 2), "keepdims": True})
    graph.outputs.append(mean)
    assert optimized(export(Module({"main": graph})).data) == [
        "Transpose", "QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "Reshape"
    ]  # fmt: skip


def add(
    graph: Graph, op: str, inputs: list[Value], quant: Quant, attrs: dict[str, object]
) -> Value:
    """A node with a quantised result."""
    node = Node(op, list(inputs), [], attrs)
    (type,) = ops.infer(node)
    node.outputs = [graph.value(op, type.with_quant(quant))]
    graph.insert(node)
    return node.output


def optimized(data: bytes) -> list[str]:
    """What ONNX Runtime makes of a file."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/optimized.onnx"
        ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return [n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node]
