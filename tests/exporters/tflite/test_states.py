"""State between calls: resource variables, and the variables inside an LSTM."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright import ops
from edgewright.exporters.tflite import export
from edgewright.graph import Module, parse_module
from edgewright.importers.tflite.reader import parse
from edgewright.ops.interpreter import Interpreter
from tests.exporters.tflite.harness import Array, codes, floats

COUNTER = """module requantization="float"
state %count: float32[2] = [1.0, 2.0]
graph main(%x: float32[2]) -> (%y) {
  %old: float32[2] = read_state() {state="count"}
  %y = add(%x, %old)
  write_state(%y) {state="count"}
}"""
LSTM = """module requantization="float"
state %h: float32[1,2] = [0.0, 0.0]
state %c: float32[1,2] = [0.0, START]
graph main(%x: float32[3,1,2]) -> (%y) {
  const %w: float32[8,2] = [WEIGHTS]
  const %r: float32[8,2] = [WEIGHTS]
  %h0: float32[1,2] = read_state() {state="h"}
  %c0: float32[1,2] = read_state() {state="c"}
  %y, %h1, %c1 = lstm(%x, %w, %r, none, %h0, %c0)
  write_state(%h1) {state="h"}
  write_state(%c1) {state="c"}
}"""


def lstm(start: str = "0.0") -> Module:
    weights = ", ".join(f"{v:.3f}" for v in floats(16) / 4)
    text = LSTM.replace("START", start).replace("WEIGHTS", weights)
    return parse_module(text, infer=ops.infer)


def answers(module: Module, samples: list[Array]) -> tuple[list[Array], list[Array]]:
    """LiteRT's outputs and ours, call after call."""
    from ai_edge_litert import interpreter as runtime

    interpreter = runtime.Interpreter(model_content=export(module).data, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    got = []
    for x in samples:
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        got.append(np.array(interpreter.get_tensor(made["index"])))
    ours = Interpreter(module)
    return got, [ours.run({"x": x})["y"] for x in samples]


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (parse_module(COUNTER, infer=ops.infer), (2,)),
        (lstm(), (3, 1, 2)),
        (lstm("1.0"), (3, 1, 2)),
    ],
    ids=["a counter", "an lstm", "an lstm that does not begin at zero"],
)
def test_calls_follow_each_other(module: Module, shape: tuple[int, ...]) -> None:
    got, wanted = answers(module, [floats(*shape, seed=i) for i in range(3)])
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_variables_are_initialised_by_a_subgraph_of_their_own() -> None:
    model = parse(export(parse_module(COUNTER, infer=ops.infer)).data, "x")
    assert codes(model) == ["CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ADD", "ASSIGN_VARIABLE"]
    assert [op.code for op in model.subgraphs[1].operators] == ["VAR_HANDLE", "ASSIGN_VARIABLE"]


@pytest.mark.parametrize(("start", "fits"), [("0.0", True), ("1.0", False)])
def test_an_lstm_with_state_from_zero_is_the_operator_that_delegates_know(
    start: str, fits: bool
) -> None:
    found = codes(parse(export(lstm(start)).data, "x"))
    assert ("UNIDIRECTIONAL_SEQUENCE_LSTM" in found) == fits
    assert ("VAR_HANDLE" in found) == (not fits)
