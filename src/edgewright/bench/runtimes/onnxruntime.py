"""ONNX Runtime's CPU provider."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.bench.runtimes import Array, Loaded, copies

TITLE = "ONNX Runtime"
READS = (".onnx",)
PACKAGES = ("onnxruntime",)


def prepare() -> None:
    """Import it."""
    import onnxruntime  # noqa: F401


def version() -> str:
    """Of the installed package."""
    import onnxruntime

    return str(onnxruntime.__version__)


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """An .onnx file; `bound` uses an IO binding, which spares the copies."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    fed = dict(zip([i.name for i in session.get_inputs()], arrays, strict=True))
    plain = all(o.type.startswith("tensor(") for o in session.get_outputs())
    plain &= all(isinstance(n, int) for o in session.get_outputs() for n in o.shape)
    if not plain:  # maps and results of unknown size cannot be bound

        def run() -> list[Array]:
            return session.run(None, fed)  # type: ignore[no-any-return]

        return Loaded(run, run, lambda: copies(run()))
    binding = session.io_binding()
    held = [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in arrays]
    for name, value in zip(fed, held, strict=True):
        binding.bind_ortvalue_input(name, value)
    for out in session.get_outputs():
        binding.bind_output(out.name, "cpu")
    for out in session.get_outputs():
        place = onnxruntime.OrtValue.ortvalue_from_shape_and_type(out.shape, _dtype(out.type))
        binding.bind_ortvalue_output(out.name, place)
    return Loaded(
        lambda: session.run_with_iobinding(binding),
        lambda: session.run(None, fed),
        lambda: copies(binding.copy_outputs_to_cpu()),
    )


def _dtype(name: str) -> np.dtype[Any]:
    """Of a type as ONNX Runtime calls it, such as tensor(float)."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    return np.dtype({"float": "float32", "double": "float64"}.get(inner, inner))
