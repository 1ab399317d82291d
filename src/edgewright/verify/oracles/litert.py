"""LiteRT (ai-edge-litert): default kernels or the reference ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewright.verify.oracles.protocol import Array, Tensors


def run(kind: str, model: bytes, runs: list[Tensors], intermediates: bool) -> list[Tensors]:
    """Run each dict of inputs in order on one interpreter, with one thread."""
    from ai_edge_litert import interpreter as litert

    reference = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=reference
        if kind == "litert_ref"
        else litert.OpResolverType.AUTO,
        experimental_preserve_all_tensors=intermediates,
    )
    interpreter.allocate_tensors()
    return [_run_once(interpreter, inputs, intermediates) for inputs in runs]


def _run_once(interpreter: Any, inputs: Tensors, intermediates: bool) -> Tensors:
    _set_inputs(interpreter, inputs)
    interpreter.invoke()
    outputs = {
        d["name"]: interpreter.get_tensor(d["index"])
        for d in interpreter.get_output_details()
        if _holds_numbers(d)
    }
    return {**_intermediates(interpreter), **outputs} if intermediates else outputs


def _holds_numbers(detail: Any) -> bool:
    """Whether a tensor can be read: a resource handle's content crashes the runtime."""
    return np.dtype(detail["dtype"]).kind in "biufc"


def _set_inputs(interpreter: Any, inputs: Tensors) -> None:
    details = {d["name"]: d for d in interpreter.get_input_details()}
    if set(details) != set(inputs):
        raise ValueError(f"inputs are {sorted(details)}, got {sorted(inputs)}")
    moved = [n for n, x in inputs.items() if tuple(details[n]["shape"]) != x.shape]
    for name in moved:
        interpreter.resize_tensor_input(details[name]["index"], inputs[name].shape)
    if moved:
        interpreter.allocate_tensors()
    for name, x in inputs.items():
        interpreter.set_tensor(details[name]["index"], x)


def _intermediates(interpreter: Any) -> Tensors:
    """Every tensor with contents, by name and as `#INDEX`; the first of a name wins."""
    found: Tensors = {}
    for detail in interpreter.get_tensor_details():
        if not _holds_numbers(detail):
            continue
        try:
            value: Array = np.asarray(interpreter.get_tensor(detail["index"]))
        except ValueError:  # resource handles, and tensors that a delegate swallowed
            continue
        if value.dtype != object:
            found[f"#{detail['index']}"] = value
            found.setdefault(detail["name"], value)
    return found
