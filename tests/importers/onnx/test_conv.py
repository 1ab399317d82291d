from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError
from edgewright.graph import Source
from tests.importers.onnx.harness import check, floats, imported, integers, model, node, operators


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("attrs", "weight"),
    [
        ({}, (5, 4, 3, 3)),
        ({"strides": [2, 1], "pads": [1, 0, 2, 1]}, (5, 4, 3, 3)),
        ({"dilations": [2, 3]}, (5, 4, 2, 2)),
        ({"group": 2}, (6, 2, 3, 3)),
        ({"group": 4}, (4, 1, 3, 3)),
        ({"group": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]}, (8, 1, 3, 3)),
        ({"auto_pad": "SAME_UPPER", "strides": [2, 3]}, (5, 4, 2, 3)),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, (5, 4, 4, 3)),
        ({"auto_pad": "VALID", "kernel_shape": [3, 2]}, (5, 4, 3, 2)),
    ],
)
def test_two_axes(attrs: dict[str, Any], weight: tuple[int, ...], bias: bool) -> None:
    constants = {"w": floats(*weight, seed=1)} | ({"b": floats(weight[0], seed=2)} if bias else {})
    module = check(
        node("Conv", ["x", *constants], ["y"], **attrs), {"x": floats(2, 4, 11, 12)}, constants
    )
    per_channel = attrs.get("group") == 4
    assert operators(module) == ["depthwise_conv" if per_channel else "conv"]


@pytest.mark.parametrize("group", [1, 2, 4])
def test_one_axis_goes_through_a_unit_height(group: int) -> None:
    constants = {"w": floats(8, 4 // group, 3, seed=1), "b": floats(8)}
    attrs = {"group": group, "strides": [2], "pads": [1, 0], "dilations": [2]}
    check(node("Conv", ["x", "w", "b"], ["y"], **attrs), {"x": floats(1, 4, 13)}, constants)


def test_weight_computed_at_run_time() -> None:
    check(
        node("Conv", ["x", "w"], ["y"]), {"x": floats(1, 2, 5, 5), "w": floats(3, 2, 3, 3, seed=4)}
    )


def test_the_weight_of_a_quantised_model_stays_an_integer_constant() -> None:
    nodes = [
        node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0),
        node("Conv", ["x", "w"], ["y"], group=4),
    ]
    constants = {
        "q": integers(8, 1, 3, 3, low=-100, high=100, dtype="int8"),
        "s": np.linspace(0.01, 0.02, 8, dtype=np.float32),
        "z": np.zeros(8, np.int8),
    }
    module = check(nodes, {"x": floats(1, 4, 6, 6)}, constants)
    (stored,) = (n.input(0).type for n in module.main.nodes if n.op == "dequantize")
    assert stored.shape == (3, 3, 8)
    assert stored.quant is not None
    assert stored.quant.axis == 2


def test_values_know_their_source_tensor() -> None:
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": floats(1, 2, 4, 4)}, ["y"],
                  {"w": floats(3, 2, 3, 3)})  # fmt: skip
    first, conv, last = imported(proto).main.nodes
    assert first.output.source == Source("x", (0, 2, 3, 1))
    assert conv.output.source == Source("y", (0, 2, 3, 1))
    assert last.output.source == Source("y")
    assert conv.origin is not None
    assert (conv.origin.op_type, conv.origin.index, conv.origin.tensor) == ("Conv", 0, "y")


def test_three_axes_are_refused() -> None:
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": floats(1, 2, 4, 4, 4)}, ["y"],
                  {"w": floats(3, 2, 3, 3, 3)})  # fmt: skip
    with pytest.raises(EdgewrightError, match=r"3 spatial axes"):
        imported(proto)


def test_channels_that_do_not_fit_are_refused() -> None:
    proto = model([node("Conv", ["x", "w"], ["y"])], {"x": floats(1, 5, 4, 4)}, ["y"],
                  {"w": floats(3, 2, 3, 3)})  # fmt: skip
    with pytest.raises(EdgewrightError, match=r"5 channels in 1 groups"):
        imported(proto)
