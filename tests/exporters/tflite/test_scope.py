"""Weights in float16 and in int8, and what stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright.exporters.tflite import export
from edgewright.exporters.tflite.scope import Weights, quantized
from edgewright.graph import Module
from edgewright.importers.tflite.reader import parse
from edgewright.ops.interpreter import Interpreter
from tests.exporters.tflite.harness import codes, floats, litert
from tests.importers.tflite.single import load
from tests.ops.harness import const, one_node

X = floats(1, 9, 9, 16)


def conv() -> Module:
    return one_node("conv", [X, const(floats(32, 3, 3, 16)), const(floats(32))])[0]


@pytest.mark.parametrize(
    ("weights", "expected", "share", "tolerance"),
    [
        ("as_is", ["CONV_2D"], 1.0, 1e-5),
        ("float16", ["DEQUANTIZE", "CONV_2D"], 0.55, 2e-3),
        ("dynamic_range", ["CONV_2D"], 0.3, 3e-2),
    ],
)
def test_weights(weights: Weights, expected: list[str], share: float, tolerance: float) -> None:
    module = conv()
    made = export(module, weights=weights)
    assert codes(parse(made.data, "x")) == expected
    assert len(made.data) < share * len(export(module).data) + 1000
    wanted = Interpreter(module).run({"x0": X})["y0"]
    for got in (
        litert(made.data, {"x0": X})["y0"],
        Interpreter(load(made.data)).run({"x0": X})["y0"],
    ):
        assert np.abs(got - wanted).max() <= tolerance * np.ptp(wanted)


def test_what_float16_cannot_hold_stays() -> None:
    big = floats(100)
    big[3] = 1e6
    made = export(one_node("add", [floats(100), const(big)])[0], weights="float16")
    assert codes(parse(made.data, "x")) == ["ADD"]
    assert made.notes == ("constant 'c1' stays in float32: it has values beyond float16",)


@pytest.mark.parametrize("weights", ["float16", "dynamic_range"])
def test_small_constants_stay(weights: Weights) -> None:
    module, _ = one_node("fully_connected", [floats(1, 4), const(floats(3, 4)), None])
    assert codes(parse(export(module, weights=weights).data, "x")) == ["FULLY_CONNECTED"]


def test_int8_weights_are_symmetric_and_reach_their_ends() -> None:
    data = floats(4, 50)
    data[2] = 0.0
    stored, quant = quantized(data, 0)
    assert (quant.axis, quant.zero) == (0, (0, 0, 0, 0))
    assert [int(np.abs(row).max()) for row in stored] == [127, 127, 0, 127]
    real = stored * np.array(quant.scale, np.float32)[:, None]
    assert np.abs(real - data).max() <= max(quant.scale) / 2 * 1.001
