"""Oracles run apart: what they answer, refuse, and how a crash or a hang is reported."""

from pathlib import Path

import numpy as np
import pytest

from edgewright.errors import MissingPackage
from edgewright.verify import oracles
from edgewright.verify.oracles.protocol import pack, unpack
from edgewright.verify.oracles.single_op import Operand, build, cut

X = np.array([[-128, -3, 0, 100]], np.int8)


def relu() -> bytes:
    operands = (Operand(name, np.int8, X.shape, (0.5,), (0,)) for name in ("x", "y"))
    x, y = operands
    return build("RELU", [x], [y], version=2)


def counter() -> bytes:
    """A model that adds its input to a variable: state across calls."""
    from ai_edge_litert import schema_py_generated as schema

    options = schema.SVDFOptionsT()
    options.rank = 1
    ones = np.ones((1, 2), np.float32)
    return build(
        "SVDF",
        [
            Operand("x", np.float32, (1, 1)),
            Operand("feature", np.float32, (1, 1), data=np.ones((1, 1), np.float32)),
            Operand("time", np.float32, (1, 2), data=ones),
            None,
            Operand("state", np.float32, (1, 2), state=True),
        ],
        [Operand("y", np.float32, (1, 1))],
        options,
    )


@pytest.mark.parametrize("kind", ["litert", "litert_ref", "tflm"])
def test_answers_by_name(kind: oracles.Kind) -> None:
    if kind == "tflm":
        pytest.importorskip("tflite_micro")
    (answer,) = oracles.run(kind, relu(), [{"x": X}])
    assert {name: y.tolist() for name, y in answer.items()} == {"y": [[0, 0, 0, 100]]}


@pytest.mark.parametrize("kind", ["litert", "litert_ref"])
def test_state_carries_over_within_a_job_only(kind: oracles.Kind) -> None:
    inputs = [{"x": np.full((1, 1), value, np.float32)} for value in (1, 10)]
    for _ in range(2):
        answers = oracles.run(kind, counter(), inputs)
        assert [a["y"].item() for a in answers] == [1.0, 11.0]


def test_path_and_intermediates(tmp_path: Path) -> None:
    path = tmp_path / "relu.tflite"
    path.write_bytes(relu())
    (answer,) = oracles.run("litert_ref", path, [{"x": X}], intermediates=True)
    assert sorted(answer) == ["#0", "#1", "x", "y"]
    np.testing.assert_array_equal(answer["#0"], X)


def test_intermediates_of_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    made = [onnx.helper.make_node("Neg", ["x"], ["t"]), onnx.helper.make_node("Abs", ["t"], ["y"])]
    float32 = onnx.TensorProto.FLOAT
    ends = [onnx.helper.make_tensor_value_info(name, float32, [2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph(made, "g", [ends[0]], [ends[1]])
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    x = np.array([1, -2], np.float32)
    (answer,) = oracles.run("onnxruntime", model, [{"x": x}], intermediates=True)
    assert {name: y.tolist() for name, y in answer.items()} == {"y": [1, 2], "t": [-1, 2]}


@pytest.mark.parametrize("kind", ["litert", "litert_ref", "tflm", "onnxruntime"])
@pytest.mark.parametrize("model", [b"", b"hello", b"\0" * 4096])
def test_nonsense_is_an_error(kind: oracles.Kind, model: bytes) -> None:
    if kind == "tflm":
        pytest.importorskip("tflite_micro")
    with pytest.raises((oracles.OracleRefused, oracles.OracleCrashed)):
        oracles.run(kind, model, [{"x": X}])


def test_refusal_holds_the_oracles_words_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(relu())
    with pytest.raises(oracles.OracleRefused) as caught:
        oracles.run("litert", path, [{"z": X}])
    assert "inputs are ['x'], got ['z']" in caught.value.what
    assert caught.value.where == str(path)


def test_crash_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(oracles.OracleCrashed, match="ONNX Runtime was killed by SIGABRT"):
        oracles.run("onnxruntime", b"x", [{}])


def test_memory_limit_is_an_error() -> None:
    with pytest.raises((oracles.OracleCrashed, oracles.OracleRefused)):
        oracles.run("litert", relu(), [{"x": X}], memory_bytes=64 << 20)


def test_timeout_is_an_error() -> None:
    with pytest.raises(oracles.OracleTimedOut, match="longer than 0.01 s"):
        oracles.run("litert", relu(), [{"x": X}], timeout_s=0.01)


def test_missing_package_names_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError('no', name='onnxruntime')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MissingPackage) as caught:
        oracles.run("onnxruntime", b"x", [{}])
    assert caught.value.help == "pip install onnxruntime"


def test_protocol_round_trip_and_refusal_of_objects() -> None:
    runs: list[oracles.Tensors] = [{"a/b": X, "file": np.zeros((0, 2))}, {}]
    header, back, blob = unpack(pack({"k": [1, None]}, runs, b"model"))
    assert (header, blob, [list(run) for run in back]) == (
        {"k": [1, None]},
        b"model",
        [["a/b", "file"], []],
    )
    np.testing.assert_array_equal(back[0]["a/b"], X)
    with pytest.raises(ValueError):
        pack({}, [{"x": np.array([{}], object)}])
    with pytest.raises(ValueError, match="not a message"):
        unpack(b"PK nonsense")


def test_cut_keeps_names_and_constants() -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(counter(), 0)
    graph = model.subgraphs[0]
    graph.operators.append(graph.operators[0])
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    single = cut(bytes(builder.Output()), 1)
    assert len(schema.ModelT.InitFromPackedBuf(single, 0).subgraphs[0].operators) == 1
    (answer,) = oracles.run("litert", single, [{"x": np.ones((1, 1), np.float32)}])
    assert answer["y"].item() == 1.0
