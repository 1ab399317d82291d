"""TensorFlow Lite for Microcontrollers (the tflite-micro wheel)."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewright.verify.oracles.protocol import Tensors

ARENA_BYTES = 64 << 20


def run(kind: str, model: bytes, runs: list[Tensors], intermediates: bool) -> list[Tensors]:
    """Run each dict of inputs in order on one interpreter."""
    from tflite_micro import runtime

    config = runtime.InterpreterConfig.kAllocationRecording
    if intermediates:
        config = runtime.InterpreterConfig.kPreserveAllTensors
    interpreter = runtime.Interpreter.from_bytes(
        model, arena_size=ARENA_BYTES, intrepreter_config=config
    )
    graph = _main_graph(model)
    return [_run_once(interpreter, graph, inputs, intermediates) for inputs in runs]


def _main_graph(model: bytes) -> Any:
    """Return the lazy accessor of the first subgraph: the runtime does not tell names."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.Model.GetRootAs(model, 0).Subgraphs(0)


def _run_once(interpreter: Any, graph: Any, inputs: Tensors, intermediates: bool) -> Tensors:
    names = [graph.Tensors(graph.Inputs(i)).Name().decode() for i in range(graph.InputsLength())]
    if set(names) != set(inputs):
        raise ValueError(f"inputs are {sorted(names)}, got {sorted(inputs)}")
    for place, name in enumerate(names):
        interpreter.set_input(inputs[name], place)
    interpreter.invoke()
    found = _intermediates(interpreter, graph) if intermediates else {}
    for place in range(graph.OutputsLength()):
        name = graph.Tensors(graph.Outputs(place)).Name().decode()
        found[name] = np.array(interpreter.get_output(place))
    return found


def _intermediates(interpreter: Any, graph: Any) -> Tensors:
    found: Tensors = {}
    for index in range(graph.TensorsLength()):
        value = np.array(interpreter.GetTensor(index, 0)["tensor_data"])
        if value.dtype != object:  # the binding gives None for an empty tensor
            found[f"#{index}"] = value
            found.setdefault(graph.Tensors(index).Name().decode(), value)
    return found
