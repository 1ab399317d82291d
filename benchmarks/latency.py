"""How fast is a model beside LiteRT or ONNX Runtime, on the same core, interleaved?

    python -m benchmarks.latency [--json] [MODEL ...]

Without models: those of ../shared/models that issue 2 names. Each row is one model; both runtimes
use one thread, are warmed up, and take turns in blocks; the table shows medians, the spread (half
the distance between the quartiles) and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import edgewright as ew
from edgewright.pipeline.model import Model, load_model
from edgewright.verify.samples import draw

MODELS = Path(os.environ.get("EDGEWRIGHT_MODELS", "../shared/models"))
ROUNDS = 15
BLOCK_S = 0.03

DEFAULT = [
    "kws/models/dscnn_int8.tflite", "kws/models/dscnn_float32.tflite",
    "cifar10/models/resnet8_mlperf_int8.tflite", "cifar10/models/resnet8_mlperf.tflite",
    "cifar10/models/resnet8_mlperf.onnx",
    "vww/models/vww_96_int8.tflite", "vww/models/vww_96_float.tflite",
    "vww/models/vww_96_float.onnx",
    "ad/models/ad01_int8.tflite", "ad/models/ad01_fp32.tflite",
    "micro/micro_speech/micro_speech.tflite", "micro/hello_world_float.tflite",
    "micro/hello_world_int8.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_float.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite",
    "imagenet/models/mobilenet_v2_1.0_224_quant.tflite",
    "segmentation/deeplabv3_257_float.tflite",
    "pose/movenet_single_pose_lightning_ptq.tflite",
    "onnx_misc/super_resolution/pytorch_super_resolution.onnx", "mnist/models/cntk_cnn.onnx",
    "mnist/models/lstm_float.tflite", "mnist/models/lstm_int8.tflite",
    "audio/dtln/model_1.onnx", "wakeword/alexa.tflite", "trees/rf_iris.onnx",
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One model; times in microseconds."""

    model: str
    peer: str
    edgewright_us: float
    edgewright_spread_us: float
    peer_us: float
    peer_spread_us: float

    @property
    def ratio(self) -> float:
        """Edgewright's median over the peer's: below 1 is faster."""
        return self.edgewright_us / self.peer_us


def peer_call(model: Model, sample: dict[str, Any]) -> tuple[str, Callable[[], object]]:
    """One thread of the runtime that reads the source format, with its inputs in place."""
    fed = dict(zip(model.interface.inputs, sample.values(), strict=True))
    if model.format == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(model.path), options, providers=["CPUExecutionProvider"]
        )
        return "ONNX Runtime", lambda: session.run(None, fed)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(model.path), num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], fed[detail["name"]])
    return "LiteRT", interpreter.invoke


def _block(call: Callable[[], object], seconds: float) -> list[float]:
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not times:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return times


def interleave(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Blocks of each call in turn, after a warm-up; times in microseconds."""
    for call in calls:
        _block(call, 3 * BLOCK_S)
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(taken, calls, strict=True):
            times += _block(call, BLOCK_S)
    return taken


def _summary(times: Sequence[float]) -> tuple[float, float]:
    quartiles = statistics.quantiles(times, n=4) if len(times) > 1 else [times[0]] * 3
    return statistics.median(times), (quartiles[2] - quartiles[0]) / 2


def measure(path: Path, requantization: str, rounds: int) -> Row:
    """Build a model, run it beside its own runtime."""
    model = load_model(path, requantization=requantization)
    with tempfile.TemporaryDirectory() as folder:
        package = ew.build(model, out=Path(folder) / "p")
        sample = draw(model.module.main, 1)[0]
        bound = package.bind(sample)
        peer, call = peer_call(model, sample)
        ours, theirs = interleave([bound, call], rounds)
    return Row(str(path), peer, *_summary(ours), *_summary(theirs))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--requantization", default="float")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    paths = given.models or [MODELS / name for name in DEFAULT]
    rows = []
    for path in paths:
        try:
            row = measure(path, given.requantization, given.rounds)
        except Exception as error:
            print(f"{path.name}: {type(error).__name__}: {str(error)[:150]}", file=sys.stderr)
            continue
        rows.append(row)
        if not given.json:
            print(
                f"{row.ratio:6.2f}x  {row.edgewright_us:10.1f} ±{row.edgewright_spread_us:7.1f} us"
                f"  {row.peer:13} {row.peer_us:10.1f} ±{row.peer_spread_us:7.1f} us  {path.name}"
            )
    if given.json:
        print(json.dumps([{**asdict(r), "ratio": r.ratio} for r in rows], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
