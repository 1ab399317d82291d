"""Unsigned activations with signed weights: the same numbers on int8."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright.exporters.tflite import export
from edgewright.exporters.tflite.signed import has_mixed_signs, with_signed
from edgewright.graph import DType, Module, Quant, TensorType, verify_module
from edgewright.importers.tflite.reader import parse
from edgewright.ops import infer
from edgewright.ops.interpreter import Interpreter
from tests.exporters.tflite.harness import Array, check_module, codes, codes_of
from tests.exporters.tflite.test_window import SCALES, bias
from tests.ops.harness import Operand, const, one_node

RESULT = TensorType(DType.UINT8, (1, 7, 7, 6), Quant.per_tensor(0.4, 130))


def conv(mode: str = "float", signed: bool = True) -> tuple[Module, dict[str, Array]]:
    x = Operand(codes_of("uint8", 1, 9, 9, 4), Quant.per_tensor(0.05, 121))
    w = codes_of("int8" if signed else "uint8", 6, 3, 3, 4)
    quant = SCALES if signed else Quant((0.01,), (128,))
    skip = Operand(codes_of("uint8", 1, 7, 7, 6), Quant.per_tensor(0.3, 7))
    return one_node("conv", [x, const(w, quant), const(bias()), skip], [RESULT], mode,
                    inner=(0.35, 125))  # fmt: skip


def test_the_arithmetic_is_the_same() -> None:
    module, feeds = conv()
    signed = with_signed(module)
    verify_module(signed, infer)
    ours, theirs = Interpreter(module).run(feeds), Interpreter(signed).run(feeds)
    np.testing.assert_array_equal(ours["y0"], theirs["y0"])
    assert [n.op for n in signed.main.nodes] == ["quantize", "quantize", "conv", "quantize"]


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_the_interface_stays_unsigned(mode: str) -> None:
    module, feeds = conv(mode)
    before = str(module)
    made = check_module(module, feeds)
    assert str(module) == before
    assert (made.inputs, made.outputs) == (("x0", "x3"), ("y0",))
    expected = ["QUANTIZE", "QUANTIZE", "CONV_2D", "ADD", "QUANTIZE"]
    assert codes(parse(made.data, "x")) == expected


def test_weights_of_the_same_sign_need_nothing() -> None:
    module, _ = conv(signed=False)
    assert not has_mixed_signs(module)
    assert "QUANTIZE" not in codes(parse(export(module).data, "x"))
