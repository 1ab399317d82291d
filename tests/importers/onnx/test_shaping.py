from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError
from edgewright.graph import Module
from edgewright.importers.options import ImportOptions
from tests.importers.onnx.harness import check, floats, imported, model, node


@pytest.mark.parametrize("shape", [[6, 4], [0, -1], [-1], [2, 0, 2, 2], [1, 2, 3, 4]])
def test_reshape(shape: tuple[int, ...]) -> None:
    check(node("Reshape", ["x", "s"], ["y"]), {"x": floats(2, 3, 4)}, {"s": np.array(shape)})


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_flatten(axis: int) -> None:
    check(node("Flatten", ["x"], ["y"], axis=axis), {"x": floats(2, 3, 4)})


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axes", [[0], [0, -1], [1, 3]])
def test_squeeze_and_unsqueeze(opset: int, axes: Any) -> None:
    x = floats(2, 3)
    if opset < 13:
        nodes = [node("Unsqueeze", ["x"], ["u"], axes=axes), node("Neg", ["u"], ["v"])]
        nodes.append(node("Squeeze", ["v"], ["y"], axes=axes))
        check(nodes, {"x": x}, opset=opset)
        return
    nodes = [node("Unsqueeze", ["x", "a"], ["u"]), node("Neg", ["u"], ["v"])]
    nodes.append(node("Squeeze", ["v", "a"], ["y"]))
    check(nodes, {"x": x}, {"a": np.array(axes)}, opset=opset)


def test_squeeze_of_all_unit_axes() -> None:
    check(node("Squeeze", ["x"], ["y"]), {"x": floats(1, 3, 1, 2)})


@pytest.mark.parametrize("attrs", [{}, {"perm": [1, 2, 0]}])
def test_transpose(attrs: dict[str, Any]) -> None:
    check(node("Transpose", ["x"], ["y"], **attrs), {"x": floats(2, 3, 4)})


@pytest.mark.parametrize("shape", [[4, 2, 3], [3], [2, 1], [1, 1, 1]])
def test_expand(shape: tuple[int, ...]) -> None:
    check(node("Expand", ["x", "s"], ["y"]), {"x": floats(2, 3)}, {"s": np.array(shape)})


def test_tile() -> None:
    check(node("Tile", ["x", "r"], ["y"]), {"x": floats(2, 3)}, {"r": np.array([2, 3])})


def test_shape_arithmetic_becomes_an_attribute() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["u"]),
        node("Concat", ["u", "rest"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["y"]),
    ]
    constants = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1])}
    module = check(nodes, {"x": floats(2, 3, 4)}, constants)
    assert [n.op for n in module.main.nodes] == ["reshape"]


def test_shape_arithmetic_on_run_time_sizes() -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "two", "four"], ["hw"]),
        node("Mul", ["hw", "two"], ["twice"]),
        node("Concat", ["ones", "twice"], ["t"], axis=0),
        node("Expand", ["c", "t"], ["y"]),
    ]
    constants = {"two": np.array([2]), "four": np.array([4]), "ones": np.array([1, 1]),
                 "c": floats(1)}  # fmt: skip
    proto = model(nodes, {"x": floats(1, 3, 4, 4)}, ["y"], constants)
    module = imported(proto, ImportOptions(shapes={"x": ["1", "3", "h:4..64", "w:4..64"]}))
    assert [str(d) for d in module.main.outputs[0].type.shape] == ["1", "1", "2*h", "2*w"]
    assert [n.op for n in module.main.nodes] == ["expand"]


def test_what_is_left_over_is_a_run_time_size() -> None:
    proto = model([node("Reshape", ["x", "s"], ["y"])], {"x": floats(1, 3, 4, 4)}, ["y"],
                  {"s": np.array([1, 6, -1])})  # fmt: skip
    module = imported(proto, ImportOptions(shapes={"x": ["1", "12", "h:4..64", "3"]}))
    assert [str(d) for d in module.main.outputs[0].type.shape] == ["1", "6", "6*h"]


def flattened_behind_its_batch(*sizes: str) -> Module:
    """[n, ...] as [n, -1], with n computed from the shape."""
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "zero", "one"], ["n"]),
        node("Mul", ["n", "factor"], ["m"]),
        node("Concat", ["m", "rest"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["y"]),
    ]
    constants = {
        "zero": np.array([0]),
        "one": np.array([1]),
        "factor": np.array([int(sizes[0])]),
        "rest": np.array([-1]),
    }
    proto = model(nodes, {"x": floats(2, 3, 4)}, ["y"], constants)
    return imported(proto, ImportOptions(shapes={"x": sizes[1:]}))


def test_run_time_sizes_cancel() -> None:
    module = flattened_behind_its_batch("1", "n:1..8", "3", "4")
    assert [str(d) for d in module.main.outputs[0].type.shape] == ["n", "12"]


def test_run_time_sizes_that_do_not_cancel_are_refused() -> None:
    with pytest.raises(EdgewrightError, match="is not a whole size of"):
        flattened_behind_its_batch("2", "n:1..8", "4", "4")


def test_a_shape_that_depends_on_data_is_refused() -> None:
    proto = model(
        [node("Reshape", ["x", "s"], ["y"])], {"x": floats(6), "s": np.array([2, 3])}, ["y"]
    )
    with pytest.raises(EdgewrightError, match=r"the shape depends on data"):
        imported(proto)


@pytest.mark.parametrize("shape", [[5], [-1, -1], [4, -2]])
def test_a_shape_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    proto = model([node("Reshape", ["x", "s"], ["y"])], {"x": floats(2, 3)}, ["y"],
                  {"s": np.array(shape)})  # fmt: skip
    with pytest.raises(EdgewrightError, match=r"Reshape"):
        imported(proto)
