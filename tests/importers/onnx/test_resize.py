from typing import Any

import numpy as np
import onnx
import pytest

from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import (
    Array,
    check,
    compare,
    floats,
    imported,
    model,
    node,
    operators,
    oracle,
)

NONE = np.zeros(0, np.float32)
COORDINATES = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def resize(
    scales: Any = None, sizes: Any = None, **attrs: Any
) -> tuple[onnx.NodeProto, dict[str, Array]]:
    constants = {"roi": NONE, "scales": NONE if scales is None else np.array(scales, np.float32)}
    if sizes is not None:
        constants["sizes"] = np.array(sizes)
    return node("Resize", ["x", *constants], ["y"], **attrs), constants


@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("sizes", [(8, 10), (12, 3), (3, 4), (1, 5)])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_to_sizes(coordinate: str, sizes: Any, mode: str) -> None:
    attrs = {"mode": mode, "coordinate_transformation_mode": coordinate}
    made, constants = resize(sizes=[1, 2, *sizes], **attrs)
    check(made, {"x": floats(1, 2, 4, 5)}, constants)


@pytest.mark.parametrize("coordinate", ["half_pixel", "asymmetric"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("scales", [(2.0, 2.0), (2.5, 1.5), (0.6, 0.7), (1.0, 3.0)])
def test_nearest_by_scales(coordinate: str, rounding: str, scales: Any) -> None:
    attrs = {"coordinate_transformation_mode": coordinate, "nearest_mode": rounding}
    made, constants = resize([1, 1, *scales], mode="nearest", **attrs)
    check(made, {"x": floats(1, 2, 4, 6)}, constants)


@pytest.mark.parametrize("scales", [(2.0, 2.0), (2.5, 1.5), (0.6, 0.7)])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_mixing_by_scales(mode: str, scales: Any) -> None:
    made, constants = resize([1, 1, *scales], mode=mode)
    check(made, {"x": floats(1, 2, 4, 6)}, constants)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_antialias(mode: str) -> None:
    made, constants = resize([1, 1, 0.4, 0.7], mode=mode, antialias=1)
    check(made, {"x": floats(1, 2, 9, 8)}, constants, opset=18)


def test_of_other_ranks() -> None:
    made, constants = resize([1, 2.0, 3.0], mode="linear")
    check(made, {"x": floats(1, 4, 5)}, constants)


def test_of_chosen_axes_in_their_order() -> None:
    made = node("Resize", ["x", "", "", "sizes"], ["y"], axes=[3, 2], mode="nearest")
    check(made, {"x": floats(1, 2, 4, 6)}, {"sizes": np.array([12, 2])}, opset=18)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_with_the_aspect_ratio_kept(policy: str) -> None:
    attrs = {"axes": [2, 3], "keep_aspect_ratio_policy": policy}
    made = node("Resize", ["x", "", "", "sizes"], ["y"], mode="nearest", **attrs)
    check(made, {"x": floats(1, 2, 4, 6)}, {"sizes": np.array([7, 8])}, opset=18)


def test_the_common_cases_are_one_operator() -> None:
    for mode, op in (("nearest", "resize_nearest"), ("linear", "resize_bilinear")):
        made, constants = resize([1, 1, 2, 2], mode=mode)
        assert operators(check(made, {"x": floats(1, 2, 4, 6)}, constants)) == [op]


@pytest.mark.parametrize("opset", [8, 9, 10])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_old_operators(opset: int, mode: str) -> None:
    scales = [1.0, 1.0, 2.0, 3.0]
    x = {"x": floats(1, 2, 4, 5)}
    if opset == 8:
        check(node("Upsample", ["x"], ["y"], scales=scales, mode=mode), x, opset=8)
        return
    op = "Upsample" if opset == 9 else "Resize"
    constants = {"s": np.array(scales, np.float32)}
    check(node(op, ["x", "s"], ["y"], mode=mode), x, constants, opset=opset)


def test_of_a_run_time_size() -> None:
    made, constants = resize([1, 1, 2, 2], mode="linear")
    proto = model(
        [made], {"x": floats(1, 2, 4, 5)}, ["y"], constants, shapes={"x": (1, 2, "h", "w")}
    )
    module = imported(proto, ImportOptions(shapes={"x": ["1", "2", "h:2..20", "w:2..20"]}))
    for height, width in ((4, 5), (7, 3)):
        x = {"x": floats(1, 2, height, width)}
        compare(Interpreter(module).run(x), oracle(proto, x))
