"""slice: ONNX Runtime's answer; strides forward and backward; bounds with run-time sizes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_module, check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node, parse_module

BOXES = (
    ((0, 0, 0), (9, 10, 11), (1, 1, 1)),
    ((2, 0, 0), (4, 10, 11), (1, 1, 1)),
    ((8, 1, 2), (4, 3, 5), (-2, 3, 1)),
    ((0, 9, 10), (3, 10, 11), (4, -1, -1)),
    ((1, 0, 5), (1, 10, 0), (1, 1, 1)),
)


def test_reference_is_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.standard_normal((9, 10, 11), dtype=np.float32)
    for begin, size, stride in BOXES:
        ends = np.array(begin) + np.array(size) * np.array(stride)
        ends = np.where((ends < 0) & (np.array(stride) < 0), -99, ends)
        attrs = {"begin": begin, "size": size, "stride": stride}
        ours = ops.of(Node("slice", [], [], attrs)).reference(ops.Call([], []), x)
        operands = [x, np.array(begin), ends, np.arange(3), np.array(stride)]
        np.testing.assert_array_equal(ours, onnx_node("Slice", operands)[0])


def test_c(rng: np.random.Generator) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.int64):
        for begin, size, stride in BOXES:
            x = rng.integers(0, 100, (9, 10, 11)).astype(dtype)
            cases.append(("slice", [x], {"begin": begin, "size": size, "stride": stride}))
    check_ops(cases, tolerance=0.0)


def test_run_time_sizes(rng: np.random.Generator) -> None:
    module = parse_module(
        """
        module requantization="float"
        dim h: 3..8
        graph main(%x: float32[2,h,5]) -> (%y, %z) {
          %y: float32[2,h - 2,5] = slice(%x) {begin=[0, 2, 0], size=[2, h - 2, 5], stride=[1, 1, 1]}
          %z: float32[1,h,2] = slice(%x) {begin=[1, h - 1, 1], size=[1, h, 2], stride=[1, -1, 2]}
        }
        """,
        infer=ops.infer,
    )
    samples = [{"x": rng.standard_normal((2, h, 5), dtype=np.float32)} for h in (3, 5, 8)]
    check_module(module, samples, tolerance=0.0)


@pytest.mark.parametrize(
    ("begin", "size", "stride"), [((3,), (1,), (1,)), ((0,), (4,), (1,)), ((1,), (3,), (-1,))]
)
def test_boxes_outside_are_an_error(
    begin: tuple[int], size: tuple[int], stride: tuple[int]
) -> None:
    with pytest.raises(InvalidGraph, match="outside"):
        one_node("slice", [np.zeros(3)], begin=begin, size=size, stride=stride)
