"""The text form: what is printed reads back to the same module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from edgewright.graph import (
    DType,
    Graph,
    Module,
    Node,
    TensorType,
    constants_of,
    parse_module,
)
from edgewright.graph.text import INLINE_LIMIT, values_of
from edgewright.importers import ImportOptions, import_model
from edgewright.passes import optimize
from tests.graph.strategies import modules

#: every format, quantisation and construct: regions, states, trees, run-time sizes
REAL: dict[str, dict[str, list[str | int]]] = {
    "audio/dtln/model_1.tflite": {},
    "audio/dtln/model_1.onnx": {},
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite": {},
    "kws/models/dscnn_int8.tflite": {},
    "mnist/models/cntk_cnn.onnx": {},
    "onnx_misc/super_resolution/pytorch_super_resolution.onnx": {
        "input": [1, 1, "h:64..512", "w:64..512"]
    },
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx": {},
    "trees/rf_iris.onnx": {},
    "wakeword/alexa.tflite": {},
}


def same_constants(a: Module, b: Module) -> None:
    """Bit for bit, which text alone would not show of long constants."""
    for one, two in zip(a.graphs.values(), b.graphs.values(), strict=True):
        for x, y in zip(one.constants(), two.constants(), strict=True):
            assert x.type == y.type
            assert x.data is not None
            np.testing.assert_array_equal(x.data, y.data, strict=True)
    for name, state in a.states.items():
        np.testing.assert_array_equal(state.init, b.states[name].init, strict=True)


def round_trip(module: Module) -> Module:
    text = str(module)
    read = parse_module(text, constants_of(module))
    assert str(read) == text
    same_constants(module, read)
    return read


@given(modules())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_modules_read_back(module: Module) -> None:
    read = round_trip(module)
    assert read.requantization == module.requantization
    for name, graph in module.graphs.items():
        before, after = values_of(graph), values_of(read.graphs[name])
        assert {k: v.type for k, v in before.items()} == {k: v.type for k, v in after.items()}
        readers = {k: [n.op for n in v.users] for k, v in before.items()}
        assert {k: [n.op for n in v.users] for k, v in after.items()} == readers


@pytest.mark.models
@pytest.mark.parametrize("optimized", [False, True])
@pytest.mark.parametrize("name", sorted(REAL))
def test_real_models_read_back(models: Path, name: str, optimized: bool) -> None:
    path = models / name
    if not path.exists():
        pytest.skip(f"{path} is absent; see MANIFEST.md of the models")
    module = import_model(path, ImportOptions(shapes=REAL[name])).module
    if optimized:
        optimize(module)
    round_trip(module)


def one_constant(size: int) -> Module:
    graph = Graph("main")
    graph.outputs = [graph.constant("w", np.arange(size, dtype=np.int16))]
    return Module({"main": graph})


def test_short_constants_are_written_out() -> None:
    module = one_constant(INLINE_LIMIT)
    assert constants_of(module) == {}
    assert "const %w: int16[16] = [0, 1, 2," in str(module)


def test_long_constants_are_named_by_their_bytes() -> None:
    module, same = one_constant(INLINE_LIMIT + 1), one_constant(INLINE_LIMIT + 1)
    (key,) = constants_of(module)
    assert f"const %w: int16[17] = sha256:{key}" in str(module)
    assert str(same) == str(module)
    assert constants_of(same)[key] is not constants_of(module)[key]


def test_equal_bytes_of_another_type_or_shape_have_another_name() -> None:
    keys = set()
    for data in (np.zeros(20, np.int16), np.zeros((4, 5), np.int16), np.zeros(20, np.uint16)):
        graph = Graph()
        graph.outputs = [graph.constant("w", data)]
        keys |= set(constants_of(Module({"main": graph})))
    assert len(keys) == 3


def test_the_whole_form() -> None:
    text = """\
module requantization="fixed"
dim h: 64..512
state %ring: int8[1,2]<0.5:3> = [3, 3]
graph main(%x: float32[1,h,4], %"a b\\"c\\\\n": bool[]) -> (%y, %x) {
  const %w: float32[2,1] = [1.5, -inf]
  %y: float32[1,(2*h + 1),4] = add(%x, none) {clamp=[0.0, inf], mode="a\\"b", pads=[[1, 2], []]}
  %z: int32[2]<axis=0 0.5:0, 0.25:1> = if(%"a b\\"c\\\\n")
    region then(%i: int64[]) -> (%w) {
      write_state(%i, %y)
    }
}
"""
    # %w is used by the region's output alone, and is printed where the graph's constants are
    module = parse_module(text)
    assert str(module) == text
    assert list(values_of(module.main)) == ["w", "x", 'a b"c\\n', "i", "y", "z"]
    assert module.main.nodes[0].attrs["pads"] == ((1, 2), ())


@pytest.mark.parametrize("name", ["a\n", "a b", "", "1", "x:0", 'q"', "\\", "a\\nb", "-", "ü", "#"])
def test_names_of_all_kinds(name: str) -> None:
    graph = Graph("main")
    graph.add_input(name, TensorType(DType.BOOL, ()))
    assert round_trip(Module({"main": graph})).main.inputs[0].name == name


def test_numbers_keep_their_bits() -> None:
    graph = Graph("main")
    data = np.array([np.inf, -np.inf, np.nan, -0.0, 1e-45, 3.4028235e38, 0.1], np.float32)
    graph.outputs = [graph.constant("w", data)]
    read = round_trip(Module({"main": graph})).main.outputs[0].data
    assert read is not None
    np.testing.assert_array_equal(np.signbit(read), np.signbit(data))
    graph.insert(Node("clip", [], [], {"lo": -0.0, "hi": 1e300, "n": -(2**70)}))
    assert round_trip(Module({"main": graph})).main.nodes[0].attrs == graph.nodes[0].attrs
