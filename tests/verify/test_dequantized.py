"""Copies with float weights: what LiteRT computes on them is what the weights stand for."""

import numpy as np
import pytest

from edgewright.errors import InvalidModel
from edgewright.verify import oracles
from edgewright.verify.dequantized import dequantized_weights
from edgewright.verify.oracles.single_op import Operand, build

X = np.linspace(-3, 3, 8, dtype=np.float32).reshape(2, 4)
STORED = np.array([[1, -2, 3, 127], [-128, 5, 0, 7], [9, 9, -9, 1]], np.int8)


def hybrid(scale: tuple[float, ...], zero: tuple[int, ...] = (), axis: int = 0) -> bytes:
    """A fully connected layer with float activations and int8 weights."""
    from ai_edge_litert import schema_py_generated as schema

    weight = Operand("w", np.int8, STORED.shape, scale, zero, axis, STORED)
    x, y = Operand("x", np.float32, X.shape), Operand("y", np.float32, (2, 3))
    return build("FULLY_CONNECTED", [x, weight], [y], schema.FullyConnectedOptionsT(), version=9)


@pytest.mark.parametrize("scale", [(0.02,), (0.02, 0.5, 0.001)])
def test_copy_computes_in_float32(scale: tuple[float, ...]) -> None:
    copy = dequantized_weights(hybrid(scale), "model.tflite")
    assert copy is not None
    (answer,) = oracles.run("litert", copy, [{"x": X}])
    real = STORED * np.array(scale, np.float32).reshape(-1, 1)
    np.testing.assert_allclose(answer["y"], X @ real.T, rtol=1e-5, atol=1e-6)


def test_model_of_one_type_is_left_alone() -> None:
    x = Operand("x", np.int8, (1, 4), (0.5,), (0,))
    y = Operand("y", np.float32, (1, 4))
    assert dequantized_weights(build("DEQUANTIZE", [x], [y], version=2), "model.tflite") is None


def test_damaged_file_is_refused_before_the_object_api_sees_it() -> None:
    with pytest.raises(InvalidModel):
        dequantized_weights(hybrid((0.02,))[:200], "model.tflite")
