"""Weights in fewer bits: which are changed, and what is refused."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.errors import InvalidOption
from edgewright.graph import DType, Module, parse_graph, verify_module
from edgewright.passes.precision import Narrowing, store_weights

TEXT = """\
graph main(%x: float32[1,2], %i: int8[1,2]<0.5:0>) -> (%y, %z, %j) {
  const %w: float32[2,2] = [1.0, 2.5, -3.0, 4.0]
  const %b: float32[2] = [0.1, 0.2]
  const %v: int8[1,2]<axis=0 0.25:0> = [3, 4]
  %y = fully_connected(%x, %w, %b)
  %z = fully_connected(%y, %w, none)
  %j: int8[1,1]<0.5:0> = fully_connected(%i, %v, none)
}
"""


def module() -> Module:
    graph = parse_graph(TEXT, infer=ops.infer)
    return Module({"main": graph})


def test_only_float_weights_change_and_shared_ones_stay_shared() -> None:
    held = module()
    assert store_weights(held, Narrowing("float16")) == 1
    verify_module(held, ops.infer)
    first, second, third = held.main.nodes
    assert first.input(1) is second.input(1)
    assert first.input(1).type.dtype is DType.FLOAT16
    assert first.input(2).type.dtype is DType.FLOAT32, "a bias is small, and stays"
    assert third.input(1).type.dtype is DType.INT8


def test_float32_is_left_alone() -> None:
    held = module()
    before = str(held)
    assert store_weights(held, Narrowing()) == 0
    assert str(held) == before


def test_too_large_for_float16() -> None:
    held = module()
    held.main.nodes[0].input(1).data = np.float32([[1e5, 0], [0, 1]])
    with pytest.raises(InvalidOption, match="holds 100000") as error:
        store_weights(held, Narrowing("float16"))
    assert "bfloat16" in (error.value.help or "")
    assert store_weights(held, Narrowing("bfloat16")) == 1


def test_unknown_precision() -> None:
    with pytest.raises(InvalidOption, match="float8"):
        Narrowing("float8")
