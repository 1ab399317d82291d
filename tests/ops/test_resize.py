"""resize_bilinear and resize_nearest: ONNX Runtime's answers, every rule, 8 bits in both modes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
import pytest
from tests.ops.harness import check_ops, one_node, quantised
from tests.ops.onnx_node import run_graph

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, TensorType
from edgewright.ops.resize import COORDINATES
from edgewright.ops.resize_nearest import ROUNDINGS

F32 = np.float32
SIZES = ((4, 6), (8, 12), (5, 13), (3, 2), (1, 1), (4, 7))
THEIR_ROUNDING = {"floor": "floor", "ceil": "ceil", "round_half_down": "round_prefer_floor",
                  "round_half_up": "round_prefer_ceil"}  # fmt: skip


def reference(op: str, x: np.ndarray[Any, np.dtype[Any]], **attrs: Any) -> Any:
    call = ops.Call([TensorType(DType.of(x.dtype), x.shape)], [])
    return ops.of(Node(op, [], [], attrs)).reference(call, x)


def onnx_resize(
    x: np.ndarray[Any, np.dtype[Any]], size: tuple[int, int], **attrs: Any
) -> np.ndarray[Any, np.dtype[Any]]:
    """ONNX Runtime's Resize of a channels-last image."""
    given = {"x": x.transpose(0, 3, 1, 2), "sizes": np.array([2, 3, *size], np.int64)}
    node = onnx.helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], **attrs)
    inputs = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in given.items()
    ]
    graph = onnx.helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name="y")])
    (y,) = run_graph(graph, given)
    return y.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("coordinate", COORDINATES)
def test_references_are_onnx_runtimes(coordinate: str, rng: np.random.Generator) -> None:
    x = rng.normal(0, 1, (2, 4, 6, 3)).astype(F32)
    for size in SIZES:
        if coordinate == "align_corners" and 1 in size:
            continue  # ONNX Runtime divides by zero there
        common = {"coordinate_transformation_mode": coordinate}
        wanted = onnx_resize(x, size, mode="linear", **common)
        ours = reference("resize_bilinear", x, size=size, coordinate=coordinate)
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)
        for rounding in ROUNDINGS:
            how = {**common, "mode": "nearest", "nearest_mode": THEIR_ROUNDING[rounding]}
            wanted = onnx_resize(x, size, **how)
            attrs = {"size": size, "coordinate": coordinate, "rounding": rounding}
            ours = reference("resize_nearest", x, **attrs)
            np.testing.assert_array_equal(ours, wanted)


def test_bilinear_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for channels, size, coordinate in itertools.product((1, 3, 16, 21), SIZES, COORDINATES):
        x = rng.normal(0, 1, (2, 4, 6, channels)).astype(F32)
        cases.append(("resize_bilinear", [x], {"size": size, "coordinate": coordinate}))
    for width, wide, coordinate in itertools.product((5, 16, 37), (48, 50, 333), COORDINATES):
        x = rng.normal(0, 1, (2, 4, width, 1)).astype(F32)  # by rows of one channel
        cases.append(("resize_bilinear", [x], {"size": (7, wide), "coordinate": coordinate}))
    check_ops(cases)


def test_nearest_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for size, coordinate, rounding in itertools.product(SIZES, COORDINATES, ROUNDINGS):
        attrs = {"size": size, "coordinate": coordinate, "rounding": rounding}
        for dtype in (np.float32, np.int8, np.int64):
            x = rng.integers(-99, 99, (2, 4, 6, 3)).astype(dtype)
            cases.append(("resize_nearest", [x], attrs))
    check_ops(cases)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    edges = np.iinfo(dtype)
    cases: list[Any] = []
    for channels, size, coordinate in itertools.product((1, 16, 21), SIZES, COORDINATES):
        x = rng.integers(edges.min, edges.max, (2, 4, 6, channels), endpoint=True).astype(dtype)
        attrs = {"size": size, "coordinate": coordinate}
        cases.append(("resize_bilinear", [quantised(x, 0.05, 4)], attrs))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="4 axes"):
        one_node("resize_bilinear", [np.zeros((2, 2), F32)])
    with pytest.raises(InvalidGraph, match="coordinate"):
        one_node("resize_nearest", [np.zeros((1, 2, 2, 1), F32)], coordinate="centre")
