"""Whole modules: interface, states, regions, run-time sizes, storage of weights, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest

from edgewright import ops
from edgewright.data.contract import Contract, ModelInfo
from edgewright.errors import InvalidOption, Problems, UnsupportedModel
from edgewright.exporters.onnx import export
from edgewright.exporters.onnx.rule import covered
from edgewright.graph import Module, Quant, parse_module
from edgewright.importers.onnx.metadata import read_contract
from edgewright.ops.interpreter import Interpreter
from tests.exporters.onnx.harness import (
    Constant,
    Operand,
    check,
    compare,
    normal,
    operators,
    run,
    single,
    stored,
)

NET = """
module requantization="float"
graph main(%x: float32[1,6,6,3]) -> (%y) {
  const %k: float32[3] = [1.0, 2.0, 3.0]
  %a = mul(%x, %k)
  %b = max_pool(%a) {kernel=[2, 2], stride=[2, 2]}
  %y = tanh(%b)
}
"""


def module_of(text: str) -> Module:
    return parse_module(text, infer=ops.infer)


def values(module: Module) -> dict[str, Any]:
    return {v.name: normal(*v.type.dims) for v in module.main.inputs}


def test_every_operator_has_a_rule() -> None:
    own = {name for name, cls in ops.registry().items() if cls.__module__.startswith("edgewright.")}
    assert own - set(covered()) == {"block"}  # a plan's: graphs have none


# -- interface -------------------------------------------------------------------------------------


def test_images_are_turned_at_the_interface_and_nowhere_else() -> None:
    module = module_of(NET)
    names = operators(compare(module, values(module), 1e-6))
    assert names == ["Transpose", "Mul", "MaxPool", "Tanh", "Transpose"]


def test_images_may_come_and_go_channels_first() -> None:
    module = module_of(NET)
    exported = export(module, channels_first=True)
    assert operators(exported) == ["Mul", "MaxPool", "Tanh"]
    assert exported.layouts == {"x": (0, 3, 1, 2), "y": (0, 3, 1, 2)} or not exported.names
    x = normal(1, 6, 6, 3)
    (y,) = run(exported, [np.ascontiguousarray(x.transpose(0, 3, 1, 2))])
    wanted = Interpreter(module).run({"x": x})["y"]
    np.testing.assert_allclose(y.transpose(0, 2, 3, 1), wanted, atol=1e-6)


def test_a_channels_first_source_may_come_and_go_channels_last() -> None:
    text = """
    module requantization="float"
    graph main(%x: float32[1,3,6,6]) -> (%y) {
      %a = transpose(%x) {perm=[0, 2, 3, 1]}
      %b = max_pool(%a) {kernel=[2, 2], stride=[2, 2]}
      %y = transpose(%b) {perm=[0, 3, 1, 2]}
    }
    """
    module = module_of(text)
    assert operators(export(module)) == ["MaxPool"]
    exported = export(module, channels_first=False)
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in _ends(exported.data)]
    assert shapes == [[1, 6, 6, 3], [1, 3, 3, 3]]


def _ends(data: bytes) -> list[onnx.ValueInfoProto]:
    graph = onnx.ModelProto.FromString(data).graph
    return [*graph.input, *graph.output]


def test_outputs_keep_their_names_whatever_they_are() -> None:
    text = """
    module requantization="float"
    graph main(%x: float32[2,3]) -> (%y, %y, %x, %c) {
      const %c: float32[2] = [1.0, 2.0]
      %y = neg(%x)
    }
    """
    module = module_of(text)
    exported = export(module)
    assert exported.inputs == ("x",)
    assert exported.outputs[0] == "y"
    assert len(set(exported.outputs)) == 4
    x = normal(2, 3)
    first, second, third, fourth = run(exported, [x])
    np.testing.assert_array_equal(first, -x)
    np.testing.assert_array_equal(second, -x)
    np.testing.assert_array_equal(third, x)
    np.testing.assert_array_equal(fourth, [1, 2])


def test_an_input_without_a_name_gets_one() -> None:
    module = module_of(NET)
    module.main.inputs[0].name = ""
    exported = export(module)
    assert exported.inputs == ("input",)
    assert run(exported, [normal(1, 6, 6, 3)])[0].shape == (1, 3, 3, 3)


def test_a_flattened_image_is_not_turned_but_the_weight_behind_it() -> None:
    text = """
    module requantization="float"
    graph main(%x: float32[1,3,4,4]) -> (%y) {
      %a = transpose(%x) {perm=[0, 2, 3, 1]}
      %p = max_pool(%a) {kernel=[2, 2], stride=[2, 2]}
      %f = reshape(%p) {shape=[1, 12]}
      %y = fully_connected(%f, %w)
    }
    """
    text = text.replace("%a =", f"const %w: float32[2,12] = {_numbers(24)}\n      %a =")
    module = module_of(text)
    assert operators(compare(module, values(module), 1e-6)) == ["MaxPool", "Reshape", "Gemm"]


def _numbers(count: int) -> str:
    flat = [repr(float(v)) for v in normal(count)]
    return "[[" + "], [".join(", ".join(flat[i : i + 12]) for i in range(0, count, 12)) + "]]"


# -- states, regions, sizes ------------------------------------------------------------------------

STATEFUL = """
module requantization="float"
state %sum: float32[2] = [0.5, 0.0]
graph main(%x: float32[2]) -> (%y) {
  %old: float32[2] = read_state() {state="sum"}
  %y = add(%x, %old)
  write_state(%y) {state="sum"}
}
"""


def test_states_go_in_and_out() -> None:
    exported = export(module_of(STATEFUL))
    assert exported.states == {"sum": ("sum", "sum_next")}
    assert any("feed input 'sum' with output 'sum_next'" in note for note in exported.notes)
    graph = onnx.ModelProto.FromString(exported.data).graph
    assert [v.name for v in graph.input] == ["x", "sum"]
    assert [v.name for v in graph.output] == ["y", "sum_next"]


def test_regions() -> None:
    text = """
    module requantization="float"
    graph main(%x: float32[2], %go: bool[]) -> (%y) {
      const %one: float32[] = 1.0
      %y: float32[2] = if(%go)
        region then() -> (%a) {
          %a = add(%x, %one)
        }
        region otherwise() -> (%x) {
        }
    }
    """
    module = module_of(text)
    for go in (True, False):
        compare(module, {"x": normal(2), "go": np.array(go)}, 1e-6)


def test_run_time_sizes_are_computed_from_the_inputs() -> None:
    text = """
    module requantization="float"
    dim h: 2..9
    graph main(%x: float32[1,h,4,3]) -> (%y, %z) {
      %r = resize_nearest(%x) {size=[2*h, 8], coordinate="asymmetric", rounding="floor"}
      %y = reshape(%r) {shape=[h, 2, 24]}
      %z = slice(%x) {begin=[0, 1, 0, 0], size=[1, h - 1, 4, 3], stride=[1, 1, 1, 1]}
    }
    """
    module = module_of(text)
    for height in (2, 5):
        compare(module, {"x": normal(1, height, 4, 3)}, 0)
    (info, *_) = _ends(export(module).data)
    assert info.type.tensor_type.shape.dim[1].dim_param == "h"


# -- recurrent nets and trees ----------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_lstm(reverse: bool, clip: float) -> None:
    rows = [Constant(normal(8, 3, seed=1)), Constant(normal(8, 2, seed=2)), Constant(normal(8))]
    state = [normal(2, 2, seed=3), normal(2, 2, seed=4)]
    for turned in (False, True):
        module, fed = single(
            "lstm", [normal(5, 2, 3), *rows, *state], turned=turned, reverse=reverse, cell_clip=clip
        )
        compare(module, fed, 1e-5)
    check("lstm", normal(5, 1, 3), *rows[:2], reverse=reverse, cell_clip=clip)


# -- storage, metadata, determinism ----------------------------------------------------------------


@pytest.mark.parametrize(("weights", "share"), [("float16", 0.55), ("dynamic_range", 0.35)])
def test_weights_are_stored_in_less(weights: str, share: float) -> None:
    operands: list[Operand] = [normal(1, 4, 4, 32), Constant(normal(64, 3, 3, 32, seed=1))]
    module, fed = single("conv", operands)
    plain = len(export(module).data)
    exported = compare(module, fed, 0.02, weights=weights)
    assert len(exported.data) < share * plain


def test_what_the_model_says_about_itself_is_read_again() -> None:
    contract = Contract(model=ModelInfo(name="N", licence="L", description="D", author="A"))
    proto = onnx.ModelProto.FromString(export(module_of(NET), contract=contract).data)
    assert read_contract(proto).model == contract.model


def test_all_that_is_refused_is_named_at_once() -> None:
    text = """
    module requantization="float"
    graph main(%x: float32[1,6,6,3]) -> (%y, %z) {
      %y = max_pool(%x) {kernel=[2, 2], pad=[[2, 0], [0, 0]]}
      %z = avg_pool(%x) {kernel=[2, 2], pad=[[0, 0], [3, 0]]}
    }
    """
    with pytest.raises(Problems) as caught:
        export(module_of(text))
    assert len(caught.value.errors) == 2


@pytest.mark.parametrize("opset", [12, 99])
def test_opsets_out_of_range_are_refused(opset: int) -> None:
    with pytest.raises(InvalidOption, match=f"opset {opset} is outside"):
        export(module_of(NET), opset=opset)


@pytest.mark.parametrize("opset", range(13, 27))
def test_every_opset_that_the_runtime_reads(opset: int) -> None:
    module = module_of(NET)
    exported = compare(module, values(module), 1e-6, opset=opset)
    assert onnx.ModelProto.FromString(exported.data).opset_import[0].version == opset


def test_integer_lstm_is_refused_by_name() -> None:
    codes = Constant(np.ones((8, 3), np.int8), Quant((0.1,) * 8, (0,) * 8, 0))
    again = Constant(np.ones((8, 2), np.int8), Quant((0.1,) * 8, (0,) * 8, 0))
    out = Quant.per_tensor(0.01)
    module, _ = single(
        "lstm", [stored(4, 1, 3), codes, again], [out, out, Quant.per_tensor(2**-12)]
    )
    with pytest.raises(UnsupportedModel, match="lstm: an integer LSTM"):
        export(module)


PRINT = """
import hashlib, sys
from edgewright import ops
from edgewright.exporters.onnx import export
from edgewright.graph import parse_module
print(hashlib.sha256(export(parse_module(sys.stdin.read(), infer=ops.infer)).data).hexdigest())
"""


def test_bytes_do_not_depend_on_the_process() -> None:
    def digest(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", PRINT], input=NET, env=env, text=True,
                              capture_output=True, check=True)  # fmt: skip
        return done.stdout

    assert digest("1") == digest("2")
