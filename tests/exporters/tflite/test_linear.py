"""Matrix products and transposed convolutions against LiteRT."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from edgewright.graph import Quant
from tests.exporters.tflite.harness import (
    check_op,
    codes,
    codes_of,
    floats,
    int8,
    int16,
    quantised_type,
)
from tests.exporters.tflite.test_window import SCALES, bias
from tests.ops.harness import const


@pytest.mark.parametrize("shape", [(3, 40), (3, 2, 40), (1, 2, 3, 40), (40,)])
def test_fully_connected(shape: tuple[int, ...]) -> None:
    operands: list[Any] = [floats(*shape), const(floats(6, 40)), const(floats(6))]
    model = check_op("fully_connected", operands, clamp=(0.0, math.inf))
    assert ("RESHAPE" in codes(model)) == (len(shape) == 1)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("scales", [Quant((0.01,), (0,)), SCALES])
def test_fully_connected_on_int8(mode: str, scales: Quant) -> None:
    operands: list[Any] = [int8(3, 40), const(codes_of("int8", 6, 40), scales), const(bias())]
    check_op("fully_connected", operands, quantised_type((3, 6), 0.3), mode, exact=True)


def test_fully_connected_on_int16() -> None:
    weight = const(codes_of("int8", 6, 40), Quant((0.01,), (0,)))
    operands: list[Any] = [int16(3, 40), weight, const(bias(6, "int64"))]
    check_op("fully_connected", operands, quantised_type((3, 6), 0.02, 0, "int16"), "fixed")


@pytest.mark.parametrize(
    ("a", "b"), [((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 2, 3, 4), (4, 5))]
)
def test_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert codes(check_op("matmul", [floats(*a), floats(*b)])) == ["BATCH_MATMUL"]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_matmul_on_int8(mode: str) -> None:
    check_op("matmul", [int8(2, 3, 4), int8(2, 4, 5)], quantised_type((2, 3, 5), 0.2), mode)


TRANSPOSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"stride": (2, 2)}, ["TRANSPOSE_CONV"]),
    ({"stride": (2, 2), "pad": ((0, 1), (0, 1))}, ["TRANSPOSE_CONV"]),
    (
        {"stride": (2, 2), "pad": ((1, 1), (1, 1)), "output_pad": (1, 1)},
        ["TRANSPOSE_CONV", "SLICE"],
    ),
    ({"stride": (2, 2), "pad": ((1, 1), (1, 1))}, ["TRANSPOSE_CONV"]),
    ({"dilation": (2, 2)}, ["TRANSPOSE_CONV"]),
    (
        {"stride": (2, 3), "pad": ((0, 0), (1, 0)), "output_pad": (1, 0)},
        ["TRANSPOSE_CONV", "SLICE"],
    ),
    ({"stride": (2, 2), "clamp": (0.0, 6.0)}, ["TRANSPOSE_CONV", "MAXIMUM", "MINIMUM"]),
]


@pytest.mark.parametrize(("attrs", "expected"), TRANSPOSED)
def test_conv_transpose(attrs: dict[str, Any], expected: list[str]) -> None:
    operands: list[Any] = [floats(1, 5, 5, 4), const(floats(6, 3, 3, 4)), const(floats(6))]
    assert codes(check_op("conv_transpose", operands, **attrs)) == expected


def test_groups_of_a_transposed_convolution_are_split() -> None:
    operands: list[Any] = [floats(1, 5, 5, 4), const(floats(6, 3, 3, 2)), const(floats(6))]
    model = check_op("conv_transpose", operands, groups=2, stride=(2, 2))
    assert codes(model) == ["SPLIT", "TRANSPOSE_CONV", "TRANSPOSE_CONV", "CONCATENATION"]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_conv_transpose_on_int8(mode: str) -> None:
    operands: list[Any] = [
        int8(1, 5, 5, 4),
        const(codes_of("int8", 6, 3, 3, 4), SCALES),
        const(bias()),
    ]
    check_op("conv_transpose", operands, quantised_type((1, 11, 11, 6), 0.2), mode, stride=(2, 2))


def test_batch_norm() -> None:
    statistics = [const(floats(4)), const(floats(4)), const(floats(4)), const(np.abs(floats(4)))]
    assert codes(check_op("batch_norm", [floats(1, 3, 3, 4), *statistics])) == ["MUL", "ADD"]
