"""pad: every mode against ONNX Runtime or NumPy, in C for every element size."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, Quant, TensorType, Value

PADS = ((1, 2), (0, 3), (2, 1))
MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
def test_reference_is_onnx_runtimes(rng: np.random.Generator, mode: str) -> None:
    x = rng.standard_normal((3, 4, 5), dtype=np.float32)
    pads = np.array([before for before, _ in PADS] + [after for _, after in PADS])
    wanted = onnx_node("Pad", [x, pads, np.array(1.5, np.float32)], opset=19, mode=mode)[0]
    op = ops.of(Node("pad", [], [], {"pads": PADS, "mode": mode, "value": 1.5}))
    ours = op.reference(ops.Call([], [TensorType(DType.FLOAT32, wanted.shape)]), x)
    np.testing.assert_array_equal(ours, wanted)


def test_c(rng: np.random.Generator) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.int64):
        for mode in MODES:
            x = rng.integers(0, 100, (3, 4, 5)).astype(dtype)
            cases.append(("pad", [x], {"pads": PADS, "mode": mode, "value": 7.0}))
        image = rng.integers(0, 100, (1, 6, 5, 16)).astype(dtype)
        cases.append(("pad", [image], {"pads": ((0, 0), (1, 1), (1, 1), (0, 0))}))
        cases.append(("pad", [image[0, 0]], {"pads": ((0, 0), (0, 0))}))
    check_ops(cases, tolerance=0.0)


def test_constant_is_the_zero_point_of_quantised_tensors(rng: np.random.Generator) -> None:
    x = rng.integers(-128, 127, (2, 3)).astype(np.int8)
    (y,) = check_op("pad", [quantised(x, 0.5, -7)], pads=((1, 0), (0, 2)))
    assert (y[0] == -7).all()
    assert (y[:, 3:] == -7).all()
    (y,) = check_op("pad", [quantised(x, 0.5, -7)], pads=((1, 0), (0, 2)), value=1000.0)
    assert (y[0] == 127).all()


def test_what_does_not_fit_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="too short to reflect"):
        one_node("pad", [np.zeros(3)], pads=((3, 0),), mode="reflect")
    with pytest.raises(InvalidGraph, match="no pad mode"):
        one_node("pad", [np.zeros(3)], pads=((1, 0),), mode="mirror")
    with pytest.raises(InvalidGraph, match="padded by"):
        one_node("pad", [np.zeros(3)], pads=((-1, 0),))
    with pytest.raises(InvalidGraph, match="no single zero point"):
        per_axis = TensorType(DType.INT8, (2,), Quant((1.0, 2.0), (0, 0), axis=0))
        ops.infer(Node("pad", [Value("x", per_axis)], [], {"pads": ((1, 0),)}))
