from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgewright.errors import EdgewrightError
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import compare, floats, imported, model, node, operators, oracle


def body(nodes: Any, inputs: Sequence[Any], outputs: Any, constants: Any = None) -> onnx.GraphProto:
    """A subgraph; inputs and outputs are (name, element type, shape)."""
    held = [onnx.numpy_helper.from_array(a, n) for n, a in (constants or {}).items()]
    return helper.make_graph(
        nodes,
        "a body: with odd characters",
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*o) for o in outputs],
        held,
    )


def branches() -> dict[str, Any]:
    y = [("y", TensorProto.FLOAT, [2, 3])]
    return {
        "then_branch": body([node("Neg", ["x"], ["y"])], [], y),
        "else_branch": body([node("Add", ["x", "one"], ["y"])], [], y, {"one": floats(1)}),
    }


@pytest.mark.parametrize("truth", [True, False])
def test_if_at_run_time(truth: bool) -> None:
    x = {"x": floats(2, 3), "c": np.array(truth)}
    proto = model([node("If", ["c"], ["z"], **branches())], x, ["z"])
    module = imported(proto)
    assert operators(module) == ["if"]
    compare(Interpreter(module).run(x), oracle(proto, x))


@pytest.mark.parametrize(("truth", "op"), [(True, "neg"), (False, "add")])
def test_if_of_a_constant_is_its_branch(truth: bool, op: str) -> None:
    x = {"x": floats(2, 3)}
    proto = model([node("If", ["c"], ["z"], **branches())], x, ["z"], {"c": np.array(truth)})
    module = imported(proto)
    assert operators(module) == [op]
    compare(Interpreter(module).run(x), oracle(proto, x))


def test_if_with_results_of_two_shapes_is_refused() -> None:
    made = branches()
    made["else_branch"] = body([node("Flatten", ["x"], ["y"], axis=0)], [],
                               [("y", TensorProto.FLOAT, [1, 6])])  # fmt: skip
    proto = model(
        [node("If", ["c"], ["z"], **made)], {"x": floats(2, 3), "c": np.array(True)}, ["z"]
    )
    with pytest.raises(EdgewrightError, match="in one branch and"):
        imported(proto)


def loop_body() -> onnx.GraphProto:
    """v = v * 2 + x while the sum stays small; also stacks v."""
    scalar: tuple[int, list[int]] = (TensorProto.BOOL, [])
    return body(
        [
            node("Mul", ["v", "two"], ["d"]),
            node("Add", ["d", "x"], ["w"]),
            node("Identity", ["go"], ["next"]),
            node("Identity", ["w"], ["row"]),
        ],
        [("i", TensorProto.INT64, []), ("go", *scalar), ("v", TensorProto.FLOAT, [3])],
        [("next", *scalar), ("w", TensorProto.FLOAT, [3]), ("row", TensorProto.FLOAT, [3])],
        {"two": np.array(2, np.float32)},
    )


def test_loop_with_a_trip_count() -> None:
    x = {"x": floats(3), "v0": floats(3, seed=1)}
    constants = {"m": np.array(4), "go": np.array(True)}
    nodes = [node("Loop", ["m", "go", "v0"], ["v", "rows"], body=loop_body())]
    proto = model(nodes, x, ["v", "rows"], constants)
    module = imported(proto)
    assert operators(module) == ["loop"]
    compare(Interpreter(module).run(x), oracle(proto, x))


def test_loop_whose_stack_has_an_unknown_length_is_refused() -> None:
    x = {"x": floats(3), "v0": floats(3, seed=1), "m": np.array(4)}
    nodes = [node("Loop", ["m", "go", "v0"], ["v", "rows"], body=loop_body())]
    proto = model(nodes, x, ["v", "rows"], {"go": np.array(True)})
    with pytest.raises(EdgewrightError, match="the trip count"):
        imported(proto)


def scan_body() -> onnx.GraphProto:
    """h = tanh(h + x), y = h * x."""
    row = (TensorProto.FLOAT, [3])
    return body(
        [
            node("Add", ["h", "x"], ["s"]),
            node("Tanh", ["s"], ["g"]),
            node("Mul", ["g", "x"], ["y"]),
        ],
        [("h", *row), ("x", *row)],
        [("g", *row), ("y", *row)],
    )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("directions", [(0, 0), (1, 1), (1, 0)])
def test_scan(axis: int, directions: tuple[int, int]) -> None:
    shape = (5, 3) if axis == 0 else (3, 5)
    x = {"x": floats(*shape), "h0": floats(3, seed=1)}
    made = node(
        "Scan",
        ["h0", "x"],
        ["h", "ys"],
        body=scan_body(),
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_output_axes=[axis],
        scan_input_directions=[directions[0]],
        scan_output_directions=[directions[1]],
    )
    proto = model([made], x, ["h", "ys"])
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))


def test_what_a_body_cannot_do_is_named_with_its_place() -> None:
    broken = body([node("Neg", ["x"], ["a"]), node("NonZero", ["a"], ["y"])], [],
                  [("y", TensorProto.FLOAT, [2, 3])])  # fmt: skip
    made = branches() | {"else_branch": broken}
    proto = model(
        [node("If", ["c"], ["z"], **made)], {"x": floats(2, 3), "c": np.array(True)}, ["z"]
    )
    with pytest.raises(EdgewrightError, match=r"NonZero #2 -> 'y'"):
        imported(proto)
