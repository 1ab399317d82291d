"""LSTMs that begin each call anew; those that keep their state are in test_states.py."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite import export
from edgewright.graph import Module
from edgewright.importers.tflite.reader import parse
from edgewright.ops.interpreter import Interpreter
from tests.exporters.tflite.harness import check_op, codes, floats
from tests.ops.harness import const, one_node

WEIGHTS = (const(floats(12, 5) / 4), const(floats(12, 3) / 4), const(floats(12)))


@pytest.mark.parametrize("reverse", [False, True])
def test_few_steps_are_written_out(reverse: bool) -> None:
    model = check_op("lstm", [floats(3, 2, 5), *WEIGHTS], reverse=reverse)
    assert codes(model).count("TANH") == 2 * 3


def test_one_step() -> None:
    assert "UNPACK" not in codes(check_op("lstm", [floats(1, 2, 5), *WEIGHTS]))


def test_with_a_first_state_and_a_clip() -> None:
    operands = [floats(3, 2, 5), *WEIGHTS[:2], None, floats(2, 3), floats(2, 3, seed=1)]
    check_op("lstm", operands, cell_clip=0.5)


def sequence(reverse: bool, *outputs: str, steps: int = 6) -> Module:
    """An LSTM of many steps of which only some results are read."""
    module, _ = one_node("lstm", [floats(steps, 2, 5), *WEIGHTS], reverse=reverse)
    places = {"y": 0, "h": 1, "c": 2}
    module.main.outputs = [module.main.nodes[0].outputs[places[name]] for name in outputs]
    return module


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("outputs", [("y",), ("h",), ("y", "h")])
def test_many_steps_are_the_operator_that_delegates_know(
    reverse: bool, outputs: tuple[str, ...]
) -> None:
    from ai_edge_litert import interpreter as runtime

    module = sequence(reverse, *outputs)
    made = export(module)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in codes(parse(made.data, "x"))
    held = runtime.Interpreter(model_content=made.data, num_threads=1)
    held.allocate_tensors()
    for seed in range(3):  # each call begins at zero, whatever the last one left
        x = floats(6, 2, 5, seed=seed) * 3
        held.set_tensor(held.get_input_details()[0]["index"], x)
        held.invoke()
        wanted = list(Interpreter(module).run({"x0": x}).values())
        for detail, right in zip(held.get_output_details(), wanted, strict=True):
            np.testing.assert_allclose(held.get_tensor(detail["index"]), right, atol=1e-5)


def test_many_steps_whose_last_cell_is_read_are_written_out() -> None:
    assert "UNPACK" in codes(parse(export(sequence(False, "y", "c")).data, "x"))


def test_hundreds_of_such_steps_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="300 steps"):
        export(sequence(False, "c", steps=300))
