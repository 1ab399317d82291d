"""Every operator of the IR has a rule, if only one that says why not."""

from __future__ import annotations

import pytest

from edgewright import ops
from edgewright.errors import Problems, UnsupportedModel
from edgewright.exporters.tflite import export
from edgewright.exporters.tflite.rule import rule, rules
from edgewright.graph import parse_module


def test_every_operator_has_a_rule() -> None:
    assert set(rules()) == set(ops.registry()) - {"block"}  # a plan's: graphs have none


def test_an_operator_has_one_rule() -> None:
    with pytest.raises(ValueError, match="conv has two rules"):
        rule("conv")(lambda node: None)


def test_everything_that_cannot_be_expressed_is_named_at_once() -> None:
    text = """module requantization="float"
graph main(%x: int64[3], %y: int64[2,2]) -> (%a, %b) {
  %a = sign(%x)
  %b = floor_div(%y, %y)
}"""
    with pytest.raises(Problems) as caught:
        export(parse_module(text, infer=ops.infer))
    assert [type(e) for e in caught.value.errors] == [UnsupportedModel, UnsupportedModel]
    assert "sign as .tflite: int64[3]" in str(caught.value)
    assert "floor_div as .tflite: int64[2,2]" in str(caught.value)
