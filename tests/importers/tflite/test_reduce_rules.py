"""Pools, reductions, arg max, softmax, resizing, quantisation: over options and element types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite import single
from tests.importers.tflite.single import DTYPES, Kind, const, fed, kind, options, random

SAME, VALID = 0, 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 2), (2, 2)), ((3, 3), (2, 1)), ((1, 4), (1, 3)), ((5, 6), (1, 1))]
)
def test_pools(
    kernel: tuple[int, int], stride: tuple[int, int], padding: int, op: str, dtype: str
) -> None:
    x = fed("x", random((2, 5, 6, 3), dtype))
    for act in (0, 1, 3):
        made = options(
            "Pool2D", padding=padding, filterHeight=kernel[0], filterWidth=kernel[1],
            strideH=stride[0], strideW=stride[1], fusedActivationFunction=act,
        )  # fmt: skip
        single.run(op, [x], [kind(dtype)], made)


AXES = [(1, 2), (-1,), (0, 2, 3), (0, 1, 2, 3), (2, -2), (1,)]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        *[("MEAN", d) for d in (*DTYPES, "int32")],
        *[("REDUCE_MAX", d) for d in (*DTYPES, "int32", "int64")],
        *[("REDUCE_MIN", d) for d in (*DTYPES, "int32", "int64")],
        *[("SUM", d) for d in ("float32", "uint8", "int32")],
        *[("REDUCE_PROD", d) for d in ("float32", "int32")],
    ],
)
def test_reductions(op: str, dtype: str, axes: tuple[int, ...], keep: bool) -> None:
    x = random((2, 3, 4, 2), dtype)
    if op == "REDUCE_PROD":
        x = np.clip(x, -2, 2)
    # Extremes keep the quantisation; sums and means may change it.
    factor = 1.0 if op.startswith("REDUCE") else 1.7
    made = options("Reducer", keepDims=keep)
    single.run(op, [fed("x", x), const("axes", axes)], [kind(dtype, factor)], made)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32"])
@pytest.mark.parametrize("op", ["ARG_MAX", "ARG_MIN"])
def test_arg_max(op: str, dtype: str, axis: int) -> None:
    """The first of equal ones."""
    from ai_edge_litert.schema_py_generated import TensorType as Types

    x = np.round(random((3, 4, 5), dtype) / 8).astype(dtype)
    name = "ArgMax" if op == "ARG_MAX" else "ArgMin"
    for held, number in (("int32", Types.INT32), ("int64", Types.INT64)):
        made = options(name, outputType=number)
        single.run(op, [fed("x", x), const("axis", axis)], [Kind(held)], made)


SOFTMAX = {
    "float32": (0.0, 0),
    "int8": (1 / 256, -128),
    "uint8": (1 / 256, 0),
    "int16": (1 / 32768, 0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 7), (2, 3, 5), (1, 2, 2, 4), (9,)])
def test_softmax(shape: tuple[int, ...], dtype: str) -> None:
    for beta in (1.0, 0.5):
        made = options("Softmax", beta=beta)
        x = fed("x", random(shape, dtype))
        single.run("SOFTMAX", [x], [Kind(dtype, *SOFTMAX[dtype])], made)


def test_log_softmax() -> None:
    single.run("LOG_SOFTMAX", [fed("x", random((3, 7), "float32"))], [kind("float32")])


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("where", [{}, {"alignCorners": True}, {"halfPixelCenters": True}])
@pytest.mark.parametrize("size", [(7, 9), (2, 3), (4, 5), (1, 1)])
def test_resize_bilinear(size: tuple[int, int], where: dict[str, bool], dtype: str) -> None:
    made = options("ResizeBilinear", **where)
    x = fed("x", random((2, 4, 5, 3), dtype))
    single.run("RESIZE_BILINEAR", [x, const("size", size)], [kind(dtype)], made)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("where", [{}, {"alignCorners": True}, {"halfPixelCenters": True}])
@pytest.mark.parametrize("size", [(7, 9), (2, 3), (4, 5), (1, 1)])
def test_resize_nearest(size: tuple[int, int], where: dict[str, bool], dtype: str) -> None:
    made = options("ResizeNearestNeighbor", **where)
    x = fed("x", random((2, 4, 5, 3), dtype))
    single.run("RESIZE_NEAREST_NEIGHBOR", [x, const("size", size)], [kind(dtype)], made)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_quantize_and_dequantize(dtype: str) -> None:
    real = fed("x", random((3, 50), "float32") * np.float32(3))
    stored = single.run("QUANTIZE", [real], [kind(dtype)]).ours[0]
    single.run("DEQUANTIZE", [fed("x", stored)], [kind("float32")])


@pytest.mark.parametrize(
    ("before", "after"),
    [("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8"), ("int8", "int16"),
     ("int16", "int8"), ("int16", "int16")],
)  # fmt: skip
@pytest.mark.parametrize("factor", [0.3, 1.0, 1.9])
def test_requantize(before: str, after: str, factor: float) -> None:
    x = fed("x", random((3, 100), before))
    held = kind(after)
    single.run("QUANTIZE", [x], [Kind(after, float(np.float32(x.scale[0] * factor)), held.zero)])


def test_accumulators_are_requantised() -> None:
    x = random((3, 100), "int32").astype(np.int32) * np.int32(2**24)
    single.run("QUANTIZE", [fed("x", x, Kind("int32", 2.0**-22))], [Kind("int16", 2.0**-8)])


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "made", "what"),
    [
        ("MEAN", options("Reducer"), "MEAN: the axes is computed at run time"),
        ("ARG_MAX", options("ArgMax"), "ARG_MAX: the axis is computed at run time"),
        ("RESIZE_BILINEAR", options("ResizeBilinear"), "the size is computed at run time"),
    ],
)
def test_what_must_be_known_now(op: str, made: Any, what: str) -> None:
    held = [Operand("x", "float32", (1, 4, 4, 1)), Operand("n", "int32", (2,))]
    with pytest.raises(UnsupportedModel) as caught:
        single.load(build(op, held, [Operand("y", "float32", (1, 4, 4, 1))], made))
    assert what in caught.value.what
    assert caught.value.where == f"model.tflite: {op} #0 -> 'y'"
    assert caught.value.help == "make it a constant"
