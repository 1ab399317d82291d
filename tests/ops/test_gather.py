"""gather and gather_nd: ONNX Runtime's and TensorFlow's answers, and indices out of range."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_module, check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph, InvalidInput
from edgewright.graph import Node


def reference(op: str, *arrays: np.ndarray, **attrs: int) -> np.ndarray:
    result: np.ndarray = ops.of(Node(op, [], [], attrs)).reference(ops.Call([], []), *arrays)
    return result


def test_references_are_onnx_runtimes(rng: np.random.Generator) -> None:
    x = rng.standard_normal((4, 5, 6), dtype=np.float32)
    for axis in range(3):
        indices = rng.integers(-x.shape[axis], x.shape[axis], (2, 3))
        wanted = onnx_node("Gather", [x, indices], axis=axis)[0]
        np.testing.assert_array_equal(reference("gather", x, indices, axis=axis), wanted)
    for batch_dims in (0, 1, 2):
        shape = (4, 5, 7)[:batch_dims] + (3, 1)
        indices = rng.integers(-x.shape[batch_dims], x.shape[batch_dims], shape)
        wanted = onnx_node("GatherND", [x, indices], batch_dims=batch_dims)[0]
        ours = reference("gather_nd", x, indices, batch_dims=batch_dims)
        np.testing.assert_array_equal(ours, wanted)


def test_batched_gather_takes_each_row_apart(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4, 5), dtype=np.float32)
    indices = rng.integers(0, 4, (2, 6))
    y = reference("gather", x, indices, axis=2, batch_dims=1)
    assert y.shape == (2, 3, 6, 5)
    for b in range(2):
        np.testing.assert_array_equal(y[b], x[b][:, indices[b]])


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_c(rng: np.random.Generator, index: type[np.generic]) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.float64):
        x = rng.integers(0, 100, (4, 5, 6)).astype(dtype)
        for axis in range(3):
            indices = rng.integers(-x.shape[axis], x.shape[axis], (2, 3)).astype(index)
            cases.append(("gather", [x, indices], {"axis": axis}))
        indices = rng.integers(-6, 6, (4, 5, 2)).astype(index)
        cases.append(("gather", [x, indices], {"axis": 2, "batch_dims": 2}))
        cases.append(("gather", [x, np.array(3, index)], {"axis": 1}))
        coordinates = rng.integers(-4, 4, (7, 3)).astype(index)
        cases.append(("gather_nd", [x, coordinates], {}))
        cases.append(("gather_nd", [x, coordinates[:, :2]], {}))
        rows = rng.integers(-5, 5, (4, 2, 1)).astype(index)
        cases.append(("gather_nd", [x, rows], {"batch_dims": 1}))
    check_ops(cases, tolerance=0.0)


@pytest.mark.parametrize("bad", [5, -6, 2**31, -(2**63)])
@pytest.mark.parametrize("op", ["gather", "gather_nd"])
def test_indices_out_of_range_are_an_error_in_both(op: str, bad: int) -> None:
    x, indices = np.zeros((5, 2), np.float32), np.array([[0], [bad]], np.int64)
    module, inputs = one_node(op, [x, indices])
    with pytest.raises(InvalidInput, match=f"index {bad} is outside"):
        check_module(module, [inputs])
    with pytest.raises(InvalidInput, match="outside the table"):
        _run_c(module, inputs)


def _run_c(module: object, inputs: dict[str, np.ndarray]) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from tests.ops.harness import load

    from edgewright import targets
    from edgewright.codegen import generate

    with TemporaryDirectory() as folder:
        code = generate(module, targets.get("host"), "test")  # type: ignore[arg-type]
        load(code, module, Path(folder)).run(inputs)  # type: ignore[arg-type]


def test_what_does_not_fit_is_an_error() -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(InvalidGraph, match="not int32 or int64"):
        one_node("gather", [x, np.zeros(2, np.float32)])
    with pytest.raises(InvalidGraph, match="outside"):
        one_node("gather", [x, np.zeros(2, np.int64)], axis=2)
    with pytest.raises(InvalidGraph, match="batch axes"):
        one_node("gather_nd", [x, np.zeros((3, 1), np.int64)], batch_dims=1)
    with pytest.raises(InvalidGraph, match="coordinates"):
        one_node("gather_nd", [x, np.zeros((3, 3), np.int64)])
