"""UNIDIRECTIONAL_SEQUENCE_LSTM: against LiteRT, over several calls, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite import single
from tests.importers.tflite.single import Array, options

STEPS, BATCH, INPUTS, CELLS = 5, 2, 3, 4
TANH = 4


def operands(time_major: bool, **changes: Operand | None) -> list[Operand | None]:
    """The 24 inputs; peepholes, projection and normalisation are absent."""
    rng = np.random.default_rng(3)

    def weight(name: str, *shape: int) -> Operand:
        data = rng.normal(0, 0.5, shape).astype(np.float32)
        return Operand(name, "float32", shape, data=data)

    shape = (STEPS, BATCH, INPUTS) if time_major else (BATCH, STEPS, INPUTS)
    gates = "ifco"
    found: dict[str, Operand | None] = {"x": Operand("x", "float32", shape)}
    found |= {f"w{g}": weight(f"w{g}", CELLS, INPUTS) for g in gates}
    found |= {f"r{g}": weight(f"r{g}", CELLS, CELLS) for g in gates}
    found |= {f"peephole{g}": None for g in "ifo"}
    found |= {f"b{g}": weight(f"b{g}", CELLS) for g in gates}
    found |= {"projection": None, "projection_bias": None}
    found |= {n: Operand(n, "float32", (BATCH, CELLS), state=True) for n in ("h", "c")}
    found |= {f"norm{g}": None for g in gates}
    assert set(changes) <= set(found)
    return list((found | changes).values())


def model(time_major: bool, made: Any = None, **changes: Operand | None) -> bytes:
    options_ = made or lstm(timeMajor=time_major)
    inputs = operands(time_major, **changes)
    shape = (STEPS, BATCH, CELLS) if time_major else (BATCH, STEPS, CELLS)
    y = Operand("y", "float32", shape)
    return build("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], options_)


def lstm(**fields: Any) -> Any:
    return options("UnidirectionalSequenceLSTM", **{"fusedActivationFunction": TANH, **fields})


def calls(content: bytes, xs: list[Array]) -> list[Array]:
    """LiteRT's outputs of calls one after the other: its state lives in between."""
    from ai_edge_litert import interpreter as runtime

    chosen = runtime.OpResolverType.BUILTIN_REF
    interpreter = runtime.Interpreter(model_content=content, experimental_op_resolver_type=chosen)
    interpreter.allocate_tensors()
    found = []
    for x in xs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        output = interpreter.get_output_details()[0]["index"]
        found.append(np.array(interpreter.get_tensor(output)))
    return found


@pytest.mark.parametrize("clip", [0.0, 0.4])
@pytest.mark.parametrize("time_major", [False, True])
def test_state_lives_between_calls(time_major: bool, clip: float) -> None:
    content = model(time_major, lstm(timeMajor=time_major, cellClip=clip))
    shape = (STEPS, BATCH, INPUTS) if time_major else (BATCH, STEPS, INPUTS)
    xs = [single.random(shape, "float32", seed) for seed in range(3)]
    module = single.load(content)
    ours = Interpreter(module)
    for x, wanted in zip(xs, calls(content, xs), strict=True):
        single.compare(ours.run({"x": x})["y"], wanted)
    assert sorted(module.states) == ["c", "h"]


def test_a_reset_begins_anew() -> None:
    content = model(time_major=True)
    x = single.random((STEPS, BATCH, INPUTS), "float32")
    ours = Interpreter(single.load(content))
    first = ours.run({"x": x})["y"]
    assert not np.array_equal(ours.run({"x": x})["y"], first)
    ours.reset()
    np.testing.assert_array_equal(ours.run({"x": x})["y"], first)


CELL = Operand("p", "float32", (CELLS,), data=np.ones(CELLS, np.float32))
SQUARE = Operand("p", "float32", (CELLS, CELLS), data=np.ones((CELLS, CELLS), np.float32))
FED = Operand("h", "float32", (BATCH, CELLS))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"peepholef": CELL}, "peephole connections is not supported"),
        ({"projection": SQUARE}, "a projection is not supported"),
        ({"normi": CELL}, "layer normalisation is not supported"),
        ({"wi": None}, "coupled input and forget gates are not supported"),
        ({"h": FED}, "state tensor 'h' is not variable"),
        ({"c": None}, "the state tensors are missing"),
        ({"wf": dataclasses.replace(CELL, shape=(CELLS, INPUTS), data=None)},
         "a gate's tensor is computed at run time"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Operand | None], what: str) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        single.load(model(time_major=True, **change))
    assert what in caught.value.what
    assert caught.value.where == "model.tflite: UNIDIRECTIONAL_SEQUENCE_LSTM #0 -> 'y'"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"fusedActivationFunction": 1}, "the cell's activation must be TANH"),
        ({"projClip": 1.0}, "projection clipping is not supported"),
    ],
)
def test_refused_options(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(UnsupportedModel, match=what):
        single.load(model(True, lstm(timeMajor=True, **fields)))
