"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, FULLY_CONNECTED over their options."""

from __future__ import annotations

import itertools
from typing import Any

import flatbuffers
import numpy as np
import pytest

from edgewright import passes
from edgewright.errors import UnsupportedModel
from edgewright.importers.tflite.linear import same_pad
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.dequantized import dequantized_weights
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite import single
from tests.importers.tflite.single import DTYPES, Array, fed, kind, options, random

SAME, VALID = 0, 1
#: padding, stride, dilation, image, kernel; SAME at odd and even sizes pads unevenly
WINDOWS = [
    (SAME, (1, 1), (1, 1), (5, 6), (3, 3)),
    (SAME, (2, 2), (1, 1), (6, 7), (3, 3)),
    (SAME, (3, 2), (1, 1), (8, 5), (2, 4)),
    (SAME, (1, 1), (2, 3), (9, 8), (3, 2)),
    (SAME, (2, 3), (1, 1), (4, 4), (1, 1)),
    (VALID, (1, 1), (1, 1), (5, 6), (3, 2)),
    (VALID, (2, 2), (1, 1), (7, 6), (3, 3)),
    (VALID, (1, 1), (2, 2), (8, 8), (3, 3)),
]
ACTIVATIONS = (0, 1, 3, 2)


def weights(dtype: str, shape: tuple[int, ...], axis: int, per_channel: bool) -> Operand:
    """A float32 or 8-bit weight; int8 is symmetric and may have a scale per channel."""
    if dtype == "float32":
        return single.constant(fed("w", random(shape, "float32", 7)))
    if dtype == "uint8":
        w = random(shape, "uint8", 7)
        return Operand("w!", "uint8", shape, (0.01,), (131,), data=w)
    w = np.maximum(random(shape, "int8", 7), np.int8(-127))
    count = shape[axis] if per_channel else 1
    scales = tuple(float(np.float32(0.004 + 0.001 * i)) for i in range(count))
    return Operand("w!", "int8", shape, scales, (0,) * count, axis, w)


def bias(dtype: str, x: Operand, w: Operand, count: int) -> Operand:
    values = np.arange(count) * 37 - 50
    if dtype == "float32":
        return single.const("b", values / 40.0, "float32")
    held = "int64" if dtype == "int16" else "int32"
    scales = tuple(float(np.float32(x.scale[0]) * np.float32(s)) for s in w.scale)
    data = values.astype(held)
    return Operand("b!", held, (count,), scales, (0,) * len(scales), 0, data)


def window(padding: int, stride: tuple[int, int], dilation: tuple[int, int]) -> dict[str, Any]:
    return {
        "padding": padding, "strideH": stride[0], "strideW": stride[1],
        "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
    }  # fmt: skip


def cases() -> list[Any]:
    """Every window with every dtype, while activation, bias and channels go round."""
    turn = itertools.cycle(range(15))  # prime to the four dtypes
    return [
        pytest.param(*where, dtype, next(turn), id=f"{i}-{dtype}")
        for i, where in enumerate(WINDOWS)
        for dtype in DTYPES
    ]


Pair = tuple[int, int]


@pytest.mark.parametrize(("padding", "stride", "dilation", "image", "kernel", "dtype", "turn"),
                         cases())  # fmt: skip
class TestWindows:
    def test_conv_2d(
        self, padding: int, stride: Pair, dilation: Pair, image: Pair, kernel: Pair,
        dtype: str, turn: int,
    ) -> None:  # fmt: skip
        groups = 2 if dtype != "uint8" and turn % 3 == 0 else 1
        x = fed("x", random((2, *image, 4), dtype))
        w = weights(dtype, (6, *kernel, 4 // groups), 0, turn % 2 == 0 or dtype == "int16")
        b = bias(dtype, x, w, 6)
        made = options(
            "Conv2D",
            **window(padding, stride, dilation),
            fusedActivationFunction=ACTIVATIONS[turn % 4],
        )
        single.run("CONV_2D", [x, w, b], [kind(dtype, 2)], made)

    def test_depthwise_conv_2d(
        self, padding: int, stride: Pair, dilation: Pair, image: Pair, kernel: Pair,
        dtype: str, turn: int,
    ) -> None:  # fmt: skip
        multiplier = 1 + turn % 2
        x = fed("x", random((1, *image, 3), dtype))
        w = weights(dtype, (1, *kernel, 3 * multiplier), 3, turn % 2 == 0 or dtype == "int16")
        b = bias(dtype, x, w, 3 * multiplier)
        made = options(
            "DepthwiseConv2D",
            **window(padding, stride, dilation),
            depthMultiplier=multiplier,
            fusedActivationFunction=ACTIVATIONS[turn % 4],
        )
        single.run("DEPTHWISE_CONV_2D", [x, w, b], [kind(dtype)], made)


#: padding, stride, image, kernel, output
TRANSPOSED = [
    (SAME, (2, 2), (3, 4), (3, 3), (6, 8)),
    (SAME, (2, 2), (3, 4), (3, 3), (5, 7)),
    (SAME, (1, 1), (4, 4), (2, 3), (4, 4)),
    (SAME, (2, 3), (3, 3), (4, 2), (6, 9)),  # kernel narrower than the stride
    (VALID, (2, 2), (3, 4), (3, 3), (7, 9)),
    (VALID, (2, 2), (3, 4), (3, 3), (8, 10)),  # the last row gets nothing
    (VALID, (1, 2), (3, 4), (2, 2), (4, 8)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("padding", "stride", "image", "kernel", "output"), TRANSPOSED)
def test_transpose_conv(
    padding: int, stride: Pair, image: Pair, kernel: Pair, output: Pair, dtype: str
) -> None:
    x = fed("x", random((2, *image, 3), dtype))
    w = weights(dtype, (4, *kernel, 3), 0, dtype in ("int8", "int16"))
    shape = single.const("shape", (2, *output, 4))
    made = options("TransposeConv", padding=padding, strideH=stride[0], strideW=stride[1])
    with_bias = bias(dtype, x, w, 4)
    single.run("TRANSPOSE_CONV", [shape, w, x], [kind(dtype, 2)], made, 3)
    single.run("TRANSPOSE_CONV", [shape, w, x, with_bias], [kind(dtype, 2)], made, 3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "keep"),
    [*itertools.product([(3, 10), (2, 3, 10), (1, 1, 1, 10)], [False, True]), ((2, 5, 4), False)],
)
def test_fully_connected(shape: tuple[int, ...], keep: bool, dtype: str) -> None:
    """Axes before the last are rows, kept or not; others are flattened into them."""
    x = fed("x", random(shape, dtype))
    w = weights(dtype, (7, 10), 0, False)
    for turn, act in enumerate(ACTIVATIONS):
        b = bias(dtype, x, w, 7) if turn % 2 else None
        made = options("FullyConnected", keepNumDims=keep, fusedActivationFunction=act)
        # int16: LiteRT rounds its 64-bit sums otherwise; ours is TFLite Micro's arithmetic.
        oracle = single.micro if dtype == "int16" else single.litert
        single.run("FULLY_CONNECTED", [x, w, b], [kind(dtype, 2)], made, 4, oracle)


@pytest.mark.parametrize("op", ["CONV_2D", "FULLY_CONNECTED"])
def test_weights_stored_as_float16(op: str) -> None:
    """Neither LiteRT nor we compute in it: the weights are widened."""
    shape = (3, 1, 1, 4) if op == "CONV_2D" else (3, 4)
    x = random((1, 2, 2, 4) if op == "CONV_2D" else (2, 4), "float32")
    half = random(shape, "float16", 3)
    name = "Conv2D" if op == "CONV_2D" else "FullyConnected"
    fields = {"strideH": 1, "strideW": 1} if op == "CONV_2D" else {}
    wide = single.const("w", half.astype("float32"), "float32")
    b = single.const("b", np.zeros(3), "float32")
    answer = single.run(op, [fed("x", x), wide, b], [kind("float32")], options(name, **fields))
    content = build(
        op,
        [Operand("x", "float32", x.shape), single.const("w", half, "float16")],
        [Operand("y0", "float32", answer.ours[0].shape)],
        options(name, **fields),
    )
    (got,) = Interpreter(single.load(content)).run({"x": x}).values()
    np.testing.assert_array_equal(got, answer.ours[0])


def four_bits(op: str) -> tuple[Array, bytes]:
    """An input, and a file of one operator whose weight has an odd number of 4-bit elements."""
    shape = (3, 1, 1, 5) if op == "CONV_2D" else (3, 5)
    name = "Conv2D" if op == "CONV_2D" else "FullyConnected"
    fields = {"strideH": 1, "strideW": 1} if op == "CONV_2D" else {}
    x = random((1, 2, 2, 5) if op == "CONV_2D" else (2, 5), "float32")
    codes = np.arange(-8, 7, dtype=np.int8)
    pairs = np.append(codes, np.int8(0)).view(np.uint8).reshape(-1, 2) & 15
    packed = (pairs[:, 0] | pairs[:, 1] << 4).astype(np.uint8)
    content = build(
        op,
        [
            Operand("x", "float32", x.shape),
            Operand("w!", "uint8", packed.shape, data=packed),
            single.const("b", np.zeros(3), "float32"),
        ],
        [Operand("y0", "float32", (*x.shape[:-1], 3))],
        options(name, **fields),
    )
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    weight = model.subgraphs[0].tensors[1]
    weight.type, weight.shape = schema.TensorType.INT4, list(shape)
    weight.quantization = schema.QuantizationParametersT()
    weight.quantization.scale, weight.quantization.zeroPoint = [0.25], [0]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return x, bytes(builder.Output())


@pytest.mark.parametrize("op", ["CONV_2D", "FULLY_CONNECTED"])
def test_weights_of_four_bits(op: str) -> None:
    """The lower half of a byte comes first; products keep them, convolutions get floats."""
    x, content = four_bits(op)
    module = single.load(content)
    (got,) = Interpreter(module).run({"x": x}).values()
    weight = 0.25 * np.arange(-8, 7, dtype=np.float32).reshape(3, 5)
    np.testing.assert_allclose(got, x @ weight.T, rtol=0, atol=1e-5)
    passes.optimize(module)
    wanted = {"CONV_2D": "conv", "FULLY_CONNECTED": "fully_connected_blocks"}
    assert [n.op for n in module.main.nodes] == [wanted[op]]
    (again,) = Interpreter(module).run({"x": x}).values()
    np.testing.assert_allclose(again, got, rtol=0, atol=1e-5)
    copy = dequantized_weights(content, "four.tflite")
    assert copy is not None, "the oracle computes in float32, too"
    (theirs,) = single.litert(copy, {"x": x})
    np.testing.assert_allclose(theirs, got, rtol=0, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding(stride: int, kernel: int, dilation: int) -> None:
    """ceil(size / stride) positions, the odd pixel at the end, never negative."""
    for size in range(1, 12):
        before, after = same_pad(size, kernel, stride, dilation)
        extent = dilation * (kernel - 1) + 1
        assert after - before in (0, 1)
        assert before >= 0
        positions = (size + before + after - extent) // stride + 1
        assert positions == -(-size // stride) or extent < stride


# -- what is refused -------------------------------------------------------------------------------


def refusal(op: str, inputs: list[Operand], made: Any, shape: tuple[int, ...]) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as caught:
        single.load(build(op, inputs, [Operand("y", "float32", shape)], made))
    return caught.value


X: Array = np.zeros((1, 4, 4, 2), np.float32)


def test_weights_that_are_computed() -> None:
    inputs = [Operand("x", "float32", X.shape), Operand("w", "float32", (3, 1, 1, 2))]
    error = refusal("CONV_2D", inputs, options("Conv2D", strideH=1, strideW=1), (1, 4, 4, 3))
    assert error.what == "CONV_2D: the weight is computed at run time"
    assert error.where == "model.tflite: CONV_2D #0 -> 'y'"
    assert error.help == "make it a constant"


def test_an_activation_without_a_clamp() -> None:
    inputs = [Operand("x", "float32", X.shape), single.const("w", np.ones((3, 1, 1, 2)), "float32")]
    made = options("Conv2D", strideH=1, strideW=1, fusedActivationFunction=4)
    error = refusal("CONV_2D", inputs, made, (1, 4, 4, 3))
    assert "fused activation 4 is not supported" in error.what
    assert error.help == "use RELU, RELU6, RELU_N1_TO_1 or none"


def test_shuffled_weights() -> None:
    inputs = [Operand("x", "float32", (2, 4)), single.const("w", np.ones((3, 4)), "float32")]
    error = refusal("FULLY_CONNECTED", inputs, options("FullyConnected", weightsFormat=1), (2, 3))
    assert "shuffled weights" in error.what
