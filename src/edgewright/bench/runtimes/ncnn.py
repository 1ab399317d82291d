"""ncnn, in float32, from files that pnnx makes of .onnx ones."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from edgewright.bench.runtimes import Array, Loaded, copies

TITLE = "ncnn"
READS = (".param",)
CONVERTS = (".onnx",)
PACKAGES = ("ncnn",)


def prepare() -> None:
    """Import it."""
    import ncnn  # noqa: F401


def version() -> str:
    """Of the installed package."""
    from importlib.metadata import version

    return version("ncnn")


def convert(source: Path, folder: Path) -> Path:
    """Make `NAME.param` and `.bin`; pnnx is run without its Python, which wants torch."""
    spec = find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise ImportError("pnnx is not installed (pip install --no-deps pnnx)")
    program = Path(spec.origin).with_name("pnnx")
    param = folder / "model.param"
    subprocess.run(
        [program, source, "fp16=0", f"ncnnparam={param}", f"ncnnbin={folder / 'model.bin'}",
         *[f"{kind}={folder / 'pnnx'}.{kind}" for kind in ("pnnxparam", "pnnxbin", "pnnxonnx")],
         *[f"{kind}py={folder / kind}.py" for kind in ("pnnx", "ncnn")]],
        check=True, capture_output=True, cwd=folder, timeout=120,
    )  # fmt: skip
    for rest in [*folder.glob("*pnnx*"), source.with_suffix(".pnnxsim.onnx")]:
        rest.unlink(missing_ok=True)
    return param


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """Without the batch axis, which ncnn does not know. Raises RuntimeError."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    for half in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{half}", False)
    if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
        raise RuntimeError("ncnn cannot read the file")
    inputs = [ncnn.Mat(a[0]).clone() for a in arrays]
    ins, outs = net.input_names(), net.output_names()

    def run(given: Sequence[object]) -> list[object]:
        extractor = net.create_extractor()
        for name, value in zip(ins, given, strict=True):
            extractor.input(name, value)
        results = []
        for name in outs:
            status, result = extractor.extract(name)
            if status:
                raise RuntimeError("ncnn cannot run the net")
            results.append(result)
        return results

    def complete() -> list[Array]:
        return copies(run([ncnn.Mat(a[0]) for a in arrays]))

    return Loaded(lambda: run(inputs), complete, lambda: copies(run(inputs)))
