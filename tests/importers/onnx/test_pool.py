from typing import Any

import pytest

from edgewright.errors import EdgewrightError
from tests.importers.onnx.harness import check, floats, imported, model, node

WINDOWS = [
    {"kernel_shape": [3, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [2, 3], "strides": [2, 3], "pads": [0, 1, 1, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [3, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"kernel_shape": [4, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]},
]


@pytest.mark.parametrize("attrs", WINDOWS)
def test_max(attrs: dict[str, Any]) -> None:
    check(node("MaxPool", ["x"], ["y"], **attrs), {"x": floats(2, 3, 10, 11)})


def test_max_with_dilation() -> None:
    attrs = {"kernel_shape": [2, 3], "dilations": [3, 2]}
    check(node("MaxPool", ["x"], ["y"], **attrs), {"x": floats(1, 3, 10, 11)})


@pytest.mark.parametrize("attrs", WINDOWS)
@pytest.mark.parametrize("include", [0, 1])
def test_average(attrs: dict[str, Any], include: int) -> None:
    made = node("AveragePool", ["x"], ["y"], count_include_pad=include, **attrs)
    check(made, {"x": floats(2, 3, 10, 11)}, opset=19)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_one_axis(op: str) -> None:
    attrs = {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}
    check(node(op, ["x"], ["y"], **attrs), {"x": floats(2, 3, 10)})


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 3, 5)])
def test_global(op: str, shape: tuple[int, ...]) -> None:
    check(node(op, ["x"], ["y"]), {"x": floats(*shape)})


def test_the_places_of_the_maxima_are_refused() -> None:
    made = node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])
    with pytest.raises(EdgewrightError, match="Indices"):
        imported(model([made], {"x": floats(1, 1, 4, 4)}, ["y", "i"]))
