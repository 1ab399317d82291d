"""What `load` does around the rules: inputs, outputs, options, refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgewright import ops
from edgewright.errors import EdgewrightError, InvalidOption, Problems, UnsupportedModel
from edgewright.graph import Source, Symbol, verify_module
from edgewright.importers.onnx import load, sniff
from edgewright.importers.onnx.model import convert
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import compare, floats, imported, model, node, oracle


def test_load_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "relu.onnx"
    x = {"x": floats(2, 3)}
    onnx.save(model([node("Relu", ["x"], ["y"])], x, ["y"]), path)
    compare(Interpreter(load(path)).run(x), {"y": np.maximum(x["x"], 0)})


def test_sniff(tmp_path: Path) -> None:
    data = model([node("Relu", ["x"], ["y"])], {"x": floats(2)}, ["y"]).SerializeToString()
    assert sniff(data[:64], Path("some.bin"))
    assert sniff(b"", Path("some.onnx"))
    assert not sniff(b"\x1c\x00\x00\x00TFL3", Path("some.bin"))
    assert not sniff(b"PK\x03\x04", Path("some.zip"))


# -- inputs and their sizes -------------------------------------------------------------------


def relu_of(*dims: Any) -> onnx.ModelProto:
    return model([node("Relu", ["x"], ["y"])], {"x": floats(1)}, ["y"], shapes={"x": dims})


def test_sizes_that_are_not_fixed_are_one_and_noted() -> None:
    options = ImportOptions()
    module = imported(relu_of("batch", 3, None), options)
    assert module.main.inputs[0].type.dims == (1, 3, 1)
    assert options.notes == [
        "input 'x': axis 0 (batch) is not fixed, so 1 is assumed",
        "input 'x': axis 2 is not fixed, so 1 is assumed",
    ]


def test_sizes_may_be_given_or_bounded() -> None:
    options = ImportOptions(shapes={"x": ["2", "3", "w:4..8"]})
    module = imported(relu_of("batch", 3, None), options)
    assert module.main.inputs[0].type.shape == (2, 3, Symbol("w", 4, 8))
    assert not options.notes


def test_one_name_in_the_file_is_one_size() -> None:
    shapes = {"a": ("n", 2), "b": ("n", 2)}
    values = {"a": floats(4, 2), "b": floats(4, 2)}
    proto = model([node("Add", ["a", "b"], ["y"])], values, ["y"], shapes=shapes)
    module = imported(proto, ImportOptions(shapes={"a": ["4", "2"]}))
    assert [v.type.dims for v in module.main.inputs] == [(4, 2), (4, 2)]


@pytest.mark.parametrize(
    ("shapes", "message"), [({"z": ["1"]}, "no input 'z'"), ({"x": ["1"]}, "has 3 axes")]
)
def test_shapes_that_do_not_fit_the_model(shapes: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        imported(relu_of("batch", 3, None), ImportOptions(shapes=shapes))


def test_an_input_without_a_shape_needs_one() -> None:
    proto = relu_of(1)
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UnsupportedModel, match="has no shape"):
        imported(proto)
    assert imported(proto, ImportOptions(shapes={"x": ["3"]})).main.inputs[0].type.dims == (3,)


def test_inputs_that_are_not_tensors_of_numbers_are_refused() -> None:
    proto = relu_of(1)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    with pytest.raises(UnsupportedModel, match="element type STRING"):
        imported(proto)


def test_an_input_with_an_initializer_is_a_constant() -> None:
    proto = model([node("Add", ["x", "c"], ["y"])], {"x": floats(2), "c": floats(2)}, ["y"],
                  {"c": floats(2, seed=3)})  # fmt: skip
    assert [v.name for v in imported(proto).main.inputs] == ["x"]


# -- names ------------------------------------------------------------------------------------


def test_names_and_sources_are_the_files() -> None:
    nodes = [node("Relu", ["x"], ["odd name: 0"]), node("Neg", ["odd name: 0"], ["y"])]
    module = imported(model(nodes, {"x": floats(2)}, ["y"]))
    first, second = module.main.nodes
    assert first.output.name == "odd name: 0"
    assert first.output.source == Source("odd name: 0")
    assert second.output.source == Source("y")


def test_an_output_that_is_also_read() -> None:
    nodes = [node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["b"])]
    x = {"x": floats(2)}
    proto = model(nodes, x, ["a", "b"])
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))


# -- refusals ---------------------------------------------------------------------------------


def test_everything_unsupported_is_named_at_once() -> None:
    nodes = [
        node("NonZero", ["x"], ["a"], name="first"),
        node("Relu", ["a"], ["b"]),
        node("TopK", ["b", "k"], ["c", "d"]),
        node("Frobnicate", ["x"], ["e"], domain="com.example"),
        node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2]),
    ]
    proto = model(nodes, {"x": floats(1, 1, 4, 4)}, ["c", "d", "e", "y"], {"k": np.array([1])})
    proto.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(Problems) as caught:
        imported(proto)
    places = [str(e.where) for e in caught.value.errors]
    assert places == [
        "test.onnx: NonZero #0 'first' -> 'a'",
        "test.onnx: TopK #2 -> 'c'",
        "test.onnx: Frobnicate #3 -> 'e'",
        "test.onnx: MaxPool #4 -> 'y'",
    ]
    assert "float32[1,1,4,4]" in caught.value.errors[0].what
    assert all(e.help for e in caught.value.errors[:3])


def test_types_behind_a_refused_node_are_those_that_the_file_states() -> None:
    nodes = [
        node("GridSample", ["x", "g"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Col2Im", ["b", "s", "s"], ["y"]),
    ]
    values = {"x": floats(1, 2, 4, 4), "g": floats(1, 3, 5, 2)}
    proto = model(nodes, values, ["y"], {"s": np.array([2, 2])}, opset=18)
    proto.graph.value_info.append(helper.make_tensor_value_info("a", 1, [1, 2, 3, 5]))
    with pytest.raises(Problems) as caught:
        imported(proto)
    assert "Col2Im (opset 18)(float32[1,2,3,5]" in caught.value.errors[1].what


@pytest.mark.parametrize("version", [6, 99])
def test_operator_sets_out_of_range(version: int) -> None:
    proto = relu_of(2)
    proto.opset_import[0].version = version
    with pytest.raises(EdgewrightError, match=f"opset {version}"):
        imported(proto)


def test_a_tensor_that_nothing_makes() -> None:
    proto = model([node("Add", ["x", "ghost"], ["y"])], {"x": floats(2)}, ["y"])
    with pytest.raises(EdgewrightError, match="'ghost' is used but never made"):
        imported(proto)


def test_operands_that_contradict_each_other_are_an_error_with_a_place() -> None:
    made = node("Resize", ["x", "r", "s"], ["y"])
    constants = {"r": np.zeros(0, np.float32), "s": np.ones(7, np.float32)}
    proto = model([made], {"x": floats(1, 1, 4, 4)}, ["y"], constants)
    with pytest.raises(EdgewrightError, match=r"Resize #0"):
        imported(proto)


# -- functions --------------------------------------------------------------------------------


def swish_function() -> onnx.FunctionProto:
    """f(x) = x * sigmoid(alpha * x) with an attribute."""
    return helper.make_function(
        "local",
        "Swish2",
        ["a"],
        ["b"],
        [
            helper.make_node("Constant", [], ["k"]),
            helper.make_node("Mul", ["a", "k"], ["s"]),
            helper.make_node("Sigmoid", ["s"], ["g"]),
            helper.make_node("Mul", ["a", "g"], ["b"]),
        ],
        [helper.make_opsetid("", 18)],
        ["alpha"],
    )


def with_function(**attrs: Any) -> onnx.ModelProto:
    function = swish_function()
    reference = function.node[0].attribute.add()
    reference.name, reference.ref_attr_name = "value_float", "alpha"
    reference.type = onnx.AttributeProto.FLOAT
    nodes = [node("Swish2", ["x"], ["m"], domain="local", **attrs), node("Neg", ["m"], ["y"])]
    proto = model(nodes, {"x": floats(2, 3)}, ["y"], opset=18)
    proto.opset_import.append(helper.make_opsetid("local", 1))
    proto.functions.append(function)
    return proto


def test_functions_of_the_model_are_expanded() -> None:
    proto, x = with_function(alpha=1.5), {"x": floats(2, 3)}
    module = imported(proto)
    compare(Interpreter(module).run(x), oracle(proto, x))
    assert {str(n.origin) for n in module.main.nodes[:-1]} == {"test.onnx: Swish2 #0 -> 'm'"}


def test_functions_of_the_standard_are_expanded() -> None:
    made = node("Attention", ["q", "k", "v"], ["y"])
    values = {n: floats(1, 2, 3, 4, seed=i) for i, n in enumerate("qkv")}
    proto = model([made], values, ["y"], opset=23)
    module = imported(proto)
    compare(Interpreter(module).run(values), oracle(proto, values))


def test_an_expansion_that_cannot_be_built_names_what_is_missing() -> None:
    proto = with_function(alpha=1.5)
    proto.functions[0].node[2].op_type = "NonZero"
    with pytest.raises(UnsupportedModel, match="its expansion needs NonZero"):
        imported(proto)


def test_the_same_file_makes_the_same_text() -> None:
    nodes = [node("Conv", ["x", "w"], ["a"]), node("Relu", ["a"], ["y"])]
    proto = model(nodes, {"x": floats(1, 2, 5, 5)}, ["y"], {"w": floats(3, 2, 3, 3)})
    texts = {str(convert(proto, "a.onnx", ImportOptions())) for _ in range(2)}
    assert len(texts) == 1


def test_a_float16_network_is_imported() -> None:
    proto = model([node("Mul", ["x", "c"], ["y"])], {"x": floats(2).astype(np.float16)}, ["y"],
                  {"c": floats(2).astype(np.float16)})  # fmt: skip
    verify_module(imported(proto), ops.infer)
