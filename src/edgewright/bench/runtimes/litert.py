"""LiteRT with XNNPACK, its default on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.bench.runtimes import Array, Loaded, copies

TITLE = "LiteRT"
READS = (".tflite",)
PACKAGES = ("ai_edge_litert",)


def prepare() -> None:
    """Import it."""
    import ai_edge_litert.interpreter  # noqa: F401


def version() -> str:
    """Of the installed package."""
    from importlib.metadata import version

    return version("ai-edge-litert")


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """A .tflite file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    inputs, results = interpreter.get_input_details(), interpreter.get_output_details()
    for detail, array in zip(inputs, arrays, strict=True):
        if tuple(detail["shape"]) != array.shape:
            interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    given = [_quantised(a, d) for a, d in zip(arrays, inputs, strict=True)]

    def feed() -> None:
        for detail, array in zip(inputs, given, strict=True):
            interpreter.set_tensor(detail["index"], array)

    def outputs() -> list[Array]:
        return [interpreter.get_tensor(d["index"]) for d in results]

    def complete() -> list[Array]:
        feed()
        interpreter.invoke()
        return outputs()

    def real() -> list[Array]:
        # What the suite quantised answers in float32 elsewhere; real int8 models answer in int8.
        made = any(g.dtype != a.dtype for g, a in zip(given, arrays, strict=True))
        found = copies(outputs())
        return [_real(a, d) if made else a for a, d in zip(found, results, strict=True)]

    feed()
    return Loaded(interpreter.invoke, complete, real)


def _quantised(array: Array, detail: dict[str, Any]) -> Array:
    """The input in the file's dtype."""
    if array.dtype == detail["dtype"]:
        return array
    scale, zero = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    steps: Array = np.clip(np.rint(array / scale) + zero, limits.min, limits.max)
    return steps.astype(detail["dtype"])


def _real(array: Array, detail: dict[str, Any]) -> Array:
    """The output in real units."""
    scale, zero = detail["quantization"]
    return ((array.astype(np.float32) - zero) * scale) if scale else array
