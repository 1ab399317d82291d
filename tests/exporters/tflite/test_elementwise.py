"""Functions with a builtin operator, in every element type that they take, against LiteRT."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite.elementwise import ARITHMETIC, BINARY, UNARY, folded_shapes
from edgewright.graph import DType, Quant, TensorType
from tests.exporters.tflite.harness import (
    check_op,
    codes,
    codes_of,
    floats,
    int8,
    int16,
    quantised_type,
)
from tests.ops.harness import Operand, const

POSITIVE = ("log", "rsqrt", "sqrt")
#: operators that BUILTIN_REF lacks, so that `fixed` cannot be run
NO_REFERENCE = ("ceil", "round")
QUANTISED_BINARY = ("add", "sub", "mul", "squared_difference", "prelu")


@pytest.mark.parametrize("op", UNARY)
def test_unary_in_float(op: str) -> None:
    x = np.abs(floats(2, 5, 7)) + np.float32(0.1) if op in POSITIVE else floats(2, 5, 7)
    assert codes(check_op(op, [x])) == [UNARY[op][0]]


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_unary_on_int8(op: str, mode: str) -> None:
    x = int8(2, 5, 7)
    if op in POSITIVE:
        x = Operand(np.abs(x.array // 2) + np.int8(1), x.quant)
    if mode == "float" or op not in NO_REFERENCE:
        check_op(op, [x], quantised_type((2, 5, 7)), mode)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_squares_of_plain_integers_are_products(dtype: str) -> None:
    x = np.arange(-6, 6).astype(dtype)
    assert codes(check_op("square", [x])) == ["MUL"]


def test_an_integer_without_a_builtin_operator_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match=r"sign as .tflite: int64\[3\] has no builtin"):
        check_op("sign", [np.arange(3)])


@pytest.mark.parametrize("op", [*BINARY, *ARITHMETIC])
@pytest.mark.parametrize("shape", [(2, 3, 4), (4,), (2, 1, 1)])
def test_binary(op: str, shape: tuple[int, ...]) -> None:
    if op.startswith("logical"):
        check_op(op, [floats(2, 3, 4) > 0, floats(*shape) > 0])
        return
    a = np.abs(floats(2, 3, 4)) if op == "pow" else floats(2, 3, 4)
    check_op(op, [a, floats(*shape, seed=1)])


@pytest.mark.parametrize("op", QUANTISED_BINARY)
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_binary_on_int8(op: str, mode: str) -> None:
    operands = [int8(3, 4), int8(4, scale=0.03, zero=2)]
    check_op(op, operands, quantised_type((3, 4)), mode, exact=True)


@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_arithmetic_on_int16(op: str) -> None:
    operands = [int16(3, 4), int16(3, 4, scale=2e-3)]
    check_op(op, operands, quantised_type((3, 4), 3e-3, 0, "int16"), "fixed", exact=True)


@pytest.mark.parametrize("op", [op for op in BINARY if op in ("minimum", "less", "equal")])
def test_comparisons_of_int8(op: str) -> None:
    outputs = quantised_type((3, 4), 0.05, -7) if op == "minimum" else None
    check_op(op, [int8(3, 4), int8(3, 4)], outputs)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("op", ["add", "sub", "mul", "floor_mod", "maximum", "less_equal"])
def test_plain_integers(op: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(-9, 9, (3, 4)).astype(dtype), rng.integers(1, 9, (3, 4)).astype(dtype)
    check_op(op, [a, b])


@pytest.mark.parametrize(
    ("clamp", "expected"),
    [
        (None, ["ADD"]),
        ((0.0, math.inf), ["ADD"]),
        ((0.0, 6.0), ["ADD"]),
        ((-1.0, 1.0), ["ADD"]),
        ((-1.5, 2.0), ["ADD", "MAXIMUM", "MINIMUM"]),
        ((-math.inf, 2.0), ["ADD", "MINIMUM"]),
    ],
)
def test_a_clamp_is_fused_where_there_is_an_activation(clamp: Any, expected: list[str]) -> None:
    assert codes(check_op("add", [floats(3, 4), floats(4)], clamp=clamp)) == expected


def test_a_clamp_beyond_the_range_of_a_quantised_type_costs_nothing() -> None:
    model = check_op(
        "add", [int8(3, 4), int8(3, 4)], quantised_type((3, 4), 0.01, 0), clamp=(-5.0, 5.0)
    )
    assert codes(model) == ["ADD"]


@pytest.mark.parametrize("op", ["add", "maximum"])
def test_a_broadcast_over_five_axes_is_folded_to_fewer(op: str) -> None:
    model = check_op(op, [floats(2, 3, 4, 5, 6), floats(2, 1, 4, 5, 1)])
    assert codes(model).count("RESHAPE") == 3


def test_neighbours_that_broadcast_alike_are_merged() -> None:
    assert folded_shapes([(2, 3, 4, 5, 6), (5, 6)]) == [(24, 30), (1, 30)]
    assert folded_shapes([(2, 3, 4), (4,)]) is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, math.inf, ["RELU"]),
        (0.0, 6.0, ["RELU6"]),
        (-1.0, 1.0, ["RELU_N1_TO_1"]),
        (0.0, 1.0, ["MAXIMUM", "MINIMUM"]),
        (-math.inf, 2.0, ["MINIMUM"]),
    ],
)
def test_clip(low: float, high: float, expected: list[str]) -> None:
    assert codes(check_op("clip", [floats(3, 4)], lo=low, hi=high)) == expected
    quantised = quantised_type((3, 4), 0.05, -7)
    for mode in ("float", "fixed"):
        check_op("clip", [int8(3, 4)], quantised, mode, lo=low, hi=high)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_leaky_relu_and_gelu(mode: str) -> None:
    check_op("leaky_relu", [floats(3, 4)], alpha=0.3)
    check_op("leaky_relu", [int8(3, 4)], quantised_type((3, 4)), mode, exact=True, alpha=0.3)
    for approximate in (False, True):
        check_op("gelu", [floats(3, 4)], approximate=approximate)
        check_op("gelu", [int8(3, 4)], quantised_type((3, 4)), mode, approximate=approximate)


def test_select_is_broadcast_by_its_second_version_only() -> None:
    condition = floats(3, 4) > 0
    assert codes(check_op("select", [condition, floats(3, 4), floats(3, 4)])) == ["SELECT"]
    model = check_op("select", [condition[0], floats(3, 4), floats(1, 4)])
    assert codes(model) == ["SELECT_V2"]


@pytest.mark.parametrize("to", ["int32", "int64", "int8", "uint8", "bool", "float16"])
def test_cast(to: str) -> None:
    check_op("cast", [np.abs(floats(3, 4))], to=to)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_quantize(mode: str) -> None:
    check_op("quantize", [floats(3, 4)], quantised_type((3, 4)), mode, exact=True)
    check_op("quantize", [int8(3, 4)], quantised_type((3, 4), 0.1, 9), mode, exact=True)
    check_op("quantize", [int8(3, 4)], quantised_type((3, 4), 0.1, 9, "uint8"), mode)
    check_op("quantize", [floats(3, 4)], quantised_type((3, 4), 1e-3, 0, "int16"), mode)


def test_dequantize() -> None:
    per_channel = Quant((0.1, 0.2, 0.3, 0.4), (0,) * 4, 1)
    assert codes(check_op("dequantize", [int8(3, 4)])) == ["DEQUANTIZE"]
    check_op("dequantize", [Operand(codes_of("int8", 3, 4), per_channel)])
    wide = Operand(np.arange(12, dtype=np.int32).reshape(3, 4), per_channel)
    assert codes(check_op("dequantize", [wide])) == ["CAST", "MUL"]


def test_logical_not() -> None:
    assert codes(check_op("logical_not", [floats(3, 4) > 0])) == ["LOGICAL_NOT"]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_a_sigmoid_has_the_scale_that_every_kernel_knows(mode: str) -> None:
    usual = [TensorType(DType.INT8, (3, 4), Quant((1 / 256,), (-128,)))]
    assert codes(check_op("sigmoid", [int8(3, 4)], usual, mode)) == ["LOGISTIC"]
    model = check_op("sigmoid", [int8(3, 4)], quantised_type((3, 4), 0.01, -100), mode)
    assert codes(model) == ["LOGISTIC", "QUANTIZE"]


def test_constants_can_be_broadcast() -> None:
    check_op("mul", [floats(2, 1, 4, 1), const(floats(1, 3, 1, 5))])
