from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from edgewright.errors import EdgewrightError
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import Array, check, floats, imported, model, node


@pytest.mark.parametrize(
    "attrs",
    [
        {"value": numpy_helper.from_array(floats(2, 3))},
        {"value_float": 1.5},
        {"value_floats": [1.0, 2.0]},
    ],
)
def test_constant(attrs: dict[str, Any]) -> None:
    nodes = [node("Constant", [], ["c"], **attrs), node("Add", ["x", "c"], ["y"])]
    x = floats(2, 3) if "value" in attrs else floats(2)
    check(nodes, {"x": x})


@pytest.mark.parametrize("value", [None, numpy_helper.from_array(np.array([7], np.int32))])
def test_constant_of_shape(value: Any) -> None:
    attrs = {} if value is None else {"value": value}
    nodes = [
        node("ConstantOfShape", ["s"], ["c"], **attrs),
        node("Cast", ["c"], ["f"], to=1),
        node("Add", ["x", "f"], ["y"]),
    ]
    check(nodes, {"x": floats(2, 3)}, {"s": np.array([2, 3])})


def test_a_constant_of_gigabytes_is_refused() -> None:
    made = node("ConstantOfShape", ["s"], ["y"])
    proto = model([made], {"x": floats(1)}, ["y"], {"s": np.array([2**20, 2**20])})
    with pytest.raises(EdgewrightError, match=r"4398046511104 bytes"):
        imported(proto)


@pytest.mark.parametrize("attrs", [{}, {"start": 1}, {"start": -2, "end": 3}, {"end": -1}])
def test_shape(attrs: dict[str, Any]) -> None:
    check(node("Shape", ["x"], ["y"], **attrs), {"x": floats(2, 3, 4, 5)}, opset=15)


def test_size() -> None:
    check(node("Size", ["x"], ["y"]), {"x": floats(2, 3, 4)})


@pytest.mark.parametrize(
    ("start", "limit", "delta"), [(1.0, 5.0, 2.0), (10, 4, -3), (0, 0, 1), (3, 20, 4)]
)
def test_range(start: Any, limit: Any, delta: Any) -> None:
    constants = {"a": np.array(start), "b": np.array(limit), "c": np.array(delta)}
    nodes = [node("Range", ["a", "b", "c"], ["r"]), node("Cast", ["r"], ["y"], to=1)]
    check(nodes, {}, constants)


def test_eye() -> None:
    check(node("EyeLike", ["x"], ["y"], k=1, dtype=1), {"x": integers_of_shape(3, 4)})


def integers_of_shape(*shape: Any) -> Array:
    return np.zeros(shape, np.int32)


def test_dropout_is_the_operand() -> None:
    module = check([node("Dropout", ["x"], ["d"]), node("Relu", ["d"], ["y"])], {"x": floats(2, 3)})
    assert [n.op for n in module.main.nodes] == ["clip"]


@pytest.mark.parametrize("to", [1, 6, 7, 9, 11, 3, 2])
def test_cast(to: int) -> None:
    check(node("Cast", ["x"], ["y"], to=to), {"x": np.abs(floats(3, 5)) * np.float32(20)})


def test_an_output_that_is_an_input_is_a_copy() -> None:
    module = check(node("Identity", ["x"], ["y"]), {"x": floats(2, 3)})
    assert [v.name for v in module.main.outputs] == ["y"]


def test_an_output_may_be_an_input_under_its_own_name() -> None:
    x = {"x": floats(2, 3)}
    module = imported(model([node("Relu", ["x"], ["y"])], x, ["y", "x"]))
    got = Interpreter(module).run(x)
    assert list(got) == ["y", "x"]
    np.testing.assert_array_equal(got["x"], x["x"])


def test_an_output_that_is_a_constant_is_a_node() -> None:
    module = check(node("Identity", ["c"], ["y"]), {}, {"c": floats(2, 3)})
    assert module.main.outputs[0].producer is not None


def test_two_outputs_of_one_value() -> None:
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("Identity", ["r"], ["a"]),
        node("Identity", ["r"], ["b"]),
    ]
    module = check(nodes, {"x": floats(2, 3)})
    assert [v.name for v in module.main.outputs] == ["a", "b"]


def test_size_of_a_run_time_shape() -> None:
    nodes = [node("Shape", ["x"], ["s"]), node("Size", ["x"], ["n"]),
             node("Reshape", ["x", "m"], ["y"])]  # fmt: skip
    nodes.insert(2, node("Unsqueeze", ["n", "zero"], ["m"]))
    proto = model(nodes, {"x": floats(2, 3)}, ["y"], {"zero": np.array([0])})
    module = imported(proto, ImportOptions(shapes={"x": ["n:1..8", "3"]}))
    assert str(module.main.outputs[0].type.shape[0]) == "3*n"
