from typing import Any

import pytest

from tests.importers.onnx.harness import check, floats, node


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"strides": [2, 3]},
        {"strides": [2, 2], "pads": [1, 0, 0, 1]},
        {"strides": [3, 2], "output_padding": [1, 1]},
        {"dilations": [2, 2]},
        {"strides": [2, 2], "output_shape": [11, 12]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"strides": [2, 2], "auto_pad": "VALID"},
    ],
)
@pytest.mark.parametrize("group", [1, 2])
def test_two_axes(attrs: dict[str, Any], group: int) -> None:
    constants = {"w": floats(4, 6 // group, 3, 3, seed=1), "b": floats(6)}
    check(
        node("ConvTranspose", ["x", "w", "b"], ["y"], group=group, **attrs),
        {"x": floats(1, 4, 5, 6)},
        constants,
    )


@pytest.mark.parametrize("group", [1, 2])
def test_one_axis(group: int) -> None:
    constants = {"w": floats(4, 6 // group, 3, seed=1)}
    attrs = {"strides": [2], "pads": [1, 0], "output_padding": [1], "group": group}
    check(node("ConvTranspose", ["x", "w"], ["y"], **attrs), {"x": floats(2, 4, 5)}, constants)
