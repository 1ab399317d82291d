from typing import Any

import numpy as np
import pytest

from tests.importers.onnx.harness import check, floats, node

OPS = ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceL1", "ReduceL2",
       "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"]  # fmt: skip


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [None, [1], [-1, 0]])
@pytest.mark.parametrize("op", OPS)
def test_axes_as_attribute(op: str, axes: Any, keepdims: int) -> None:
    attrs = {"keepdims": keepdims} | ({} if axes is None else {"axes": axes})
    x = np.abs(floats(2, 3, 4)) + np.float32(0.1)
    check(node(op, ["x"], ["y"], **attrs), {"x": x}, opset=11)


@pytest.mark.parametrize("op", OPS)
def test_axes_as_operand(op: str) -> None:
    x = np.abs(floats(2, 3, 4)) + np.float32(0.1)
    check(node(op, ["x", "a"], ["y"]), {"x": x}, {"a": np.array([0, 2])}, opset=18)


def test_no_axes_may_mean_nothing_to_do() -> None:
    check(node("ReduceSum", ["x"], ["y"], noop_with_empty_axes=1), {"x": floats(2, 3)}, opset=18)


def test_large_exponents_do_not_overflow() -> None:
    check(node("ReduceLogSumExp", ["x"], ["y"], axes=[1]), {"x": floats(2, 9) * 300}, opset=11)


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_place_of_the_extreme(op: str, last: int, keepdims: int) -> None:
    x = np.array([[1, 3, 3, 0, 0], [2, 2, 2, 2, 2]], np.float32)
    attrs = {"axis": -1, "keepdims": keepdims, "select_last_index": last}
    check(node(op, ["x"], ["y"], **attrs), {"x": x})
