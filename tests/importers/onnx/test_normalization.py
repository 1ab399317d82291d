import numpy as np
import pytest

from edgewright.errors import EdgewrightError
from tests.importers.onnx.harness import check, floats, imported, model, node


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4), (2, 3)])
def test_batch(shape: tuple[int, ...]) -> None:
    constants = {"s": floats(3, seed=1), "b": floats(3, seed=2), "m": floats(3, seed=3),
                 "v": np.abs(floats(3, seed=4))}  # fmt: skip
    made = node("BatchNormalization", ["x", *constants], ["y"], epsilon=1e-3)
    check(made, {"x": floats(*shape)}, constants)


def test_batch_in_training_is_refused() -> None:
    constants = {n: np.abs(floats(3)) for n in "sbmv"}
    made = node("BatchNormalization", ["x", *constants], ["y", "a", "b"], training_mode=1)
    with pytest.raises(EdgewrightError, match="training_mode"):
        imported(model([made], {"x": floats(2, 3, 4, 4)}, ["y"], constants, opset=15))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 7)])
def test_instance(shape: tuple[int, ...]) -> None:
    constants = {"s": floats(3, seed=1), "b": floats(3, seed=2)}
    check(node("InstanceNormalization", ["x", *constants], ["y"]), {"x": floats(*shape)}, constants)


@pytest.mark.parametrize("opset", [18, 21])
def test_group(opset: int) -> None:
    size = 2 if opset == 18 else 6
    constants = {"s": floats(size, seed=1), "b": floats(size, seed=2)}
    made = node("GroupNormalization", ["x", *constants], ["y"], num_groups=2)
    check(made, {"x": floats(2, 6, 4, 5)}, constants, opset=opset)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("bias", [True, False])
def test_layer(axis: int, bias: bool) -> None:
    shape = (5,) if axis == -1 else (3, 5)
    constants = {"s": floats(*shape, seed=1)} | ({"b": floats(*shape, seed=2)} if bias else {})
    made = node("LayerNormalization", ["x", *constants], ["y", "mean", "inv"], axis=axis)
    check(made, {"x": floats(2, 3, 5)}, constants, opset=17, tolerance=1e-4)


@pytest.mark.parametrize("p", [1, 2])
def test_lp(p: int) -> None:
    check(node("LpNormalization", ["x"], ["y"], p=p, axis=1), {"x": floats(2, 3, 4)})


def test_mean_variance() -> None:
    made = node("MeanVarianceNormalization", ["x"], ["y"], axes=[0, 2, 3])
    check(made, {"x": floats(2, 3, 4, 5)})


@pytest.mark.parametrize("size", [3, 5])
def test_local_response(size: int) -> None:
    made = node("LRN", ["x"], ["y"], size=size, alpha=0.1, beta=0.6, bias=2.0)
    check(made, {"x": floats(1, 7, 3, 3)})
