"""max_pool and avg_pool: ONNX Runtime's answers, padding, dilation, 8 and 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, Quant, TensorType

F32 = np.float32
WINDOWS: list[dict[str, Any]] = [
    {"kernel": (2, 2), "stride": (2, 2)},
    {"kernel": (3, 3), "stride": (1, 1), "pad": ((1, 1), (1, 1))},
    {"kernel": (3, 2), "stride": (2, 1), "pad": ((1, 0), (0, 1))},
    {"kernel": (2, 3), "stride": (1, 2), "dilation": (2, 2), "pad": ((1, 1), (2, 2))},
    {"kernel": (7, 9), "stride": (7, 9)},
]
CHANNELS = (1, 3, 15, 16, 17, 40)


def image(rng: np.random.Generator, channels: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return rng.normal(0, 1, (2, 7, 9, channels)).astype(F32)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_c(name: str, rng: np.random.Generator) -> None:
    cases: list[Any] = [(name, [image(rng, c)], w) for c in CHANNELS for w in WINDOWS]
    cases += [(name, [image(rng, 5)], {**WINDOWS[1], "clamp": (-0.2, 0.3)})]
    if name == "avg_pool":
        cases += [(name, [image(rng, 5)], {**w, "count_include_pad": True}) for w in WINDOWS]
    check_ops(cases)


@pytest.mark.parametrize(("name", "theirs"), [("max_pool", "MaxPool"), ("avg_pool", "AveragePool")])
def test_references_are_onnx_runtimes(name: str, theirs: str, rng: np.random.Generator) -> None:
    x = image(rng, 4)
    for window in WINDOWS:
        (top, bottom), (left, right) = window.get("pad", ((0, 0), (0, 0)))
        given = {
            "kernel_shape": window["kernel"],
            "strides": window["stride"],
            "pads": [top, left, bottom, right],
            "dilations": window.get("dilation", (1, 1)),
        }
        if name == "avg_pool" and given["dilations"] != (1, 1):
            given["count_include_pad"] = 0
        (wanted,) = onnx_node(theirs, [x.transpose(0, 3, 1, 2)], opset=19, **given)
        call = ops.Call([TensorType(DType.FLOAT32, x.shape)], [])
        ours = ops.of(Node(name, [], [], window)).reference(call, x)
        np.testing.assert_allclose(ours, wanted.transpose(0, 2, 3, 1), rtol=1e-6, atol=1e-6)


def test_a_window_without_the_image_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="larger"):
        one_node("max_pool", [np.zeros((1, 2, 2, 1), F32)], kernel=(3, 3))


def test_nan_and_infinity() -> None:
    x = np.zeros((1, 4, 4, 17), F32)
    x[0, 0, 0], x[0, 2, 2], x[0, 3, 0] = np.nan, np.inf, -np.inf
    (y,) = check_op("max_pool", [x], kernel=(2, 2), stride=(2, 2))
    assert np.isnan(y[0, 0, 0]).all() and np.isinf(y[0, 1, 1]).all() and (y[0, 1, 0] == 0).all()
    check_op("avg_pool", [x], kernel=(2, 2), stride=(2, 2))


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    edges, held = np.iinfo(dtype), DType.of(np.dtype(dtype))
    cases: list[Any] = []
    for channels in (1, 16, 21):
        for low, high in ((edges.min, edges.max), (edges.max, edges.max), (edges.min, edges.min)):
            for window in (*WINDOWS, {**WINDOWS[1], "clamp": (-1.0, 2.0)}):
                x = rng.integers(low, high, (2, 7, 9, channels), endpoint=True).astype(dtype)
                quant = Quant.per_tensor(0.05, 0 if dtype is np.int16 else 4)
                operand = quantised(x, 0.05, quant.zero[0])
                shape = ops.of(Node("max_pool", [], [], window)).infer(
                    TensorType(held, x.shape, quant)
                )
                assert isinstance(shape, TensorType)
                extra = {**window, "outputs": [shape.with_quant(quant)]}
                cases += [("max_pool", [operand], extra), ("avg_pool", [operand], extra)]
                whole = {**extra, "count_include_pad": True}
                cases.append(("avg_pool", [operand], whole))
    check_ops(cases, requantization=mode)
