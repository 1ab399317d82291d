"""Reductions, arg max, softmax and resizing against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright.exporters.tflite.reduce import REDUCE
from tests.exporters.tflite.harness import check_op, codes, floats, int8, int16, quantised_type


@pytest.mark.parametrize("op", REDUCE)
def test_reductions_of_floats_and_plain_integers(op: str) -> None:
    check_op(op, [floats(2, 3, 4, 5)], axes=(1, 2))
    check_op(op, [floats(2, 3, 4, 5)], axes=(-1,), keepdims=True)
    check_op(op, [floats(2, 3)])
    for dtype in ("int32", "int64"):
        check_op(op, [np.arange(-12, 12).reshape(2, 3, 4).astype(dtype)], axes=(1,))


@pytest.mark.parametrize("op", ["reduce_mean", "reduce_sum", "reduce_max", "reduce_min"])
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_reductions_of_int8(op: str, mode: str) -> None:
    if op == "reduce_sum" and mode == "fixed":
        return  # int8 SUM of LiteRT's reference kernels is wrong (docs/reference/integer.md)
    scale = 0.05 if op in ("reduce_max", "reduce_min") else 0.07
    made = quantised_type((2, 5), scale, -7)
    check_op(op, [int8(2, 3, 4, 5)], made, mode, exact=True, axes=(1, 2))


@pytest.mark.parametrize("op", ["reduce_mean", "reduce_max"])
def test_reductions_of_int16(op: str) -> None:
    made = quantised_type((2, 5), 1e-3, 0, "int16")
    check_op(op, [int16(2, 3, 4, 5)], made, "fixed", exact=True, axes=(1, 2))


@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_arg_max(op: str) -> None:
    assert codes(check_op(op, [floats(2, 3, 4)], axis=1)) == [f"ARG_{op[3:].upper()}", "RESHAPE"]
    check_op(op, [floats(2, 3, 4)], axis=2, keepdims=False, to="int32")
    check_op(op, [int8(2, 3, 4)], axis=2)
    check_op(op, [floats(7)], axis=0)


@pytest.mark.parametrize("shape", [(3, 40), (2, 2, 3, 40), (1, 2, 2, 3, 40)])
def test_softmax(shape: tuple[int, ...]) -> None:
    check_op("softmax", [floats(*shape)], beta=0.5)
    check_op("log_softmax", [floats(*shape)])


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_softmax_of_int8(mode: str) -> None:
    check_op("softmax", [int8(3, 40)], quantised_type((3, 40), 1 / 256, -128), mode, exact=True)


def test_another_scale_of_a_softmax_comes_after_it() -> None:
    model = check_op("softmax", [int8(3, 40)], quantised_type((3, 40), 0.01, -100))
    assert codes(model) == ["SOFTMAX", "QUANTIZE"]


def test_softmax_of_int16() -> None:
    made = quantised_type((3, 40), 1 / 32768, 0, "int16")
    check_op("softmax", [int16(3, 40)], made, "fixed", exact=True)


@pytest.mark.parametrize("coordinate", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("size", [(10, 14), (3, 4), (7, 9)])
class TestResize:
    """All coordinates, up, down and in between."""

    def test_bilinear(self, coordinate: str, size: tuple[int, int]) -> None:
        check_op("resize_bilinear", [floats(1, 5, 7, 3)], size=size, coordinate=coordinate)

    @pytest.mark.parametrize("mode", ["float", "fixed"])
    def test_bilinear_int8(self, coordinate: str, size: tuple[int, int], mode: str) -> None:
        made = quantised_type((1, *size, 3), 0.05, -7)
        check_op("resize_bilinear", [int8(1, 5, 7, 3)], made, mode, exact=True, size=size,
                 coordinate=coordinate)  # fmt: skip

    @pytest.mark.parametrize("rounding", ["floor", "round_half_down", "round_half_up", "ceil"])
    def test_nearest(self, coordinate: str, size: tuple[int, int], rounding: str) -> None:
        check_op("resize_nearest", [floats(1, 5, 7, 3)], size=size, coordinate=coordinate,
                 rounding=rounding)  # fmt: skip


def test_pixels_that_no_coordinates_pick_are_gathered() -> None:
    model = check_op("resize_nearest", [floats(1, 5, 7, 3)], size=(7, 9),
                     coordinate="asymmetric", rounding="ceil")  # fmt: skip
    assert codes(model) == ["GATHER", "GATHER"]
