import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgewright.errors import EdgewrightError, InvalidModel, UnsupportedModel
from edgewright.importers.tflite.reader import enum_names, parse, read, snake_case
from tests.importers.mutations import mutated
from tests.importers.tflite.builder import (
    buffer,
    conv_bytes,
    operator,
    operator_code,
    quantization,
    tensor,
)


def test_reads_a_model() -> None:
    model = parse(conv_bytes(), "conv.tflite")
    (graph,) = model.subgraphs
    (conv,) = graph.operators
    assert (model.version, model.description, graph.name) == (3, "a convolution", "main")
    assert (graph.inputs, graph.outputs) == ((0,), (3,))
    assert (conv.code, conv.version, conv.inputs, conv.outputs) == ("CONV_2D", 3, (0, 1, 2), (3,))
    assert conv.options["stride_w"] == 1
    assert conv.options["dilation_h_factor"] == 1
    assert enum_names("Padding")[conv.options["padding"]] == "SAME"  # type: ignore[index]
    x, w, b, _ = graph.tensors
    assert (x.name, x.type, x.shape, x.buffer) == ("x", "INT8", (1, 2, 2, 3), None)
    np.testing.assert_array_equal(w.array(), np.arange(12, dtype=np.int8).reshape(4, 1, 1, 3))
    assert w.quantization is not None
    np.testing.assert_array_equal(w.quantization.scale, np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    assert b.quantization is None
    assert b.array().dtype == np.int32


def test_weights_are_views_of_the_file() -> None:
    data = conv_bytes()
    weights = parse(data, "conv.tflite").subgraphs[0].tensors[1].buffer
    assert weights is not None
    assert np.shares_memory(weights, np.frombuffer(data, np.uint8))


def graph_of(model: Any) -> Any:
    return model.subgraphs[0]


def change(field: str, value: Any, tensor: int | None = None) -> Callable[[Any], None]:
    """A change of one field of the subgraph, or of one of its tensors."""

    def apply(model: Any) -> None:
        graph = graph_of(model)
        setattr(graph if tensor is None else graph.tensors[tensor], field, value)

    return apply


def replace_operator(inputs: list[int], outputs: list[int]) -> Callable[[Any], None]:
    return change("operators", [operator(inputs, outputs)])


CASES = {
    "version": (lambda m: setattr(m, "version", 2), "schema version 2"),
    "no subgraph": (lambda m: setattr(m, "subgraphs", []), "no subgraph"),
    "nan scale": (
        change("quantization", quantization([math.nan], [0]), 0),
        "scale nan is not a positive number",
    ),
    "zero scale": (change("quantization", quantization([0.0], [0]), 0), "scale 0.0 is not"),
    "negative scale": (change("quantization", quantization([-1.0], [0]), 0), "scale -1.0 is not"),
    "infinite scale": (change("quantization", quantization([math.inf], [0]), 0), "scale inf"),
    "zero points": (change("quantization", quantization([1.0], [0, 0]), 0), "1 scales but 2 zero"),
    "zero range": (change("quantization", quantization([1.0], [128]), 0), "zero point 128"),
    "scales": (change("quantization", quantization([1.0] * 3, [0] * 3), 1), "3 scales for dim"),
    "axis": (change("quantization", quantization([1.0] * 4, [0] * 4, 4), 1), "dimension 4 of a"),
    "negative axis": (
        change("quantization", quantization([1.0] * 4, [0] * 4, -1), 1),
        "dimension -1 of a",
    ),
    "type": (change("type", 100, 0), "unknown tensor type 100"),
    "shape": (change("shape", [4, 1, 1, 4], 1), "needs 16 bytes, its buffer has 12"),
    "negative shape": (change("shape", [1, -2, 2, 3], 0), "negative size"),
    "huge shape": (change("shape", [2**31 - 1, 2**31 - 1], 0), "more than 2 GiB"),
    "rank": (change("shape", [1] * 17, 0), "17 dimensions"),
    "signature rank": (change("shapeSignature", [-1, 3], 0), "shape signature"),
    "buffer": (change("buffer", 3, 1), "buffer 3 does not exist; there are 3"),
    "inputs": (change("inputs", [4], None), "tensor 4 does not exist; there are 4"),
    "negative output": (change("outputs", [-1], None), "tensor -1 does not exist"),
    "operator input": (replace_operator([0, 9], [3]), "tensor 9 does not exist"),
    "operator output": (replace_operator([0], [-1]), "tensor -1 does not exist"),
    "operator code": (
        change("operators", [operator([0], [3], code=1)]),
        "operator code 1 does not exist; there are 1",
    ),
    "circle": (replace_operator([3], [3]), "before it is set"),
    "unset output": (change("operators", []), "nothing sets 'y'"),
    "set twice": (
        change("operators", [operator([0], [3]), operator([0], [3])]),
        "sets tensor 3 'y' a second time",
    ),
    "constant set": (change("buffer", 1, 3), "it has constant data, but"),
}


@pytest.mark.parametrize("case", CASES)
def test_contradictions_are_errors(case: str) -> None:
    spoil, what = CASES[case]
    with pytest.raises(InvalidModel, match=what) as caught:
        parse(conv_bytes(spoil), "bad.tflite")
    assert str(caught.value.where).startswith("bad.tflite")


def test_a_bad_scale_names_the_tensor() -> None:
    data = conv_bytes(change("quantization", quantization([math.nan], [0]), 3))
    with pytest.raises(InvalidModel) as caught:
        parse(data, "bad.tflite")
    assert caught.value.where == "bad.tflite: subgraph 0, tensor 3 'y'"


@pytest.mark.parametrize("index", [0, 2])
def test_a_meaningless_axis_is_tolerated(index: int) -> None:
    """As in TFLM's person detector: one scale, or a tensor of one dimension."""
    scales = [1.0] if index == 0 else [1.0] * 4
    made = quantization(scales, [0] * len(scales), 9)
    model = parse(conv_bytes(change("quantization", made, index)), "old.tflite")
    read_back = model.subgraphs[0].tensors[index].quantization
    assert read_back is not None
    assert read_back.dimension == 0


def test_float_tensors_have_no_quantization() -> None:
    def make_float(model: Any) -> None:
        x = graph_of(model).tensors[0]
        x.type, x.quantization = schema.TensorType.FLOAT32, quantization([math.nan], [0])

    assert parse(conv_bytes(make_float), "f").subgraphs[0].tensors[0].quantization is None


def test_an_absent_optional_input_is_kept() -> None:
    model = parse(conv_bytes(replace_operator([0, 1, -1], [3])), "f")
    assert model.subgraphs[0].operators[0].inputs == (0, 1, -1)


def test_an_option_that_is_not_a_number() -> None:
    def spoil(model: Any) -> None:
        model.operatorCodes[0] = operator_code("LEAKY_RELU")
        op = graph_of(model).operators[0]
        op.builtinOptionsType = schema.BuiltinOptions.LeakyReluOptions
        op.builtinOptions = schema.LeakyReluOptionsT()
        op.builtinOptions.alpha = math.nan

    with pytest.raises(InvalidModel, match="alpha is not a number") as caught:
        parse(conv_bytes(spoil), "f")
    assert caught.value.where == "f: subgraph 0, operator 0 (LEAKY_RELU)"


def test_an_unknown_operator_is_named_not_refused() -> None:
    def spoil(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 4_000

    assert parse(conv_bytes(spoil), "f").subgraphs[0].operators[0].code == "UNKNOWN_4000"


def test_the_deprecated_operator_code_is_read() -> None:
    def spoil(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode = 0, schema.BuiltinOperator.CONV_2D

    assert parse(conv_bytes(spoil), "f").subgraphs[0].operators[0].code == "CONV_2D"


def test_a_custom_operator() -> None:
    def spoil(model: Any) -> None:
        model.operatorCodes[0] = operator_code("CUSTOM")
        model.operatorCodes[0].customCode = b"MyOp"
        conv = graph_of(model).operators[0]
        conv.builtinOptionsType, conv.builtinOptions = 0, None
        conv.customOptions = np.array([1, 2, 3], np.uint8)

    (op,) = parse(conv_bytes(spoil), "f").subgraphs[0].operators
    assert (op.code, op.custom_code, op.custom_options, op.options) == (
        "CUSTOM",
        "MyOp",
        b"\1\2\3",
        {},
    )


def add_tensor(model: Any, made: Any, data: bytes | None = None) -> None:
    """Append a tensor and, with `data`, its constant."""
    if data is not None:
        made.buffer = len(model.buffers)
        model.buffers.append(buffer(data))
    graph_of(model).tensors.append(made)


def test_packed_and_empty_constants() -> None:
    def extend(model: Any) -> None:
        add_tensor(model, tensor("nibbles", [3], "INT4"), b"\x21\x03")
        add_tensor(model, tensor("nothing", [0], "INT32"), b"")

    *_, nibbles, nothing = parse(conv_bytes(extend), "f").subgraphs[0].tensors
    assert nibbles.buffer is not None
    assert nibbles.buffer.tolist() == [0x21, 3]
    assert nothing.buffer is not None
    assert nothing.buffer.size == 0


def test_buffers_after_the_flatbuffer() -> None:
    def move(model: Any) -> None:
        model.buffers[1].data = None
        model.buffers[1].offset, model.buffers[1].size = 4_000, 12

    data = conv_bytes(move)
    whole = data.ljust(4_000, b"\0") + bytes(range(12))
    weights = parse(whole, "f").subgraphs[0].tensors[1]
    assert weights.array().ravel().tolist() == list(range(12))
    with pytest.raises(InvalidModel, match=r"bytes 4000 to 4012 are beyond the file's 4011"):
        parse(whole[:-1], "f")


def test_weights_in_another_file_are_unsupported() -> None:
    with pytest.raises(UnsupportedModel, match="another file"):
        parse(conv_bytes(change("externalBuffer", 1, 1)), "f")


def add_signature(model: Any, subgraph: int = 0, index: int = 0) -> None:
    entry = schema.SignatureDefT()
    entry.signatureKey, entry.subgraphIndex = b"serving_default", subgraph
    parameter = schema.TensorMapT()
    parameter.name, parameter.tensorIndex = b"image", index
    entry.inputs, entry.outputs = [parameter], []
    model.signatureDefs = [entry]


def test_signatures() -> None:
    (entry,) = parse(conv_bytes(add_signature), "f").signatures
    assert (entry.key, entry.subgraph, entry.inputs) == ("serving_default", 0, {"image": 0})
    with pytest.raises(InvalidModel, match="subgraph 1 does not exist"):
        parse(conv_bytes(lambda m: add_signature(m, subgraph=1)), "f")
    with pytest.raises(InvalidModel, match="tensor 4 does not exist"):
        parse(conv_bytes(lambda m: add_signature(m, index=4)), "f")


def add_metadata(model: Any, number: int) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"notes", number
    model.metadata = [entry]


def test_metadata() -> None:
    notes = parse(conv_bytes(lambda m: add_metadata(m, 1)), "f").metadata["notes"]
    assert notes.tolist() == list(range(12))
    with pytest.raises(InvalidModel, match="buffer 7 does not exist"):
        parse(conv_bytes(lambda m: add_metadata(m, 7)), "f")


def call(model: Any, target: int) -> None:
    """Append a CALL_ONCE of a subgraph to subgraph 0."""
    model.operatorCodes.append(operator_code("CALL_ONCE"))
    made = operator([], [], code=1)
    made.builtinOptionsType = schema.BuiltinOptions.CallOnceOptions
    made.builtinOptions = schema.CallOnceOptionsT()
    made.builtinOptions.initSubgraphIndex = target
    graph_of(model).operators.append(made)


def test_calls_of_subgraphs() -> None:
    def call_another(model: Any) -> None:
        call(model, 1)
        other = schema.SubGraphT()
        other.tensors, other.operators, other.inputs, other.outputs = [], [], [], []
        model.subgraphs.append(other)

    assert len(parse(conv_bytes(call_another), "f").subgraphs) == 2
    with pytest.raises(InvalidModel, match="init_subgraph_index 5: there are 1"):
        parse(conv_bytes(lambda m: call(m, 5)), "f")
    with pytest.raises(InvalidModel, match="in a circle"):
        parse(conv_bytes(lambda m: call(m, 0)), "f")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"TFL3", "only 4 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "Git LFS pointer"),
        (b"\x08\x00\x00\x00ONNXetc.", "not a .tflite file"),
        (conv_bytes()[:300], "damaged file"),
    ],
)
def test_what_is_not_a_model(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InvalidModel, match=what):
        read(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="this is a directory"):
        read(tmp_path)
    with pytest.raises(InvalidModel, match="No such file"):
        read(tmp_path / "absent.tflite")
    with pytest.raises(InvalidModel, match="not a regular file"):
        read(Path("/dev/null"))
    with pytest.raises(InvalidModel, match="cannot read"):
        read(tmp_path / "a\0b")


def shared_offsets(fan: int) -> bytes:
    """A model whose subgraphs are all one, whose tensors are all one: fan * fan visits."""
    made = flatbuffers.Builder(1024)
    made.StartObject(0)
    tensor_table = made.EndObject()
    tensors = repeated(made, tensor_table, fan)
    schema.SubGraphStart(made)
    schema.SubGraphAddTensors(made, tensors)
    graphs = repeated(made, schema.SubGraphEnd(made), fan)
    schema.ModelStart(made)
    schema.ModelAddVersion(made, 3)
    schema.ModelAddSubgraphs(made, graphs)
    made.Finish(schema.ModelEnd(made), file_identifier=b"TFL3")
    return bytes(made.Output())


def repeated(made: flatbuffers.Builder, table: int, count: int) -> int:
    made.StartVector(4, count, 4)
    for _ in range(count):
        made.PrependUOffsetTRelative(table)
    return int(made.EndVector())


def test_shared_offsets_are_bounded() -> None:
    assert len(parse(shared_offsets(20), "few.tflite").subgraphs) == 20
    bomb = shared_offsets(10_000)
    assert len(bomb) < 90_000
    with pytest.raises(InvalidModel, match="many of its offsets lead to the same place"):
        parse(bomb, "bomb.tflite")


def test_names_of_the_schema() -> None:
    assert snake_case("StrideW") == "stride_w"
    assert snake_case("FusedActivationFunction") == "fused_activation_function"


def parses_or_refuses(data: bytes) -> bool:
    """Whether damaged bytes still parse; anything but an EdgewrightError fails the test."""
    try:
        parse(data, "mutated.tflite")
    except EdgewrightError:
        return False
    return True


def test_damaged_small_files_are_errors() -> None:
    results = [parses_or_refuses(data) for data in mutated([conv_bytes()], 400, seed=1)]
    assert 20 < sum(results) < 380  # both happen, so the damage reaches what it should


def real_files(models: Path) -> list[Path]:
    return sorted(path for path in models.rglob("*.tflite") if "negative" not in path.parts)


@pytest.mark.models
def test_damaged_real_files_are_errors(models: Path) -> None:
    files = [p.read_bytes() for p in real_files(models) if p.stat().st_size < 600_000]
    results = [parses_or_refuses(data) for data in mutated(files, 300, seed=2)]
    assert 20 < sum(results) < 280


@pytest.mark.models
def test_every_real_file_is_read(models: Path) -> None:
    for path in real_files(models):
        model = read(path)
        assert model.subgraphs[0].operators, path


@pytest.mark.models
def test_a_git_lfs_pointer_is_named(models: Path) -> None:
    with pytest.raises(InvalidModel, match="Git LFS") as caught:
        read(models / "negative/git_lfs_pointer.tflite")
    assert "git lfs pull" in str(caught.value.help)
