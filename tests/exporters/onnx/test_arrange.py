"""Operators that move, join, cut and reduce, whatever the order of axes of their operand."""

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Quant, TensorType
from tests.exporters.onnx.harness import (
    Constant,
    Stored,
    check,
    compare,
    normal,
    single,
    stored,
)

SAME = Quant.per_tensor(0.05, 3)


@pytest.mark.parametrize(
    ("shape", "new"),
    [((2, 3, 4, 5), (2, 12, 5)), ((2, 3, 4, 5), (2, 60)), ((2, 12), (2, 3, 4)),
     ((1, 1, 1, 6), (1, 6)), ((1, 6), (1, 1, 1, 6)), ((2, 3, 4), (2, 1, 3, 4)),
     ((1, 3, 4, 5), (3, 20)), ((6,), (2, 3)), ((2, 3), ())],
    ids=str,
)  # fmt: skip
def test_reshape(shape: tuple[int, ...], new: tuple[int, ...]) -> None:
    if not new:
        shape = (1, 1)
    check("reshape", normal(*shape), shape=new)
    check("reshape", stored(*shape), results=[SAME], shape=new)


@pytest.mark.parametrize("perm", [(0, 3, 1, 2), (3, 2, 1, 0), (0, 1, 2, 3)], ids=str)
def test_transpose(perm: tuple[int, ...]) -> None:
    check("transpose", normal(2, 3, 4, 5), perm=perm)
    check("transpose", stored(2, 3, 4, 5), results=[SAME], perm=perm)


def test_expand_and_tile() -> None:
    check("expand", normal(2, 1, 3), shape=(2, 4, 3))
    check("expand", normal(3), shape=(2, 4, 3))
    check("tile", normal(2, 1, 3), repeats=(1, 2, 3))


def test_shape() -> None:
    check("shape", normal(2, 3, 4), tolerance=0)


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_concat_and_split(axis: int) -> None:
    a, b = normal(2, 4, 6, 8), normal(2, 4, 6, 8, seed=1)
    check("concat", a, b, Constant(normal(2, 4, 6, 8, seed=2)), axis=axis)
    half = a.shape[axis] // 2
    check("split", a, axis=axis, sizes=(half, a.shape[axis] - half))


def test_concat_in_another_order() -> None:
    check("concat", normal(2, 3, 4), normal(2, 5, 4, seed=1), axis=1, perm=(2, 0, 1))


def test_concat_of_int8() -> None:
    x, y = stored(2, 3, 4), stored(2, 3, 4, scale=0.1, seed=1)
    check("concat", x, y, results=[Quant.per_tensor(0.08)], axis=1)


def test_concat_with_integers_that_have_no_scale() -> None:
    x, plain = stored(2, 3), np.array([[1, 2, 3], [4, 5, 6]], np.int8)
    found = check("concat", x, plain, results=[x.quant], axis=0)
    assert found == ["Concat"]


@pytest.mark.parametrize(
    ("begin", "size", "stride"),
    [((0, 1, 0, 2), (2, 2, 4, 3), (1, 1, 1, 1)), ((0, 2, 3, 0), (2, 3, 2, 3), (1, -1, -2, 2)),
     ((1, 0, 0, 0), (1, 3, 4, 5), (1, 1, 1, 1)), ((0, 0, 0, 0), (2, 3, 4, 5), (1, 1, 1, 1))],
    ids=str,
)  # fmt: skip
def test_slice(begin: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...]) -> None:
    check("slice", normal(2, 3, 4, 5), begin=begin, size=size, stride=stride)
    check("slice", stored(2, 3, 4, 5), results=[SAME], begin=begin, size=size, stride=stride)


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
@pytest.mark.parametrize("opset", [18, 20])
def test_pad(mode: str, opset: int) -> None:
    pads = ((0, 0), (1, 2), (2, 0), (0, 1))
    value: dict[str, Any] = {"value": 1.5} if mode == "constant" else {}
    check("pad", normal(2, 3, 4, 5), pads=pads, mode=mode, opset=opset, **value)
    check("pad", stored(2, 3, 4, 5), results=[SAME], pads=pads, mode=mode, opset=opset)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("indices", [[0, 1, -1], 1, [[0, 1], [1, 0]]], ids=str)
def test_gather(axis: int, indices: object) -> None:
    places = np.array(indices, np.int64)
    check("gather", normal(2, 3, 4), Constant(places), axis=axis)
    check("gather", Constant(normal(2, 3, 4)), places.astype(np.int32), axis=axis)


def test_gather_from_a_quantised_table() -> None:
    table = stored(9, 4)
    ids = np.array([[1, 8, 0]], np.int32)
    check("gather", Constant(table.array, table.quant), ids, results=[table.quant], axis=0)


def test_gather_in_batches() -> None:
    x, ids = normal(2, 5, 3), np.array([[4, 0], [1, 1]], np.int32)
    check("gather", x, ids, axis=1, batch_dims=1)
    module, fed = single("gather", [x, ids], axis=2, batch_dims=1)
    with pytest.raises(UnsupportedModel, match="batch_dims 1 with axis 2"):
        compare(module, fed, 0)


def test_gather_nd() -> None:
    check("gather_nd", normal(3, 4, 5), np.array([[0, 1], [2, 3]], np.int32))


@pytest.mark.parametrize("opset", [13, 17, 18])
@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("name", ["mean", "sum", "prod", "max", "min"])
def test_reduce(name: str, keepdims: bool, opset: int) -> None:
    for axes in ((1, 2), (1,), (3,), (0, -1), ()):
        x = normal(2, 3, 4, 5)
        check(f"reduce_{name}", x, axes=axes, keepdims=keepdims, opset=opset)


@pytest.mark.parametrize("keepdims", [True, False])
def test_mean_of_int8_images_is_the_operator_that_runtimes_quantise(keepdims: bool) -> None:
    x, result = stored(1, 4, 4, 3), Quant.per_tensor(0.02, 1)
    attrs: dict[str, Any] = {"axes": (1, 2), "keepdims": keepdims}
    module, fed = single("reduce_mean", [x], [result], turned=True, **attrs)
    names = [n.op_type for n in _nodes(compare(module, fed, 1).data)]
    wanted = ["DequantizeLinear", "GlobalAveragePool", "QuantizeLinear"]
    assert names[:3] == wanted
    assert "Transpose" not in names


def _nodes(data: bytes) -> list[Any]:
    import onnx

    return list(onnx.ModelProto.FromString(data).graph.node)


@pytest.mark.parametrize("to", ["int32", "int64"])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extremes(name: str, to: str) -> None:
    x = np.round(normal(2, 3, 4) * 2)
    for axis in (0, 1, 2):
        check(name, x, axis=axis, keepdims=axis == 1, to=to, tolerance=0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str) -> None:
    check(name, normal(2, 3, 4, 5) * 3, beta=0.7)
    check(name, normal(2, 3))


def test_softmax_of_int8() -> None:
    check("softmax", stored(2, 9), results=[Quant.per_tensor(1 / 256, -128)])


def test_matrix_products() -> None:
    check("matmul", normal(2, 3, 4), normal(2, 4, 5, seed=1))
    check("matmul", normal(3, 4), Constant(normal(4, 5, seed=1)))
    check("matmul", stored(3, 4), stored(4, 5, seed=1), results=[Quant.per_tensor(0.2)])


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (1, 2, 3, 4)], ids=str)
def test_fully_connected(shape: tuple[int, ...]) -> None:
    w, bias = normal(5, 4, seed=1), Constant(normal(5))
    check("fully_connected", normal(*shape), Constant(w), bias, clamp=(0.0, np.inf))
    check("fully_connected", normal(*shape), Constant(w), None)
    check("fully_connected", normal(*shape), w)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=str)
def test_fully_connected_of_int8(shape: tuple[int, ...]) -> None:
    codes = np.random.default_rng(5).integers(-127, 128, (5, 4)).astype(np.int8)
    w = Constant(codes, Quant((0.01, 0.02, 0.03, 0.04, 0.05), (0,) * 5, 0))
    bias = Constant(np.arange(5, dtype=np.int32) * 50)
    check("fully_connected", stored(*shape), w, bias, results=[Quant.per_tensor(0.3)])


def test_quantize_and_dequantize() -> None:
    check("quantize", normal(2, 3, 4) * 3, results=[TensorType(DType.INT8, (2, 3, 4), SAME)])
    check("dequantize", stored(2, 3, 4))
    other = TensorType(DType.INT8, (2, 3, 4), Quant.per_tensor(0.1, -7))
    check("quantize", stored(2, 3, 4), results=[other])


def test_a_scale_per_channel_follows_the_order_of_axes() -> None:
    quant = Quant((0.1, 0.2, 0.4), (1, 2, 3), 1)
    codes = np.random.default_rng(0).integers(-128, 128, (2, 3, 4)).astype(np.int8)
    check("dequantize", Constant(codes, quant))
    module, fed = single("dequantize", [Stored(codes, quant)])
    compare(module, fed, 1e-6)


def test_what_has_no_quantised_form_is_refused_by_name() -> None:
    quant = Quant.per_tensor(0.5)
    wide = TensorType(DType.INT32, (2, 3), quant)
    module, fed = single("quantize", [normal(2, 3)], [wide])
    with pytest.raises(UnsupportedModel, match="quantize: a result of type int32"):
        compare(module, fed, 0)
