from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError, InvalidModel
from tests.importers.onnx.harness import check, floats, imported, model, node


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize(
    "index", [np.array(-1), np.array([0, -2, 1]), np.array([[0], [1]], np.int32)]
)
def test_gather(axis: int, constant: bool, index: Any) -> None:
    values = {"i": index}
    inputs = {"x": floats(3, 4, 5)} | ({} if constant else values)
    check(node("Gather", ["x", "i"], ["y"], axis=axis), inputs, values if constant else None)


def test_an_index_outside_is_refused() -> None:
    proto = model(
        [node("Gather", ["x", "i"], ["y"])], {"x": floats(3)}, ["y"], {"i": np.array([3])}
    )
    with pytest.raises(EdgewrightError, match="outside axis 0, which has 3 elements"):
        imported(proto)


def test_a_tuple_outside_of_a_constant_is_refused() -> None:
    constants = {"c": floats(2, 3), "i": np.array([[5, 0]])}
    nodes = [node("GatherND", ["c", "i"], ["g"]), node("Add", ["x", "g"], ["y"])]
    with pytest.raises(InvalidModel, match=r"GatherND #0"):
        imported(model(nodes, {"x": floats(1)}, ["y"], constants))


@pytest.mark.parametrize("batch_dims", [0, 1])
def test_gather_nd(batch_dims: int) -> None:
    index = np.array([[0, 1], [1, 0]]) if not batch_dims else np.array([[1], [2]])
    made = node("GatherND", ["x", "i"], ["y"], batch_dims=batch_dims)
    check(made, {"x": floats(2, 3, 4), "i": index})


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gather_elements(axis: int) -> None:
    index = np.array([[0, 1, -1], [1, 0, 0]])
    check(node("GatherElements", ["x", "i"], ["y"], axis=axis), {"x": floats(2, 3), "i": index})


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis: int) -> None:
    constants = {"d": np.array(4), "v": np.array([0.5, 2.0], np.float32)}
    index = np.array([[0, 3, -1], [4, -5, 2]])
    check(node("OneHot", ["i", "d", "v"], ["y"], axis=axis), {"i": index}, constants)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_trilu(upper: int, k: int) -> None:
    made = node("Trilu", ["x", "k"], ["y"], upper=upper)
    check(made, {"x": floats(2, 3, 4)}, {"k": np.array(k)}, opset=14)


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("axis", [0, 1])
def test_cumulative_sum(exclusive: int, reverse: int, axis: int) -> None:
    made = node("CumSum", ["x", "a"], ["y"], exclusive=exclusive, reverse=reverse)
    check(made, {"x": floats(3, 4)}, {"a": np.array(axis)}, opset=14)
