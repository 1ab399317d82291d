"""Weights in fewer bits: which are changed, and what is refused."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.errors import InvalidOption
from edgewright.graph import DType, Module, parse_graph, verify_module
from edgewright.ops.interpreter import Interpreter
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
    held.main.nodes[0].input(1).data = np.array([[1e5, 0], [0, 1]], np.float32)
    with pytest.raises(InvalidOption, match="holds 100000") as error:
        store_weights(held, Narrowing("float16"))
    assert "bfloat16" in (error.value.help or "")
    assert store_weights(held, Narrowing("bfloat16")) == 1


def test_unknown_precision() -> None:
    with pytest.raises(InvalidOption, match="float8"):
        Narrowing("float8")


ROUNDED = """\
graph main(%x: float32[8,16], %one: float32[1,16]) -> (%a, %b, %c, %d) {
  const %w: float32[16,16] = [0.0, …]
  const %few: float32[2,16] = [0.0, …]
  %a = fully_connected(%x, %w, none)
  %b = fully_connected(%x, %w, none)
  %c = fully_connected(%one, %w, none)
  %d = fully_connected(%x, %few, none)
}
"""


def test_activations_of_large_products_are_rounded_once() -> None:
    text = ROUNDED
    for count in (256, 32):
        text = text.replace("[0.0, …]", f"[{', '.join(['0.5'] * count)}]", 1)
    held = Module({"main": parse_graph(text, infer=ops.infer)})
    store_weights(held, Narrowing("bfloat16-math"))
    verify_module(held, ops.infer)
    cast, first, second, single, narrow = held.main.nodes
    assert (cast.op, cast.attrs) == ("cast", {"to": "bfloat16"})
    assert first.input(0) is second.input(0) is cast.output
    assert first.output.type.dtype is DType.FLOAT32
    assert single.input(0).type.dtype is DType.FLOAT32, "it waits for weights"
    assert narrow.input(0).type.dtype is DType.FLOAT32, "rounding x costs more than its products"


def test_rounding_is_in_the_reference() -> None:
    zeros = ", ".join(["1.0"] * 256)
    graph = parse_graph(f"""\
graph main(%x: float32[8,16]) -> (%y) {{
  const %w: float32[16,16] = [{zeros}]
  %y = fully_connected(%x, %w, none)
}}
""", infer=ops.infer)  # fmt: skip
    held = Module({"main": graph})
    store_weights(held, Narrowing("bfloat16-math"))
    x = np.full((8, 16), 1 + 2.0**-8 + 2.0**-12, np.float32)
    assert (Interpreter(held).run({"x": x})["y"] == 16 * (1 + 2.0**-7)).all()


@pytest.mark.parametrize(("weights", "block"), [("int8", 48), ("int4", 32)])
def test_products_in_integers(weights: str, block: int) -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal((3, 48)).astype(np.float32)
    text = """\
graph main(%x: float32[1,48]) -> (%y) {
  const %w: float32[3,48] = [0.0, …]
  %y = fully_connected(%x, %w, none) {clamp=[0.0, inf]}
}
"""
    values = ", ".join(str(v) for v in w.ravel())
    graph = parse_graph(text.replace("0.0, …", values), infer=ops.infer)
    held = Module({"main": graph})
    x = rng.standard_normal((1, 48)).astype(np.float32)
    before = Interpreter(held).run({"x": x})["y"]
    assert store_weights(held, Narrowing(weights=weights)) == 1
    verify_module(held, ops.infer)
    (node,) = held.main.nodes
    assert node.op == "fully_connected_blocks" and node.attrs["block"] == block
    assert node.attrs["clamp"] == (0.0, float("inf"))
    after = Interpreter(held).run({"x": x})["y"]
    assert 0 < np.abs(after - before).max() < (0.1 if weights == "int8" else 1.0)
