"""MNN on the CPU at high precision, from files that its own converter makes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgewright.bench.runtimes import Array, Loaded

TITLE = "MNN"
READS = (".mnn",)
CONVERTS = (".onnx", ".tflite")
PACKAGES = ("MNN", "mnn.libs", "_mnncengine")


def prepare() -> None:
    """Import it."""
    import MNN  # noqa: F401


def version() -> str:
    """Of the installed package."""
    from importlib.metadata import version

    return version("MNN")


def convert(source: Path, folder: Path) -> Path:
    """Make `model.mnn`, in a process of its own, since the converter crashes on some files.

    The compiled converter is called, not the command `mnnconvert`: that one installs a package
    with pip and reports over the network what it converted.
    """
    kind = {".onnx": "ONNX", ".tflite": "TFLITE"}[source.suffix]
    made = folder / "model.mnn"
    arguments = ["-f", kind, "--modelFile", str(source), "--MNNModel", str(made), "--bizCode", "b"]
    if source.name.startswith("lstm"):
        arguments.append("--useOriginRNNImpl")  # it crashes on the other form
    code = "import sys, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True,
                   cwd=folder, timeout=120)  # fmt: skip
    return made


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """A .mnn file through the session interface. Raises RuntimeError."""
    import MNN

    interpreter = MNN.Interpreter(str(path))
    session = interpreter.createSession(
        {"backend": "CPU", "numThread": threads, "precision": "high"}
    )
    if session is None:
        raise RuntimeError("MNN makes no session")
    tensors = list(interpreter.getSessionInputAll(session).values())
    for tensor, array in zip(tensors, arrays, strict=True):
        if tuple(tensor.getShape()) != array.shape:
            interpreter.resizeTensor(tensor, array.shape)
    interpreter.resizeSession(session)
    hosts = [_host(MNN, t, a) for t, a in zip(tensors, arrays, strict=True)]
    results = interpreter.getSessionOutputAll(session)

    def feed() -> None:
        for tensor, host in zip(tensors, hosts, strict=True):
            tensor.copyFrom(host)

    def complete() -> list[Array]:
        feed()  # each time: a run may use the inputs' memory for something else
        interpreter.runSession(session)
        return [np.array(t.getNumpyData()) for t in results.values()]

    feed()
    return Loaded(lambda: interpreter.runSession(session), complete, complete)


def _host(mnn: object, tensor: object, array: Array) -> object:
    """The array as a tensor that the session's copies read."""
    layout = tensor.getDimensionType()  # type: ignore[attr-defined]
    kinds = {"float32": "Float", "uint8": "Uint8", "int32": "Int"}
    if array.dtype.name not in kinds:
        raise RuntimeError(f"MNN's Python has no {array.dtype.name} tensors")
    kind = getattr(mnn, f"Halide_Type_{kinds[array.dtype.name]}")
    return mnn.Tensor(array.shape, kind, array, layout)  # type: ignore[attr-defined]
