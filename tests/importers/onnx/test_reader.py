from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgewright.errors import EdgewrightError, InvalidModel, UnsupportedModel
from edgewright.importers.onnx.folds import guard_folds
from edgewright.importers.onnx.reader import MAX_GRAPH_DEPTH, parse, read
from tests.importers.mutations import mutated

FLOAT = TensorProto.FLOAT
NOWHERE = Path("/nonexistent")


def value(name: str, shape: Sequence[int | str] = (1, 3), type: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, type, list(shape))


def weight(name: str = "w", shape: Sequence[int] = (3, 2)) -> TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def matmul_model(change: Callable[[ModelProto], object] = lambda model: None) -> ModelProto:
    """y = relu(x @ w) after a change."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="mm"),
        helper.make_node("Relu", ["h"], ["y"], name="relu"),
    ]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y", (1, 2))], [weight()])
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    change(model)
    return model


def parsed(model: ModelProto, folder: Path = NOWHERE) -> ModelProto:
    return parse(model.SerializeToString(), "m.onnx", folder)


def test_reads_a_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(matmul_model(), path)
    assert read(path) == matmul_model()


def first(model: ModelProto) -> onnx.NodeProto:
    node: onnx.NodeProto = model.graph.node[0]
    return node


def add_node(model: ModelProto, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
    model.graph.node.append(helper.make_node("Relu", inputs, outputs, **attributes))


def attribute(kind: int, **fields: Any) -> Callable[[ModelProto], None]:
    def spoil(model: ModelProto) -> None:
        first(model).attribute.add(name="a", type=kind, **fields)

    return spoil


def raw(size: int) -> Callable[[ModelProto], None]:
    return lambda model: setattr(model.graph.initializer[0], "raw_data", bytes(size))


def typed(model: ModelProto, field: str, values: list[Any]) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    getattr(tensor, field).extend(values)


CASES: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "no graph": (lambda m: m.ClearField("graph"), "it has no graph"),
    "no opset": (lambda m: m.ClearField("opset_import"), "names no opset"),
    "opsets": (
        lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 18)),
        "imported in 2 versions",
    ),
    "domain": (
        lambda m: setattr(m.opset_import[0], "domain", "x"),
        "no opset is imported for ONNX",
    ),
    "data": (raw(23), "call for 24 bytes, its data has 23"),
    "no data": (raw(0), "call for 24 bytes, its data has 0"),
    "typed data": (lambda m: typed(m, "float_data", [0.0] * 5), "6 values, its data has 5"),
    "wrong field": (lambda m: typed(m, "int64_data", [0] * 6), "in int64_data instead of float"),
    "both fields": (lambda m: m.graph.initializer[0].float_data.extend([0.0] * 6), "both in raw"),
    "type": (lambda m: setattr(m.graph.initializer[0], "data_type", 99), "unknown element type 99"),
    "negative dim": (lambda m: m.graph.initializer[0].dims.__setitem__(0, -3), "impossible dims"),
    "huge dims": (
        lambda m: m.graph.initializer[0].dims.extend([2**40, 2**40]),
        "call for",
    ),
    "two weights": (lambda m: m.graph.initializer.append(weight()), "two initializers are named"),
    "two inputs": (lambda m: m.graph.input.append(value("x")), "two inputs are named 'x'"),
    "set twice": (lambda m: add_node(m, ["x"], ["h"]), "sets 'h', which is set already"),
    "set input": (lambda m: add_node(m, ["h"], ["x"]), "sets 'x', which is set already"),
    "undefined": (lambda m: add_node(m, ["nothing"], ["z"]), "reads 'nothing'"),
    "circle": (lambda m: first(m).input.__setitem__(0, "y"), "reads 'y', which nothing before"),
    "output": (lambda m: m.graph.output.append(value("z")), "nothing sets the output 'z'"),
    "shape": (lambda m: m.graph.input.append(value("z", (-2, 3))), "impossible shape"),
    "huge shape": (lambda m: m.graph.input.append(value("z", (2**31, 2**31))), "more than 2 GiB"),
    "elem type": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 77),
        "unknown element type 77",
    ),
    "attribute type": (attribute(0, i=1), "unknown attribute type 0"),
    "attribute field": (attribute(onnx.AttributeProto.FLOAT, i=1), "in 'i', but its type says 'f'"),
    "attribute without value": (
        attribute(onnx.AttributeProto.TENSOR),
        "no value in 't', as its type demands",
    ),
    "attribute reference": (
        attribute(onnx.AttributeProto.INT, ref_attr_name="b"),
        "outside of a function",
    ),
    "attribute tensor": (
        attribute(onnx.AttributeProto.TENSOR, t=TensorProto(data_type=FLOAT, dims=[4])),
        "4 values, its data has 0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_contradictions_are_errors(case: str) -> None:
    spoil, what = CASES[case]
    with pytest.raises(InvalidModel, match=what) as caught:
        parsed(matmul_model(spoil))
    assert str(caught.value.where).startswith("m.onnx")


def test_an_opset_may_be_named_twice() -> None:
    parsed(matmul_model(lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 17))))


def test_the_error_names_the_node() -> None:
    with pytest.raises(InvalidModel) as caught:
        parsed(matmul_model(lambda m: first(m).input.__setitem__(0, "y")))
    assert caught.value.where == "m.onnx: node 0 'mm' (MatMul)"


def test_duplicate_attributes() -> None:
    def spoil(model: ModelProto) -> None:
        first(model).attribute.extend([helper.make_attribute("a", 1)] * 2)

    with pytest.raises(InvalidModel, match="two attributes are named 'a'"):
        parsed(matmul_model(spoil))


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda m: setattr(m, "ir_version", onnx.IR_VERSION + 1), "IR version"),
        (lambda m: setattr(m.opset_import[0], "version", 6), "opset 6 is older than 7"),
        (lambda m: setattr(m.opset_import[0], "version", 1_000), "opset 1000 is newer"),
        (
            lambda m: m.graph.sparse_initializer.append(onnx.SparseTensorProto(values=weight())),
            "sparse initializer 'w'",
        ),
        (
            lambda m: m.graph.initializer[0].segment.CopyFrom(TensorProto.Segment(begin=0)),
            "segments",
        ),
    ],
)
def test_what_is_sound_but_not_read(spoil: Callable[[ModelProto], object], what: str) -> None:
    with pytest.raises(UnsupportedModel, match=what):
        parsed(matmul_model(spoil))


def test_a_dim_of_minus_one_is_unknown() -> None:
    model = parsed(matmul_model(lambda m: m.graph.input[0].CopyFrom(value("x", (-1, 3)))))
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.HasField("dim_value") for dim in dims] == [False, True]


def test_text_that_is_not_utf8() -> None:
    data = matmul_model().SerializeToString().replace(b"relu", b"re\xff\xff")
    with pytest.raises(InvalidModel, match="not UTF-8"):
        parse(data, "m.onnx", NOWHERE)


@pytest.mark.parametrize("content", [b"hello, I am not a model", b"\x08\x07\x3a\x05ab", b"TFL3"])
def test_what_is_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(InvalidModel, match=r"not an ONNX|names no opset"):
        read(path)


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"")
    with pytest.raises(InvalidModel, match="the file is empty"):
        read(path)
    with pytest.raises(InvalidModel, match="this is a directory"):
        read(tmp_path)


def nested(depth: int) -> onnx.GraphProto:
    """Ifs in Ifs."""
    output = value(f"o{depth}", (1,))
    if not depth:
        node = helper.make_node("Constant", [], ["o0"], value=weight("c", (1,)))
        return helper.make_graph([node], "leaf", [], [output])
    inner = nested(depth - 1)
    node = helper.make_node("If", ["c"], [f"o{depth}"], then_branch=inner, else_branch=inner)
    return helper.make_graph([node], f"g{depth}", [], [output])


def test_nesting_is_bounded() -> None:
    def nest(depth: int) -> ModelProto:
        graph = nested(depth)
        graph.input.append(value("c", (), TensorProto.BOOL))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    parsed(nest(3))
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["o"], value=weight("c", (1,)))],
        "leaf",
        [],
        [value("o", (1,))],
    )
    for _ in range(MAX_GRAPH_DEPTH):  # one branch only, so that the file stays small
        node = helper.make_node("Loop", ["", "c"], ["o"], body=graph)
        graph = helper.make_graph([node], "g", [], [value("o", (1,))])
    graph.input.append(value("c", (), TensorProto.BOOL))
    deep = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(InvalidModel, match="nest more than 16 deep"):
        parsed(deep)


def test_a_subgraph_reads_the_values_around_it() -> None:
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["i"])], "b", [], [value("i")])
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    inputs = [value("x"), value("c", (), TensorProto.BOOL)]
    graph = helper.make_graph([node], "g", inputs, [value("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    parsed(model)
    del model.graph.input[0]
    with pytest.raises(InvalidModel, match="reads 'x'") as caught:
        parsed(model)
    assert "attribute 'else_branch': node 0" in str(caught.value.where)


def with_functions(calls: dict[str, list[str]]) -> ModelProto:
    """A model that calls f0; each function calls those listed."""

    def add(model: ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid("own", 1))
        model.graph.node.append(helper.make_node("f0", ["x"], ["z"], domain="own"))
        for name, called in calls.items():
            nodes = [
                helper.make_node(callee, ["a"], [f"b{i}"], domain="own")
                for i, callee in enumerate(called)
            ]
            nodes.append(helper.make_node("Relu", ["a"], ["r"]))
            opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
            model.functions.append(
                helper.make_function("own", name, ["a"], ["r"], nodes, opset_imports=opsets)
            )

    return matmul_model(add)


def test_functions() -> None:
    parsed(with_functions({"f0": ["f1", "f1"], "f1": []}))
    with pytest.raises(InvalidModel, match="'f0' calls itself"):
        parsed(with_functions({"f0": ["f1"], "f1": ["f0"]}))


def test_functions_that_expand_without_end() -> None:
    bomb = {f"f{i}": [f"f{i + 1}"] * 10 for i in range(12)} | {"f12": []}
    with pytest.raises(InvalidModel, match="its functions expand to [0-9]{10,} nodes"):
        parsed(with_functions(bomb))


def external(**entries: str) -> ModelProto:
    """The model, its weight in another file."""

    def move(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, text in entries.items():
            tensor.external_data.add(key=key, value=text)

    return matmul_model(move)


def test_external_data_is_loaded(tmp_path: Path) -> None:
    data = np.arange(8, dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(data.tobytes())
    model = parsed(external(location="w.bin", offset="8", length="24"), tmp_path)
    tensor = model.graph.initializer[0]
    np.testing.assert_array_equal(numpy_helper.to_array(tensor).ravel(), data[2:])
    assert tensor.data_location == TensorProto.DEFAULT


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ({"location": "../secret.bin"}, "outside of the folder"),
        ({"location": "/etc/passwd"}, "outside of the folder"),
        ({"location": "link.bin"}, "outside of the folder"),
        ({"location": ""}, "outside of the folder"),
        ({"location": "absent.bin"}, "no external data file"),
        ({"location": "."}, "no external data file"),
        ({"location": "a\0b"}, "cannot be read"),
        ({"location": "w.bin", "offset": "9"}, "beyond the end of w.bin"),
        ({"location": "w.bin", "offset": "-4"}, "'-4' of the external data is not a number"),
        ({"location": "w.bin", "length": "20"}, "call for 24 bytes, but 20 are stated"),
        ({"location": "w.bin", "length": "1e3"}, "is not a number"),
    ],
)
def test_external_data_stays_in_the_folder(
    tmp_path: Path, entries: dict[str, str], what: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    (folder / "w.bin").write_bytes(bytes(32))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(InvalidModel, match=what):
        parsed(external(**entries), folder)


def packed(type: int, dims: list[int], **data: Any) -> Callable[[ModelProto], None]:
    def replace(model: ModelProto) -> None:
        model.graph.initializer[0].CopyFrom(
            TensorProto(name="w", data_type=type, dims=dims, **data)
        )

    return replace


@pytest.mark.parametrize(
    "change",
    [
        packed(TensorProto.INT4, [3], raw_data=b"\x21\x03"),
        packed(TensorProto.INT4, [3], int32_data=[0x21, 3]),
        packed(TensorProto.COMPLEX64, [2], float_data=[1, 2, 3, 4]),
        packed(TensorProto.STRING, [2], string_data=[b"a", b"b"]),
        packed(TensorProto.FLOAT16, [2], int32_data=[1, 2]),
        packed(TensorProto.FLOAT, [0]),
        packed(TensorProto.FLOAT, [], raw_data=bytes(4)),
    ],
)
def test_sound_tensors_of_all_kinds(change: Callable[[ModelProto], None]) -> None:
    parsed(matmul_model(change))


def folding(nodes: list[onnx.NodeProto], **weights: Any) -> ModelProto:
    tensors = [numpy_helper.from_array(np.asarray(v), name) for name, v in weights.items()]
    nodes.append(helper.make_node("Add", [nodes[-1].output[0], "x"], ["y"]))
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y", ("n",))], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


ONE = np.ones(1, np.float32)
BOMBS = {
    "expand": folding(
        [helper.make_node("Expand", ["c", "s"], ["e"])], c=ONE, s=np.array([20_000, 20_000])
    ),
    "tile": folding(
        [helper.make_node("Tile", ["c", "s"], ["e"])], c=ONE, s=np.array([400_000_000])
    ),
    "constant_of_shape": folding(
        [helper.make_node("ConstantOfShape", ["s"], ["e"])], s=np.array([20_000, 20_000])
    ),
    "range": folding(
        [helper.make_node("Range", ["a", "b", "d"], ["e"])],
        a=np.int64(0),
        b=np.int64(400_000_000),
        d=np.int64(1),
    ),
    "computed shape": folding(
        [
            helper.make_node("Mul", ["s", "s"], ["s2"]),
            helper.make_node("Concat", ["s2", "s"], ["s3"], axis=0),
            helper.make_node("Expand", ["c", "s3"], ["e"]),
        ],
        c=ONE,
        s=np.array([1_000]),
    ),
    "shape of a value": folding(
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Mul", ["s", "k"], ["s2"]),
            helper.make_node("Expand", ["c", "s2"], ["e"]),
        ],
        c=ONE,
        k=np.array([20_000, 20_000]),
    ),
    "lying value_info": folding(
        [helper.make_node("Expand", ["c", "s"], ["e"])], c=ONE, s=np.array([20_000, 20_000])
    ),
}
BOMBS["lying value_info"].graph.value_info.append(value("e", (1,)))


@pytest.mark.parametrize("name", BOMBS)
def test_constants_do_not_fold_to_gigabytes(name: str) -> None:
    model = parsed(BOMBS[name])
    assert model.ByteSize() < 300
    with pytest.raises(
        InvalidModel, match=r"'e' is constant and would take [0-9]+ bytes"
    ) as caught:
        guard_folds(model, "m.onnx")
    assert str(caught.value.where).startswith("m.onnx: node ")


def test_many_constants_do_not_fold_to_gigabytes_together() -> None:
    nodes = [helper.make_node("Expand", ["c", "s"], [f"e{i}"]) for i in range(20)]
    model = parsed(folding(nodes, c=ONE, s=np.array([4_000, 1_000])))
    guard_folds(model, "m.onnx", limit_bytes=500_000_000)
    with pytest.raises(InvalidModel, match=r"'e1[0-9]' is constant and would take 16000000 bytes"):
        guard_folds(model, "m.onnx", limit_bytes=200_000_000)


def test_reading_guards_the_folds(tmp_path: Path) -> None:
    path = tmp_path / "bomb.onnx"
    onnx.save(BOMBS["expand"], path)
    with pytest.raises(InvalidModel, match="is constant and would take"):
        read(path)


def test_outer_products_of_constants() -> None:
    a = np.ones((20_000, 1), np.float32)
    model = parsed(folding([helper.make_node("Mul", ["a", "b"], ["e"])], a=a, b=a.T))
    with pytest.raises(InvalidModel, match="'e' is constant and would take 1600000000 bytes"):
        guard_folds(model, "m.onnx")
    guard_folds(model, "m.onnx", limit_bytes=2_000_000_000)


@pytest.mark.parametrize(("inputs", "outputs"), [([], ["s"]), (["c"], []), ([""], ["s"])])
def test_nodes_with_too_few_operands(inputs: list[str], outputs: list[str]) -> None:
    nodes = [helper.make_node("Shape", inputs, outputs), helper.make_node("Relu", ["c"], ["e"])]
    guard_folds(parsed(folding(nodes, c=ONE)), "m.onnx")


def test_what_depends_on_an_input_may_be_large() -> None:
    nodes = [helper.make_node("Expand", ["x", "s"], ["e"])]
    guard_folds(parsed(folding(nodes, s=np.array([20_000, 1, 3]))), "m.onnx")


def parses_or_refuses(data: bytes) -> bool:
    """Whether damaged bytes still parse; anything but an EdgewrightError fails the test."""
    try:
        guard_folds(parse(data, "mutated.onnx", NOWHERE), "mutated.onnx")
    except EdgewrightError:
        return False
    return True


def test_damaged_small_files_are_errors() -> None:
    files = [matmul_model().SerializeToString(), BOMBS["computed shape"].SerializeToString()]
    results = [parses_or_refuses(data) for data in mutated(files, 400, seed=1)]
    assert 5 < sum(results) < 380


@pytest.mark.models
def test_damaged_real_files_are_errors(models: Path) -> None:
    paths = sorted(models.rglob("*.onnx"))
    files = [path.read_bytes() for path in paths if path.stat().st_size < 600_000]
    results = [parses_or_refuses(data) for data in mutated(files, 300, seed=2)]
    assert 5 < sum(results) < 280


@pytest.mark.models
def test_every_real_file_is_read(models: Path) -> None:
    for path in sorted(models.rglob("*.onnx")):
        if path.name != "onnx_opset_missing_super_resolution.onnx":
            guard_folds(read(path), path.name)
