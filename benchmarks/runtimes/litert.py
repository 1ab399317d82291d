"""LiteRT with XNNPACK, its default on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.runtimes import Array, Loaded, copies

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
    places = [d["index"] for d in interpreter.get_input_details()]
    results = [d["index"] for d in interpreter.get_output_details()]
    for place, array in zip(places, arrays, strict=True):
        if tuple(interpreter.get_input_details()[places.index(place)]["shape"]) != array.shape:
            interpreter.resize_tensor_input(place, array.shape)
    interpreter.allocate_tensors()

    def feed() -> None:
        for place, array in zip(places, arrays, strict=True):
            interpreter.set_tensor(place, array)

    def complete() -> list[Array]:
        feed()
        interpreter.invoke()
        return [interpreter.get_tensor(r) for r in results]

    feed()
    return Loaded(
        interpreter.invoke, complete, lambda: copies([interpreter.get_tensor(r) for r in results])
    )
