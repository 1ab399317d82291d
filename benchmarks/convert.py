"""How well does `convert` do beside onnx2tf, and what does it cost?

    python -m benchmarks.convert [--peer PYTHON] [--nets FOLDER] [--json] [MODEL ...]

Without models: the nets of `benchmarks.nets` and every .onnx file of ../shared/models that
Edgewright imports. Each is converted to .tflite by Edgewright and, where `--peer` names a Python
with onnx2tf and TensorFlow, by onnx2tf, each in a process of its own; a file is *correct* where
LiteRT's answer lies within 1e-3 of the range of ONNX Runtime's on the same inputs.

The first line of each model is what it took: seconds of CPU and wall clock, peak memory, transposes
left in the file. `--latency` compares a channels-first net that was converted with the same net
authored channels-last.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
MODELS = Path(os.environ.get("EDGEWRIGHT_MODELS", "../shared/models"))
TOLERANCE = 1e-3
TIMEOUT_S = 600
ROUNDS = 30
#: the whole of onnx2tf, called as its manual says
PEER = """
import sys, onnx2tf
onnx2tf.convert(input_onnx_file_path=sys.argv[1], output_folder_path=sys.argv[2],
                non_verbose=True, copy_onnx_input_output_names_to_tflite=True)
"""


@dataclass(frozen=True)
class Attempt:
    """One converter on one model; `error` is None where it wrote nothing that runs."""

    converter: str
    model: str
    wall_s: float
    cpu_s: float
    peak_mib: float
    file_mib: float
    transposes: int | None
    error: float | None
    said: str = ""

    @property
    def correct(self) -> bool:
        """Whether LiteRT answers as ONNX Runtime does."""
        return self.error is not None and self.error <= TOLERANCE


def run_limited(command: list[str], folder: Path) -> tuple[float, float, float, str]:
    """Wall and CPU seconds, peak MiB, and what was said in vain."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder)
        killer = time.perf_counter() + TIMEOUT_S
        while True:
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            if time.perf_counter() > killer:
                child.kill()
            time.sleep(0.01)
        child.returncode = status
        said.seek(0)
        lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    wall, cpu = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    telling = [x for x in lines if x.startswith("error[") or "Error: " in x]
    failure = (telling or lines or [""])[0]
    return wall, cpu, usage.ru_maxrss / 1024, failure[:160] if status else ""


def attempt(converter: str, command: list[str], model: Path, folder: Path) -> Attempt:
    """Run a converter and judge what it wrote."""
    wall, cpu, peak, failure = run_limited(command, folder)
    size = model.stat().st_size / 2**20
    files = sorted(folder.glob("*.tflite"), key=lambda p: ("float16" in p.name, p.name))
    held: tuple[int | None, float | None] = (None, None)
    if files:
        try:
            held = transposes_in(files[0]), error_of(model, files[0])
        except Exception as error:  # whatever a runtime raises on what a converter wrote
            failure = failure or f"{type(error).__name__}: {error}"[:160]
    return Attempt(converter, str(model), wall, cpu, peak, size, held[0], held[1], failure)


def transposes_in(path: Path) -> int:
    """How many TRANSPOSE operators a .tflite file has."""
    from edgewright.pipeline.contents import contents_of

    held = contents_of("tflite", path.read_bytes())
    return held.inside + held.interface


def error_of(model: Path, path: Path) -> float:
    """The largest difference between LiteRT and ONNX Runtime, as a share of the range."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    fed = {i.name: _sample(i) for i in session.get_inputs()}
    wanted = [np.asarray(a) for a in session.run(None, fed)]
    interpreter = Interpreter(str(path), num_threads=1)
    details = interpreter.get_input_details()
    for place, (name, array) in enumerate(fed.items()):
        named = [d for d in details if _plain(d["name"]) == _plain(name)]
        detail = named[0] if named else details[place]
        moved = _fitted(array, tuple(detail["shape"]))
        if tuple(detail["shape"]) != moved.shape:
            interpreter.resize_tensor_input(detail["index"], moved.shape)
            interpreter.allocate_tensors()
    interpreter.allocate_tensors()
    for place, (name, array) in enumerate(fed.items()):
        named = [d for d in details if _plain(d["name"]) == _plain(name)]
        detail = named[0] if named else details[place]
        interpreter.set_tensor(detail["index"], _fitted(array, tuple(detail["shape"])))
    interpreter.invoke()
    got = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    return max(min(_difference(w, g) for g in got if g.size == w.size) for w in wanted)


def _plain(name: str) -> str:
    return name.removeprefix("serving_default_").split(":")[0]


def _sample(info: Any) -> Array:
    """Normal numbers, or small whole ones, of an input's type."""
    shape = [d if isinstance(d, int) and d > 0 else 1 for d in info.shape]
    random = np.random.default_rng(0)
    if "float" in info.type:
        return random.standard_normal(shape).astype(np.float32)
    return random.integers(0, 8, shape).astype(np.int64 if "64" in info.type else np.int32)


def _fitted(array: Array, shape: tuple[int, ...]) -> Array:
    """Channels last where the file wants that."""
    if array.shape != shape and array.ndim > 2:
        turned = np.moveaxis(array, 1, -1)
        if turned.shape == shape or (array.ndim == 4 and shape[-1] == array.shape[1]):
            return np.ascontiguousarray(turned)
    return array


def _difference(wanted: Array, got: Array) -> float:
    """The smallest error over the orders of axes in which an answer may come."""
    real = wanted.astype(np.float64)
    span = max(float(np.ptp(real)), 0.1 * float(np.abs(real).max()), 1e-6)
    forms = [got] if got.shape == wanted.shape or got.ndim < 3 else [np.moveaxis(got, -1, 1), got]
    return min(
        float(np.abs(form.astype(np.float64).reshape(real.shape) - real).max()) / span
        for form in forms
        if form.size == real.size
    )


def compare(models: list[Path], peer: str | None) -> list[Attempt]:
    """Every model through every converter."""
    found = []
    for model in models:
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "ours.tflite"
            command = [sys.executable, "-m", "edgewright", "convert", str(model), str(out)]
            found.append(attempt("edgewright", command, model, Path(name)))
        _print(found[-1])
        if peer:
            with tempfile.TemporaryDirectory() as name:
                _images(Path(name))
                command = [peer, "-c", PEER, str(model), name]
                found.append(attempt("onnx2tf", command, model, Path(name)))
            _print(found[-1])
    return found


def _images(folder: Path) -> None:
    """What onnx2tf would download for its own check of images."""
    images = np.random.default_rng(0).random((20, 128, 128, 3)).astype(np.float32)
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", images)


def _print(row: Attempt) -> None:
    error = "-" if row.error is None else f"{row.error:.1e}"
    turned = "-" if row.transposes is None else row.transposes
    verdict = "correct" if row.correct else "WRONG" if row.error is not None else "NOTHING"
    print(
        f"{row.converter:10} {Path(row.model).name[:34]:34} {verdict:8} error {error:8} "
        f"transposes {turned!s:>3}  {row.wall_s:6.1f} s  {row.cpu_s:6.1f} s CPU  "
        f"{row.peak_mib:6.0f} MiB ({row.file_mib:.1f} MiB file)  {row.said}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


# -- latency ---------------------------------------------------------------------------------------


def latency(model: Path, authored: Path | None) -> dict[str, float]:
    """Medians in LiteRT of a channels-first net converted, and of the same authored channels-last.

    Without a file that TensorFlow wrote of the same net, `authored`, the latter is the converted
    one read and written again, which knows nothing of channels-first any more.
    """
    from ai_edge_litert.interpreter import Interpreter

    import edgewright as ew

    with tempfile.TemporaryDirectory() as name:
        first, last = Path(name) / "first.tflite", Path(name) / "last.tflite"
        ew.convert(model, first)
        if authored is None:
            authored_channels_last(model, last)
        else:
            last.write_bytes(authored.read_bytes())
        calls = {}
        for path in (first, last):
            interpreter = Interpreter(str(path), num_threads=1)
            interpreter.allocate_tensors()
            (detail,) = interpreter.get_input_details()
            image = np.random.default_rng(0).standard_normal(detail["shape"]).astype(np.float32)
            interpreter.set_tensor(detail["index"], image)
            interpreter.invoke()
            calls[path.stem] = interpreter
        times: dict[str, list[float]] = {stem: [] for stem in calls}
        for _ in range(ROUNDS):
            for stem, interpreter in calls.items():
                started = time.perf_counter()
                interpreter.invoke()
                times[stem].append(time.perf_counter() - started)
    medians = {f"{stem}_ms": 1e3 * statistics.median(held) for stem, held in times.items()}
    return {**medians, "ratio": medians["first_ms"] / medians["last_ms"]}


def authored_channels_last(model: Path, out: Path) -> None:
    """The same net through a channels-last .tflite file: written, read again, written again."""
    import edgewright as ew

    with tempfile.TemporaryDirectory() as name:
        once = Path(name) / "once.tflite"
        ew.convert(model, once, verified=False)
        ew.convert(once, out, verified=False)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--peer", help="a Python that has onnx2tf")
    parser.add_argument("--nets", type=Path, default=Path("build/nets"))
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--authored", type=Path, help="the model as TensorFlow wrote it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    models = [p.resolve() for p in given.models or default_models(given.nets)]
    if given.latency:
        print(json.dumps({m.name: latency(m, given.authored) for m in models}, indent=2))
        return
    rows = compare(models, given.peer)
    if given.json:
        print(json.dumps([{**asdict(r), "correct": r.correct} for r in rows], indent=2))
    for name in dict.fromkeys(r.converter for r in rows):
        own = [r for r in rows if r.converter == name]
        written, right = sum(r.error is not None for r in own), sum(r.correct for r in own)
        print(f"{name}: {written} of {len(own)} converted, {right} correct", file=sys.stderr)


def default_models(folder: Path) -> list[Path]:
    """The nets of the suite, then the real models."""
    from benchmarks.nets import nets, write

    real = [p for p in sorted(MODELS.rglob("*.onnx")) if "negative" not in p.parts]
    return [*(write(name, folder) for name in nets()), *real]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
