"""Importing a file: formats, the interface, run-time sizes, everything unsupported at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgewright.errors import (
    EdgewrightError,
    InvalidModel,
    InvalidOption,
    Problems,
    UnsupportedModel,
)
from edgewright.graph import Symbol, parse_module
from edgewright.importers import Imported, ImportOptions, Interface, formats, import_model
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite.builder import conv_bytes, operator, operator_code, tensor
from tests.importers.tflite.single import const, options


def imported(folder: Path, content: bytes, name: str = "m.tflite", **fields: Any) -> Imported:
    path = folder / name
    path.write_bytes(content)
    return import_model(path, ImportOptions(**fields))


def refused(folder: Path, content: bytes, **fields: Any) -> EdgewrightError:
    with pytest.raises(EdgewrightError) as caught:
        imported(folder, content, **fields)
    return caught.value


def relu(shape: tuple[int, ...] = (1, 4, 4, 2)) -> bytes:
    return build("RELU", [Operand("x", "float32", shape)], [Operand("y", "float32", shape)])


def onnx_relu() -> bytes:
    x, y = (onnx.helper.make_tensor_value_info(n, 1, ["n", 3]) for n in "xy")
    node = onnx.helper.make_node("Relu", ["x"], ["y"], name="act")
    graph = onnx.helper.make_graph([node], "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


# -- formats ---------------------------------------------------------------------------------------


def test_formats_are_the_folders() -> None:
    assert list(formats()) == ["onnx", "tflite"]


def test_a_tflite_file_is_known_by_its_content(tmp_path: Path) -> None:
    assert imported(tmp_path, relu(), "model.bin").format == "tflite"


def test_an_onnx_file(tmp_path: Path) -> None:
    found = imported(tmp_path, onnx_relu(), "m.onnx")
    assert found.format == "onnx"
    assert found.interface == Interface(("x",), ("y",), {})


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(200)])
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    error = refused(tmp_path, content)
    assert isinstance(error, InvalidModel)
    assert "m.tflite" in str(error.where)


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel) as caught:
        imported(tmp_path, b"PK\x03\x04 a zip", "model.keras")
    assert caught.value.help == "the formats are onnx, tflite"


def test_there_must_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="No such file"):
        import_model(tmp_path / "absent.tflite", ImportOptions())


# -- the interface ---------------------------------------------------------------------------------


def signed(model: Any) -> None:
    """Parameters are called otherwise than tensors."""
    from ai_edge_litert import schema_py_generated as schema

    def map_of(name: bytes, index: int) -> Any:
        held = schema.TensorMapT()
        held.name, held.tensorIndex = name, index
        return held

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [map_of(b"image", 0)], [map_of(b"scores", 3)]
    model.signatureDefs = [signature]


def test_inputs_and_outputs_go_by_the_signature(tmp_path: Path) -> None:
    found = imported(tmp_path, conv_bytes(signed))
    assert [v.name for v in found.module.main.inputs] == ["image"]
    assert [v.name for v in found.module.main.outputs] == ["scores"]
    assert found.interface == Interface(("x",), ("y",), {})  # the file's own names, for oracles


def test_quantisation_is_the_files(tmp_path: Path) -> None:
    module = imported(tmp_path, conv_bytes()).module
    assert str(module.main.inputs[0].type) == "int8[1,2,2,3]<0.5:-3>"
    weight = module.main.nodes[0].input(1).type.quant
    assert weight is not None
    assert weight.axis == 0
    assert len(weight.scale) == 4


def test_nodes_know_their_place(tmp_path: Path) -> None:
    module = imported(tmp_path, conv_bytes()).module
    assert str(module.main.nodes[0].origin) == "m.tflite: CONV_2D #0 -> 'y'"
    source = module.main.nodes[0].output.source
    assert source is not None
    assert source.tensor == "y"


# -- run-time sizes --------------------------------------------------------------------------------


def test_sizes_that_the_caller_chooses(tmp_path: Path) -> None:
    found = imported(tmp_path, relu(), shapes={"x": [1, "h:2..9", "w:2..9", 2]})
    shape = found.module.main.outputs[0].type.shape
    assert shape == (1, Symbol("h", 2, 9), Symbol("w", 2, 9), 2)
    x = np.ones((1, 3, 7, 2), np.float32)
    np.testing.assert_array_equal(Interpreter(found.module).run({"x": x})["y"], x)


def test_a_fixed_size_can_be_another_one(tmp_path: Path) -> None:
    module = imported(tmp_path, relu(), shapes={"x": [5, 4, 4, 2]}).module
    assert module.main.outputs[0].type.dims == (5, 4, 4, 2)


def test_unknown_sizes_are_one_and_said(tmp_path: Path) -> None:
    def unknown(model: Any) -> None:
        model.subgraphs[0].tensors[0].shapeSignature = [-1, 2, 2, 3]

    given = ImportOptions()
    path = tmp_path / "m.tflite"
    path.write_bytes(conv_bytes(unknown))
    assert import_model(path, given).module.main.inputs[0].type.dims == (1, 2, 2, 3)
    assert given.notes == ["input 'x': unknown sizes of (-1, 2, 2, 3) set to 1"]


def test_the_number_of_axes_must_fit(tmp_path: Path) -> None:
    error = refused(tmp_path, relu(), shapes={"x": [1, 2]})
    assert error.what == "input 'x' has 4 axes, --shape gives 2"
    assert error.where == "m.tflite: input 'x'"


def test_sizes_that_contradict_the_model(tmp_path: Path) -> None:
    error = refused(tmp_path, conv_bytes(), shapes={"x": [1, 2, 2, 5]})
    assert error.status == 2
    assert "CONV_2D" in str(error)


def test_a_size_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="'many'"):
        imported(tmp_path, relu(), shapes={"x": [1, "many", 4, 2]})


# -- everything at once ----------------------------------------------------------------------------


def three_problems(model: Any) -> None:
    """Two operators without a rule and a custom one, after a sound convolution."""
    graph = model.subgraphs[0]
    codes = [operator_code("SVDF"), operator_code("RFFT2D"), operator_code("CUSTOM")]
    codes[2].customCode = b"FakeDouble"
    model.operatorCodes += codes
    graph.tensors += [tensor(n, [1, 4]) for n in ("p", "q", "r")]
    graph.operators += [operator([3], [4], 1), operator([4], [5], 2), operator([5], [6], 3)]
    graph.outputs = [6]


def test_unknown_operators_are_all_named(tmp_path: Path) -> None:
    error = refused(tmp_path, conv_bytes(three_problems))
    assert isinstance(error, Problems)
    assert [e.where for e in error.errors] == [
        "m.tflite: SVDF #1 -> 'p'", "m.tflite: RFFT2D #2 -> 'q'", "m.tflite: FakeDouble #3 -> 'r'",
    ]  # fmt: skip
    assert all(e.help for e in error.errors)
    first = error.errors[0]
    assert first.what == "operator SVDF is not supported: (int8[1,2,2,4]) -> (float32[1,4])"


def test_refusals_of_rules_are_all_named(tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        """A convolution with an activation that has no clamp, then a shape that is computed."""
        graph = model.subgraphs[0]
        graph.operators[0].builtinOptions.fusedActivationFunction = 4
        model.operatorCodes.append(operator_code("TRANSPOSE"))
        graph.tensors += [tensor("perm", [4], "INT32"), tensor("z", [1, 2, 2, 4], "INT8")]
        graph.operators.append(operator([3, 4], [5], 1))
        graph.inputs, graph.outputs = [0, 4], [5]

    error = refused(tmp_path, conv_bytes(spoil))
    assert isinstance(error, Problems)
    assert [e.where for e in error.errors] == [
        "m.tflite: CONV_2D #0 -> 'y'", "m.tflite: TRANSPOSE #1 -> 'z'",
    ]  # fmt: skip
    assert all(isinstance(e, UnsupportedModel) and e.help for e in error.errors)


def test_inputs_of_unknown_types_are_all_named(tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors += [tensor("name", [1], "STRING"), tensor("wave", [1], "COMPLEX64")]
        graph.inputs = [4, 0, 5]

    error = refused(tmp_path, conv_bytes(spoil))
    assert isinstance(error, Problems)
    where = [e.where for e in error.errors]
    assert where == ["m.tflite: input 'name'", "m.tflite: input 'wave'"]


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("custom_op_fake_double.tflite", "is not supported"),
        ("git_lfs_pointer.tflite", "Git LFS"),
        ("onnx_opset_missing_super_resolution.onnx", "opset"),
        ("qonnx_tfc_1w2a.onnx", "is not supported"),
        ("select_tf_ops.tflite", "is not supported"),
        ("signal_custom_ops.tflite", "is not supported"),
    ],
)
def test_real_models_that_nobody_can_run(models: Path, name: str, what: str) -> None:
    path = models / "negative" / name
    if not path.exists():
        pytest.skip(f"{path} is absent; see MANIFEST.md of the models")
    with pytest.raises(EdgewrightError) as caught:
        import_model(path, ImportOptions())
    assert caught.value.status == 2
    assert what in str(caught.value)
    errors = caught.value.errors if isinstance(caught.value, Problems) else (caught.value,)
    assert all(name in str(e.where) for e in errors)


def test_what_is_imported_has_a_text(tmp_path: Path) -> None:
    slices = [const("b", [0, 1]), const("e", [2, 3]), const("s", [1, 1])]
    content = build("STRIDED_SLICE", [Operand("x", "float32", (2, 3)), *slices],
                    [Operand("y", "float32", (2, 2))], options("StridedSlice"))  # fmt: skip
    text = str(imported(tmp_path, content).module)
    assert "%y: float32[2,2] = slice(%x) {begin=[0, 1], size=[2, 2], stride=[1, 1]}" in text
    assert str(parse_module(text)) == text
