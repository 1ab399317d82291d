from typing import Any

import numpy as np
import onnx
import pytest

from edgewright.errors import EdgewrightError
from tests.importers.onnx.harness import Array, check, floats, imported, model, node, operators

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, INPUTS, UNITS = 5, 2, 3, 4


def cell(
    op: str,
    direction: str = "forward",
    bias: bool = True,
    initial: bool = True,
    layout: int = 0,
    **attrs: Any,
) -> tuple[onnx.NodeProto, dict[str, Array], dict[str, Array]]:
    """(node, inputs, constants) of a recurrent operator."""
    count, rows = 2 if direction == "bidirectional" else 1, GATES[op] * UNITS
    constants = {"w": floats(count, rows, INPUTS, seed=1), "r": floats(count, rows, UNITS, seed=2)}
    names = ["x", "w", "r", "", "", ""]
    if bias:
        constants["b"], names[3] = floats(count, 2 * rows, seed=3), "b"
    inputs = {"x": floats(STEPS, BATCH, INPUTS)}
    state = (count, BATCH, UNITS)
    if layout:
        inputs["x"] = floats(BATCH, STEPS, INPUTS)
        state = (BATCH, count, UNITS)
    if initial:
        inputs["h"], names[5] = floats(*state, seed=4), "h"
        if op == "LSTM":
            inputs["c"] = floats(*state, seed=5)
            names.append("c")
    outputs = ["y", "yh", *(["yc"] if op == "LSTM" else [])]
    attrs = {"hidden_size": UNITS, "direction": direction, **attrs}
    if layout:
        attrs["layout"] = 1
    return node(op, names, outputs, **attrs), inputs, constants


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("initial", [True, False])
def test_agrees(op: str, direction: str, bias: bool, initial: bool) -> None:
    made, inputs, constants = cell(op, direction, bias, initial)
    check(made, inputs, constants, opset=14)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_gru_that_resets_after_the_product(direction: str) -> None:
    made, inputs, constants = cell("GRU", direction, linear_before_reset=1)
    check(made, inputs, constants)


def test_lstm_is_one_operator_per_direction() -> None:
    made, inputs, constants = cell("LSTM", "bidirectional", initial=False)
    assert operators(check(made, inputs, constants)).count("lstm") == 2


def test_batch_first() -> None:
    """ONNX Runtime has no `layout`; the same numbers with the axes exchanged are the oracle."""
    made, inputs, constants = cell("LSTM", "bidirectional", layout=1)
    from edgewright.ops.interpreter import Interpreter
    from tests.importers.onnx.harness import compare, oracle

    proto = model([made], inputs, list(made.output), constants, opset=14)
    got = Interpreter(imported(proto)).run(inputs)
    plain, _, _ = cell("LSTM", "bidirectional")
    turned = {k: v.transpose(1, 0, 2) for k, v in inputs.items()}
    wanted = oracle(model([plain], turned, list(plain.output), constants, opset=14), turned)
    assert got["y"].shape == (BATCH, STEPS, 2, UNITS)
    compare({"y": got["y"].transpose(1, 2, 0, 3)}, {"y": wanted["y"]})
    compare({"h": got["yh"].transpose(1, 0, 2)}, {"h": wanted["yh"]})


def test_lengths_that_are_all_full_are_accepted() -> None:
    made, inputs, constants = cell("LSTM")
    made.input[4] = "lengths"
    check(made, inputs, constants | {"lengths": np.full(BATCH, STEPS, np.int32)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": 1.0}, "clip"),
        ({"input_forget": 1}, "input_forget"),
        ({"activations": ["Sigmoid", "Relu", "Tanh"]}, "activations"),
    ],
)
def test_variants_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    made, inputs, constants = cell("LSTM", **change)
    with pytest.raises(EdgewrightError, match=message):
        imported(model([made], inputs, ["y"], constants))


def test_peepholes_are_refused_by_name() -> None:
    made, inputs, constants = cell("LSTM")
    made.input.append("p")
    constants["p"] = floats(1, 3 * UNITS)
    with pytest.raises(EdgewrightError, match="peepholes"):
        imported(model([made], inputs, ["y"], constants))
