"""The same model gives the same bytes: in another folder, another hash order, on another CPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright.artifact import Package
from tests.models.catalog import Case, each_model

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]
QUICK = ("kws/models/dscnn_int8.tflite", "cifar10/models/resnet8_mlperf.onnx")
BUILD = """
import sys, edgewright
model, out, mode, *states = sys.argv[1:]
pairs = dict(s.split("=") for s in states)
edgewright.build(model, out=out, requantization=mode, states=pairs)
"""
#: what NumPy and OpenBLAS do on a CPU of 2010
OLD_CPU = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",
}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a package."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@each_model(quick=lambda case, mode: case.path in QUICK and mode == "float")
def test_two_builds_are_byte_identical(
    package: Package, case: Case, mode: str, models: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another place" / "package"
    states = [f"{k}={v}" for k, v in case.states.items()]
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(models / case.path), str(other), mode, *states],
        cwd=tmp_path,
        env={**os.environ, **OLD_CPU, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    mine, theirs = contents(package.folder), contents(other)
    assert list(mine) == list(theirs)
    assert [name for name in mine if mine[name] != theirs[name]] == []
    assert len(mine) > 6
