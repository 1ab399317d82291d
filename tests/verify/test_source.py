"""What an oracle is given, and how far from it a model may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import edgewright as ew
from edgewright import ops
from edgewright.errors import InvalidInput
from edgewright.graph import parse_module
from edgewright.pipeline.prove import draw_vectors, source_file
from edgewright.verify import oracles, source
from edgewright.verify.reshaped import without_sizes
from edgewright.verify.samples import draw
from edgewright.verify.source import compare_with_source, rounded_outputs


def accumulator(path: Path) -> Path:
    """y = x + s, and s becomes y."""
    shape = [1, 3]
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in "xsy"]
    out = helper.make_tensor_value_info("z", TensorProto.FLOAT, shape)
    nodes = [helper.make_node("Add", ["x", "s"], ["y"]), helper.make_node("Neg", ["y"], ["z"])]
    graph = helper.make_graph(nodes, "g", info[:2], [info[2], out])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def test_tied_states_are_fed_back_to_the_oracle(tmp_path: Path) -> None:
    model = ew.load_model(accumulator(tmp_path / "sum.onnx"), states={"s": "y"})
    samples, actual = draw_vectors(model)
    assert len(samples) > 2
    total = np.cumsum([s["x"] for s in samples], axis=0, dtype=np.float32)
    np.testing.assert_allclose([a["z"] for a in actual], -total, rtol=1e-6)
    names = [v.name for v in model.module.main.outputs]
    info, _ = compare_with_source(source_file(model), "float", names, samples, actual, False)
    assert info.max_error <= 1e-6
    shuffled = [actual[0], actual[0], *actual[2:]]
    info, _ = compare_with_source(source_file(model), "float", names, samples, shuffled, False)
    assert info.max_error > info.tolerance


DEQUANTIZED = """module requantization="fixed"
graph main(%x: int8[1,4]<0.5:3>) -> (%numbers, %moved, %computed) {
  %numbers = dequantize(%x)
  %moved = reshape(%numbers) {shape=[2,2]}
  %computed = exp(%moved)
}
"""


def test_only_outputs_that_are_computed_in_float_may_be_rounded_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = parse_module(DEQUANTIZED, infer=ops.infer).main
    assert rounded_outputs(graph) == {"computed"}
    exact = {name: np.array([-1.0, 1.0], np.float32) for name in ("numbers", "computed")}
    answer = source.Answer([exact], "litert_ref", "LiteRT")
    monkeypatch.setattr(source, "source_outputs", lambda *_: answer)

    def judged(**changes: float) -> tuple[float, float]:
        actual = {name: array + np.float32(changes.get(name, 0.0)) for name, array in exact.items()}
        some = source_file(ew.load_model(accumulator(tmp_path / "sum.onnx")))
        info, _ = compare_with_source(
            some, "fixed", list(exact), [{}], [actual], True, {"computed"}
        )
        return info.max_error, info.tolerance

    assert judged() == (0.0, 0.0)
    error, tolerance = judged(computed=1e-6)
    assert 0 < error < tolerance
    for changes in ({"numbers": 1e-6}, {"numbers": 1e-6, "computed": 1e-6}):
        error, tolerance = judged(**changes)
        assert error > tolerance == 0.0


def test_sizes_of_the_file_can_be_opened(tmp_path: Path) -> None:
    path = accumulator(tmp_path / "sum.onnx")
    x = np.ones((1, 5), np.float32)
    with pytest.raises(oracles.OracleRefused):
        oracles.run("onnxruntime", path, [{"x": x, "s": x}])
    (answer,) = oracles.run(
        "onnxruntime", without_sizes(path.read_bytes(), ["x", "s"]), [{"x": x, "s": x}]
    )
    assert answer["y"].tolist() == [[2.0] * 5]


LOOKUP = """module requantization="float"
graph main(%n: int64[], %x: float32[4]) -> (%y) {
  %k = cast(%n) {to="int64"}
  %y = gather(%x, %k) {axis=0}
}
"""


def test_made_up_indices_stay_within_their_table() -> None:
    graph = parse_module(LOOKUP, infer=ops.infer).main
    found = {int(s["n"]) for seed in range(30) for s in draw(graph, 4, seed=seed)}
    assert found == {0, 1, 2, 3}


def test_made_up_integers_keep_to_the_contracts_range() -> None:
    text = LOOKUP.replace("gather(%x, %k) {axis=0}", "add(%n, %k)")
    graph = parse_module(text, infer=ops.infer).main
    found = {int(s["n"]) for seed in range(30) for s in draw(graph, 4, {"n": (4.6, 7.0)}, seed)}
    assert found <= {5, 6, 7}
    assert len(found) > 1
    wide = {int(s["n"]) for seed in range(30) for s in draw(graph, 4, seed=seed)}
    assert min(wide) < -50
    assert max(wide) > 50


def test_inputs_that_the_model_refuses_are_drawn_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ew.load_model(accumulator(tmp_path / "sum.onnx"))
    asked: list[int] = []

    def record(graph: object, count: int, ranges: object, seed: int, most: int) -> list[object]:
        asked.append(most)
        return []

    def refuse(*_: object) -> None:
        raise InvalidInput(f"{asked[-1]} is too large")

    monkeypatch.setattr("edgewright.pipeline.prove.draw", record)
    monkeypatch.setattr("edgewright.pipeline.prove.reference_outputs", refuse)
    with pytest.raises(InvalidInput, match="1 is too large") as caught:
        draw_vectors(model)
    assert "range" in str(caught.value.help)
    assert asked == sorted(asked, reverse=True)
    assert len(asked) > 1
