"""ExecuTorch with XNNPACK, from programs that PyTorch exports of the nets that onnx2torch reads.

No extra brings it: executorch, torch and torchvision fit together only in versions of one month
(measured: executorch 1.5.1, torch 2.13.0, onnx2torch 1.5.15).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright.bench.runtimes import Array, Loaded

TITLE = "ExecuTorch"
READS = (".pte",)
CONVERTS = (".onnx",)
PACKAGES = ("executorch",)
LIMIT_S = 300
#: onnx2torch imports torchvision for two operators of detectors, which no net here has.
_EXPORT = """\
import sys
from unittest import mock
for name in ("torchvision", "torchvision.ops"):
    sys.modules[name] = mock.MagicMock()
import onnx, onnx2torch, torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
model = onnx.load(sys.argv[1])
shapes = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input]
program = torch.export.export(onnx2torch.convert(model).eval(), tuple(map(torch.randn, shapes)))
lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
with open(sys.argv[2], "wb") as file:
    lowered.to_executorch().write_to_file(file)
"""


def prepare() -> None:
    """Import it."""
    import executorch.runtime  # noqa: F401


def version() -> str:
    """Of the installed package."""
    from importlib.metadata import version

    return version("executorch")


def convert(source: Path, folder: Path) -> Path:
    """Make `model.pte`, in a process of its own, since the exporter needs much memory."""
    made = folder / "model.pte"
    subprocess.run([sys.executable, "-c", _EXPORT, str(source), str(made)], check=True,
                   capture_output=True, cwd=folder, timeout=LIMIT_S)  # fmt: skip
    return made


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """A .pte file. Raises RuntimeError."""
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    portable_lib._unsafe_reset_threadpool(threads)
    program = Runtime.get().load_program(path)
    method = program.load_method("forward")
    if method is None:
        raise RuntimeError("the program has no method `forward`")
    given = [torch.from_numpy(array) for array in arrays]

    def complete() -> list[Array]:
        fed = [torch.from_numpy(array) for array in arrays]
        return [result.numpy() for result in method.execute(fed)]

    return Loaded(lambda: method.execute(given), complete, complete)
