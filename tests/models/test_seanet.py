"""The 66 int16x8 models of one operator that TFLite Micro tests itself with: the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import edgewright as ew
from edgewright.artifact.manifest import TensorInfo
from edgewright.graph import Value
from edgewright.importers import ImportOptions, import_model
from edgewright.ops.interpreter import Interpreter

pytestmark = pytest.mark.models
Array = npt.NDArray[Any]
#: how many models each operator has; their files have even numbers
COUNTS = {
    "add": 9, "conv": 11, "leaky_relu": 12, "pad": 10, "quantize": 1, "strided_slice": 17,
    "sub": 3, "transpose_conv": 3,
}  # fmt: skip
NAMES = [f"{op}/{op}{2 * i}" for op, count in COUNTS.items() for i in range(count)]
#: the kinds of arithmetic: products, a change of quantisation, a sum, a transposed product
COMPILED = ("conv/conv0", "quantize/quantize0", "sub/sub0", "transpose_conv/transpose_conv0")


def read(models: Path, name: str) -> tuple[Path, list[Array], Array]:
    """The model, its inputs and the golden output, flat."""
    path = models / "micro" / "seanet_int16" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is absent; see MANIFEST.md of the models")
    inputs = sorted(path.parent.glob(f"{path.stem}_input*.csv"))
    (golden,) = path.parent.glob(f"{path.stem}_golden*.csv")
    return path, [numbers(p) for p in inputs], numbers(golden)


def numbers(path: Path) -> Array:
    return np.loadtxt(path, delimiter=",", dtype=np.int64).ravel()


def shaped(flat: Array, value: Value) -> Array:
    return flat.astype(value.type.dtype.numpy).reshape(value.type.dims)


def fed(flat: Array, info: TensorInfo) -> Array:
    return flat.astype(info.dtype).reshape([int(d) for d in info.shape])


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_exact(models: Path, name: str) -> None:
    path, inputs, golden = read(models, name)
    module = import_model(path, ImportOptions()).module
    module.requantization = "fixed"
    feeds = {v.name: shaped(x, v) for v, x in zip(module.main.inputs, inputs, strict=True)}
    (output,) = Interpreter(module).run(feeds).values()
    np.testing.assert_array_equal(output.ravel(), golden)


def compiled_is_exact(models: Path, name: str, out: Path) -> None:
    path, inputs, golden = read(models, name)
    package = ew.build(path, out=out, requantization="fixed")
    feeds = {i.name: fed(x, i) for i, x in zip(package.inputs, inputs, strict=True)}
    (output,) = package.run(feeds).values()
    np.testing.assert_array_equal(output.ravel(), golden)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_code_is_exact(models: Path, name: str, tmp_path: Path) -> None:
    compiled_is_exact(models, name, tmp_path / "package")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in NAMES if n not in COMPILED])
def test_all_compiled_code_is_exact(models: Path, name: str, tmp_path: Path) -> None:
    compiled_is_exact(models, name, tmp_path / "package")
