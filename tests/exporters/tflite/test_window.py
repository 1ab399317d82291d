"""Convolutions and pools: padding by name or made explicit, in float32, int8 and int16x8."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from edgewright.graph import Quant
from tests.exporters.tflite.harness import (
    Array,
    check_op,
    codes,
    codes_of,
    floats,
    int8,
    int16,
    quantised_type,
)
from tests.ops.harness import const

NONE = ((0, 0), (0, 0))
#: padding of a 3x3 window over 9x9, and the operators at stride 1
PADS = [
    (NONE, False),
    (((1, 1), (1, 1)), False),
    (((0, 1), (0, 1)), True),
    (((2, 0), (1, 3)), True),
]
SCALES = Quant((0.01, 0.02, 0.03, 0.01, 0.02, 0.015), (0,) * 6, 0)


def bias(count: int = 6, dtype: str = "int32") -> Array:
    return np.random.default_rng(5).integers(-500, 500, count).astype(dtype)


def size(pad: tuple[int, int], stride: int) -> int:
    return (9 + sum(pad) - 3) // stride + 1


@pytest.mark.parametrize(("pad", "is_explicit"), PADS)
@pytest.mark.parametrize("op", ["conv", "depthwise_conv", "max_pool", "avg_pool"])
def test_padding_at_stride_1(op: str, pad: Any, is_explicit: bool) -> None:
    operands: list[Any] = [floats(1, 9, 9, 4)]
    attrs: dict[str, Any] = {"kernel": (3, 3)} if "pool" in op else {}
    if op == "conv":
        operands += [const(floats(6, 3, 3, 4)), const(floats(6))]
    if op == "depthwise_conv":
        operands += [const(floats(3, 3, 8)), const(floats(8))]
    made = codes(check_op(op, operands, pad=pad, clamp=(0.0, 6.0), **attrs))
    assert (len(made) > 1) == is_explicit


@pytest.mark.parametrize(("pad", "_"), PADS)
@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("stride", [1, 2])
def test_int8_convolutions_are_exact(pad: Any, _: bool, mode: str, stride: int) -> None:
    shape = (1, size(pad[0], stride), size(pad[1], stride), 6)
    operands: list[Any] = [
        int8(1, 9, 9, 4),
        const(codes_of("int8", 6, 3, 3, 4), SCALES),
        const(bias()),
    ]
    check_op("conv", operands, quantised_type(shape, 0.4), mode, exact=True,
             pad=pad, stride=(stride, stride))  # fmt: skip


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_int8_depthwise_convolutions_are_exact(mode: str) -> None:
    scales = Quant(SCALES.scale[:4], (0,) * 4, 2)
    operands: list[Any] = [
        int8(1, 9, 9, 4),
        const(codes_of("int8", 3, 3, 4), scales),
        const(bias(4)),
    ]
    model = check_op("depthwise_conv", operands, quantised_type((1, 7, 7, 4), 0.1), mode,
                     exact=True)  # fmt: skip
    weight = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
    assert weight.quantization is not None and weight.quantization.dimension == 3


def test_int16x8() -> None:
    x = int16(1, 9, 9, 4)
    conv: list[Any] = [x, const(codes_of("int8", 6, 3, 3, 4), SCALES), const(bias(6, "int64"))]
    made = quantised_type((1, 7, 7, 6), 0.02, 0, "int16")
    check_op("conv", conv, made, "fixed", exact=True)
    depthwise = [x, const(codes_of("int8", 3, 3, 4), Quant((0.01,), (0,)))]
    made = quantised_type((1, 7, 7, 4), 0.02, 0, "int16")
    check_op("depthwise_conv", [*depthwise, const(bias(4, "int64"))], made, "fixed", exact=True)


@pytest.mark.parametrize(
    ("pad", "expected"),
    [(((0, 1), (0, 1)), ["CONV_2D"]), (((1, 0), (1, 0)), ["PAD", "CONV_2D"])],
)
def test_an_odd_padding_has_a_name_when_more_of_it_comes_behind(
    pad: Any, expected: list[str]
) -> None:
    operands: list[Any] = [floats(1, 8, 8, 4), const(floats(6, 3, 3, 4)), const(floats(6))]
    assert codes(check_op("conv", operands, stride=(2, 2), pad=pad)) == expected


@pytest.mark.parametrize("op", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("kind", ["int8", "int16"])
def test_pools_of_integers(op: str, kind: str) -> None:
    x = int8(1, 9, 9, 4) if kind == "int8" else int16(1, 9, 9, 4)
    assert x.quant is not None
    made = quantised_type((1, 8, 8, 4), x.quant.scale[0], x.quant.zero[0], kind)
    check_op(op, [x], made, "fixed", exact=True)
    made = quantised_type((1, 9, 9, 4), x.quant.scale[0], x.quant.zero[0], kind)
    check_op(op, [x], made, "fixed", exact=True, kernel=(3, 3), pad=((1, 1), (1, 1)))


def test_groups_are_channels_that_the_weight_lacks() -> None:
    model = check_op("conv", [floats(1, 9, 9, 4), const(floats(6, 3, 3, 2)), const(floats(6))],
                     groups=2)  # fmt: skip
    (operator,) = model.subgraphs[0].operators
    assert (operator.code, operator.version) == ("CONV_2D", 6)


def test_a_residual_is_added_behind() -> None:
    operands: list[Any] = [floats(1, 9, 9, 4), const(floats(6, 3, 3, 4)), None, floats(1, 7, 7, 6)]
    assert codes(check_op("conv", operands, clamp=(0.0, math.inf))) == ["CONV_2D", "ADD"]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_a_quantised_residual_keeps_the_inner_quantisation(mode: str) -> None:
    weight = const(codes_of("int8", 6, 3, 3, 4), SCALES)
    operands: list[Any] = [int8(1, 9, 9, 4), weight, const(bias()), int8(1, 7, 7, 6)]
    check_op("conv", operands, quantised_type((1, 7, 7, 6), 0.4), mode, exact=True,
             inner=(0.3, 5), clamp=(0.0, 6.0))  # fmt: skip


@pytest.mark.parametrize("op", ["conv", "depthwise_conv"])
def test_dilation(op: str) -> None:
    w = floats(6, 3, 3, 4) if op == "conv" else floats(3, 3, 4)
    model = check_op(op, [floats(1, 9, 9, 4), const(w), None], dilation=(2, 2),
                     pad=((2, 2), (2, 2)))  # fmt: skip
    assert len(codes(model)) == 1


@pytest.mark.parametrize("pad", [NONE, ((1, 1), (1, 1)), ((1, 0), (0, 2))])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("count", [False, True])
def test_means_of_every_kind(pad: Any, dilation: tuple[int, int], count: bool) -> None:
    check_op("avg_pool", [floats(1, 9, 9, 4)], kernel=(3, 2), stride=(2, 1), pad=pad,
             dilation=dilation, count_include_pad=count, clamp=(-1.0, 1.0))  # fmt: skip


@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
def test_maxima_of_every_kind(dilation: tuple[int, int]) -> None:
    for shape, pad in (((1, 9, 9, 4), ((1, 0), (0, 1))), ((2, 6, 5, 3), NONE)):
        check_op("max_pool", [floats(*shape) - 9], kernel=(3, 2), stride=(2, 1), pad=pad,
                 dilation=dilation)  # fmt: skip
