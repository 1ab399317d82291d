"""OpenVINO's CPU plug-in, forced to float32: where the CPU has bfloat16 it would use that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgewright.bench.runtimes import Array, Loaded, copies

TITLE = "OpenVINO"
READS = (".onnx", ".tflite")
PACKAGES = ("openvino",)


def prepare() -> None:
    """Import it."""
    import openvino  # noqa: F401


def version() -> str:
    """Of the installed package."""
    import openvino

    return str(openvino.__version__).split("-")[0]


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """An .onnx or .tflite file, one stream; run-time sizes become those of the arrays."""
    import openvino

    core = openvino.Core()
    model = core.read_model(str(path))
    if any(p.get_partial_shape().is_dynamic for p in model.inputs):
        model.reshape({p: list(a.shape) for p, a in zip(model.inputs, arrays, strict=True)})
    settings = {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    for index, array in enumerate(arrays):
        request.set_input_tensor(index, openvino.Tensor(array, shared_memory=True))
    count = len(compiled.outputs)

    def bound() -> None:
        request.start_async()
        request.wait()

    return Loaded(
        bound,
        lambda: compiled(list(arrays)),
        lambda: copies([request.get_output_tensor(i).data for i in range(count)]),
    )
