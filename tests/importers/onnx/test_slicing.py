from typing import Any

import numpy as np
import pytest

from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import check, floats, imported, model, node

INT_MAX = np.iinfo(np.int64).max


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [
        ([1, 0], [3, 2], [0, 1], [1, 1]),
        ([-3], [INT_MAX], [-1], [1]),
        ([0], [INT_MAX], [1], [2]),
        ([-1], [-INT_MAX], [0], [-1]),
        ([3, 4], [0, -8], [0, 1], [-2, -1]),
        ([5], [2], [1], [1]),
        ([100], [200], [0], [1]),
    ],
)
def test_slice(starts: Any, ends: Any, axes: Any, steps: Any) -> None:
    constants = {
        "s": np.array(starts),
        "e": np.array(ends),
        "a": np.array(axes),
        "t": np.array(steps),
    }
    check(node("Slice", ["x", *constants], ["y"]), {"x": floats(4, 6)}, constants)


def test_slice_by_attributes() -> None:
    made = node("Slice", ["x"], ["y"], starts=[1, -3], ends=[INT_MAX, -1], axes=[0, 1])
    check(made, {"x": floats(4, 6)}, opset=9)


def test_slice_of_a_run_time_size() -> None:
    nodes = [node("Slice", ["x", "one", "last"], ["y"])]
    constants = {"one": np.array([1]), "last": np.array([-1])}
    module = imported(
        model(nodes, {"x": floats(9)}, ["y"], constants), ImportOptions(shapes={"x": ["n:4..64"]})
    )
    assert str(module.main.outputs[0].type.shape[0]) == "(n - 2)"


@pytest.mark.parametrize(
    ("opset", "attrs", "constants", "count"),
    [
        (11, {"axis": 1, "split": [1, 3, 2]}, {}, 3),
        (11, {"axis": -1}, {}, 2),
        (13, {"axis": 1}, {"s": np.array([2, 4])}, 2),
        (18, {"axis": 1, "num_outputs": 4}, {}, 4),
    ],
)
def test_split(opset: int, attrs: dict[str, Any], constants: dict[str, Any], count: int) -> None:
    outputs = [f"y{i}" for i in range(count)]
    made = node("Split", ["x", *constants], outputs, **attrs)
    check(made, {"x": floats(2, 7 if opset == 18 else 6)}, constants, opset=opset)


def test_concat() -> None:
    check(node("Concat", ["a", "b", "a"], ["y"], axis=-1), {"a": floats(2, 3), "b": floats(2, 1)})


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize("opset", [10, 13])
def test_pad(mode: str, opset: int) -> None:
    pads = [0, 1, 2, 1, 0, 2]
    if opset < 11:
        made = node("Pad", ["x"], ["y"], pads=pads, mode=mode, value=1.5)
        check(made, {"x": floats(2, 3, 4)}, opset=opset)
        return
    constants = {"p": np.array(pads), "v": np.array(1.5, np.float32)}
    check(node("Pad", ["x", "p", "v"], ["y"], mode=mode), {"x": floats(2, 3, 4)}, constants)


def test_pad_of_some_axes() -> None:
    constants = {"p": np.array([1, 2]), "v": np.array(0, np.float32), "a": np.array([-1])}
    made = node("Pad", ["x", *constants], ["y"])
    check(made, {"x": floats(2, 3)}, constants, opset=18)


def test_negative_padding_cuts() -> None:
    check(node("Pad", ["x", "p"], ["y"]), {"x": floats(4, 5)}, {"p": np.array([-1, 2, 0, -2])})


def test_a_step_over_several_axes_runs_on_every_size() -> None:
    nodes = [node("Slice", ["x", "zero", "end"], ["y"])]
    constants = {"zero": np.array([0]), "end": np.array([4])}
    module = imported(
        model(nodes, {"x": floats(9)}, ["y"], constants), ImportOptions(shapes={"x": ["n:4..64"]})
    )
    for size in (4, 20):
        assert Interpreter(module).run({"x": floats(size)})["y"].shape == (4,)
