"""Reference runtimes, each run in a process of its own under limits of time and memory.

They parse hostile files unsafely (tflite-micro crashes on mutated ones), so a crash must be an
answer here, not the end of the program.

    run("litert_ref", "kws.tflite", [{"input_1": x}])  ->  [{"Identity": y}]

Tensors are named as in the model file. With `intermediates`, TFLite's also appear as `#INDEX`.
Several inputs are run one after the other on one interpreter, so state carries over.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import edgewright
from edgewright.errors import MissingPackage, OracleError
from edgewright.verify.oracles.protocol import Array, Tensors, pack, unpack

__all__ = ["Kind", "OracleCrashed", "OracleRefused", "OracleTimedOut", "Tensors", "run"]

Kind = Literal["litert", "litert_ref", "litert_steps", "tflm", "onnxruntime"]

NAMES: dict[str, str] = {
    "litert": "LiteRT",
    "litert_ref": "LiteRT (reference kernels)",
    "litert_steps": "LiteRT (operator by operator)",
    "tflm": "tflite-micro",
    "onnxruntime": "ONNX Runtime",
}
TIMEOUT_S = 60.0
MEMORY_BYTES = 8 << 30  # address space: the runtimes reserve far more than they touch


class OracleRefused(OracleError):
    """The runtime read the model or the inputs and said no; `what` holds its own words."""


class OracleCrashed(OracleError):
    """The runtime's process died (bad memory access, abort, memory limit)."""


class OracleTimedOut(OracleError):
    """The runtime was still working when its time was up."""


def run(
    kind: Kind,
    model: str | Path | bytes,
    inputs: Sequence[Mapping[str, Array]],
    intermediates: bool = False,
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> list[Tensors]:
    """Run a model on each dict of inputs, in order, and return a dict of outputs for each.

    Args:
        kind: which runtime; `litert` means LiteRT's default kernels, `litert_ref` BUILTIN_REF.
        model: path or content of a .tflite (`onnxruntime`: .onnx).
        inputs: arrays by the names in the file; other shapes resize the input where possible.
        intermediates: also return every intermediate tensor that the runtime can show.
        timeout_s: wall-clock limit of the whole job.
        memory_bytes: limit of the process's address space.

    Raises:
        OracleRefused, OracleCrashed, OracleTimedOut, MissingPackage.
    """
    where = None if isinstance(model, bytes) else model
    header = {
        # The child reads a file itself: large ones are not held twice here.
        "path": "" if isinstance(model, bytes) else str(Path(model).resolve(strict=True)),
        "kind": kind,
        "intermediates": intermediates,
        "cpu_s": int(timeout_s) + 1,
        "memory_bytes": memory_bytes,
    }
    answer = _ask(
        kind, pack(header, inputs, model if isinstance(model, bytes) else b""), timeout_s, where
    )
    return _read(kind, answer, where)


def _ask(kind: str, job: bytes, timeout_s: float, where: object) -> bytes:
    package_root = str(Path(edgewright.__file__).parent.parent)
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", f"{__name__}.worker"],
            input=job,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except subprocess.TimeoutExpired as error:
        raise OracleTimedOut(f"{NAMES[kind]} took longer than {timeout_s:g} s", where) from error
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        said = f": {last[0]}" if last else ""
        raise OracleCrashed(f"{NAMES[kind]} {_ending(child.returncode)}{said}", where)
    return child.stdout


def _ending(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _read(kind: str, answer: bytes, where: object) -> list[Tensors]:
    try:
        header, outputs, _ = unpack(answer)
    except ValueError as error:
        raise OracleCrashed(f"{NAMES[kind]} sent a damaged answer", where) from error
    if header.get("error") == "missing":
        raise _missing(kind, header)
    if header.get("error"):
        raise OracleRefused(f"{NAMES[kind]} refuses: {header['what']}", where)
    return outputs


def _missing(kind: str, header: dict[str, Any]) -> MissingPackage:
    package = str(header.get("package") or kind).replace("_", "-")
    extra = "pip install 'edgewright[dev]'" if kind == "tflm" else f"pip install {package}"
    return MissingPackage(f"{NAMES[kind]} is not installed: {header['what']}", help=extra)
